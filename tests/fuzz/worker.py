"""One target under atheris, in a process of its own: `python -m tests.fuzz.worker NAME FOUND [libFuzzer options]`."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tocsin"]):
    from tests.fuzz.targets import target

from tests.fuzz.defects import Found


def main() -> None:
    """Fuzzes until the time that libFuzzer was given is over; atheris ends the process itself."""
    _, name, folder, *options = sys.argv
    found = Found(target(name).run, Path(folder))
    atheris.Setup([sys.argv[0], *options], found.try_)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
