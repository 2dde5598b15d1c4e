"""Small pieces of sentences: names, instants, counts, lists. Everything from a log passes through here and comes out inert."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from tocsin.records import accounts
from tocsin.records.inert import inert, shortened
from tocsin.records.instants import to_datetime

NAME_CHARS: Final = 64
TEXT_CHARS: Final = 160
LISTED: Final = 3
"""Names that a list spells out before it counts the rest."""

_PLAIN: Final = re.compile(r"[\w.@\\$:/+\-]+")


def name(text: str) -> str:
    """A host, account, address or file as it is shown; one with blanks or odd characters stands in quotes."""
    shown = shortened(inert(text), NAME_CHARS)
    return shown if _PLAIN.fullmatch(shown) else quoted(text, NAME_CHARS)


def quoted(text: str, chars: int = TEXT_CHARS) -> str:
    """Something a log says word for word, shortened in its middle."""
    return f"“{shortened(inert(text), chars)}”"


def person(text: str) -> str:
    """An account, the operating system's own explained; a directory's long name by its first part."""
    local = accounts.account(text).local
    if local in ("system", "localsystem", "local system", "s-1-5-18"):
        return f"the computer itself ({name(text)})"
    if accounts.machine(text):
        return f"the computer account {name(text)}"
    if text.strip().casefold().startswith("cn="):  # an LDAP distinguished name: the common name says who
        return name(text.strip()[3:].partition(",")[0])
    return name(text)


def computer(text: str) -> str:
    """A host by its short name: `WS-014` of `WS-014.town.example`; the whole stands with the evidence."""
    return name(text if accounts.is_address(text) else text.partition(".")[0] or text)


def program(path: str) -> str:
    """A program by its file name: the path stands with the evidence."""
    return name(re.split(r"[\\/]", path.rstrip("\\/"))[-1] or path)


def listed(names: Sequence[str], most: int = LISTED) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, c and 4 more`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nobody"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 event`, `2 events`, `20,000 events`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(instant: int) -> str:
    """`2026-03-01`, UTC."""
    moment = to_datetime(instant)
    return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"


def clock(instant: int) -> str:
    """`02:10`, UTC."""
    return to_datetime(instant).strftime("%H:%M")


def when(instant: int) -> str:
    """`2026-03-01 02:10 UTC`."""
    return f"{day(instant)} {clock(instant)} UTC"


def between(first: int, last: int) -> str:
    """`between 02:10 and 02:25 UTC on 2026-03-01`; both dates where they differ; `at …` within one minute."""
    if when(first) == when(last):
        return f"at {when(first)}"
    if day(first) == day(last):
        return f"between {clock(first)} and {clock(last)} UTC on {day(first)}"
    return f"between {when(first)} and {when(last)}"


def given(values: Mapping[str, str], key: str, before: str, after: str = "") -> str:
    """` before VALUE after` where `values` has `key`, else nothing."""
    return f" {before}{name(values[key])}{after}" if values.get(key) else ""
