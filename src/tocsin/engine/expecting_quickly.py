"""A quick no for what is expected: of thousands of events a second nearly none is the one, and a full answer costs tens of
microseconds for each expectation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

_WANTS_FIELD: Final = frozenset(
    {"all", "cased", "contains", "endswith", "gt", "gte", "i", "lt", "lte", "re", "startswith"}
)
"""Modifiers with which a field that is not there never matches."""


def quick_no(where: Any) -> Callable[[Mapping[str, Any]], bool]:
    """Whether an event with such fields surely does not match `where`, a Sigma detection's value; False is no yes."""
    if not isinstance(where, Mapping):
        return lambda _: False
    wanted = [one for name, value in where.items() if (one := _wanted(name, value)) is not None]

    def surely_not(fields: Mapping[str, Any]) -> bool:
        for name, texts in wanted:
            if name not in fields:
                # a name with spaces may be meant (`detect.sigma.fields`)
                return not any(" " in one for one in fields)
            value = fields[name]
            if texts is not None and isinstance(value, str) and value.lower() not in texts:
                return True
        return False

    return surely_not


def _wanted(key: str, value: Any) -> tuple[str, frozenset[str] | None] | None:
    """A field that must be there, and in lower case the texts of which it must be one where it is a text; None: any; or
    None where nothing can be said.
    """
    name, *modifiers = key.split("|")
    values = value if isinstance(value, list) else [value]
    if not name or "." in name or not set(modifiers) <= _WANTS_FIELD or not values:
        return None
    if not all(isinstance(one, str | int | float) and one != "" for one in values):
        return None
    plain = not modifiers and all(isinstance(one, str) and not set(one) & set("*?\\") for one in values)
    return name, frozenset(one.lower() for one in values) if plain else None
