"""`tocsin status`: how the service stands, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from tocsin.advise.tell import tell
from tocsin.cli import clock
from tocsin.cli.json_lines import emit
from tocsin.cli.options import JSON, with_options
from tocsin.cli.which_store import service_settings
from tocsin.config.service import Service
from tocsin.engine.figures import Figures, PlantFigures
from tocsin.engine.plant.plant_words import plant_lines
from tocsin.engine.serving import reads
from tocsin.engine.standing import Standing, standing
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import rfc3339
from tocsin.sources.listened.received import ReceivedOptions

_SOURCES: Final = 20
"""Sources that are listed for people; `--json` has all."""

_INCIDENTS: Final = 5


def stands(service: Service, now: int) -> Standing:
    """How that service stands.

    Raises:
        OperatorError: its store cannot be read, or not by us.
    """
    reading = ReceivedOptions(service.zone, site=service.site)
    try:
        return standing(service.data, service.retention, now, reads(reading))
    except OSError as error:
        raise OperatorError(
            f"The data folder {service.data} cannot be read: {error.strerror}.",
            "Run this as the user that the service runs as, or as root.",
        ) from error


@click.command()
@with_options(JSON)
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> None:
    """Say how the service stands: since when it runs, what came in today, what waits, and what needs somebody.

    Works while it runs and while it does not, and changes nothing.
    """
    service = service_settings(ctx.find_root().params.get("config"))
    now = clock.now()
    one = stands(service, now)
    if as_json:
        _emit(one)
        return
    for line in _lines(one, service.data, now):
        click.echo(inert(line))


def _lines(one: Standing, data: Path, now: int) -> Iterator[str]:
    yield _running(one)
    if one.figures is not None:
        yield from _sources(one.figures, now)
        yield from _collected(one.figures, now)
    if one.running != "never":
        waits = f"{amount(one.backlog_bytes)}, the oldest for {span(one.backlog_seconds)}"
        yield f"Waiting to be judged: {waits if one.backlog_bytes else 'nothing'}."
        yield _room(one)
        yield from one.absence.groups
        yield from plant_lines(one.figures.plants if one.figures is not None else {})
        yield from _incidents(one, data)
    yield "What needs somebody:" if one.needs else "Nothing needs you."
    for sentence in one.needs:
        yield f"  - {sentence}"


def _running(one: Standing) -> str:
    figures = one.figures
    since = f" since {rfc3339(figures.started)[:19]}Z" if figures is not None else ""
    told = f"; last heard of {rfc3339(figures.written)[:19]}Z" if figures is not None else ""
    return {
        "runs": f"The service runs{since}.",
        "hangs": f"The service runs{since}, but hangs{told}.",
        "stopped": f"The service is stopped{told}.",
        "died": f"The service does not run, and was not asked to stop{told}.",
        "never": "The service never ran.",
    }[one.running]


def _sources(figures: Figures, now: int) -> Iterator[str]:
    today = sum(source.today for source in figures.sources.values()) + figures.others
    yield f"Came in on {figures.day}: {today:,} events."
    latest = sorted(figures.sources.items(), key=lambda item: (-item[1].today, item[0]))
    for name, source in latest[:_SOURCES]:
        ago = span(max(0.0, (now - source.last) / 1_000_000))
        yield f"  {name}: {source.today:,}, last heard {ago} ago"
    if len(latest) > _SOURCES:
        yield f"  and {len(latest) - _SOURCES} more sources"


def _collected(figures: Figures, now: int) -> Iterator[str]:
    for name, one in sorted(figures.collected.items()):
        last = f", the last {span(max(0.0, (now - one.last) / 1_000_000))} ago" if one.last else ""
        refused = f", {one.refused:,} refused" if one.refused else ""
        said = {"starts": "nothing yet", "reads": "is read"}.get(one.state, one.state)
        yield f"Source {name} of the plant {one.plant} ({one.kind}): {said}; {one.readings:,} readings{last}{refused}."


def _room(one: Standing) -> str:
    """The sentence about the disk."""
    said = f"Disk: {amount(one.stored)} stored, {amount(one.free)} free"
    if one.pace <= 0:
        return f"{said}; how fast it fills is not known yet."
    said += f", {amount(one.pace)} a day at present"
    if one.full is not None:
        return f"{said}: full in {one.full:.1f} days."
    if one.keeps is not None:
        return f"{said}: enough; the bound on bytes keeps {one.keeps:.1f} days."
    return f"{said}: enough for all the days to keep."


def _incidents(one: Standing, data: Path) -> Iterator[str]:
    if not one.incidents:
        yield "Open incidents: none."
        return
    yield f"Open incidents: {len(one.incidents)} (tocsin incidents --store {data})."
    for incident in one.incidents[:_INCIDENTS]:
        yield f"  {incident.severity}: {tell(incident).title}"


def _emit(one: Standing) -> None:
    figures = one.figures
    for name, source in sorted(figures.sources.items()) if figures is not None else ():
        emit(
            {
                "kind": "source",
                "source": name,
                "today": source.today,
                "set_aside": source.set_aside,
                "last": rfc3339(source.last),
            }
        )
    for name, found in sorted(figures.collected.items()) if figures is not None else ():
        emit(
            {
                "kind": "plant-source",
                "source": name,
                "plant": found.plant,
                "state": found.state,
                "readings": found.readings,
                "refused": found.refused,
                "last": rfc3339(found.last) if found.last else None,
                "said": found.said,
            }
        )
    for sentence in one.absence.groups:
        emit({"kind": "group", "text": sentence})
    for name, plant in sorted(figures.plants.items()) if figures is not None else ():
        emit(_plant(name, plant))
    for sentence in one.needs:
        emit({"kind": "need", "text": sentence})
    emit(
        {
            "kind": "summary",
            "running": one.running,
            "since": rfc3339(figures.started) if figures is not None else None,
            "told": rfc3339(figures.written) if figures is not None else None,
            "backlog_bytes": one.backlog_bytes,
            "backlog_seconds": round(one.backlog_seconds, 1),
            "stored_bytes": one.stored,
            "bytes_a_day": round(one.pace),
            "free_bytes": one.free,
            "full_days": None if one.full is None else round(one.full, 1),
            "incidents": len(one.incidents),
            "set_aside_dropped": one.aside_dropped,
            "needs": len(one.needs),
        }
    )


def _plant(name: str, one: PlantFigures) -> dict[str, Any]:
    return {
        "kind": "plant", "plant": name, "row": None if one.row is None else rfc3339(one.row), "score": one.score,
        "rings": one.rings, "rows": one.rows, "tags": one.tags, "missing": list(one.missing), "missing_tags": one.missing_tags,
        "late": one.late, "heard": None if one.heard is None else rfc3339(one.heard), "silent": one.silent,
        "untimed": one.untimed,
        "promise": {"unit": one.unit, "blocks": one.blocks, "asked": one.asked, "kept": round(one.kept, 6)},
    }  # fmt: skip


def amount(size: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:,.1f} TB"


def span(seconds: float) -> str:
    """A time span for people."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
