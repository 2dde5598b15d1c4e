"""`tocsin plant learn|watch`: a model of a plant's normal operation, and what does not fit it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_DEGRADED, EXIT_FINDINGS
from tocsin.cli.options import JSON, Decorator, with_options
from tocsin.cli.progress import Progress
from tocsin.cli.read_choice import zone_named
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import SECOND, rfc3339

if TYPE_CHECKING:
    from tocsin.detect.plant.model import PlantModel
    from tocsin.engine.plant.model_file import Kept
    from tocsin.records.readings import Notice
    from tocsin.sources.historian.reading import History

THREADS_MOST: Final = 8

FILES: Sequence[Decorator] = (
    click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="FILE..."),
    click.option("--model", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file of the model."),
    click.option("--time", metavar="COLUMN", help="The column of time; without it Tocsin finds it."),
    click.option("--ignore", multiple=True, metavar="COLUMN", help="Leave this column out, a label for one; may be repeated."),
    click.option("--zone", default="UTC", show_default=True, help="What a time without a zone means, e.g. Europe/Berlin."),
    click.option("--day-first/--month-first", default=None, help="How dates like 03/04/2026 are read, where their column leaves it open."),
    *JSON,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What both commands are asked."""

    files: tuple[Path, ...]
    model: Path
    time: str | None
    ignore: tuple[str, ...]
    zone: str
    day_first: bool | None
    as_json: bool


@click.group()
def plant() -> None:
    """Learn a plant's process from its historian, and watch it.

    Reads exports only: nothing is ever sent to a plant, and no action starts from what is found. Needs the extra:
    pip install 'tocsin[plant]'.
    """


@plant.command()
@with_options(FILES)
@click.option(
    "--budget",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="Share of normal weeks that may ring; a week is the usual unit, shorter ones where there is little history.",
)
@click.option("--threads", type=click.IntRange(1, 256), help="How many threads learn; the model is the same.")
def learn(budget: float, threads: int | None, **options: Any) -> None:
    """Learn normal operation from FILE... (CSV or Parquet, or folders of them), and write a model.

    Give a stretch without known attacks or faults: a year by the hour is good, some weeks by the minute will do.
    """
    _need("numpy", "sklearn", "threadpoolctl")
    from tocsin.detect.plant.learn import learn as learn_plant
    from tocsin.engine.plant.model_file import write_model

    asked, began = Asked(**options), perf_counter()
    with Progress("reading the files", quiet=asked.as_json) as progress:
        history = _history(asked, None)
        rows, tags = history.readings.values.shape
        progress.describe(f"learning {tags:,} tags from {rows:,} rows")
        model = learn_plant(history.readings, budget, threads or _threads())
        write_model(asked.model, model, history.spelling)
    _tell_learnt(asked, model, history, perf_counter() - began)
    _leave(history.notices)


@plant.command()
@with_options(FILES)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    help="How many threads the arithmetic may use; the answers are the same.",
)
@click.option("--fail-on", type=click.Choice(["alarm"]), help="Exit with 1 if anything rings.")
def watch(threads: int | None, fail_on: str | None, **options: Any) -> None:
    """Judge the rows of FILE... (CSV or Parquet, or folders of them) by a model: what does not fit, when, and why.

    Columns are matched with the model's tags by name, whatever their order.
    """
    _need("numpy", "threadpoolctl")
    from threadpoolctl import threadpool_limits

    from tocsin.engine.plant.model_file import read_model
    from tocsin.engine.plant.watching import watch as watch_plant

    asked, began = Asked(**options), perf_counter()
    kept = read_model(asked.model)
    with (
        Progress("reading the files", quiet=asked.as_json) as progress,
        threadpool_limits(threads or _threads()),
    ):
        history = _history(asked, kept)
        progress.describe(f"judging {len(history.readings):,} rows")
        watched = watch_plant(kept.model, history.readings)
    notices = (*history.notices, *watched.notices)
    _tell_watched(asked, kept, watched, notices, began)
    _leave(notices)
    if fail_on and watched.episodes:
        sys.exit(EXIT_FINDINGS)


def _need(*modules: str) -> None:
    """Raises OperatorError where the extra is not installed."""
    if any(find_spec(one) is None for one in modules):
        raise OperatorError(
            "Plants need numpy and scikit-learn, which are not installed.",
            "Install them: pip install 'tocsin[plant]'",
        )


def _threads() -> int:
    return min(
        THREADS_MOST,
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def _history(asked: Asked, kept: Kept | None) -> History:
    from tocsin.records.readings import Spelling
    from tocsin.sources.historian.reading import How, history_files, read_history

    spelling = kept.spelling if kept is not None else Spelling()
    if asked.day_first is not None:
        spelling = Spelling(spelling.words, asked.day_first)
    known = kept.model.names if kept is not None else ()
    how = How(asked.time, asked.ignore, zone_named(asked.zone), spelling, known)
    return read_history(history_files(asked.files), how)


def _leave(notices: Sequence[Notice]) -> None:
    if any(one.lost for one in notices):
        sys.stdout.flush()
        sys.exit(EXIT_DEGRADED)


def _tell_learnt(asked: Asked, model: PlantModel, history: History, seconds: float) -> None:
    kinds: dict[str, int] = {}
    for tag in model.tags:
        kinds[tag.kind.value] = kinds.get(tag.kind.value, 0) + 1
    if asked.as_json:
        _emit_notices(history.notices)
        emit({
            "kind": "summary", "rows": model.rows, "tags": len(model.tags), "kinds": kinds, "start": rfc3339(model.start),
            "end": rfc3339(model.end), "spacing_seconds": model.spacing / SECOND, "promise": _promise_line(model),
            "model": str(asked.model), "seconds": round(seconds, 2),
        })  # fmt: skip
        return
    found = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    click.echo(
        f"Learnt {len(model.tags):,} tags ({found}) from {model.rows:,} rows, {rfc3339(model.start)} to {rfc3339(model.end)}."
    )
    click.echo(f"The model is in {inert(str(asked.model))}.\n")
    _echo_promise(model)
    _echo_notices(history.notices)


def _tell_watched(asked: Asked, kept: Kept, watched: Any, notices: Sequence[Notice], began: float) -> None:
    from tocsin.cli.plant_lines import Lines

    lines = Lines(kept.model, kept.spelling, watched)
    if asked.as_json:
        sys.stdout.buffer.writelines(lines.rows())
        for line in lines.episodes():
            emit(line)
        _emit_notices(notices)
        emit(
            {
                **lines.summary(),
                "promise": _promise_line(kept.model),
                "notices": len(notices),
                "seconds": round(perf_counter() - began, 2),
            }
        )
        return
    _echo_promise(kept.model)
    told = list(lines.sentences())
    count = len(watched.judged.times)
    click.echo(
        f"{count:,} {'row' if count == 1 else 'rows'} judged: "
        + (f"it rang {len(told):,} {'time' if len(told) == 1 else 'times'}." if told else "nothing rang.")
    )
    for number, sentence in enumerate(told, 1):
        click.echo(f"\n{number}. {sentence}")
    _echo_notices(notices)


def _echo_promise(model: PlantModel) -> None:
    from tocsin.advise.plant import no_promise, promise
    from tocsin.cli.plant_lines import promised

    click.echo(f"{promise(promised(model), model.spacing / SECOND)} {no_promise()}\n")


def _promise_line(model: PlantModel) -> dict[str, Any]:
    promise = model.promise
    return {
        "unit": promise.unit,
        "blocks": promise.blocks,
        "asked": promise.asked,
        "kept": round(promise.kept, 6),
    }


def _emit_notices(notices: Sequence[Notice]) -> None:
    for one in notices:
        emit({"kind": "notice", "text": one.said, "lost": one.lost})


def _echo_notices(notices: Sequence[Notice]) -> None:
    for one in notices:
        click.echo(f"{'NOT READ' if one.lost else 'Note'}: {inert(one.said)}", err=True)
