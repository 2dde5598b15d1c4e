"""`tocsin plant recalibrate`: a model learnt again on rows that somebody confirmed to be normal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli import clock
from tocsin.cli.json_lines import emit
from tocsin.cli.options import with_options
from tocsin.cli.plant_asked import (
    FILES,
    Asked,
    cores,
    echo_notices,
    echo_promise,
    emit_notices,
    history_of,
    leave,
    need,
    promise_line,
    refuse_to_overwrite,
)  # fmt: skip
from tocsin.cli.progress import Progress
from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import rfc3339

if TYPE_CHECKING:
    from tocsin.engine.plant.model_file import Kept
    from tocsin.engine.plant.recalibrating import Recalibrated
    from tocsin.records.readings import Notice

_MOVED = 5
"""Tags that moved, told one by one."""


@click.command()
@with_options(FILES)
@click.option(
    "--confirmed-by",
    required=True,
    metavar="NAME",
    help="Who says that all these rows are normal operation; noted in the model.",
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the new model here; without it it takes the old one's place, which is kept as MODEL.bak.",
)  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 256), help="How many threads learn; the model is the same.")
def recalibrate(confirmed_by: str, output: Path | None, threads: int | None, **options: Any) -> None:
    """Learn a model again on FILE...: all rows that it is to know, the old ones too, each confirmed to be normal.

    Never on anything else, or an attack that is slow enough becomes normal. The first accepted model stays in the file,
    and drift is judged by it; what it finds in the confirmed rows is told. Budget and balances stay.
    """
    need("numpy", "sklearn", "threadpoolctl")
    from tocsin.engine.plant.model_file import Confirmed, check_place, keep_old, read_model, write_model
    from tocsin.engine.plant.recalibrating import recalibrate as learn_again

    asked, began = Asked(**options), perf_counter()
    name = confirmed_by.strip()
    if not name or len(name) > bounds.HISTORIAN_NAME_CHARS:
        raise OperatorError("--confirmed-by names nobody.", "Give the name of who looked at these rows.")
    target, option = output or asked.model, "--output" if output else "--model"
    refuse_to_overwrite(target, option, asked.files)
    kept = read_model(asked.model)
    check_place(target, option)
    with Progress("reading the files", quiet=asked.as_json) as progress:
        history = history_of(asked, kept)
        progress.describe(f"learning from {len(history.readings):,} rows")
        found = learn_again(kept, history.readings, threads or cores())
    model = found.model
    word = Confirmed(name, clock.now(), model.start, model.end, model.rows)
    old = keep_old(target) if target.exists() else None
    write_model(target, model, history.spelling, (*kept.confirmed, word))
    done = _Done(target, old, kept, found, word.by)
    if asked.as_json:
        _emit(done, history.notices, perf_counter() - began)
    else:
        _echo(done)
        echo_notices(history.notices)
    leave(history.notices)


@dataclass(frozen=True, slots=True)
class _Done:
    """What was done: the new model's file, where the old one is kept, what it was, what was found, and who confirmed it."""

    target: Path
    old: Path | None
    kept: Kept
    found: Recalibrated
    by: str


def _echo(done: _Done) -> None:
    target, old, kept, found = done.target, done.old, done.kept, done.found
    model, first = found.model, found.model.first or kept.model
    click.echo(
        f"Learnt again from {model.rows:,} rows, {rfc3339(model.start)} to {rfc3339(model.end)}, confirmed by {inert(done.by)}; "
        f"the model before knew {kept.model.rows:,}, to {rfc3339(kept.model.end)}."
    )
    click.echo(
        f"The model is in {inert(str(target))}."
        + (f" The old one is kept as {inert(str(old))}." if old else "")
    )
    click.echo(f"Drift is still judged by the first accepted model, of {rfc3339(first.end)}.\n")
    echo_promise(model)
    for one in found.moved[:_MOVED]:
        click.echo(f"{one.tag}: its middle was {one.was} in the first model and is {one.now} now.")
    if len(found.moved) > _MOVED:
        click.echo(f"{len(found.moved) - _MOVED:,} more tags moved as far.")
    if not found.moved:
        click.echo("No tag's middle moved by half its spread or more since the first model.")
    if found.rings or found.drifts:
        click.echo(
            f"\nLOOK AGAIN: by the first model these rows ring {found.rings:,} {'time' if found.rings == 1 else 'times'}"
            + (f", and drift: {', '.join(map(inert, found.drifts[:_MOVED]))}" if found.drifts else "")
            + ". If anything of that was an attack or a fault, go back to the old model."
        )


def _emit(done: _Done, notices: Sequence[Notice], seconds: float) -> None:
    kept, found, old = done.kept, done.found, done.old
    model, first = found.model, found.model.first or kept.model
    emit_notices(notices)
    for one in found.moved:
        emit(
            {
                "kind": "moved",
                "tag": one.tag,
                "spreads": round(one.spreads, 3),
                "was": one.was,
                "now": one.now,
            }
        )
    emit({
        "kind": "summary", "model": str(done.target), "old": str(old) if old else None, "rows": model.rows,
        "start": rfc3339(model.start), "end": rfc3339(model.end), "confirmed_by": done.by, "first_end": rfc3339(first.end),
        "rings": found.rings, "drifts": list(found.drifts), "moved": len(found.moved),
        "promise_before": promise_line(kept.model), "promise": promise_line(model), "seconds": round(seconds, 2),
    })  # fmt: skip
