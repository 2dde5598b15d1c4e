"""What a newcomer waits for: clone, `make demo`, and the weight of what was installed, as one JSON line."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]


def seconds(*command: str, cwd: Path) -> float:
    """Wall time of one command, which must succeed."""
    began = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return round(time.perf_counter() - began, 1)


def mebibytes(folder: Path) -> int:
    """What the files under `folder` take."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) // 2**20


def main() -> None:
    """Clones the committed state, and times the demo with and without the installation."""
    with tempfile.TemporaryDirectory(prefix="tocsin-clone-") as folder:
        clone = Path(folder, "tocsin")
        seconds("git", "clone", "--quiet", str(HERE), str(clone), cwd=HERE)
        first = seconds("make", "demo", cwd=clone)
        again = seconds("make", "demo", cwd=clone)
        line = {
            "kind": "summary",
            "benchmark": "fresh clone",
            "make_demo_seconds": first,
            "make_demo_again_seconds": again,
            "base_environment_mib": mebibytes(clone / ".venv"),
        }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
