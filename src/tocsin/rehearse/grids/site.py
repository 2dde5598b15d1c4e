"""A grid made from a network and a seed: what is drawn and fed in, what regulates, what is measured and how well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from tocsin.records.readings import Values
from tocsin.rehearse.grids import profiles
from tocsin.rehearse.grids.flow import Flow, Phasors, Switching
from tocsin.rehearse.grids.network import Network, network

FLOWS: Final = 17
"""Branches whose powers are measured, transformers first."""
LOADS: Final = 8
VOLTAGES: Final = 8
BREAKERS: Final = 6
"""Lines whose breaker reports, beside the ties: some of those that can be out without cutting anybody off."""
SAG: Final = 0.04
"""By how much the lowest voltage may fall, per unit, while such a line is out at nominal load."""
SOLAR: Final = 3
REGULATORS: Final = 2
TAPS: Final = 8
"""Steps of a tap changer to either side."""
TAP_STEP: Final = 0.0125
"""Share of the voltage that one of them is."""

NOISES: Final = {"V": 0.0006, "P": 0.002, "Q": 0.002, "PF": 0.002, "QF": 0.002, "G": 0.002}
"""Standard deviation of a meter's noise, as a share of what it is rated for (class 0.5, with its transformer)."""


@dataclass(frozen=True, slots=True)
class Meter:
    """What measures a number.

    Attributes:
        tag: As the control centre names it: `V_3` kV, `P_3` and `Q_3` load in MW and MVAr, `PF_3_4` and `QF_3_4` flows, `G_3` infeed in MW.
        quantity: `V`, `P`, `Q`, `PF`, `QF` or `G`.
        place: Number of the bus, branch or infeed.
        decimals: Places behind the point that it shows.
        noise: Standard deviation of its noise, in its unit.
        rated: What it is made for, in its unit.
    """

    tag: str
    quantity: str
    place: int
    decimals: int
    noise: float
    rated: float


@dataclass(frozen=True, slots=True)
class Regulator:
    """A voltage regulator: moves the taps of a transformer while the voltage behind it leaves a band; per unit."""

    branch: int
    bus: int
    wanted: float
    band: float


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid, not yet playing.

    Attributes:
        network: Its buses and branches.
        seed: What it was drawn from.
        days: How long it can be played.
        step: Seconds between two rows.
        drawn: MVA that each bus draws, shape (rows, buses).
        fed: MW that each infeed gives, shape (rows, infeeds).
        infeeds: The bus of each.
        feeding: Voltage of the feeding bus, shape (rows,).
        regulators: Of its transformers.
        meters: What is measured.
        breakers: Branches whose position is known: 1 is closed.
    """

    network: Network
    seed: int
    days: int
    step: int
    drawn: Phasors
    fed: Values
    infeeds: tuple[int, ...]
    feeding: Values
    regulators: tuple[Regulator, ...]
    meters: tuple[Meter, ...]
    breakers: tuple[int, ...]

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Meters first, then breakers, then taps."""
        return (
            *(meter.tag for meter in self.meters),
            *(self.breaker_tag(branch) for branch in self.breakers),
            *(self.tap_tag(one.branch) for one in self.regulators),
        )

    def breaker_tag(self, branch: int) -> str:
        """The tag of a branch's breaker."""
        return f"S_{self.network.branches[branch].name}"

    def tap_tag(self, branch: int) -> str:
        """The tag of a transformer's tap position."""
        return f"T_{self.network.branches[branch].name}"

    def of(self, *quantities: str) -> tuple[Meter, ...]:
        """The meters of these quantities."""
        return tuple(meter for meter in self.meters if meter.quantity in quantities)

    def tags_of_branch(self, branch: int) -> tuple[str, ...]:
        """The tags of a line: its flows where they are measured, and its breaker where it reports."""
        flows = tuple(meter.tag for meter in self.of("PF", "QF") if meter.place == branch)
        return flows + ((self.breaker_tag(branch),) if branch in self.breakers else ())

    def tags_of_bus(self, bus: int) -> tuple[str, ...]:
        """The tags of a substation: its voltage, its load, and what flows from it."""
        here = {at for at, one in enumerate(self.network.branches) if one.start == bus}
        return tuple(
            meter.tag
            for meter in self.meters
            if meter.place in (here if meter.quantity in {"PF", "QF"} else {bus}) and meter.quantity != "G"
        )

    @property
    def serviceable(self) -> tuple[int, ...]:
        """Lines that report and can be out while everybody is fed."""
        return tuple(
            at for at in self.breakers if at not in self.network.ties and self.network.backing(at) is not None
        )


def grid(name: str, seed: int, days: int, step: int = 3600) -> Grid:
    """The grid that `seed` makes of the network `name` (`NETWORKS`), ready for `days` days from 1 January.

    Raises:
        ValueError: no such network, or `step` does not divide an hour.
        OperatorError: pandapower is not installed.
    """
    if step <= 0 or 3600 % step:
        raise ValueError("rows of a grid divide an hour")
    net = network(name)
    random = np.random.default_rng([seed, sum(name.encode())])
    rows = days * 86400 // step
    drawn = _drawn(random, net, step, rows)
    infeeds, fed = _fed(random, net, step, rows)
    _, held = net.slack
    feeding = held * (1.0 + profiles.drift(random, rows, 1, 0.9 ** (step / 3600), 0.006)[:, 0])
    regulators = _regulators(random, net)
    breakers = _breakers(random, net)
    most = dict(zip(infeeds, map(float, fed.max(axis=0)), strict=True))
    meters = _meters(random, net, regulators, breakers[:BREAKERS], most)
    return Grid(net, seed, days, step, drawn, fed, infeeds, feeding, regulators, meters, breakers)


def _drawn(random: np.random.Generator, net: Network, step: int, rows: int) -> Phasors:
    count = len(net.kv)
    active = profiles.load_factors(random, step, rows, count)
    leaning = 1.0 + profiles.drift(random, rows, count, 0.9 ** (step / 3600), 0.05)
    scale = random.uniform(0.75, 0.95)
    drawn: Phasors = np.empty((rows, count), np.complex128)
    drawn.real = scale * net.loads.real * active
    drawn.imag = scale * net.loads.imag * active * leaning
    return drawn


def _fed(random: np.random.Generator, net: Network, step: int, rows: int) -> tuple[tuple[int, ...], Values]:
    """Solar plants at three buses and a wind plant at a fourth, each of 40 to 120 % of its bus's nominal load."""
    loaded = np.flatnonzero(net.loads.real > 0.02 * net.loads.real.max())
    at = random.permutation(loaded)[: SOLAR + 1]
    rated = random.uniform(0.4, 1.2, len(at)) * net.loads.real[at]
    given = np.column_stack([profiles.sun(random, step, rows, SOLAR), profiles.wind(random, step, rows, 1)])
    return tuple(int(bus) for bus in at), given[:, : len(at)] * rated


def _regulators(random: np.random.Generator, net: Network) -> tuple[Regulator, ...]:
    """At transformers whose far side no generator holds. A meshed network has one, near what its file solves to: several
    without a common master would push current round in circles.
    """
    held = {net.slack[0], *(bus for bus, _, _ in net.generators)}
    usual = np.abs(_nominal(net, Flow(net), frozenset(net.ties)))
    found: dict[int, Regulator] = {}
    for at, one in enumerate(net.branches):
        if one.is_transformer and one.stop not in held and one.stop not in found:
            wanted = (
                random.uniform(1.0, 1.03) if net.ties else usual[one.stop] + random.uniform(-0.005, 0.005)
            )
            found[one.stop] = Regulator(at, one.stop, float(wanted), float(random.uniform(0.009, 0.013)))
    return tuple(found.values())[: REGULATORS if net.ties else 1]


def _breakers(random: np.random.Generator, net: Network) -> tuple[int, ...]:
    """Of lines that can be out while everybody is fed well enough, and of ties."""
    flow = Flow(net)
    usual = np.abs(_nominal(net, flow, frozenset(net.ties))).min()
    lines = []
    for at, one in enumerate(net.branches):
        ties = None if one.is_transformer else net.backing(at)
        if ties is None:
            continue
        lowest = np.abs(_nominal(net, flow, frozenset({*net.ties, at} - set(ties)))).min()
        if lowest > usual - SAG:
            lines.append(at)
    picked = sorted(int(lines[at]) for at in random.permutation(len(lines))[:BREAKERS])
    return (*picked, *net.ties)


def _meters(
    random: np.random.Generator,
    net: Network,
    regulators: tuple[Regulator, ...],
    lines: tuple[int, ...],
    infeeds: Mapping[int, float],
) -> tuple[Meter, ...]:
    def meter(quantity: str, place: int, name: str, rated: float) -> Meter:
        decimals = 3 - int(np.floor(np.log10(rated)))
        noise = max(NOISES[quantity] * rated, 0.25 * 10.0**-decimals) * float(random.uniform(0.5, 1.5))
        return Meter(f"{quantity}_{name}", quantity, place, decimals, noise, rated)

    def some(among: list[int], first: list[int], count: int) -> list[int]:
        rest = [one for one in among if one not in first]
        return sorted([*first, *(int(rest[at]) for at in random.permutation(len(rest)))][:count])

    rated = _rated(net)
    loaded = [int(bus) for bus in np.flatnonzero(net.loads.real > 0)]
    transformers = [at for at, one in enumerate(net.branches) if one.is_transformer]
    branches = some(list(range(len(net.branches))), list(dict.fromkeys([*lines, *transformers])), FLOWS)
    voltages = some(list(range(len(net.kv))), [one.bus for one in regulators], VOLTAGES)
    found = [meter("V", bus, str(bus), float(net.kv[bus])) for bus in voltages]
    for bus in some(loaded, [], LOADS):
        size = float(abs(net.loads[bus]))
        found += [meter("P", bus, str(bus), size), meter("Q", bus, str(bus), size)]
    for at in branches:
        name = net.branches[at].name
        found += [meter("PF", at, name, float(rated[at])), meter("QF", at, name, float(rated[at]))]
    found += [meter("G", at, str(bus), most) for at, (bus, most) in enumerate(infeeds.items())]
    return tuple(found)


def _nominal(net: Network, flow: Flow, out: frozenset[int]) -> Phasors:
    """The voltages at nominal load."""
    injected = -net.loads
    for bus, _, power in net.generators:
        injected[bus] += power
    return flow.solve(injected, net.slack[1], Switching((), out), None)


def _rated(net: Network) -> Values:
    """MVA that each branch's meter is made for: what flows at nominal load with ties open or closed, and a third more."""
    flow = Flow(net)
    largest = np.zeros(len(net.branches))
    for out in (frozenset(net.ties), frozenset[int]()):
        flows = flow.flows(_nominal(net, flow, out), Switching((), out))
        largest = np.maximum(largest, np.abs(flows))
    rated: Values = np.maximum(largest * 1.33, 0.02 * largest.max())
    return rated
