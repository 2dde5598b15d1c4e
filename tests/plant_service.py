"""`tocsin run` that takes readings of the plants named in `plants`, a file beside its settings, a name a line.

usage: plant_service.py PYTHON -m tocsin ARGUMENT…
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.running_service import Running

from tocsin.cli import service
from tocsin.cli.main import main
from tocsin.engine.serve_request import ServeRequest

_REQUESTED = service.requested


def running(folder: Path) -> Running:
    """The service of `folder`, started."""
    root = str(Path(__file__).parents[1])
    return Running(
        folder,
        before=[sys.executable, __file__],
        more={"PYTHONPATH": f"{root}:{Path(service.__file__).parents[2]}"},
    )


def requested(settings: Any, progress: Any) -> tuple[ServeRequest, Sequence[str]]:
    """As the settings say, with the plants."""
    request, sentences = _REQUESTED(settings, progress)
    return replace(request, plants=tuple((settings.file.parent / "plants").read_text().split())), sentences


if __name__ == "__main__":
    service.requested = requested
    sys.argv = sys.argv[3:]
    main()
