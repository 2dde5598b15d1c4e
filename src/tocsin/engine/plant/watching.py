"""A history watched with a model: its pace made the model's, every row judged, what is told put into words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.advise.plant import notice
from tocsin.detect.plant.bands import Onlooker
from tocsin.detect.plant.grid import is_even, on_grid, spacing_of
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.notices import NoticeKind
from tocsin.detect.plant.watch import Judged, Watcher
from tocsin.engine.plant.episodes import Episode, episodes_of
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import SECOND, rfc3339
from tocsin.records.readings import Notice, Readings

LEAST_KNOWN: Final = 0.5
"""Share of the model's tags that must be there for a history to be that plant's."""

HOLES: Final = 0.1
"""Missing rows are told from this share on."""

_LISTED: Final = 5

_TOLD: Final = 100
"""Notices of drift and data quality that are told one by one."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A history, judged.

    Attributes:
        judged: Row by row.
        episodes: The alarms, in order of time.
        notices: Where the history is not like the one that was learnt.
        readings: The rows as they were judged, at the model's pace.
    """

    judged: Judged
    episodes: tuple[Episode, ...]
    notices: tuple[Notice, ...]
    readings: Readings


def watch(model: PlantModel, readings: Readings, onlooker: Onlooker | None = None) -> Watched:
    """`readings` judged by `model`; `onlooker` as `Watcher` has it.

    Raises:
        OperatorError: they are not of that plant.
    """
    _refuse_strangers(model, readings)
    notices = []
    if len(readings) > 1 and not is_even(readings.times, model.spacing):
        notices += _paced(model, readings)
        readings = on_grid(readings, model.spacing)
    judged = Watcher(model, onlooker).judge(readings)
    notices = [*_columns(judged), *notices, *_told(judged)]
    return Watched(judged, episodes_of(judged, model.promise.unit), tuple(notices), readings)


def pace_notices(model: PlantModel, readings: Readings) -> list[Notice]:
    """What is to be known of the times of the `readings` that `model` was learnt from: an uneven pace, and holes."""
    notices = []
    if not is_even(readings.times, model.spacing):
        notices.append(
            Notice(
                f"Rows come unevenly: of {len(readings):,}, {model.rows:,} were made, with each tag's last reading every {model.spacing / SECOND:g} s."
            )
        )
    due = (model.end - model.start) // model.spacing + 1
    if due - model.rows > HOLES * due:
        longest = int(np.diff(readings.times).argmax())
        start, end = (rfc3339(int(one)) for one in readings.times[longest : longest + 2])
        notices.append(
            Notice(
                f"Of {due:,} rows from the first to the last {due - model.rows:,} are missing; the longest hole is from {start} to {end}."
            )
        )
    return notices


def _refuse_strangers(model: PlantModel, readings: Readings) -> None:
    known = set(readings.tags)
    missing = [name for name in model.names if name not in known]
    if len(missing) > (1 - LEAST_KNOWN) * len(model.names):
        raise OperatorError(
            f"The readings lack {len(missing):,} of the {len(model.names):,} tags of the model: {_listed(missing)}.",
            "Name the model of this plant, or learn one.",
        )


def _columns(judged: Judged) -> list[Notice]:
    """Columns that are gone or new, each kind in one notice."""
    missing = [one.tag for one in judged.notices if one.kind is NoticeKind.GONE]
    new = [one.tag for one in judged.notices if one.kind is NoticeKind.NEW]
    notices = []
    if missing:
        notices.append(
            Notice(
                f"Tags of the model that the readings lack, and that are not watched: {_listed(missing)}.",
                lost=True,
            )
        )
    if new:
        notices.append(
            Notice(f"Tags that the model does not know, and that are not watched: {_listed(new)}.")
        )
    return notices


def _told(judged: Judged) -> list[Notice]:
    """Drift and data quality, in order of time."""
    told = [one for one in judged.notices if one.kind not in {NoticeKind.GONE, NoticeKind.NEW}]
    said = [Notice(notice(one.kind, one.tag, one.time, one.amount)) for one in told[:_TOLD]]
    if len(told) > _TOLD:
        said.append(Notice(f"{len(told) - _TOLD:,} more notices of drift or data quality are left out."))
    return said


def _paced(model: PlantModel, readings: Readings) -> list[Notice]:
    spacing = spacing_of(readings.times)
    own, learnt = f"{spacing / SECOND:g} s", f"{model.spacing / SECOND:g} s"
    if spacing > 1.5 * model.spacing:
        return [
            Notice(
                f"There is a row every {own}, and the model knows one every {learnt}: what it says is of less worth.",
                lost=True,
            )
        ]
    return [
        Notice(
            f"Rows come unevenly (mostly every {own}): each tag's last reading every {learnt} is looked at."
        )
    ]


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(map(inert, names[:_LISTED])) + rest
