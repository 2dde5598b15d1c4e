"""Where the fields of rules stand in events that have the same keys: found out once for all of them.

The look-up is that of `fields.py`: the key itself, then a dotted path, then the key with spaces left out.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from tocsin.detect.sigma.fields import find
from tocsin.detect.sigma.plans.atoms import NO_ATOM, Class, FieldMatcher
from tocsin.detect.sigma.plans.keywords import DOUBTFUL, EventTexts
from tocsin.detect.sigma.plans.plan import UNDECIDED, Plan, Signature, Verdict
from tocsin.detect.sigma.plans.value_cache import CachePool
from tocsin.records.event import Event

_FEW: Final = 3
"""So many new values of a column are looked at one by one."""

Fields = Mapping[str, Any]
Keys = tuple[str, ...]


class Slot(NamedTuple):
    """A field that stands under one key: the key, its matcher, and the look-up of known texts."""

    key: str
    matcher: FieldMatcher
    known: Callable[[str], Class | None]


class Path(NamedTuple):
    """A field that may stand deeper in the event: its dotted name, and the key that stands in for it if it does not."""

    name: str
    spaced: str | None
    matcher: FieldMatcher


class Layout:
    """Where matchers find their fields in events of one shape.

    Args:
        sample: One of the events.
        matchers: Field → its matcher.
        met: Takes the name of each field that such an event has, those that stand deeper when one has it.
    """

    def __init__(self, sample: Fields, matchers: Mapping[str, FieldMatcher], met: set[str]) -> None:
        have = frozenset(sample)
        spaced = {key.replace(" ", ""): key for key in sample if " " in key}
        self._slots: list[Slot] = []
        self._paths: list[Path] = []
        self._met = met
        missing: set[int] = set()
        for name, matcher in matchers.items():
            key = name if name in have else None
            if key is None and _may_be_nested(name, have):
                self._paths.append(Path(name, spaced.get(name), matcher))
                continue
            key = key or spaced.get(name)
            if key is None:
                missing |= matcher.missing
            else:
                met.add(name)
                self._slots.append(Slot(key, matcher, matcher.known.get))
        self._take = itemgetter(*(slot.key for slot in self._slots)) if len(self._slots) > 1 else None
        self._missing = (frozenset(missing),) if missing else ()

    def reads(self, keys: Container[str]) -> bool:
        """Whether the signature depends on nothing but what stands under `keys`."""
        return not self._paths and all(slot.key in keys for slot in self._slots)

    def signature(self, fields: Fields) -> Signature:
        """The signature of one event."""
        found: list[Class] = []
        for key, matcher, known in self._slots:
            value = fields[key]
            seen = known(value) if type(value) is str else None
            found.append(matcher.of_value(value) if seen is None else seen)
        if self._paths:
            found.append(self._deeper(fields))
        return tuple(found)

    def columns(self, rows: Sequence[Fields]) -> list[list[Class]]:
        """The signatures of many events, column by column."""
        values = zip(self._slots, self._values(rows), strict=True)
        columns = [_column(slot, column) for slot, column in values]
        if self._paths:
            columns.append([self._deeper(fields) for fields in rows])
        return columns

    def _values(self, rows: Sequence[Fields]) -> Iterable[Sequence[Any]]:
        """The columns of the slots. Each event is looked at once: to fetch it into the processor's cache is what costs."""
        if self._take is None:
            return [[fields[slot.key] for fields in rows] for slot in self._slots]
        return zip(*map(self._take, rows), strict=True)

    def _deeper(self, fields: Fields) -> Class:
        """The class of all fields that stand deeper in the event."""
        found: Class = NO_ATOM
        for path in self._paths:
            values = find(fields, path.name)
            if values is None and path.spaced is not None:
                values = find(fields, path.spaced)
            if values is None:
                found |= path.matcher.missing
            else:
                found |= path.matcher.of_values(values)
                self._met.add(path.name)
        return found

    def with_missing(self, signature: Signature) -> Signature:
        """`signature` with what holds because fields are missing."""
        return signature + self._missing


def _column(slot: Slot, values: Sequence[Any]) -> list[Class]:
    """The class of each value in a column."""
    matcher = slot.matcher
    try:
        # Only texts are known there, so a number or a boolean can be taken for none of them.
        states: list[Class | None] = list(map(slot.known, values))
    except TypeError:  # a list or an object
        return list(map(matcher.of_value, values))
    if None in states and set(map(type, values)) == {int}:
        states = list(map(matcher.known_numbers.get, values))
    if None in states:
        new = {
            value for state, value in zip(states, values, strict=True) if state is None and type(value) is str
        }
        if len(new) > _FEW:
            matcher.learn(new)
        pairs = zip(states, values, strict=True)
        return [matcher.of_value(value) if state is None else state for state, value in pairs]
    return states  # type: ignore[return-value]  # no None is left in it


def _may_be_nested(name: str, keys: frozenset[str]) -> bool:
    dot = name.find(".")
    while dot >= 0:
        if name[:dot] in keys:
            return True
        dot = name.find(".", dot + 1)
    return False


class PlannedLayout:
    """A layout with the plan that it is for, and the answers known so far."""

    def __init__(self, sample: Fields, plan: Plan, pool: CachePool) -> None:
        self.plan = plan
        self._layout = Layout(sample, plan.matchers, plan.met(sample))
        self._keywords = plan.keywords
        self._texts = EventTexts(sample)
        self._verdicts: dict[Signature, Verdict] = {}
        self._pool = pool

    def verdict(self, event: Event) -> Verdict:
        """The answer for one event; `UNDECIDED` where it must be whole for one."""
        self.plan.considered += 1
        signature = self._layout.signature(event.fields)
        if self._keywords is not None:
            signature = (*signature, self._keywords.of_event(event, self._texts))
        return self._verdicts.get(signature) or self._new(signature)

    def verdicts(self, events: Sequence[Event]) -> list[Verdict]:
        """The same for many events."""
        self.plan.considered += len(events)
        columns = self._layout.columns([event.fields for event in events])
        if self._keywords is not None:
            columns.append(self._keywords.of_events(events, self._texts))
        signatures: Iterable[Signature] = zip(*columns, strict=True) if columns else [()] * len(events)
        known = self._verdicts.get
        return [known(one) or self._new(one) for one in signatures]

    def _new(self, signature: Signature) -> Verdict:
        found = UNDECIDED if DOUBTFUL in signature else self.plan.judge(self._layout.with_missing(signature))
        self._verdicts[signature] = found
        self._pool.added(self._verdicts, (signature,), 16 * len(signature))
        return found
