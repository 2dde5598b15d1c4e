"""A history watched with a model: its columns matched by name, its pace made the model's, every row judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tocsin.detect.plant.grid import is_even, on_grid, spacing_of
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.watch import Judged, Watcher
from tocsin.engine.plant.episodes import Episode, episodes_of
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import SECOND
from tocsin.records.readings import Notice, Readings

LEAST_KNOWN: Final = 0.5
"""Share of the model's tags that must be there for a history to be that plant's."""

_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class Watched:
    """A history, judged.

    Attributes:
        judged: Row by row.
        episodes: The alarms, in order of time.
        notices: Where the history is not like the one that was learnt.
    """

    judged: Judged
    episodes: tuple[Episode, ...]
    notices: tuple[Notice, ...]


def watch(model: PlantModel, readings: Readings) -> Watched:
    """`readings` judged by `model`.

    Raises:
        OperatorError: they are not of that plant.
    """
    notices = _strangers(model, readings)
    own = readings.of(model.names)
    if len(own) > 1 and not is_even(own.times, model.spacing):
        notices += _paced(model, own)
        own = on_grid(own, model.spacing)
    judged = Watcher(model).judge(own)
    return Watched(judged, episodes_of(judged, model.promise.unit), tuple(notices))


def _strangers(model: PlantModel, readings: Readings) -> list[Notice]:
    missing = [name for name in model.names if name not in readings.tags]
    new = [name for name in readings.tags if name not in model.names]
    if len(missing) > (1 - LEAST_KNOWN) * len(model.names):
        raise OperatorError(
            f"The readings lack {len(missing):,} of the {len(model.names):,} tags of the model: {_listed(missing)}.",
            "Name the model of this plant, or learn one.",
        )
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
