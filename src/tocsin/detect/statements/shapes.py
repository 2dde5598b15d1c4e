"""How a record's native fields fill a claim: the small language in which the families are written down.

A `Shape` names a claim type and, for each of its values, the native fields it may be read from, best first. Nothing is
ever filled from anywhere else but the record, constants that the record's own type implies, and the event's host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tocsin.records.claims import CLAIM_TYPES
from tocsin.records.event import Event
from tocsin.records.finding import Claim

NOTHING = frozenset({"", "-", "--", "n/a", "null", "none", "(null)", "%%1793", "?"})
"""What loggers write where there is nothing to say."""


def text_of(value: Any) -> str | None:
    """`value` as text, None where it says nothing; a list of plain values is joined with spaces."""
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        parts = [part for part in map(text_of, value) if part]
        return " ".join(parts) or None
    text = str(value).strip()
    return None if text.casefold() in NOTHING else text


def lookup(fields: Mapping[str, Any], name: str) -> Any:
    """The value under `name`: as a flat key, else as a dotted path through objects and first list elements."""
    if name in fields:
        return fields[name]
    if "." not in name:
        return None
    here: Any = fields
    for part in name.split("."):
        if isinstance(here, list):
            here = here[0] if here else None
        if not isinstance(here, Mapping):
            return None
        here = here.get(part)
    return here


def pick(fields: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first of `names` that says something in `fields`."""
    for name in names:
        text = text_of(lookup(fields, name))
        if text is not None:
            return text
    return None


@dataclass(frozen=True, slots=True)
class Shape:
    """A claim type and where its values stand in the record.

    Attributes:
        type: One of `records.claims.CLAIM_TYPES`.
        values: Value name to the native fields it may be read from, best first.
        fixed: Values that the kind of record implies by its definition, e.g. that 4720 means `created`.
        words: Value name to a table that puts a code's meaning in words; a code not in it is kept as it stands.
    """

    type: str
    values: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def claim(self, event: Event) -> Claim | None:
        """The claim that `event` makes in this shape, None where a required value is missing."""
        values = dict(self.fixed)
        for name, fields in self.values.items():
            text = pick(event.fields, fields)
            if text is not None:
                values[name] = self.words.get(name, {}).get(text, text)
        return claim_of(event, self.type, values)


def claim_of(event: Event, kind: str, values: Mapping[str, str | None]) -> Claim | None:
    """A claim of type `kind` that cites `event`, None where a required value is missing.

    The event's own host is added where the type has room for it and the record names no other.
    """
    required, optional = CLAIM_TYPES[kind]
    kept = {name: text for name, text in values.items() if text and (name in required or name in optional)}
    if "host" in optional and "host" not in kept and event.host:
        kept["host"] = event.host
    if any(name not in kept for name in required):
        return None
    return Claim(kind, kept, (event.id,), event.time)
