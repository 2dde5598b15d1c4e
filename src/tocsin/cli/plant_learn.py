"""`tocsin plant learn`: a model of a plant's normal operation."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import isnan
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

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
)
from tocsin.cli.plant_tanks import TANKS, balances_of, refuse_other_units, tanks_named
from tocsin.cli.progress import Progress
from tocsin.records.inert import inert
from tocsin.records.instants import SECOND, rfc3339

if TYPE_CHECKING:
    from tocsin.detect.plant.model import PlantModel
    from tocsin.sources.historian.reading import History

_UNITS: Final = 10
"""Units that are told one by one."""


@click.command()
@with_options(FILES)
@click.option(
    "--budget",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="Share of normal weeks that may have an alarm or a notice; a week is the usual unit, shorter ones where there is little history.",
)
@with_options(TANKS)
@click.option("--threads", type=click.IntRange(1, 256), help="How many threads learn; the model is the same.")
def learn(
    budget: float, balance: tuple[str, ...], tanks: Path | None, threads: int | None, **options: Any
) -> None:
    """Learn normal operation from FILE... (CSV or Parquet, or folders of them), and write a model.

    Give a stretch without known attacks or faults: a year by the hour is good, some weeks by the minute will do.
    """
    need("numpy", "sklearn", "threadpoolctl")
    from tocsin.detect.plant.learn import learn as learn_plant
    from tocsin.engine.plant.model_file import check_place, keep_old, write_model
    from tocsin.engine.plant.watching import pace_notices

    if isnan(budget):
        raise click.BadParameter("nan is not in the range 0<=x<=1.", param_hint="--budget")
    asked, began = Asked(**options), perf_counter()
    refuse_to_overwrite(asked.model, "--model", asked.files)
    check_place(asked.model)
    named = tanks_named(balance, tanks)
    with Progress("reading the files", quiet=asked.as_json) as progress:
        history = history_of(asked, None)
        rows, tags = history.readings.values.shape
        progress.describe(f"learning {tags:,} tags from {rows:,} rows")
        refuse_other_units(named, history.spelling.units)
        balances = balances_of(named, history.readings)
        model = learn_plant(history.readings, budget, threads or cores(), balances)
        old = keep_old(asked.model, "--model") if asked.model.exists() else None
        write_model(asked.model, model, history.spelling)
    history = replace(history, notices=(*history.notices, *pace_notices(model, history.readings)))
    _tell_learnt(asked, model, history, old, perf_counter() - began)
    leave(history.notices)


def _tell_learnt(asked: Asked, model: PlantModel, history: History, old: Path | None, seconds: float) -> None:
    kinds: dict[str, int] = {}
    for tag in model.tags:
        kinds[tag.kind.value] = kinds.get(tag.kind.value, 0) + 1
    if asked.as_json:
        emit_notices(history.notices)
        emit({
            "kind": "summary", "rows": model.rows, "tags": len(model.tags), "kinds": kinds, "start": rfc3339(model.start),
            "end": rfc3339(model.end), "spacing_seconds": model.spacing / SECOND, "promise": promise_line(model),
            "units": dict(history.spelling.units), "model": str(asked.model), "old": str(old) if old else None,
            "seconds": round(seconds, 2),
        })  # fmt: skip
        return
    found = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    click.echo(
        f"Learnt {len(model.tags):,} {'tag' if len(model.tags) == 1 else 'tags'} ({found}) from {model.rows:,} rows, {rfc3339(model.start)} to {rfc3339(model.end)}."
    )
    kept = f" The one that was there is kept as {inert(str(old))}." if old else ""
    click.echo(f"{_units(model, history)}The model is in {inert(str(asked.model))}.{kept}\n")
    echo_promise(model)
    echo_notices(history.notices)


def _units(model: PlantModel, history: History) -> str:
    """How many tags are in which unit, in a line; "" where no file states any."""
    often = Counter(inert(unit) for unit in history.spelling.units.values())
    if not often:
        return ""
    without = len(model.tags) - often.total()
    parts = [f"{unit} ({count:,})" for unit, count in often.most_common(_UNITS)]
    more = f" and {len(often) - _UNITS:,} others" if len(often) > _UNITS else ""
    return f"Units: {', '.join(parts)}{more}; {without:,} {'tag states' if without == 1 else 'tags state'} none.\n"
