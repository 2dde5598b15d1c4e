"""`tocsin plant report`: what does not fit a model, as one page."""

from __future__ import annotations

import re
import sys
from datetime import tzinfo
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli import clock
from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_FINDINGS
from tocsin.cli.options import with_options
from tocsin.cli.page_file import write_page
from tocsin.cli.plant_asked import (
    FAIL_ON_ALARM,
    FILES,
    THREADS,
    Asked,
    cores,
    echo_notices,
    emit_notices,
    history_of,
    leave,
    need,
    promise_line,
    refuse_to_overwrite,
)  # fmt: skip
from tocsin.cli.progress import Progress
from tocsin.cli.read_choice import zone_named
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import DAY, parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from tocsin.engine.plant.model_file import Kept
    from tocsin.engine.plant.picture import PlantReport


@click.command()
@with_options(FILES)
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Write the page here."
)
@click.option(
    "--from",
    "since",
    metavar="TIME",
    help="Show rows from this time on, e.g. 2026-03-01 or 2026-03-01T06:00.",
)
@click.option("--to", "until", metavar="TIME", help="Show rows up to this time; a date means the whole day.")
@click.option(
    "--title", metavar="NAME", help="What the plant is called; without it the name of the model's file."
)
@with_options(THREADS)
@with_options(FAIL_ON_ALARM)
def report(output: Path, since: str | None, until: str | None, title: str | None, **options: Any) -> None:
    """Judge the rows of FILE... by a model, and draw one HTML page: what is off since when, and what would have fitted.

    The page needs no script and no network; it can be mailed and printed. Rows before --from are judged too, so that
    what is shown is as `watch` tells it.
    """
    need("numpy", "threadpoolctl")
    from threadpoolctl import threadpool_limits

    from tocsin.console.plant_page import render_plant_page
    from tocsin.engine.plant.model_file import read_model
    from tocsin.engine.plant.reporting import report as report_plant

    threads, fail_on, began = options.pop("threads"), options.pop("fail_on"), perf_counter()
    asked = Asked(**options)
    refuse_to_overwrite(output, "--output", (asked.model, *asked.files))
    zone = zone_named(asked.zone)
    start, end = _instant(since, "--from", zone), _instant(until, "--to", zone, whole_day=True)
    kept = read_model(asked.model)
    with (
        Progress("reading the files", quiet=asked.as_json) as progress,
        threadpool_limits(threads or cores()),
    ):
        history = history_of(asked, kept)
        progress.describe(f"judging {len(history.readings):,} rows")
        found = report_plant(kept, history.readings, history.notices, start, end)
    write_page(output, render_plant_page(found, clock.now(), title or asked.model.stem), "--output")
    _tell(asked, kept, output, found, perf_counter() - began)
    leave(found.notices)
    if fail_on and found.alarms:
        sys.exit(EXIT_FINDINGS)


def _instant(text: str | None, option: str, zone: tzinfo, *, whole_day: bool = False) -> int | None:
    if text is None:
        return None
    day = re.fullmatch(r"\s*\d{4}-\d\d-\d\d\s*", text) is not None
    found = parse_rfc3339(f"{text.strip()}T00:00" if day else text, zone)
    if found is None:
        raise OperatorError(f"{option} {text} is no time.", "Write it like 2026-03-01 or 2026-03-01T06:00.")
    return found + DAY - 1 if day and whole_day else found


def _tell(asked: Asked, kept: Kept, output: Path, found: PlantReport, seconds: float) -> None:
    if not asked.as_json:
        click.echo(f"{found.headline.said}\n\nThe page is in {inert(str(output))}.")
        echo_notices(found.notices)
        return
    emit_notices(found.notices)
    emit({
        "kind": "summary", "page": str(output), "standing": found.headline.standing.value, "headline": found.headline.said,
        "rows": found.rows, "alarms": found.alarms, "episodes": len(found.stretches) + found.older,
        "start": rfc3339(found.start), "end": rfc3339(found.end), "faults": [one.name for one in found.faults],
        "drawn": len(found.faults) + len(found.others), "promise": promise_line(kept.model), "notices": len(found.notices),
        "seconds": round(seconds, 2),
    })  # fmt: skip
