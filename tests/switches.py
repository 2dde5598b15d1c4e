"""What a test may change in a service that runs as real processes: bounds, and what its clock says."""

from __future__ import annotations

import json
import os
from pathlib import Path

HERE = Path(__file__).parent / "service_switches"


class Switches:
    """Switches kept in `folder`, which the service looks at.

    Args:
        folder: To keep them in; made.
        bounds: Names in `tocsin.config.bounds`, with their values for this service.
    """

    def __init__(self, folder: Path, **bounds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bounds.json").write_text(json.dumps(bounds))
        self.folder = folder
        self.environment = {
            "TOCSIN_TEST_SWITCHES": str(folder),
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def move_clock(self, microseconds: int) -> None:
        """Moves the service's clock on, or back, from the true one."""
        new = self.folder / "clock.new"
        new.write_text(str(microseconds))
        new.replace(self.folder / "clock")
