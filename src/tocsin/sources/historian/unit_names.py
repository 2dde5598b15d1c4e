"""Units of measurement as historians spell them: `unit_of(text)`, and the one in a heading such as `Flow 1 [m3/h]`.

What a spelling means is in `_SPELLINGS`; how large it is, `pint` knows (`conversion.py`). A spelling that is not there
compares as text. Things that only look alike are kept apart by their kind: a pump's rpm and its drive's Hz, W and VA,
pressure over that of the air and absolute pressure; physics would let them be converted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tocsin.config import bounds

_SPELLINGS: Final = """
meter              | m meter metre meters metres mtr
centimeter         | cm
millimeter         | mm
kilometer          | km
foot               | ft feet foot
inch               | in inch inches
meter**3/second    | m3/s cbm/s m3s-1
meter**3/minute    | m3/min cbm/min
meter**3/hour      | m3/h m3/hr m3/std cbm/h m3h-1 m3ph CMH
meter**3/day       | m3/d m3/day cbm/d
liter/second       | l/s l/sec ls-1 lps ltr/s
liter/minute       | l/min lpm ltr/min
liter/hour         | l/h l/hr lph ltr/h
liter/day          | l/d l/day
milliliter/minute  | ml/min mL/min
milliliter/hour    | ml/h ml/hr mL/h mL/hr
milliliter/day     | ml/d ml/day mL/d mL/day
megaliter/day      | Ml/d ML/d ML/D Ml/day ML/day mld
gallon/minute      | gpm gal/min usgpm
gallon/hour        | gph gal/h
gallon/day         | gpd gal/d
megagallon/day     | mgd mgal/d
foot**3/second     | cfs ft3/s cuft/s
foot**3/minute     | cfm ft3/min cuft/min
meter**3/hour      normal   | Nm3/h Nm3/hr mN3/h
meter**3/hour      standard | Sm3/h Sm3/hr
meter**3           | m3 cbm
liter              | l ltr liter litre liters litres
milliliter         | ml mL
hectoliter         | hl
megaliter          | Ml ML
gallon             | gal usgal gallon gallons
foot**3            | ft3 cuft
bar                | bar
millibar           | mbar hPa
pascal             | Pa
millipascal        | mPa
kilopascal         | kPa
megapascal         | MPa
psi                | psi
meter_H2O          | mH2O mWS mWC mWG mCE mCA mVp
centimeter_H2O     | cmH2O cmWS cmWC
millimeter_H2O     | mmH2O mmWS mmWC
inch_H2O           | inH2O inWC
millimeter_Hg      | mmHg torr
inch_Hg            | inHg
atmosphere         | atm
technical_atmosphere | kgf/cm2 kg/cm2
bar                gauge    | barg bar(g) barü
millibar           gauge    | mbarg mbar(g)
kilopascal         gauge    | kPag kPa(g)
megapascal         gauge    | MPag MPa(g)
psi                gauge    | psig psi(g)
bar                absolute | bara bar(a)
millibar           absolute | mbara mbar(a)
kilopascal         absolute | kPaa kPa(a)
megapascal         absolute | MPaa MPa(a)
psi                absolute | psia psi(a)
degree_Celsius     | °C degC deg.C C Celsius oC gradC grdC
degree_Fahrenheit  | °F degF deg.F F Fahrenheit oF
kelvin             | K kelvin
watt               | W
milliwatt          | mW
kilowatt           | kW
megawatt           | MW
gigawatt           | GW
horsepower         | hp
volt*ampere        apparent | VA
kilovolt*ampere    apparent | kVA
megavolt*ampere    apparent | MVA
watt               reactive | var
kilowatt           reactive | kvar
megawatt           reactive | Mvar
watt_hour          | Wh
kilowatt_hour      | kWh
megawatt_hour      | MWh
gigawatt_hour      | GWh
joule              | J
kilojoule          | kJ
megajoule          | MJ
gigajoule          | GJ
ampere             | A amp amps ampere
milliampere        | mA
kiloampere         | kA
volt               | V volt volts
millivolt          | mV
kilovolt           | kV
ohm                | ohm Ω
revolution/minute  turning  | rpm r/min rev/min u/min tr/min 1/min min-1 upm
revolution/second  turning  | rps
hertz              | Hz
kilohertz          | kHz
microsiemens/centimeter | μS/cm uS/cm
millisiemens/centimeter | mS/cm
millisiemens/meter | mS/m
siemens/meter      | S/m
microgram/liter    | μg/l ug/l mg/m3
milligram/liter    | mg/l g/m3
gram/liter         | g/l kg/m3
milligram          | mg
gram               | g
kilogram           | kg
metric_ton         | t tonne tonnes
pound              | lb lbs
gram/second        | g/s
gram/hour          | g/h
kilogram/second    | kg/s
kilogram/minute    | kg/min
kilogram/hour      | kg/h kg/hr
kilogram/day       | kg/d
metric_ton/hour    | t/h
metric_ton/day     | t/d
pound/hour         | lb/h lb/hr pph
pound/day          | lb/d ppd
millisecond        | ms
second             | s sec seconds
minute             | min minutes
hour               | h hr hrs hours
day                | d days
meter/second       | m/s
millimeter/second  | mm/s
kilometer/hour     | km/h kmh
foot/second        | ft/s fps
newton             | N
kilonewton         | kN
newton*meter       torque   | Nm
kilonewton*meter   torque   | kNm
degree             | ° deg degree degrees
1                  percent  | % percent prozent procent pct
1                  pH       | pH
1                  ppm      | ppm
1                  ppb      | ppb
1                  NTU      | NTU
1                  FNU      | FNU
1                  FTU      | FTU
"""
"""A line for each unit: what `pint` calls it, its kind where it must not be taken for others of its dimension, spellings."""

_NONE: Final = frozenset({"-", "--", "---", "1", "n/a", "na", "none", "null", "nan", "[]", "()", "?", "unitless", "dimensionless", "ohne"})  # fmt: skip
"""Texts, written small, that say that there is no unit, or that nobody said."""

_LEFT_OUT: Final = re.compile(r"[\s^*·⋅]+")
_BRACKET: Final = re.compile(r"(.*\S)\s*(?:\[([^\[\]]+)\]|\(([^()]*(?:\([^()]*\))?)\))")
_WORDS: Final = frozenset({"min", "in", "d", "h", "l", "s", "t", "g", "n"})
"""Spellings that in round brackets say something else more often than not: `Level (min)`, `Flow (in)`, `Level (h)`."""
_WORDS_ANYWHERE: Final = frozenset({"min", "in"})


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    Attributes:
        said: As its source spells it.
        name: As `pint` knows it; where it is not known, what the spelling compares by.
        kind: What keeps it apart from others of its dimension; "" for most, "text" where it is not known.
    """

    said: str
    name: str
    kind: str

    @property
    def known(self) -> bool:
        """Whether its size is known."""
        return self.kind != "text"

    def same_as(self, other: Unit) -> bool:
        """Whether both are one unit, however they are spelt."""
        return (self.name, self.kind) == (other.name, other.kind)


def _plain(text: str) -> str:
    return _LEFT_OUT.sub("", unicodedata.normalize("NFKC", text).replace("−", "-"))


def _table() -> Iterator[tuple[str, tuple[str, str]]]:
    for line in filter(None, _SPELLINGS.splitlines()):
        meant, spelt = line.split("|")
        name, _, kind = meant.strip().partition(" ")
        yield from ((_plain(one), (name, kind.strip())) for one in spelt.split())


_EXACT: Final = dict(_table())
_MEANT: Final[dict[str, set[tuple[str, str]]]] = {}
for _one, _unit in _EXACT.items():
    _MEANT.setdefault(_one.casefold(), set()).add(_unit)
_FOLDED: Final = {one.casefold(): meant for one, meant in _EXACT.items() if _MEANT[one.casefold()] == {meant}}
"""Spellings written small, where that leaves it open to nobody which is meant: not mW and MW."""


def _folded(plain: str) -> tuple[str, str] | None:
    """What `plain` means however it is written large or small; `m` for `M` only where no letter is of the other case."""
    small = plain.casefold()
    if plain[:1] in "mM" and plain not in {small, plain.upper()}:
        return None  # mJ is no MJ, and Mg no mg
    return _FOLDED.get(small)


@lru_cache(4_096)
def unit_of(text: str) -> Unit | None:
    """The unit that `text` spells, in brackets or not; None where it says none, or is too long to be one."""
    said = " ".join(text.split())
    if len(said) > bounds.HISTORIAN_UNIT_CHARS or not said.isprintable():
        return None
    if said[:1] + said[-1:] in {"[]", "()"}:
        said = said[1:-1].strip()
    plain = _plain(said)
    if not plain or plain.casefold() in _NONE:
        return None
    meant = _EXACT.get(plain) or _folded(plain)
    return Unit(said, *meant) if meant else Unit(said, plain.casefold(), "text")


def units_in(headings: Iterable[str]) -> dict[str, tuple[str, Unit]]:
    """What stands before the bracket at the end of each of `headings`, and the unit in it; nothing of those without one.

    Of headings that differ in their brackets only, none where one of these is no unit: `Pump (A)`, `Pump (B)`.
    """
    found: dict[str, tuple[str, Unit]] = {}
    names_apart: set[str] = set()
    for heading in headings:
        match = _BRACKET.fullmatch(heading[: bounds.HISTORIAN_NAME_CHARS])
        if match is None:
            continue
        unit = _in_bracket(match[2] or match[3], square=match[2] is not None)
        if unit is None:
            names_apart.add(match[1])
        else:
            found[heading] = match[1], unit
    return {heading: one for heading, one in found.items() if one[0] not in names_apart}


def _in_bracket(text: str, *, square: bool) -> Unit | None:
    plain = _plain(text)
    if plain.casefold() in (_WORDS_ANYWHERE if square else _WORDS):
        return None
    if len(plain) <= 2 and plain not in _EXACT:
        return None  # `(HZ)` may say anything
    unit = unit_of(text)
    return unit if unit is not None and unit.known else None


def share_of_units(cells: Sequence[str]) -> float:
    """The share of known units in a row of `cells`, of those that say anything; 0 to 1."""
    filled = [one for one in cells if one.strip() and _plain(one).casefold() not in _NONE]
    known = sum(unit is not None and unit.known for unit in map(unit_of, filled))
    return known / len(filled) if filled else 0.0
