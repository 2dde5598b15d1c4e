"""A generated day laid out as files, dated as its logs would be, so that `sources` reads it like any other folder."""

from __future__ import annotations

import os
from pathlib import Path

from tocsin.records.instants import HOUR, SECOND
from tocsin.rehearse.townhall.town import GeneratedDay


def lay_out(day: GeneratedDay, folder: Path) -> None:
    """Writes the files of `day` under `folder`, last changed at the day's end: RFC 3164 leaves its year to that."""
    stamp = day.scene.day.end // SECOND
    for name, content in day.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (stamp, stamp))


def read_at(day: GeneratedDay) -> int:
    """When the day is judged (instant): an hour after it ended."""
    return day.scene.day.end + HOUR
