"""How the service stands: from its figures and its store, read without disturbing either."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from tocsin.config import bounds
from tocsin.config.service import Retention
from tocsin.engine.absent_words import Absence, absence_of
from tocsin.engine.figures import Figures, read_figures
from tocsin.engine.figuring import pace
from tocsin.engine.plant.plant_words import plant_needs
from tocsin.incidents.ranking import needs_you
from tocsin.records.event import EventBatch
from tocsin.records.incident import Incident
from tocsin.records.instants import DAY, SECOND
from tocsin.records.received import Received
from tocsin.store.lock import is_held
from tocsin.store.store import Store

Running = Literal["runs", "hangs", "stopped", "died", "never"]

BACKLOG_SECONDS: Final = 60.0
"""A backlog older than this is told as something to look at."""

SILENT_DAYS: Final = 1
"""A source that was heard before and not for so long is told as silent."""

FULL_DAYS: Final = 14
"""Room for fewer days than these is told as something to look at."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the service stands.

    Attributes:
        running: `runs`; `hangs`: it runs, but wrote no figures for long; `stopped` as it was asked to; `died` otherwise;
            `never`: there is no store yet.
        figures: What it wrote down last.
        backlog_bytes: Of the log, not judged yet.
        backlog_seconds: How long the oldest event in it waits.
        stored: Bytes of Parquet.
        pace: Bytes of Parquet that a day brings.
        free: Bytes of room on the disk.
        keeps: Days that can be kept at this pace before the bound on bytes drops events; None where days come first.
        full: Days until the disk is full at this pace; None where it does not get full because old events are dropped first.
        incidents: Those that are open and need somebody, absences among them.
        needs: What needs somebody, a sentence each.
        absence: What was not heard.
        aside_dropped: How many records were set aside that are not kept, beside those that are.
    """

    running: Running
    figures: Figures | None
    backlog_bytes: int
    backlog_seconds: float
    stored: int
    pace: float
    free: int
    keeps: float | None
    full: float | None
    incidents: tuple[Incident, ...]
    needs: tuple[str, ...]
    absence: Absence = field(default_factory=Absence)
    aside_dropped: int = 0


def standing(
    root: Path, retention: Retention, now: int, read: Callable[[Received], EventBatch] | None = None
) -> Standing:
    """How the service with the store in `root` stands at `now`.

    Args:
        root: The store's folder; it may be missing.
        retention: What the settings keep.
        now: The present instant.
        read: Makes events of what was taken in.

    Raises:
        OperatorError: the store is damaged or of another version.
        OSError: its folder cannot be looked at.
    """
    figures = read_figures(root)
    running = _running(root, figures, now)
    if running == "never":
        return Standing(running, None, 0, 0.0, 0, 0.0, 0, None, None, (), ("The service never ran.",))
    with Store.read_only(root, read) as store:
        absence, aside_dropped = absence_of(store.state), store.state.set_aside_dropped()
        backlog, hours = store.backlog(), store.hours()
        incidents = tuple(
            one for one in store.incidents() if one.status in ("open", "regressed") and needs_you(one)
        )
    stored, now_pace = sum(hour.bytes for hour in hours), pace(hours, now)
    free = shutil.disk_usage(root).free
    keeps, full = room(stored, now_pace, free, retention)
    waits = 0.0 if backlog.since is None else max(0.0, (now - backlog.since) / SECOND)
    bare = Standing(
        running, figures, backlog.bytes, waits, stored, now_pace, free, keeps, full, incidents, (), absence,
        aside_dropped,
    )  # fmt: skip
    return replace(bare, needs=tuple(needs(bare, now)))


def room(stored: int, now_pace: float, free: int, retention: Retention) -> tuple[float | None, float | None]:
    """Days kept until the bound on bytes drops events, and days until the disk is full; None where neither comes."""
    if now_pace <= 0:
        return None, None
    keeps = retention.bytes / now_pace
    most = min(retention.bytes, retention.days * now_pace)
    full = free / now_pace if most - stored > free else None
    return (keeps if keeps < retention.days else None), full


def silent(figures: Figures, now: int) -> list[str]:
    """The sources that were heard before, and not for `SILENT_DAYS`, up to the time of the figures while nothing runs."""
    at = min(now, figures.written) if figures.stopped else now
    return sorted(name for name, one in figures.sources.items() if one.last < at - SILENT_DAYS * DAY)


def needs(one: Standing, now: int) -> Iterator[str]:
    """What needs somebody."""
    if one.running == "died":
        yield "The service ended without being asked to. Start it, and see its log for why."
    elif one.running == "stopped":
        yield "The service is stopped; senders that keep what they cannot deliver wait for it."
    elif one.running == "hangs":
        yield "The service runs, but told nothing of itself for over a minute. See its log."
    if one.incidents:
        yield f"Open incidents that need somebody: {len(one.incidents)}. `tocsin incidents` lists them."
    if one.backlog_seconds > BACKLOG_SECONDS:
        yield f"Judging is {one.backlog_seconds:,.0f} s behind what came in."
    if one.full is not None and one.full < FULL_DAYS:
        yield f"The disk is full in {one.full:.1f} days at the present pace. Make room, or keep less ([run.retention])."
    yield from one.absence.sentences()
    if one.aside_dropped:
        yield dropped_sentence(one.aside_dropped)
    if one.figures is not None:
        told = {finding.subject.id for incident in one.absence.incidents for finding in incident.findings}
        yield from _needed_for(one.figures, told, now)


def dropped_sentence(count: int) -> str:
    """That `count` records were set aside beside those that are kept."""
    return f"{count:,} more records could not be read than are kept to be looked at."


def _needed_for(figures: Figures, told: Collection[str], now: int) -> Iterator[str]:
    yield from plant_needs(figures.plants)
    if figures.reload.refused and not figures.stopped:
        yield f"The new settings do not hold; what ran before goes on. {figures.reload.refused}"
    if figures.reload.waits and not figures.stopped:
        yield f"A change of {' and '.join(figures.reload.waits)} waits for a restart."
    for name, one in sorted(figures.collected.items()):
        if one.state in {"lost", "stopped"} and not figures.stopped:
            yield f"The source {name} of the plant {one.plant} is {one.state}. {one.said}"
    for title in figures.suspended.values():
        yield f"The rule {title} was stopped because its expressions take too long."
    for name in silent(figures, now):
        if name not in told:
            yield f"{name} was not heard for over a day."
    aside = sum(source.set_aside for source in figures.sources.values())
    if aside:
        yield f"{aside:,} records of today could not be read. `tocsin doctor` says why."
    if figures.intake.udp_dropped:
        yield f"{figures.intake.udp_dropped:,} UDP datagrams were dropped, faster than the disk takes them."


def _running(root: Path, figures: Figures | None, now: int) -> Running:
    if not (root / "state.sqlite").is_file():
        return "never"
    if is_held(root / "lock"):
        fresh = figures is not None and now - figures.written < bounds.FIGURES_STALE_SECONDS * SECOND
        return "runs" if fresh else "hangs"
    return "stopped" if figures is not None and figures.stopped else "died"
