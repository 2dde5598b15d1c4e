"""Decodes of a JSON line only the fields that the plans need: the rest of it is checked, and never becomes an object.

For events of one sort (Channel and EventID), once the first was read whole, the decoder of the next is made of the names
that the plans ask for, and of those that their time, host, user and logsources come from. It pays where events come in
numbers and with many fields; there it saves up to a fifth of all reading (`benchmarks/reading.py`). It is exact:

- Which sort a line is, is guessed from its text, and checked against what was decoded.
- Whatever is not plain goes the whole way: a value that is no scalar, a number beyond 64 bits or of very many digits, any
  error, nesting, very many fields, an object inside another product's wrapper.
- A name with dots may be nested, so what is decoded is each of its beginnings. A name without the spaces that its source
  writes ("Threat Name") cannot be known before: so only channels are projected whose manifests have no such names, and no sort
  whose first event has one nevertheless (a shipper's own names).
- A record that is decoded twice because it was not plain costs double: a sort where that goes on is given up.

All other JSON is read whole, because reading a part of it was measured to gain too little (CPU of reading an event):

- EVTX loses 1.4 of 20 µs: System and EventData are objects of their own, and the text must be looked through to be sure that
  nothing needed is nested behind them. Decoding all of it takes 2.1 µs.
- What the bare decoder of needed names would save, before choosing it costs 1 µs: Zeek 0.7 of 7 µs, Suricata 0.8 of 12,
  CloudTrail 0.4 of 16, Microsoft 365 0.7 of 19, Okta 0.8 of 23: what is long is what rules ask for.
- Entra 2 of 31 µs, but its exports are arrays and no lines. winlogbeat 1.1 of 24 and Wazuh 2.6 of 25, because their event
  data may be nested, so all of it must be decoded.
- Dropping the fields that nobody needs after a whole draft costs as much as it saves, in every source.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, TypedDict

import msgspec

from tocsin.config import bounds
from tocsin.records.event import Event
from tocsin.sources.interface import Draft, Needs, ReadContext
from tocsin.sources.json_values import parse_line
from tocsin.sources.windows import FlatWindows, flat_inputs
from tocsin.sources.windows_fields import as_number
from tocsin.sources.windows_logsources import (
    POWERSHELL,
    POWERSHELL_CLASSIC,
    POWERSHELL_CORE,
    SYSMON,
    logsources,
)

_CHANNELS = frozenset({SYSMON, "Security", POWERSHELL, POWERSHELL_CORE, POWERSHELL_CLASSIC})
_LINE_CHARS = 5 * bounds.FIELDS_PER_RECORD
"""A shorter line cannot have more fields than a record may."""

_NUMBER, _CHANNEL = '"EventID":', '"Channel":'
_HINT_CHARS = 128
"""Characters after either name within which its value has to end; otherwise the line is read whole."""

_MISSES = 100
"""Lines of a sort that were decoded in vain, after which that sort is given up."""

_MOST_NAMES = 64
"""The decoder looks through its names one by one: with more of them reading everything is quicker (measured)."""

_WRAPPERS = frozenset({"_source", "preview"})  # as `recognise` unwraps them

_DIGITS = sys.get_int_max_str_digits() or bounds.RECORD_BYTES
"""A whole number of more digits is none to Python, and sets its record aside; the decoder skips it where nobody needs it."""

_FEW_DIGITS = 16
"""Digits in a row that make a place of a line suspect of such a number."""

_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Scalar = str | _Int64 | float | bool | None


class _Never:
    """What no value is: a line that has such a field goes the whole way."""


class _Sort:
    """The decoder for the events of one Channel and EventID."""

    def __init__(self, names: Iterable[str], channel: str, number: object) -> None:
        fields: dict[str, Any] = dict.fromkeys(names, _Scalar) | dict.fromkeys(_WRAPPERS, _Never)
        self.decode = msgspec.json.Decoder(TypedDict("Needed", fields, total=False)).decode  # type: ignore[operator]
        self.channel = channel
        self.number = number
        self.misses = 0


class Projection:
    """What of the lines of one reading need not be decoded; learns from the drafts of those that were read whole.

    Args:
        needs: Which fields plans ask for.
    """

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._sorts: dict[tuple[str, str], _Sort | None] = {}
        self._unknown: tuple[str, str] | None = None

    def decode(self, line: str) -> dict[str, Any] | None:
        """The needed fields of `line`, None where it must be read whole."""
        hint, self._unknown = _hint(line), None
        if hint is None or len(line) >= _LINE_CHARS:
            return None
        try:
            sort = self._sorts[hint]
        except KeyError:
            self._unknown = hint
            return None
        if (
            sort is None
            or line.count("{") + line.count("[") > bounds.JSON_DEPTH
            or _may_hold_endless_number(line)
        ):
            return None
        try:
            found: dict[str, Any] = sort.decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            found = {}
        if found.get("Channel") == sort.channel and found.get("EventID") == sort.number:
            return found
        sort.misses += 1
        if sort.misses > _MISSES:
            self._sorts[hint] = None
        return None

    def learn(self, draft: Draft, *, flat: bool) -> None:
        """Takes note of the whole draft of the line that `decode` was asked of last.

        Args:
            draft: What the line says.
            flat: Whether it has the one shape that can be projected (`windows.FlatWindows`).
        """
        hint, self._unknown = self._unknown, None
        if hint is not None and len(self._sorts) < bounds.PROJECTED_SORTS:
            self._sorts[hint] = self._made(hint, draft.fields) if flat else None

    def _made(self, hint: tuple[str, str], fields: Mapping[str, Any]) -> _Sort | None:
        if any(" " in name for name in fields):
            return None
        channel, number = fields["Channel"], fields["EventID"]
        told = parse_line(hint[1]), parse_line(hint[0])
        if channel not in _CHANNELS or told[0] != channel or as_number(told[1]) != number:
            return None
        needed = self._needs(logsources(channel, number), {"Channel": channel, "EventID": number})
        if needed is None:
            return None
        roots = {name[:end] for name in needed for end in _ends(name)}
        names = roots | flat_inputs(channel, number, roots)
        return _Sort(names, *told) if len(names) <= _MOST_NAMES else None


def whole(event: Event) -> Event:
    """`event` with all its fields, read again from its raw text; itself where it has them."""
    if not event.partial:
        return event
    record = parse_line(event.raw)
    assert isinstance(record, dict)  # it was projected, so it is plain
    draft = FlatWindows().draft(record, ReadContext(event.source, event.ingest, event.time))
    return replace(event, fields=draft.fields, partial=False, unspelt=draft.unspelt)


def _hint(line: str) -> tuple[str, str] | None:
    """The texts behind the first `EventID` and the first `Channel` in `line`."""
    number, channel = line.find(_NUMBER), line.find(_CHANNEL)
    if number < 0 or channel < 0:
        return None
    number += len(_NUMBER)
    channel += len(_CHANNEL)
    stop, end = line.find(",", number, number + _HINT_CHARS), line.find(",", channel, channel + _HINT_CHARS)
    return (line[number:stop], line[channel:end]) if stop > 0 and end > 0 else None


def _may_hold_endless_number(line: str) -> bool:
    """Whether there may be a number of more than `_DIGITS` in `line`: so many in a row stand at some of these places too."""
    step = _DIGITS // 2
    return any(line[at : at + _FEW_DIGITS].isdigit() for at in range(step, len(line) - step + 1, step))


def _ends(name: str) -> list[int]:
    """Where the beginnings of `name` end that may be a key of their own: before each dot, and at its end."""
    return [*(at for at, char in enumerate(name) if char == "."), len(name)]
