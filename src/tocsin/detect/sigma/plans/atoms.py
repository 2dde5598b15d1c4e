"""One field's atoms, all asked of a value at once.

A value falls into a *class*: the set of the atoms that it passes. What a field of an event comes to is the union over its
values (any of them may pass), with two atoms about the field itself: `null` (no value, or a null) and `exists`.

Texts are looked up by their class first; a new one is searched once for all literals, and every hit is exact: an
edge is checked by its place, a cased literal in the text as it is written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from tocsin.config import bounds
from tocsin.detect.sigma.fields import Number, number_of, text_of
from tocsin.detect.sigma.matching import OPERATORS, TIME_PARTS, address_of, moment_of
from tocsin.detect.sigma.plans.ir import Atom, Test
from tocsin.detect.sigma.plans.literal_scan import LiteralScan, Occurrence
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.detect.sigma.plans.value_cache import CachePool

Class = frozenset[int]
"""The atoms that a value, or a field of an event, passes."""

Wanted = tuple[int, str, str | None]
"""What a literal stands for: an atom, how it is to stand in the text, and how it is written where case matters."""

NO_ATOM: Final[Class] = frozenset()
_NUMBER_BITS: Final = 64
"""Larger numbers are no ids or counts that come again."""


class FieldMatcher:
    """The atoms of one field.

    Args:
        atoms: By number; all of one field.
        tuning: How values are searched and remembered.
        pool: Bounds what is remembered.

    Attributes:
        known: Text → its class, for callers in a hurry; a miss is for `of_value`.
        known_numbers: The same for whole numbers (`int`, no `bool`: the dict would take one for the other).
        missing: The class of a field that the event does not have.
    """

    def __init__(self, atoms: Mapping[int, Atom], tuning: Tuning, pool: CachePool) -> None:
        tables = _Tables()
        for number, atom in atoms.items():
            for test in atom.tests:
                tables.take(number, test)
        self.known: dict[str, Class] = {}
        self.known_numbers: dict[int, Class] = {}
        self.missing: Class = frozenset(tables.null)
        self._there: Class = frozenset(tables.exists)
        self._null: Class = self.missing | self._there
        self._any_text = frozenset((*tables.exists, *tables.text))
        self._tables = tables
        self._scan = tables.scan(tuning) if tables.literals else None
        self._wanted = [_parted(wanted) for wanted in tables.literals.values()]
        self._judges_others = tables.others
        self._pool = pool
        self._shared: dict[Class, Class] = {}

    def of_value(self, value: Any) -> Class:
        """The class of a field with `value`, whatever JSON knows."""
        kind = type(value)
        if kind is str:
            found = self.known.get(value)
            return found if found is not None else self._of_new(value)
        if kind is int:
            found = self.known_numbers.get(value)
            return found if found is not None else self._of_number(value)
        if value is None:
            return self._null
        if kind is bool:
            return self.of_value("true" if value else "false")
        if isinstance(value, list | tuple):
            return self.of_values(value)
        return self._shared_class(self._judge(text_of(value) or "", value))

    def of_values(self, values: Sequence[Any]) -> Class:
        """The class of a field with `values`, lists among them flattened; none at all counts as null."""
        found: set[int] = set()
        for value in values:
            # An empty list inside another adds nothing, not even a null.
            found |= self._of_inner(value) if isinstance(value, list | tuple) else self.of_value(value)
        return frozenset(found) if found or _any_value(values) else self._null

    def _of_inner(self, values: Sequence[Any]) -> Class:
        return self.of_values(values) if _any_value(values) else NO_ATOM

    def _of_new(self, text: str) -> Class:
        found = self._shared_class(self._judge(text, text))
        if len(text) <= bounds.CACHED_VALUE_CHARS:
            self.known[text] = found
            self._pool.added(self.known, (text,), len(text))
        return found

    def learn(self, texts: Collection[str]) -> None:
        """Finds out the classes of many texts in one search; they are `known` then, as far as they are short."""
        short = [text for text in texts if len(text) <= bounds.CACHED_VALUE_CHARS]
        lowered = [text.lower() for text in short]
        found = [self._base(text, low, text) for text, low in zip(short, lowered, strict=True)]
        if self._scan is not None:
            for first, starts, hits in self._scan.among(lowered):
                last = first + len(starts) - 1
                self._take_hits(hits, starts, short[first:last], found[first:last])
        for text, atoms in zip(short, found, strict=True):
            self.known[text] = self._shared_class(atoms)
        self._pool.added(self.known, tuple(short), sum(map(len, short)))

    def _of_number(self, number: int) -> Class:
        found = self._shared_class(self._judge(str(number), number))
        if number.bit_length() <= _NUMBER_BITS:
            self.known_numbers[number] = found
            self._pool.added(self.known_numbers, (number,), 0)
        return found

    def _shared_class(self, found: set[int]) -> Class:
        """One object for equal classes, so that comparing them costs nothing."""
        if not found:
            return NO_ATOM
        fresh = frozenset(found)
        kept = self._shared.get(fresh)
        if kept is None:
            self._shared[fresh] = kept = fresh
            self._pool.added(self._shared, (fresh,), 64 * len(fresh))
        return kept

    def _judge(self, text: str, value: Any) -> set[int]:
        """The atoms that one value passes: `text` is its text, `value` what numbers and times are read from."""
        lowered = text.lower()
        found = self._base(text, lowered, value)
        if self._scan is not None:
            size, hits = self._scan.find(lowered)
            if hits:
                self._take_hits(hits, (0, size + 1), (text,), (found,))
        return found

    def _base(self, text: str, lowered: str, value: Any) -> set[int]:
        """What `_judge` gives but for the literals."""
        tables = self._tables
        found = set(self._any_text)
        if tables.equals:
            found.update(tables.equals.get(lowered, ()))
        if self._judges_others:
            _judge_others(tables, text, value, found)
        return found

    def _take_hits(
        self,
        hits: Iterable[Occurrence],
        starts: Sequence[int],
        texts: Sequence[str],
        found: Sequence[set[int]],
    ) -> None:
        """Adds to `found` the atoms that the literals at `hits` stand for, in texts that begin at `starts`."""
        wanted = self._wanted
        begin = stop = 0
        atoms: set[int] = set()
        text = ""
        for index, start, end in hits:
            if not begin <= start < stop:
                place = bisect_right(starts, start) - 1
                begin, stop = starts[place], starts[place + 1]
                atoms, text = found[place], texts[place]
            anywhere, elsewhere = wanted[index]
            if anywhere:
                atoms.update(anywhere)
            for number, how, cased in elsewhere:
                if (how == "startswith" and start != begin) or (how == "endswith" and end != stop - 1):
                    continue
                if cased is None or _holds(text, cased, how):
                    atoms.add(number)


def _any_value(values: Sequence[Any]) -> bool:
    """Whether there is any value in `values` once lists in it are flattened."""
    return any(_any_value(value) if isinstance(value, list | tuple) else True for value in values)


def _parted(wanted: Sequence[Wanted]) -> tuple[tuple[int, ...], tuple[Wanted, ...]]:
    """The atoms that a literal stands for wherever it is, and those for which more must be looked at."""
    anywhere = tuple(number for number, how, cased in wanted if how == "contains" and cased is None)
    return anywhere, tuple(one for one in wanted if one[1] != "contains" or one[2] is not None)


def _holds(text: str, literal: str, how: str) -> bool:
    if how == "contains":
        return literal in text
    return text.startswith(literal) if how == "startswith" else text.endswith(literal)


def _judge_others(tables: _Tables, text: str, value: Any, found: set[int]) -> None:
    """What but few fields are asked: each thing is read from the value once."""
    found.update(tables.cased_equals.get(text, ()))
    found.update(number for literal, how, number in tables.odd if _holds(text, literal, how))
    if tables.maybe and not text.isascii():
        found.update(tables.maybe)
    number = number_of(value)
    if number is not None:
        found.update(tables.numbers.get(number, ()))
        found.update(atom for name, bound, atom in tables.compares if OPERATORS[name](number, bound))
    if tables.times and (moment := moment_of(value)) is not None:
        found.update(
            atom
            for part, name, bound, atom in tables.times
            if OPERATORS[name](TIME_PARTS[part](moment), bound)
        )
    if tables.networks and (address := address_of(text)) is not None:
        whole = int(address)
        for (version, length), wanted in tables.networks.items():
            if version == address.version:
                found.update(wanted.get(whole >> (address.max_prefixlen - length), ()))


class _Tables:
    """The tests of one field, by kind; the numbers are atoms."""

    def __init__(self) -> None:
        self.null: list[int] = []
        self.exists: list[int] = []
        self.text: list[int] = []
        self.maybe: list[int] = []
        self.equals: dict[str, list[int]] = {}
        self.cased_equals: dict[str, list[int]] = {}
        self.literals: dict[str, list[Wanted]] = {}
        self.odd: list[tuple[str, str, int]] = []
        self.numbers: dict[Number, list[int]] = {}
        self.compares: list[tuple[str, Number, int]] = []
        self.times: list[tuple[str, str, int, int]] = []
        self.networks: dict[tuple[int, int], dict[int, list[int]]] = {}
        """IP version and length of the prefix → the prefix as a number → atoms."""

    @property
    def others(self) -> bool:
        """Whether anything is asked but what equal texts and literals in lower case tell."""
        numeric = self.numbers or self.compares or self.times or self.networks
        return bool(numeric or self.cased_equals or self.odd or self.maybe)

    def scan(self, tuning: Tuning) -> LiteralScan:
        """What finds the literals."""
        edges = [
            index
            for index, wanted in enumerate(self.literals.values())
            if any(how != "contains" for _, how, _ in wanted)
        ]
        return LiteralScan(list(self.literals), tuning.literals, hyperscan=tuning.hyperscan, edges=edges)

    def take(self, number: int, test: Test) -> None:
        """Files one test of the atom `number`."""
        op, value = test.op, test.value
        if op in {"contains", "startswith", "endswith"}:
            self._take_literal(number, op, value, cased=test.cased)
        elif op == "equals":
            (self.cased_equals if test.cased else self.equals).setdefault(value, []).append(number)
        elif op == "maybe":
            self.maybe.append(number)
            for literal in value:
                self._add_literal(literal, number, "contains", None)
        elif op == "number":
            self.numbers.setdefault(value, []).append(number)
        elif op == "compare":
            self.compares.append((*value, number))
        elif op == "timepart":
            self.times.append((*value, number))
        elif op == "cidr":
            start = int(value.network_address) >> (value.max_prefixlen - value.prefixlen)
            same_length = self.networks.setdefault((value.version, value.prefixlen), {})
            same_length.setdefault(start, []).append(number)
        else:
            {"null": self.null, "exists": self.exists, "text": self.text}[op].append(number)

    def _take_literal(self, number: int, op: str, literal: str, *, cased: bool) -> None:
        if not literal:
            self.text.append(number)  # every text holds the empty one
        elif not cased:
            self._add_literal(literal, number, op, None)
        elif literal.isascii():
            self._add_literal(literal.lower(), number, op, literal)
        else:
            self.odd.append((literal, op, number))  # lower case may join or split letters that are not ASCII

    def _add_literal(self, literal: str, number: int, how: str, cased: str | None) -> None:
        self.literals.setdefault(literal, []).append((number, how, cased))
