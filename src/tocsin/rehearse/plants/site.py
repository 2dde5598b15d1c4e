"""A plant made from a network and a seed: what is measured, what is controlled, how good its sensors are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tocsin.records.readings import Values
from tocsin.rehearse.plants.demand import demand_factors
from tocsin.rehearse.plants.network import Network, Rule, Schedule, network

ZONES: Final = 4
PRESSURES: Final = 8
"""Junctions whose pressure is measured."""
PIPES: Final = 6
"""Pipes whose flow is measured beside those of pumps."""
MACHINES: Final = 16
"""Pumps that are measured, at most; the rest of a large network runs unseen."""

LOAD: Final = {"Net3": 1.3}
"""How much more than its file says a town draws, where its tanks would be full for ever."""

SCANS: Final = {"ky4": 3600, "ky10": 3600, "Net6": 3600}
"""Seconds between two scans of the controller where a year would take minutes otherwise; elsewhere a quarter of an hour."""

_STEPS: Final = {"level": 0.01, "pressure": 0.1, "flow": 1.0}
_NOISES: Final = {"level": 0.015, "pressure": 0.1, "flow": 2.0}
"""Resolution and noise (standard deviation) of sensors, in feet, psi, gallons a minute."""


@dataclass(frozen=True, slots=True)
class Point:
    """A sensor.

    Attributes:
        tag: As the historian names it.
        quantity: `level`, `pressure` or `flow`.
        name: The tank, junction or link.
        offset: What is subtracted: a tank's elevation.
        step: Its resolution.
        noise: Standard deviation of its noise.
    """

    tag: str
    quantity: str
    name: str
    offset: float
    step: float
    noise: float


@dataclass(frozen=True, slots=True)
class Site:
    """A plant, not yet playing.

    Attributes:
        network: Its pipes.
        seed: What it was drawn from.
        days: How long it can be played.
        zones: The zone of each junction.
        factors: The demand, shape (24 × days, zones).
        roughness: How its pipes aged, as a factor.
        points: Its sensors.
        links: Its machines (pumps, controlled valves, supplies), each with a status tag.
        rules: By level; the numbers are this plant's own.
        schedules: By the clock.
        always: Links that stay open.
        valves: Metered pipes that somebody could shut without cutting off a whole town.
        junctions: Where pipes may leak.
    """

    network: Network
    seed: int
    days: int
    zones: dict[str, int]
    factors: Values
    roughness: float
    points: tuple[Point, ...]
    links: tuple[str, ...]
    rules: tuple[Rule, ...]
    schedules: tuple[Schedule, ...]
    always: tuple[str, ...]
    valves: tuple[str, ...]
    junctions: tuple[str, ...]

    @property
    def scan(self) -> int:
        """Seconds between two scans of its controller, unless told otherwise."""
        return SCANS.get(self.network.name, 900)

    @property
    def tags(self) -> tuple[str, ...]:
        """Sensors first, then the status of each machine."""
        return (*(point.tag for point in self.points), *(f"S_{link}" for link in self.links))

    def of(self, quantity: str) -> tuple[Point, ...]:
        """The sensors of one quantity."""
        return tuple(point for point in self.points if point.quantity == quantity)

    def level_of(self, tank: str) -> Point:
        """The sensor of a tank's level."""
        return next(point for point in self.points if point.quantity == "level" and point.name == tank)

    def tags_of(self, link: str) -> tuple[str, ...]:
        """The tags of a machine: its flow, where it is measured, and its status."""
        return (
            *(point.tag for point in self.points if point.quantity == "flow" and point.name == link),
            f"S_{link}",
        )

    def is_pump(self, link: str) -> bool:
        """Whether a machine is a pump, or feeds water in."""
        return link in self.network.pumps or link in self.network.supplies


def site(name: str, seed: int, days: int) -> Site:
    """The plant that `seed` makes of the network `name` (`NETWORKS`), ready for `days` days from 1 January."""
    random = np.random.default_rng([seed, sum(name.encode())])
    net = network(name)
    rules = tuple(_own(random, rule) for rule in net.rules)
    ruled = list(dict.fromkeys([rule.link for rule in rules] + [one.link for one in net.schedules]))
    always = tuple(pump for pump in net.pumps if pump not in ruled)
    links = tuple((ruled + list(always))[:MACHINES])
    junctions = tuple(net.demands)
    zones = {node: int(random.integers(0, ZONES)) for node in junctions}
    scale = random.uniform(0.85, 1.0) * LOAD.get(name, 1.0)
    factors = demand_factors(random, days, ZONES, random.uniform(0.05, 0.2)) * scale
    points, valves = _points(random, net, links, rules)
    return Site(
        net, seed, days, zones, factors, float(random.uniform(0.9, 1.1)), points, links, rules, net.schedules, always,
        valves, junctions,
    )  # fmt: skip


def _own(random: np.random.Generator, rule: Rule) -> Rule:
    """The levels that this plant's people chose: a little inside those of the library."""
    span = rule.high - rule.low
    low, high = random.uniform(0.0, 0.15, 2) * span
    return replace(rule, low=round(rule.low + float(low), 2), high=round(rule.high - float(high), 2))


def _points(
    random: np.random.Generator, net: Network, links: Sequence[str], rules: Sequence[Rule]
) -> tuple[tuple[Point, ...], tuple[str, ...]]:
    tanks = dict.fromkeys([rule.tank for rule in rules] + list(net.tanks)[:MACHINES])
    found = [_point(random, "level", f"L_{tank}", tank, net.tanks[tank]) for tank in tanks]
    found += [_point(random, "flow", f"F_{link}", link) for link in links if link not in net.supplies]
    beside = [pipe for pipe, ends in net.pipes.items() if set(ends) & set(tanks) and pipe not in links]
    others = [pipe for pipe in net.pipes if pipe not in beside and pipe not in links]
    picked = beside[:PIPES] + [
        others[at] for at in random.permutation(len(others))[: max(0, PIPES - len(beside))]
    ]
    found += [_point(random, "flow", f"F_{pipe}", pipe) for pipe in picked]
    nodes = list(net.demands)
    places = random.permutation(len(nodes))[:PRESSURES]
    found += [_point(random, "pressure", f"P_{nodes[at]}", nodes[at]) for at in places]
    return tuple(found), tuple(pipe for pipe in picked if pipe not in net.one_way)


def _point(random: np.random.Generator, quantity: str, tag: str, name: str, offset: float = 0.0) -> Point:
    return Point(
        tag, quantity, name, offset, _STEPS[quantity], _NOISES[quantity] * float(random.uniform(0.5, 1.5))
    )
