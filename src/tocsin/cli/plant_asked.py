"""What the commands of `tocsin plant` share: their files and options, reading them, and telling of notices and promises."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_DEGRADED
from tocsin.cli.options import JSON, Decorator
from tocsin.cli.read_choice import zone_named
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import SECOND

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

THREADS: Sequence[Decorator] = (
    click.option(
        "--threads",
        type=click.IntRange(1, 256),
        help="How many threads the arithmetic may use; the answers are the same.",
    ),
)

FAIL_ON_ALARM: Sequence[Decorator] = (
    click.option("--fail-on", type=click.Choice(["alarm"]), help="Exit with 1 if anything rings."),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What every command is asked."""

    files: tuple[Path, ...]
    model: Path
    time: str | None
    ignore: tuple[str, ...]
    zone: str
    day_first: bool | None
    as_json: bool


def need(*modules: str) -> None:
    """Raises OperatorError where the extra is not installed."""
    if any(find_spec(one) is None for one in modules):
        raise OperatorError(
            "Plants need numpy and scikit-learn, which are not installed.",
            "Install the extra `plant`; in a clone of Tocsin: pip install -e '.[plant]'",
        )


def refuse_to_overwrite(target: Path, option: str, inputs: Sequence[Path]) -> None:
    """Raises OperatorError where `target`, which `option` named, is one of the `inputs`, or of the files in these folders."""
    from tocsin.sources.historian.reading import history_files

    if target.exists() and any(one.exists() and one.samefile(target) for one in history_files(inputs)):
        raise OperatorError(f"{option} {target} is what is to be read.", f"Give {option} another name.")


def cores() -> int:
    """How many threads there are where nobody says."""
    return min(
        THREADS_MOST,
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def history_of(asked: Asked, kept: Kept | None) -> History:
    """What the files say, read as those that the model was learnt from."""
    from tocsin.records.readings import Spelling
    from tocsin.sources.historian.reading import How, history_files, read_history

    spelling = kept.spelling if kept is not None else Spelling()
    if asked.day_first is not None:
        spelling = replace(spelling, day_first=asked.day_first)
    known = kept.model.names if kept is not None else ()
    how = How(asked.time, asked.ignore, zone_named(asked.zone), spelling, known)
    return read_history(history_files(asked.files), how)


def leave(notices: Sequence[Notice]) -> None:
    """Exits with 3 where something could not be read."""
    if any(one.lost for one in notices):
        sys.stdout.flush()
        sys.exit(EXIT_DEGRADED)


def echo_promise(model: PlantModel) -> None:
    """Prints what is promised, and what is not."""
    from tocsin.advise.plant import no_promise, promise
    from tocsin.engine.plant.telling import promised

    click.echo(f"{promise(promised(model), model.spacing / SECOND)} {no_promise()}\n")


def promise_line(model: PlantModel) -> dict[str, Any]:
    """The promise, for JSON lines."""
    promise = model.promise
    return {
        "unit": promise.unit,
        "blocks": promise.blocks,
        "asked": promise.asked,
        "kept": round(promise.kept, 6),
    }


def emit_notices(notices: Sequence[Notice]) -> None:
    """Prints notices as JSON lines."""
    for one in notices:
        emit({"kind": "notice", "text": one.said, "lost": one.lost})


def echo_notices(notices: Sequence[Notice]) -> None:
    """Prints notices to stderr."""
    for one in notices:
        click.echo(f"{'NOT READ' if one.lost else 'Note'}: {inert(one.said)}", err=True)
