"""A plant at play: hydraulics, sensors, controller and what happens to them, in closed loop.

`play` gives a year by the hour in seconds; `rows` gives one row of counts after the other, which is what the PLC holds in
its registers (`wire.py`). Same seed, same bytes; and a play with attacks and its twin without are the same to the last
bit until the first one begins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.records.instants import SECOND
from tocsin.records.readings import Readings, Values
from tocsin.rehearse.plants.controller import Controller
from tocsin.rehearse.plants.demand import STEP
from tocsin.rehearse.plants.happenings import Happening
from tocsin.rehearse.plants.hydraulics import Hydraulics
from tocsin.rehearse.plants.network import input_text
from tocsin.rehearse.plants.site import Site
from tocsin.rehearse.plants.tampering import Tampering

BEGINS: Final = 1_704_067_200
"""Monday, 1 January 2024, in seconds since 1970: when every play begins."""

RANGES: Final = {"level": (0.0, 1_000.0), "pressure": (0.0, 250.0), "flow": (-1e6, 1e6)}
"""What a sensor can show."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How time goes, in seconds.

    Attributes:
        sample: Between two rows of the historian; a multiple of `scan`.
        scan: Between two scans of the controller, a divisor of an hour; 0 for the plant's own.
        length: How long it is played; 0 for all of its days.
    """

    sample: int = 3600
    scan: int = 0
    length: int = 0


HOURLY: Final = Pace()

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Played:
    """What a play gave.

    Attributes:
        readings: As the historian has them.
        labels: What happened beside the routine, oldest first.
    """

    readings: Readings
    labels: tuple[Happening, ...]


def play(site: Site, happenings: Sequence[Happening], pace: Pace = HOURLY) -> Played:
    """Plays `site`, with `happenings` in order of time."""
    times, counts = [], []
    for time, row in rows(site, happenings, pace):
        times.append(time)
        counts.append(row)
    values = np.array(counts, np.float64) * steps_of(site)
    return Played(Readings(site.tags, np.array(times, np.int64) * SECOND, values), tuple(happenings))


def steps_of(site: Site) -> Values:
    """What one count of each tag stands for, in the tag's unit; shape (tags,)."""
    return np.array([*(point.step for point in site.points), *(1.0 for _ in site.links)])


def rows(site: Site, happenings: Sequence[Happening], pace: Pace) -> Iterator[tuple[int, Counts]]:
    """(seconds since 1970, counts of each tag) of one sample after the other; the first is one sample after the start."""
    pace = Pace(pace.sample, pace.scan or site.scan, pace.length or site.days * 86400)
    if pace.sample % pace.scan or STEP % pace.scan:
        raise ValueError("samples must fall on scans, and scans divide an hour")
    text = input_text(site.network, site.zones, site.factors, STEP, pace.scan)
    with tempfile.TemporaryDirectory(prefix="plant") as folder:
        water = Hydraulics(text, Path(folder))
        water.measure([(point.quantity, point.name, point.offset) for point in site.points])
        water.set_age(site.roughness, tuple(site.network.pipes))
        water.start()
        try:
            yield from _loop(site, water, Tampering(site, happenings), pace)
        finally:
            water.close()


def _loop(site: Site, water: Hydraulics, tampering: Tampering, pace: Pace) -> Iterator[tuple[int, Counts]]:
    controller = Controller(site.rules, site.schedules, site.always)
    random = np.random.default_rng([site.seed, 1])
    noises = np.array([point.noise for point in site.points])
    low, high = np.array([RANGES[point.quantity] for point in site.points]).T
    columns = {point.name: at for at, point in enumerate(site.points) if point.quantity == "level"}
    state: dict[str, bool] = {}
    while True:
        now = water.solve()
        if now >= pace.length:
            return
        if now % pace.scan == 0:
            noisy = np.clip(water.values(), low, high) + random.standard_normal(len(noises)) * noises
            sensed = tampering.sensed(now, noisy)
            if now % pace.sample == 0 and state:
                status = np.array([float(state[link]) for link in site.links])
                yield BEGINS + now, tampering.recorded(now, sensed, status, controller.commands)
            commands = controller.scan(
                now, {tank: sensed[at] for tank, at in columns.items()}, tampering.shifts(now)
            )
            wanted = tampering.acted(now, commands)
            _act(site, water, state, wanted)
            state = wanted
            tampering.leaks(now, water)
        if water.advance() <= 0:
            return


def _act(site: Site, water: Hydraulics, before: dict[str, bool], wanted: dict[str, bool]) -> None:
    for link, is_open in wanted.items():
        if before.get(link, link in site.valves) == is_open:
            continue
        if link in site.network.supplies:
            water.set_supply(link, site.network.supplies[link] * is_open)
        else:
            water.set_open(link, is_open=is_open)
