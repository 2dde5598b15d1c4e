"""A network of wntr's library, parsed as far as a plant needs it, and written again with our own demands.

What stays of the library's file are pipes, pumps, valves, tanks and curves. Its controls become the rules of our own
controller, its patterns become seeded demands; quality, energy and drawing go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import numpy as np

from tocsin.records.errors import OperatorError
from tocsin.records.readings import Values

NETWORKS: Final = ("Net1", "Net2", "Net3", "Net6", "ky4", "ky10")
"""Those of wntr's library that can be played."""

_KEPT: Final = ("TANKS", "RESERVOIRS", "PIPES", "PUMPS", "VALVES", "CURVES", "STATUS")
_OPTIONS: Final = (
    "Pattern ONE", "Quality None", "Trials 100", "Unbalanced Continue 20",
    "Demand Model PDA", "Minimum Pressure 0", "Required Pressure 15", "Pressure Exponent 0.5",
)  # fmt: skip
"""Where pressure falls, taps give less: what an attack cuts off gets no water, instead of water at an absurd pressure."""

_ON_A_LINE: Final = 20
"""EPANET reads no more than 40 words and 1,024 characters a line."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`link` opens when the level of `tank` falls below `low` feet and closes above `high`; `inverse`: the other way round."""

    link: str
    tank: str
    low: float
    high: float
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """`link` is open from hour `start` to hour `stop` of each day."""

    link: str
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class Network:
    """What a plant needs to know of a network; ids as in its file, US units (feet, psi, gallons a minute).

    Attributes:
        name: As in the library.
        sections: The lines that are kept, by section.
        demands: Mean base demand of each junction that draws water.
        supplies: Junctions that feed water in (a negative demand), and how much.
        tanks: Elevation of each tank's bottom.
        pumps: Every pump.
        pipes: Ends of each pipe.
        one_way: Pipes that nobody can shut or open: check valves, and those that the file holds closed.
        rules: The library's level controls.
        schedules: Its timed controls.
    """

    name: str
    sections: Mapping[str, tuple[str, ...]]
    demands: Mapping[str, float]
    supplies: Mapping[str, float]
    tanks: Mapping[str, float]
    pumps: tuple[str, ...]
    pipes: Mapping[str, tuple[str, str]]
    one_way: frozenset[str]
    rules: tuple[Rule, ...]
    schedules: tuple[Schedule, ...]


def library_text(name: str) -> str:
    """The file of the network `name`, one of `NETWORKS`.

    Raises:
        OperatorError: wntr is not installed.
    """
    if name not in NETWORKS:
        raise ValueError(f"no network {name}")
    try:
        return (files("wntr") / "library" / "networks" / f"{name}.inp").read_text("latin-1")
    except ModuleNotFoundError:
        raise OperatorError(
            "Simulated plants need wntr, which is not installed.",
            "pip install wntr pymodbus (for development only)",
        ) from None


def network(name: str) -> Network:
    """The network `name` of the library, parsed."""
    sections = _sections(library_text(name))
    drawn = _mean_demands(sections)
    rules, schedules = _controls(sections.get("CONTROLS", ()))
    supplies = {node: -base for node, base in drawn.items() if base < 0}
    tanks = {row[0]: float(row[1]) for row in _rows(sections, "TANKS")}
    if not rules:  # Net2 has a source that runs by the clock: ours follows the tank
        rules = tuple(Rule(node, tank, 53.0, 62.0) for node in supplies for tank in tanks)
    return Network(
        name,
        {section: sections.get(section, ()) for section in (*_KEPT, "JUNCTIONS", "OPTIONS")},
        {node: base for node, base in drawn.items() if base > 0},
        supplies,
        tanks,
        tuple(row[0] for row in _rows(sections, "PUMPS")),
        {row[0]: (row[1], row[2]) for row in _rows(sections, "PIPES")},
        frozenset(row[0] for row in _rows(sections, "PIPES") if row[-1].upper() in {"CV", "CLOSED"})
        | {row[0] for row in _rows(sections, "STATUS")},
        rules,
        schedules,
    )


def input_text(network: Network, zones: Mapping[str, int], factors: Values, step: int, pace: int) -> str:
    """The network as an EPANET file.

    Args:
        network: What to write.
        zones: The zone of each junction that draws water.
        factors: Demand of each zone, shape (steps, zones), as a factor of the base demand.
        step: Seconds that a row of `factors` lasts.
        pace: Seconds between two looks at the hydraulics.
    """
    kept = [f"[{section}]\n" + "\n".join(network.sections[section]) for section in _KEPT]
    junctions = [" ".join(row[:2]) + " 0" for row in _rows(network.sections, "JUNCTIONS")]
    demands = [f"{node} {base:.6f} Z{zones[node]}" for node, base in network.demands.items()]
    supplies = [f"{node} {-base:.6f} ONE" for node, base in network.supplies.items()]
    times = {
        "Duration": len(factors) * step,
        "Hydraulic Timestep": pace,
        "Pattern Timestep": step,
        "Report Timestep": step,
    }
    parts = [
        "[JUNCTIONS]\n" + "\n".join(junctions),  # EPANET wants the nodes before what joins them
        *kept,
        "[DEMANDS]\n" + "\n".join(demands + supplies),
        "[PATTERNS]\nONE 1.0\n" + "\n".join(_pattern_lines(factors)),
        "[TIMES]\n" + "\n".join(f"{name} {seconds} SEC" for name, seconds in times.items()),
        "[REPORT]\nStatus No\nSummary No\nMessages No",
        "[OPTIONS]\n" + "\n".join(_options(network.sections["OPTIONS"])) + "\n" + "\n".join(_OPTIONS),
        "[END]\n",
    ]
    return "\n\n".join(parts)


def _pattern_lines(factors: Values) -> list[str]:
    lines = []
    for zone in range(factors.shape[1]):
        words = [f"{factor:.4f}" for factor in factors[:, zone]]
        lines += [
            f"Z{zone} " + " ".join(words[at : at + _ON_A_LINE]) for at in range(0, len(words), _ON_A_LINE)
        ]
    return lines


def _options(lines: Sequence[str]) -> list[str]:
    kept = ("UNITS", "HEADLOSS", "VISCOSITY", "ACCURACY", "SPECIFIC")
    return [line for line in lines if line.upper().startswith(kept)]


def _sections(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    inside: list[str] = []
    for raw in text.splitlines():
        line = raw.split(";", 1)[0].strip()
        if line.startswith("["):
            inside = found.setdefault(line.strip("[]").upper(), [])
        elif line:
            inside.append(line)
    return {name: tuple(lines) for name, lines in found.items()}


def _rows(sections: Mapping[str, tuple[str, ...]], name: str) -> list[list[str]]:
    return [line.split() for line in sections.get(name, ())]


def _mean_demands(sections: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Base demand of each junction, times the mean of its pattern."""
    patterns: dict[str, list[float]] = {}
    for row in _rows(sections, "PATTERNS"):
        patterns.setdefault(row[0], []).extend(float(word) for word in row[1:])
    means = {name: float(np.mean(values)) for name, values in patterns.items()}
    usual = means.get("1", 1.0)
    drawn: dict[str, float] = {}
    for row in _rows(sections, "JUNCTIONS"):
        if len(row) > 2:
            drawn[row[0]] = float(row[2]) * means.get(row[3] if len(row) > 3 else "", usual)
    listed: dict[str, float] = {}
    for row in _rows(sections, "DEMANDS"):
        listed[row[0]] = listed.get(row[0], 0.0) + float(row[1]) * means.get(
            row[2] if len(row) > 2 else "", usual
        )
    return {node: base for node, base in {**drawn, **listed}.items() if base != 0.0}


def _controls(lines: Sequence[str]) -> tuple[tuple[Rule, ...], tuple[Schedule, ...]]:
    """LINK x OPEN IF NODE y BELOW z … and LINK x OPEN AT TIME h: each pair of opening and closing makes one."""
    levels: dict[tuple[str, str], dict[str, tuple[bool, float]]] = {}
    hours: dict[str, dict[bool, float]] = {}
    for line in lines:
        words = line.split()
        upper = [word.upper() for word in words]
        opens = upper[2] in {"OPEN", "1"} or (upper[2].replace(".", "").isdigit() and float(upper[2]) > 0)
        if upper[3] == "IF":
            levels.setdefault((words[1], words[5]), {})[upper[6]] = (opens, float(words[7]))
        elif upper[3] == "AT" and upper[4] in {"TIME", "CLOCKTIME"}:
            hours.setdefault(words[1], {}).setdefault(opens, _hours(words[5]))
    rules = tuple(
        Rule(link, tank, pair["BELOW"][1], pair["ABOVE"][1], inverse=not pair["BELOW"][0])
        for (link, tank), pair in levels.items()
        if len(pair) == 2
    )
    ruled = {rule.link for rule in rules}
    schedules = tuple(
        Schedule(link, pair[True] % 24, pair[False] % 24)
        for link, pair in hours.items()
        if len(pair) == 2 and link not in ruled
    )
    return rules, schedules


def _hours(word: str) -> float:
    parts = [float(part) for part in word.split(":")]
    return math.fsum(part / 60**place for place, part in enumerate(parts))
