"""Tanks as their owner names them, on the command line or in a file, for the balance of their water.

```
--balance "L_T1=in:F_PU1+F_PU2,out:F_V2"                       what one unit of flow does to the level is learnt
--balance "L_T1=in:F_PU1,out:F_V2,area:12.5,flow:l/s"          the tank's area (m²) and the flows' unit are known

[[tank]]                    # in a TOML file: names with any sign in them
level = "L_T1"
in = ["F_PU1", "F_PU2"]
out = ["F_V2"]
area = 12.5                 # m²; leave it out, and flow with it, to have it learnt
flow = "l/s"
unit = "m"                  # of the level: m (without it), cm, mm, ft
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from tocsin.cli.options import Decorator
from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND

if TYPE_CHECKING:
    from tocsin.detect.plant.balance import Tank
    from tocsin.records.readings import Readings

TANKS: Sequence[Decorator] = (
    click.option(
        "--balance", multiple=True, metavar="LEVEL=in:TAG+TAG,out:TAG",
        help="Account for a tank's water: the tag of its level, and of what flows in and out; may be repeated. With "
        "area:M2,flow:UNIT where the tank's area is known.",
    ),
    click.option("--tanks", type=click.Path(path_type=Path, dir_okay=False), help="The same for many tanks, as a TOML file of [[tank]]."),
)  # fmt: skip

FLOWS: Final = {
    "m3/s": 1.0, "m3/h": 1 / 3_600, "m3/d": 1 / 86_400, "l/s": 1e-3, "l/min": 1e-3 / 60, "l/h": 1e-3 / 3_600,
    "Ml/d": 1e3 / 86_400, "gpm": 3.785_411_784e-3 / 60, "mgd": 3_785.411_784 / 86_400,
}  # fmt: skip
"""Units of a flow, in m³/s (gallons are US gallons: 3.785411784 l)."""

LEVELS: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001, "ft": 0.3048}
"""Units of a level, in m."""

_EXAMPLE: Final = 'Write it like "L_T1=in:F_PU1+F_PU2,out:F_V2" or with ",area:12.5,flow:l/s" behind it.'


@dataclass(frozen=True, slots=True)
class TankNamed:
    """A tank as its owner names it; `area` in m², None where it is to be learnt."""

    level: str
    inflows: tuple[str, ...]
    outflows: tuple[str, ...]
    area: float | None = None
    flow: str = ""
    unit: str = "m"


def tanks_named(balances: Sequence[str], path: Path | None) -> tuple[TankNamed, ...]:
    """The tanks of the options and of the file.

    Raises:
        OperatorError: one of them cannot be read, or is not whole.
    """
    named = [_balance(one) for one in balances] + ([] if path is None else _file(path))
    levels = [one.level for one in named]
    twice = next((one for one in levels if levels.count(one) > 1), None)
    if twice is not None:
        raise OperatorError(f"The tank of {twice} is named twice.", "Name all its flows in one balance.")
    return tuple(named)


def balances_of(named: Sequence[TankNamed], readings: Readings) -> tuple[Tank, ...]:
    """The tanks with what a unit of each flow adds to the level from row to row of `readings`.

    Raises:
        OperatorError: a flow that an area is given for is a counter, which has no rate.
    """
    from tocsin.detect.plant.grid import on_grid, spacing_of

    spacing = spacing_of(readings.times)
    if not named or not spacing:
        return tuple(_tank(one, 1) for one in named)
    rates = [name for one in named if one.area is not None for name in (*one.inflows, *one.outflows)]
    known = dict.fromkeys(name for name in rates if name in readings.tags)
    _refuse_counters(on_grid(readings.of(tuple(known)), spacing))
    return tuple(_tank(one, spacing) for one in named)


def _tank(one: TankNamed, spacing: int) -> Tank:
    from tocsin.detect.plant.balance import Tank

    if one.area is None:
        return Tank(one.level, one.inflows, one.outflows)
    gain = FLOWS[one.flow] * (spacing / SECOND) / one.area / LEVELS[one.unit]
    return Tank(one.level, one.inflows, one.outflows, (gain,) * len(one.inflows), (gain,) * len(one.outflows))


def refuse_other_units(named: Sequence[TankNamed], units: Mapping[str, str]) -> None:
    """Raises `OperatorError` where a tank with an area has flows or a level in other `units` than its owner says."""
    from tocsin.sources.historian.unit_names import unit_of

    for one in named:
        flows = [(flow, one.flow) for flow in (*one.inflows, *one.outflows)]
        for name, said in [(one.level, one.unit), *flows] if one.area is not None else ():
            stated, given = unit_of(units.get(name, "")), unit_of(said)
            if stated is not None and given is not None and not stated.same_as(given):
                raise OperatorError(
                    f"The balance of {one.level} takes {name} to be in {said}, and its source says {stated.said}.",
                    "Correct flow or unit in the balance, or the unit in the file.",
                )


def _refuse_counters(readings: Readings) -> None:
    from tocsin.detect.plant.tags import TagKind, tags_of

    for tag in tags_of(readings):
        if tag.kind is TagKind.COUNTER:
            raise OperatorError(
                f"{tag.name} counts what flowed, and an area needs flows at a rate.",
                "Leave area and flow out of this tank: then they are learnt.",
            )


def _balance(text: str) -> TankNamed:
    level, equals, rest = text.partition("=")
    table: dict[str, Any] = {"level": level.strip()}
    for part in rest.split(","):
        key, colon, value = (one.strip() for one in part.partition(":"))
        if not equals or not colon or key not in {"in", "out", "area", "flow", "unit"} or key in table:
            raise OperatorError(f"The balance {text!r} cannot be read.", _EXAMPLE)
        table[key] = [one.strip() for one in value.split("+")] if key in {"in", "out"} else value
    if "area" in table:
        table["area"] = _number(table["area"], level)
    return _named(table, f"The balance of {level.strip()}")


def _number(text: str, level: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OperatorError(
            f"The balance of {level}: {text!r} is no area.", "Give it in m², such as area:12.5."
        ) from None


def _file(path: Path) -> list[TankNamed]:
    try:
        with path.open("rb") as file:
            data = file.read(bounds.PLANT_TANKS_BYTES + 1)
        if len(data) > bounds.PLANT_TANKS_BYTES:
            raise OperatorError(
                f"{path} is too large for a file of tanks.", "Name the right file with --tanks."
            )
        table = tomllib.loads(data.decode())
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be read: {error.strerror or error}.", "Look at its name and its rights."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OperatorError(f"{path} is no TOML: {error}.", "Mend it, or begin with [[tank]].") from error
    tanks = table.pop("tank", None)
    if table or not isinstance(tanks, list) or not all(isinstance(one, dict) for one in tanks):
        raise OperatorError(
            f"{path} holds something else than tanks.", "Begin each tank with a line [[tank]]."
        )
    return [_named(one, f"{path}, tank {at}") for at, one in enumerate(tanks, 1)]


def _named(table: Mapping[str, Any], where: str) -> TankNamed:
    def refuse(what: str, todo: str) -> NoReturn:
        raise OperatorError(f"{where} {what}.", todo)

    unknown = sorted(set(table) - {"level", "in", "out", "area", "flow", "unit"})
    if unknown:
        refuse(f"has a key {unknown[0]!r}", "The keys are level, in, out, area, flow and unit.")
    level, inflows, outflows = table.get("level"), table.get("in", []), table.get("out", [])
    if not isinstance(level, str) or not level:
        refuse("names no level", "Give the tag of the tank's level.")
    for one in (inflows, outflows):
        if not isinstance(one, list) or not all(isinstance(name, str) and name for name in one):
            refuse("has flows that are no names", "Give the tags of what flows in, and of what flows out.")
    if not inflows and not outflows:
        refuse("names no flow", "Give the tags of what flows in, and of what flows out.")
    area, flow, unit = _measured(table, refuse)
    return TankNamed(level, tuple(inflows), tuple(outflows), area, flow, unit)


def _measured(
    table: Mapping[str, Any], refuse: Callable[[str, str], NoReturn]
) -> tuple[float | None, str, str]:
    """The area, the unit of the flows, and the unit of the level."""
    area, flow, unit = table.get("area"), table.get("flow", ""), table.get("unit", "m")
    if area is not None and (type(area) not in {int, float} or not isfinite(area) or area <= 0):
        refuse("has no area above 0", "Give it in m², or leave it out.")
    if (area is None) != (flow == ""):
        refuse(
            "needs area and flow together, or neither", f"The unit of its flows is one of {', '.join(FLOWS)}."
        )
    if area is not None and flow not in list(FLOWS):
        refuse(f"measures flows in {flow!r}", f"It is one of {', '.join(FLOWS)}.")
    if unit not in list(LEVELS):
        refuse(f"measures its level in {unit!r}", f"It is one of {', '.join(LEVELS)}.")
    return float(area) if area is not None else None, flow, unit
