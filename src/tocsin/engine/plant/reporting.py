"""A watched plant as its picture: what an operator needs to see, a bounded amount of it, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tocsin.advise.phrases import day, name
from tocsin.advise.plant import episode, no_promise, notice, promise, reading
from tocsin.advise.plant_headline import Headline, Rang, headline
from tocsin.config import bounds
from tocsin.detect.plant.bands import BEFORE, Bands, Binned, Extremes, bands_of, half_widths
from tocsin.detect.plant.notices import NoticeKind
from tocsin.detect.plant.quality import aligned
from tocsin.detect.plant.watch import ROWS, Judged
from tocsin.engine.plant.episodes import Episode, episodes_of
from tocsin.engine.plant.model_file import Kept
from tocsin.engine.plant.picture import PlantReport, Stretch, TagPicture
from tocsin.engine.plant.telling import Telling, promised
from tocsin.engine.plant.watching import Watched, watch
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.records.readings import Flags, Notice, Readings, Values

MARGIN: Final = 24
"""Rows before and after a stretch of alarms that its own picture shows at least."""

SMALL: Final = 1 / 3
"""A stretch that fills more of the rows than this needs no picture of its own: the tag's whole one shows it."""

_COLUMNS: Final = frozenset({NoticeKind.GONE, NoticeKind.NEW})

_NO_ROW: Final = ("There is no row in this time.", "Look at --from and --to, and at --zone.")


def report(
    kept: Kept,
    readings: Readings,
    notices: Sequence[Notice] = (),
    since: int | None = None,
    until: int | None = None,
) -> PlantReport:
    """The report of `readings`, judged by the model `kept`.

    Args:
        kept: The model, as it is kept.
        readings: What the historian says; all up to `until` is judged, so that the score knows what came before `since`.
        notices: What was told of the files.
        since: The instant from which on rows are shown; None for the first one.
        until: And the one up to which; None for the last one.

    Raises:
        OperatorError: they are not of that plant, or none of them is in this time.
    """
    model = kept.model
    stop = len(readings) if until is None else int(np.searchsorted(readings.times, until, side="right"))
    readings = readings.rows(0, stop)
    if not stop or (since is not None and since > int(readings.times[-1])):
        raise OperatorError(*_NO_ROW)
    start = max(
        int(readings.times[0]) // max(1, model.spacing) * model.spacing,
        since if since is not None else -(1 << 62),
    )
    end = int(readings.times[-1])
    spans = max(1, min(bounds.PLANT_PICTURE_SPANS, (end - start) // max(1, model.spacing) + 1))
    binned = Binned(start, end, spans, half_widths(model), model.spacing)
    watched = watch(model, readings, binned.add)
    return _Drawing(kept, watched, binned.extremes(), start).report(notices)


class _Drawing:
    """One report in the making."""

    def __init__(self, kept: Kept, watched: Watched, whole: Extremes, start: int) -> None:
        self._model, self._telling = kept.model, Telling(kept.model, kept.spelling)
        first = int(np.searchsorted(watched.judged.times, start))
        if first == len(watched.judged.times):
            raise OperatorError(*_NO_ROW)
        self._judged = _from(watched.judged, first, start)
        self._early = [one for one in watched.judged.notices if one.time < start and one.kind not in _COLUMNS]
        self._episodes = episodes_of(self._judged, kept.model.promise.unit)
        self._readings = aligned(kept.model.names, watched.readings)[0].rows(first, len(watched.readings))
        self._told, self._whole, self._confirmed = watched.notices, whole, kept.confirmed
        self._columns = {int(column): at for at, column in enumerate(kept.model.process.moving)}
        self._room = bounds.PLANT_PICTURE_ROWS

    def report(self, notices: Sequence[Notice]) -> PlantReport:
        """All of it."""
        model, judged, whole = self._model, self._judged, self._whole
        ringing = _ringing(judged, whole)
        newest = self._episodes[::-1]
        shown = newest[: bounds.PLANT_PICTURE_EPISODES]
        faults, others = self._order()
        since = self._told_since()
        drawn, listed = faults[: bounds.PLANT_PICTURE_FAULTS], others[: bounds.PLANT_PICTURE_TAGS]
        return PlantReport(
            self._headline(len(since) + sum(one.lost for one in notices)),
            int(judged.times[0]), int(judged.times[-1]), len(judged.times), int(judged.alarms.sum()),
            tuple(map(self._stretch, shown)), len(newest) - len(shown), _highest(judged, whole), ringing, whole.width,
            tuple(self._picture(one, ringing) for one in drawn),
            tuple(model.names[one] for one in faults[len(drawn) :]),
            tuple(self._picture(one, ringing) for one in listed), len(others) - len(listed),
            len(model.tags) - len(model.process.moving), (*notices, *since),
            promise(promised(model), model.spacing / SECOND), no_promise(), self._learnt(),
        )  # fmt: skip

    def _headline(self, notices: int) -> Headline:
        judged, names = self._judged, self._model.names
        times = judged.times
        rang = [
            Rang(int(times[one.first]), int(times[one.last]), [names[at] for at in one.tags])
            for one in self._episodes
        ]
        return headline(int(times[0]), int(times[-1]), rang, notices, rings=bool(judged.alarms[-1]))

    def _told_since(self) -> list[Notice]:
        """What is told of the time that is shown, and of the columns."""
        early = {notice(one.kind, one.tag, one.time, one.amount) for one in self._early}
        return [one for one in self._told if one.said not in early]

    def _learnt(self) -> str:
        model = self._model
        said = f"Learnt from {model.rows:,} rows, {day(model.start)} to {day(model.end)}."
        for one in self._confirmed[-1:]:
            said += f" {name(one.by)} confirmed them on {day(one.at)}."
        if model.first is not None:
            said += f" Drift is judged by the first model, which ends on {day(model.first.end)}."
        return said

    def _order(self) -> tuple[list[int], list[int]]:
        """The columns at fault, those of the newest alarm first, then those with a notice; and the others that change."""
        of_alarms = [column for one in self._episodes[::-1] for column in one.tags]
        at = {tag: column for column, tag in enumerate(self._model.names)}
        of_notices = [at[one.tag] for one in self._judged.notices if one.tag in at]
        faults = list(dict.fromkeys([*of_alarms, *of_notices]))
        return faults, [column for column in self._columns if column not in set(faults)]

    def _stretch(self, one: Episode) -> Stretch:
        times, model = self._judged.times, self._model
        start, end = int(times[one.first]), int(times[one.last])
        names = [model.names[column] for column in one.tags]
        said = episode(start, end, one.rows, names, self._telling.why(self._judged, one.worst))
        if not one.tags:
            return Stretch(start, end, said, None)
        worst = int(self._judged.named[one.worst, 0])
        picture = self._enlarged(one, one.tags[0])
        return Stretch(
            start, end, said, picture, self._enlarged(one, worst) if worst not in {-1, one.tags[0]} else None
        )

    def _enlarged(self, one: Episode, column: int) -> TagPicture | None:
        """One tag around an alarm."""
        rows = one.last - one.first + 1
        margin = max(MARGIN, rows // 2)
        first, last = max(0, one.first - margin), min(len(self._judged.times), one.last + margin + 1)
        if rows > SMALL * len(self._judged.times) or last - first > self._room:
            return None
        self._room -= last - first
        begin = max(0, first - BEFORE)
        found = self._extremes(column, self._readings.rows(begin, last), first - begin)
        return self._tag(column, found, _ringing(self._judged, found))

    def _extremes(self, column: int, readings: Readings, first: int) -> Extremes:
        """Those of one tag in the rows of `readings` from `first` on."""
        model, start, end = self._model, int(readings.times[first]), int(readings.times[-1])
        spans = max(1, min(bounds.PLANT_PICTURE_SPANS, (end - start) // max(1, model.spacing) + 1))
        if column not in self._columns:
            return self._still(column, readings.rows(first, len(readings)), start, end, spans)
        binned = Binned(start, end, spans, half_widths(model), model.spacing)
        for piece in bands_of(model, readings, first):
            binned.add(piece)
        return binned.extremes().of(self._columns[column])

    def _still(self, column: int, readings: Readings, start: int, end: int, spans: int) -> Extremes:
        """Those of a tag that never changed: its only reading is what fits."""
        values = readings.values[:, [column]]
        binned = Binned(start, end, spans, np.zeros(1), self._model.spacing)
        binned.add(Bands(readings.times, values, np.full_like(values, self._model.tags[column].centre)))
        return binned.extremes()

    def _picture(self, column: int, ringing: Flags) -> TagPicture:
        whole = self._whole
        if column in self._columns:
            return self._tag(column, whole.of(self._columns[column]), ringing)
        return self._tag(
            column, self._still(column, self._readings, whole.start, whole.end - 1, len(ringing)), ringing
        )

    def _tag(self, column: int, lines: Extremes, alarms: Flags) -> TagPicture:
        tag = self._model.tags[column]
        floor, ceiling = lines.expected - lines.half, lines.expected + lines.half
        if tag.states:  # between states and beyond them there is nothing
            floor, ceiling = np.clip(floor, tag.low, tag.high), np.clip(ceiling, tag.low, tag.high)
        drawn = np.concatenate([lines.low, lines.high, floor, ceiling])
        ends = ("", "")
        if np.isfinite(drawn).any():
            ends = (
                self._written(column, float(np.nanmin(drawn))),
                self._written(column, float(np.nanmax(drawn))),
            )
        return TagPicture(
            tag.name,
            tag.kind,
            lines,
            floor[:, 0],
            ceiling[:, 0],
            alarms,
            ends,
            self._telling.spelling.units.get(tag.name, ""),
        )

    def _written(self, column: int, value: float) -> str:
        return reading(replace(self._telling.shown(column, value, value), unit=""), value)


def _from(judged: Judged, first: int, start: int) -> Judged:
    """The rows from `first` on, and the notices from the instant `start` on."""
    rows = {part: getattr(judged, part)[first:] for part in ROWS}
    return replace(
        judged,
        **rows,
        notices=tuple(one for one in judged.notices if one.time >= start or one.kind in _COLUMNS),
    )


def _spans(judged: Judged, like: Extremes) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Flags]:
    """For each row the span of `like` that it is in, and whether it is in any."""
    spans = (judged.times - like.start) // like.width
    return spans, (spans >= 0) & (spans < len(like.low))


def _ringing(judged: Judged, like: Extremes) -> Flags:
    spans, inside = _spans(judged, like)
    found = np.zeros(len(like.low), bool)
    found[spans[inside & judged.alarms]] = True
    return found


def _highest(judged: Judged, like: Extremes) -> Values:
    spans, inside = _spans(judged, like)
    found = np.full(len(like.low), np.nan)
    np.fmax.at(found, spans[inside], judged.scores[inside])
    return found
