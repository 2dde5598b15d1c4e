"""`tocsin plant watch`: what does not fit a model, row by row."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_FINDINGS
from tocsin.cli.options import with_options
from tocsin.cli.plant_asked import (
    FAIL_ON_ALARM,
    FILES,
    THREADS,
    Asked,
    cores,
    echo_notices,
    echo_promise,
    emit_notices,
    history_of,
    leave,
    need,
    promise_line,
)
from tocsin.cli.progress import Progress

if TYPE_CHECKING:
    from tocsin.engine.plant.model_file import Kept
    from tocsin.records.readings import Notice


@click.command()
@with_options(FILES)
@with_options(THREADS)
@with_options(FAIL_ON_ALARM)
def watch(threads: int | None, fail_on: str | None, **options: Any) -> None:
    """Judge the rows of FILE... (CSV or Parquet, or folders of them) by a model: what does not fit, when, and why.

    Columns are matched with the model's tags by name, whatever their order.
    """
    need("numpy", "threadpoolctl")
    from threadpoolctl import threadpool_limits

    from tocsin.engine.plant.model_file import read_model
    from tocsin.engine.plant.watching import watch as watch_plant

    asked, began = Asked(**options), perf_counter()
    kept = read_model(asked.model)
    with (
        Progress("reading the files", quiet=asked.as_json) as progress,
        threadpool_limits(threads or cores()),
    ):
        history = history_of(asked, kept)
        progress.describe(f"judging {len(history.readings):,} rows")
        watched = watch_plant(kept.model, history.readings)
    notices = (*history.notices, *watched.notices)
    _tell_watched(asked, kept, watched, notices, began)
    leave(notices)
    if fail_on and watched.episodes:
        sys.exit(EXIT_FINDINGS)


def _tell_watched(asked: Asked, kept: Kept, watched: Any, notices: Sequence[Notice], began: float) -> None:
    from tocsin.cli.plant_lines import Lines

    lines = Lines(kept.model, kept.spelling, watched)
    if asked.as_json:
        sys.stdout.buffer.writelines(lines.rows())
        for line in lines.episodes():
            emit(line)
        emit_notices(notices)
        emit(
            {
                **lines.summary(),
                "promise": promise_line(kept.model),
                "notices": len(notices),
                "seconds": round(perf_counter() - began, 2),
            }
        )
        return
    echo_promise(kept.model)
    told = list(lines.sentences())
    count = len(watched.judged.times)
    click.echo(
        f"{count:,} {'row' if count == 1 else 'rows'} judged: "
        + (f"it rang {len(told):,} {'time' if len(told) == 1 else 'times'}." if told else "nothing rang.")
    )
    for number, sentence in enumerate(told, 1):
        click.echo(f"\n{number}. {sentence}")
    echo_notices(notices)
