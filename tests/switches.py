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

    def short_minutes(self) -> None:
        """From the next start on a minute of the heartbeat takes a second."""
        (self.folder / "short-minutes").touch()

    def note_points(self, **seconds: float) -> None:
        """From the next start on the service notes where it is, and stays there so long before and after the work.

        Args:
            seconds: For each of `batch`, `seal`, `retention`, `reload`, `delivery`, `migration`.
        """
        (self.folder / "points").mkdir()
        (self.folder / "points.json").write_text(json.dumps(seconds))
        (self.folder / "schema").write_text("0")

    def points(self) -> set[str]:
        """Where the service is, or was when it was killed."""
        return {path.name.partition("-")[0] for path in (self.folder / "points").iterdir()}

    def forget_points(self) -> None:
        """Forgets where a killed service was."""
        for path in (self.folder / "points").iterdir():
            path.unlink(missing_ok=True)

    def new_schema(self) -> int:
        """From the next start on the schema of the store is one migration further; gives by how many it is by then."""
        further = int((self.folder / "schema").read_text()) + 1
        (self.folder / "schema").write_text(str(further))
        return further
