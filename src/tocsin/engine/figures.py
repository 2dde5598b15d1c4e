"""The figures of a running service, as a small file that its judging process replaces each second: `status.json`.

A file, because whoever asks (`/metrics` in the process that takes events in, `tocsin status`, `tocsin doctor`) may do so
while the service is busy, hangs or is gone, and because nobody who does not read can hold the service up, as a full
pipe would. It is not synced: after a power cut it may be gone, and is made anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from tocsin.config import bounds
from tocsin.engine.intake.counters import Counters
from tocsin.engine.plant.collectors.settings import Collected

NAME: Final = "status.json"


class Source(msgspec.Struct):
    """What came of one source.

    Attributes:
        last: When something of it came last (instant).
        today: Events of the present day.
        set_aside: Records of the present day that could not be read.
        untimed: Events of the present day that count at their arrival: they say no time, or one too far from it.
        delay: The least of arrival less event time, in seconds, among the day's other events; below 0 the source's clock
            is ahead. None where there was none.
    """

    last: int
    today: int = 0
    set_aside: int = 0
    untimed: int = 0
    delay: float | None = None


class Reload(msgspec.Struct):
    """What came of reading the settings anew.

    Attributes:
        read: When settings that hold were read last (instant).
        refused: Why the last ones do not hold, in a sentence or more; empty where they do.
        waits: What of the settings holds only once the service is restarted.
    """

    read: int = 0
    refused: str = ""
    waits: tuple[str, ...] = ()


class PlantFigures(msgspec.Struct):
    """How a plant that is watched is.

    Attributes:
        row: The time of the row that was judged last (instant); None before the first.
        score: Its score; 1 is where the alarm begins.
        rings: Whether it rings.
        rows: Rows that the model judged.
        tags: Tags of the model.
        missing: Names of the first tags of it that are not read.
        missing_tags: How many are not.
        late: Readings that came too late for their row.
        untimed: Readings that said a time more than 7 days before they came, or 10 minutes after; they are stored and not judged.
        heard: When a reading that counts came in last (instant); None before the first.
        silent: Whether that is longer ago than is usual.
        unit, blocks, kept, asked: What the model promises (`detect/plant/conformal.py`).
    """

    row: int | None = None
    score: float = 0.0
    rings: bool = False
    rows: int = 0
    tags: int = 0
    missing: tuple[str, ...] = ()
    missing_tags: int = 0
    late: int = 0
    heard: int | None = None
    silent: bool = False
    untimed: int = 0
    unit: str = ""
    blocks: int = 0
    kept: float = 1.0
    asked: float = 1.0


class Figures(msgspec.Struct):
    """All that the service tells of itself.

    Attributes:
        pid: Of the judging process.
        started: Since when it runs (instant).
        written: When this was written (instant).
        stopped: Whether it ended as it was asked to.
        ports: The listeners'.
        intake: Totals of the process that takes events in, since it was started.
        backlog_bytes: Of the acknowledged log, not judged yet.
        backlog_seconds: How long ago the oldest event in them arrived; 0 where there is none.
        events: Judged since `started`.
        findings: Made since `started`.
        set_aside: Records that could not be read since `started`.
        rules: How many judge.
        suspended: Rules that judge no more because their expressions took too long: id and title.
        sealed: Number of the last segment of the log that became Parquet.
        stored: Bytes of Parquet.
        pace: Bytes of Parquet that a day brings at present; 0 where that is not known yet.
        free: Bytes of room on the store's disk.
        size: Bytes of that disk.
        day: The present day (ISO 8601) in the zone of the settings.
        sources: By name, at most `bounds.SOURCES_SHOWN`.
        others: Today's events of further sources.
        reload: What came of reading the settings anew.
        plants: By name, those that are watched.
        collected: Sources of plants that are read, by name.
    """

    pid: int
    started: int
    written: int = 0
    stopped: bool = False
    ports: tuple[int, ...] = ()
    intake: Counters = msgspec.field(default_factory=Counters)
    backlog_bytes: int = 0
    backlog_seconds: float = 0.0
    events: int = 0
    findings: int = 0
    set_aside: int = 0
    rules: int = 0
    suspended: dict[str, str] = {}
    sealed: int = 0
    stored: int = 0
    pace: float = 0.0
    free: int = 0
    size: int = 0
    day: str = ""
    sources: dict[str, Source] = {}
    others: int = 0
    reload: Reload = msgspec.field(default_factory=Reload)
    plants: dict[str, PlantFigures] = {}
    collected: dict[str, Collected] = {}


def read_figures(root: Path) -> Figures | None:
    """What the service with the store in `root` wrote down last; None where there is nothing that can be read."""
    try:
        descriptor = os.open(root / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return msgspec.json.decode(file.read(bounds.FIGURES_BYTES), type=Figures)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None


def write_figures(root: Path, figures: Figures) -> None:
    """Replaces what was written down in one step.

    Raises:
        OSError: the disk refused; what was there is unchanged.
    """
    new = root / f"{NAME}.new"
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(figures))
    new.replace(root / NAME)
