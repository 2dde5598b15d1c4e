"""A watched plant as JSON lines and as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from tocsin.advise.plant import episode
from tocsin.detect.plant.model import PlantModel
from tocsin.engine.plant.episodes import Episode
from tocsin.engine.plant.telling import Telling
from tocsin.engine.plant.watching import Watched
from tocsin.records.instants import rfc3339
from tocsin.records.readings import Spelling

_CHUNK: Final = 4_096
"""Rows whose lines are made at a time."""


class Lines:
    """What was watched, to be printed."""

    def __init__(self, model: PlantModel, spelling: Spelling, watched: Watched) -> None:
        self._model, self._telling = model, Telling(model, spelling)
        self._judged, self._episodes = watched.judged, watched.episodes

    def rows(self) -> Iterator[bytes]:
        """One JSON line a row."""
        names = self._model.names
        for start in range(0, len(self._judged.times), _CHUNK):
            part = slice(start, start + _CHUNK)
            judged = self._judged
            columns = (
                judged.times[part],
                judged.scores[part].round(4),
                judged.alarms[part],
                judged.named[part],
                judged.shares[part].round(3),
            )
            lines = []
            for at, (time, score, alarm, named, shares) in enumerate(
                zip(*(one.tolist() for one in columns), strict=True)
            ):
                tags = [
                    (names[column], share) for column, share in zip(named, shares, strict=True) if column >= 0
                ]
                reason = self._telling.why(judged, start + at) if alarm else ""
                lines.append(
                    orjson.dumps(
                        {
                            "kind": "row",
                            "time": rfc3339(time),
                            "score": score,
                            "alarm": alarm,
                            "tags": tags,
                            "why": reason,
                        }
                    )
                )
            yield b"\n".join(lines) + b"\n"

    def episodes(self) -> Iterator[dict[str, Any]]:
        """One JSON object an episode."""
        for one in self._episodes:
            yield {
                "kind": "episode", "start": self._time(one.first), "end": self._time(one.last), "rows": one.rows,
                "score": round(float(self._judged.scores[one.worst]), 4), "tags": self._tags(one), "why": self._telling.why(self._judged, one.worst),
            }  # fmt: skip

    def sentences(self) -> Iterator[str]:
        """One sentence or two an episode."""
        for one in self._episodes:
            first, last = int(self._judged.times[one.first]), int(self._judged.times[one.last])
            yield episode(first, last, one.rows, self._tags(one), self._telling.why(self._judged, one.worst))

    def summary(self) -> dict[str, Any]:
        """The summary, without the promise."""
        rows = len(self._judged.times)
        return {
            "kind": "summary", "rows": rows, "alarms": int(self._judged.alarms.sum()), "episodes": len(self._episodes),
            "start": self._time(0) if rows else None, "end": self._time(-1) if rows else None,
        }  # fmt: skip

    def _time(self, row: int) -> str:
        return rfc3339(int(self._judged.times[row]))

    def _tags(self, one: Episode) -> list[str]:
        return [self._model.names[column] for column in one.tags]
