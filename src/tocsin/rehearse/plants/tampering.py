"""How upkeep and attacks change what the controller is told, what it moves, and what is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.records.readings import Values
from tocsin.rehearse.plants.happenings import Happening, Kind
from tocsin.rehearse.plants.hydraulics import Hydraulics
from tocsin.rehearse.plants.site import Site

STEPS: Final = 8
"""Steps of a stepwise drift."""

_FORCED = frozenset({Kind.FORCED_ON, Kind.FORCED_OFF, Kind.HIDDEN_PUMP, Kind.PUMP_SERVICE})


class Tampering:
    """All happenings of one play, and what they must remember."""

    def __init__(self, site: Site, happenings: Sequence[Happening]) -> None:
        self._site = site
        self._all = tuple(happenings)
        self._column = {tag: at for at, tag in enumerate(site.tags)}
        self._base = np.array([*(point.step for point in site.points), *(1.0 for _ in site.links)])
        self._held: dict[Happening, float] = {}
        self._leaking: dict[Happening, bool] = {}
        self._random = np.random.default_rng([site.seed, 2])
        self._past: dict[int, Values] = {}
        self._honest: dict[tuple[str, bool], float] = {}
        self._replays = max((int(one.size) for one in self._all if one.kind is Kind.REPLAY), default=0)
        self._now: tuple[int, tuple[Happening, ...]] = (-1, ())

    def _on(self, now: int) -> tuple[Happening, ...]:
        if self._now[0] != now:
            self._now = now, tuple(one for one in self._all if one.start <= now < one.end)
        return self._now[1]

    def sensed(self, now: int, values: Values) -> Values:
        """What the sensors tell the controller, shape (points,)."""
        for one in self._on(now):
            column = self._column.get(
                one.target if one.kind is Kind.SENSOR_SWAP else one.tags[0] if one.tags else "", -1
            )
            part = (now - one.start) / (one.end - one.start)
            if one.kind is Kind.STUCK_LEVEL:
                values[column] = self._held.setdefault(one, float(values[column]))
            elif one.kind is Kind.OFFSET_LEVEL:
                values[column] += one.size
            elif one.kind is Kind.STEPWISE_DRIFT:
                values[column] += one.size * np.floor(part * STEPS + 1) / STEPS
            elif one.kind is Kind.SENSOR_SWAP and column < len(values):
                values[column] *= 1.0 + one.size
        return values

    def shifts(self, now: int) -> dict[str, float]:
        """By how many feet the levels of each link's rule are moved."""
        moved: dict[str, float] = {}
        for one in self._on(now):
            if one.kind is Kind.SETPOINT_DRIFT:
                moved[one.target] = one.size * (now - one.start) / (one.end - one.start)
            elif one.kind is Kind.SEASON:
                moved[one.target] = moved.get(one.target, 0.0) + one.size
        return moved

    def acted(self, now: int, commands: Mapping[str, bool]) -> dict[str, bool]:
        """What machines and valves do for `commands`."""
        done = {**commands, **dict.fromkeys(self._site.valves, True)}
        for one in self._on(now):
            if one.kind in _FORCED:
                done[one.target] = one.size > 0
            elif one.kind is Kind.VALVE_CLOSED:
                done[one.target] = False
            elif one.kind is Kind.REPLAY:  # what the replay hides: the machine stands the wrong way
                done[one.target] = not self._held.setdefault(one, float(commands[one.target]))
        return done

    def leaks(self, now: int, water: Hydraulics) -> None:
        """Opens and closes leaks."""
        for one in self._all:
            if one.kind is Kind.LEAK and self._leaking.get(one, False) != (one.start <= now < one.end):
                self._leaking[one] = one.start <= now < one.end
                water.set_leak(one.target, one.size if self._leaking[one] else 0.0)

    def recorded(
        self, now: int, sensed: Values, status: Values, commands: Mapping[str, bool]
    ) -> NDArray[np.int64]:
        """What the historian gets: counts, shape (tags,)."""
        row = np.concatenate([sensed, status])
        steps = self._base.copy()
        for one in self._on(now):
            column = self._column.get(one.target, -1)
            if one.kind is Kind.FLOW_SCALED:
                row[column] *= one.size
            elif one.kind is Kind.NOISE_RAISED:
                spread = self._site.points[column].noise * one.size
                row[column] += (
                    np.random.default_rng([self._site.seed, one.start, now]).standard_normal() * spread
                )
            elif one.kind is Kind.PRECISION and column < len(sensed):
                steps[column] *= one.size
            elif one.kind is Kind.HIDDEN_PUMP:
                self._hide(one, row, commands)
            elif one.kind is Kind.REPLAY:
                self._replay(one, now, row)
        self._remember(now, row, status)
        counts: NDArray[np.int64] = np.rint(np.rint(row / steps) * steps / self._base).astype(np.int64)
        return counts

    def _hide(self, one: Happening, row: Values, commands: Mapping[str, bool]) -> None:
        """Status and flow as they would be if the machine obeyed."""
        wanted = commands[one.target]
        for tag in one.tags:
            at = self._column[tag]
            usual = self._honest.get((tag, wanted), 0.0)
            row[at] = (
                float(wanted)
                if tag.startswith("S_")
                else usual + (self._noise_of(at, one, row) if wanted else 0.0)
            )

    def _noise_of(self, column: int, one: Happening, row: Values) -> float:
        key = [self._site.seed, one.start, abs(int(row.sum() * 1000))]
        return float(np.random.default_rng(key).standard_normal()) * self._site.points[column].noise

    def _replay(self, one: Happening, now: int, row: Values) -> None:
        before = self._past.get(now - int(one.size))
        if before is not None:
            for tag in one.tags:
                row[self._column[tag]] = before[self._column[tag]]

    def _remember(self, now: int, row: Values, status: Values) -> None:
        if self._replays:
            self._past[now] = row
            self._past.pop(now - self._replays, None)
        if any(one.is_attack for one in self._on(now)):
            return
        for link, is_open in zip(self._site.links, status, strict=True):
            for tag in self._site.tags_of(link):
                self._honest[tag, is_open > 0] = float(row[self._column[tag]])
