"""Readings in one unit as readings in another: exact fractions, from `pint` (BSD), which is loaded when first needed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from tocsin.records.errors import OperatorError
from tocsin.records.readings import Values
from tocsin.sources.historian.unit_names import Unit


class Unlike(ValueError):  # noqa: N818  it is said of two units
    """Two units are of different dimensions or kinds, or one is not known."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """`factor` times a reading, and `shift` more."""

    factor: Fraction
    shift: Fraction

    def of(self, values: Values) -> Values:
        """`values` converted; each rounded as few times as that takes."""
        over, under = float(self.factor.numerator), float(self.factor.denominator)
        found: Values = values * over / under + float(self.shift)
        return found


@lru_cache(4_096)
def conversion(shown: Unit, wanted: Unit) -> Conversion:
    """From `shown` to `wanted`.

    Raises:
        Unlike: there is none.
        OperatorError: `pint` is not installed.
    """
    if shown.same_as(wanted):
        return Conversion(Fraction(1), Fraction(0))
    if not shown.known or not wanted.known or shown.kind != wanted.kind:
        raise Unlike
    shift = _converted(Fraction(0), shown, wanted)
    return Conversion(_converted(Fraction(1), shown, wanted) - shift, shift)


def _converted(size: Fraction, shown: Unit, wanted: Unit) -> Fraction:
    quantity = _registry().Quantity(size, shown.name)
    if not quantity.is_compatible_with(wanted.name):
        raise Unlike
    return Fraction(quantity.to(wanted.name).magnitude)


@cache
def _registry() -> Any:
    try:
        import pint  # noqa: PLC0415  an extra's, and slow to load
    except ImportError as error:
        raise OperatorError(
            "Readings come in different units, and what converts them is not installed.",
            "Install it: pip install 'tocsin[plant]'",
        ) from error
    return pint.UnitRegistry(non_int_type=Fraction)
