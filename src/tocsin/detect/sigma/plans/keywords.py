"""Atoms over every value of an event (Sigma's keywords), all asked of the event at once.

Keywords stand anywhere in a value, so the values are put one after the other and searched in one pass; nothing is
remembered, for most events are unlike any other. What is between the values is in no literal, hence no match spans two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from tocsin.detect.sigma.fields import every_value, text_of
from tocsin.detect.sigma.plans.atoms import NO_ATOM, Class, FieldMatcher
from tocsin.detect.sigma.plans.ir import Atom, Test
from tocsin.detect.sigma.plans.literal_scan import LiteralScan
from tocsin.detect.sigma.plans.raw_keywords import RawKeywords, run_of
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.detect.sigma.plans.value_cache import CachePool
from tocsin.records.event import Event

_BETWEEN: Final = "\x1e\x1f"
"""No letter, so that it changes the case of none beside it."""

DOUBTFUL: Final[Class] = frozenset({-1})
"""What a partial event comes to whose record may hold a keyword: it must be made whole to know."""

_BETWEEN_PARTS: Final = frozenset(_BETWEEN)

_TOGETHER: Final = 16
"""Events that are searched in one go."""

_OF_NUMBERS: Final = frozenset("0123456789+-.einfatrulsTF")
"""Every character of a number's, or a boolean's, text."""


def _is_plain(test: Test) -> bool:
    """Whether a search of all values as one text tells where the literal stands: it has no part of the mark between them."""
    return _BETWEEN_PARTS.isdisjoint(test.value) and (not test.cased or test.value.isascii())


def _in_number(literal: str) -> bool:
    return _OF_NUMBERS.issuperset(literal)


class KeywordMatcher:
    """The atoms over every value.

    Args:
        atoms: By number.
        tuning: How values are searched and remembered.
        pool: Bounds what is remembered of values for the tests that keywords seldom hold (networks).

    Attributes:
        raw: Looks for the keywords in records as they were written; None where that would not be exact.
    """

    def __init__(self, atoms: Mapping[int, Atom], tuning: Tuning, pool: CachePool) -> None:
        self._literals: dict[str, list[tuple[int, str | None]]] = {}
        self._maybe: list[int] = []
        self._text: Class = NO_ATOM
        others: dict[int, Atom] = {}
        for number, atom in atoms.items():
            rest = frozenset(test for test in atom.tests if not self._take(number, test))
            if rest:
                others[number] = Atom(None, rest)
        self._numbers_matter = any(_in_number(literal) for literal in self._literals)
        self._wanted = [tuple(wanted) for wanted in self._literals.values()]
        self._scan = self._made_scan(tuning) if self._literals else None
        self._others = FieldMatcher(others, tuning, pool) if others else None
        self.raw = self._in_raw(tuning)

    def _made_scan(self, tuning: Tuning) -> LiteralScan:
        return LiteralScan(list(self._literals), tuning.literals, hyperscan=tuning.hyperscan, edges=())

    def _in_raw(self, tuning: Tuning) -> RawKeywords | None:
        """How records are searched as they were written; None where some keyword may hold without standing there.

        So may an expression's: its literals are promised for ASCII texts only ("(?i)s" finds a long s too).
        """
        runs = [run for literal in self._literals if (run := run_of(literal)) is not None]
        doubtful = self._maybe or self._text or self._others is not None or self._numbers_matter
        if doubtful or len(runs) < len(self._literals):
            return None
        return RawKeywords(runs, tuning)

    def _take(self, number: int, test: Test) -> bool:
        """Files a test that the values as one text can answer."""
        if test.op == "text" or (test.op == "contains" and not test.value):
            self._text |= {number}
        elif test.op == "maybe":
            self._maybe.append(number)
            for literal in test.value:
                self._literals.setdefault(literal, []).append((number, None))
        elif test.op == "contains" and _is_plain(test):
            cased = test.value if test.cased else None
            self._literals.setdefault(test.value.lower(), []).append((number, cased))
        else:
            return False
        return True

    def of_event(self, event: Event, texts: EventTexts) -> Class:
        """The atoms that hold for the event; `DOUBTFUL` where that cannot be told of an event that is partial."""
        if self.raw is not None and not self.raw.may_hold(event):
            return NO_ATOM
        if event.partial:
            return DOUBTFUL
        fields = event.fields
        found = self._search(texts.of(fields)) if self._scan is not None else NO_ATOM
        if self._text and any(value is not None for value in every_value(fields)):
            found |= self._text
        if self._others is not None:
            found |= self._others.of_values(list(every_value(fields)))
        return found

    def of_events(self, events: Sequence[Event], texts: EventTexts) -> list[Class]:
        """The same for each of many events: most hold none, which one search tells of a dozen."""
        found: list[Class] = []
        for start in range(0, len(events), _TOGETHER):
            together = events[start : start + _TOGETHER]
            if self.raw is not None and self.raw.none_may_hold(together):
                found.extend([NO_ATOM] * len(together))
            else:
                found.extend([self.of_event(event, texts) for event in together])
        return found

    def _search(self, text: str) -> Class:
        found = set(self._maybe) if self._maybe and not text.isascii() else set()
        if self._scan is not None:
            _, occurrences = self._scan.find(text.lower())
            for index, _, _ in occurrences:
                for number, cased in self._wanted[index]:
                    if cased is None or cased in text:
                        found.add(number)
        return frozenset(found) if found else NO_ATOM


class EventTexts:
    """The texts of an event's values, one after the other, for events with the same keys.

    Args:
        sample: One of them: what is text in it is taken to be text in the others, until one proves otherwise.
    """

    def __init__(self, sample: Mapping[str, Any]) -> None:
        texts = [key for key, value in sample.items() if type(value) is str]
        rest = [key for key, value in sample.items() if type(value) is not str]
        self._take_texts = _taking(texts)
        self._take_rest = _taking(rest)

    def of(self, fields: Mapping[str, Any]) -> str:
        """The texts, with what is no part of a literal between them."""
        return self._text(self._take_texts(fields), self._take_rest(fields))

    def _text(self, texts: Sequence[Any], rest: Sequence[Any]) -> str:
        try:
            text = _BETWEEN.join(texts)
        except TypeError:  # a value that was text in the sample is something else here
            return _joined((*texts, *rest))
        return f"{text}{_BETWEEN}{_joined(rest)}" if rest else text


def _taking(keys: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """What takes the values of `keys` out of an event."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda fields: tuple([fields[key] for key in keys])


def _joined(values: Sequence[Any]) -> str:
    """The texts of all scalars in `values`, a mark after each, so that an empty text shows too."""
    return "".join([_texts_in(value) for value in values])


def _texts_in(value: Any) -> str:
    if type(value) is list:
        try:
            return _BETWEEN.join((*value, ""))
        except TypeError:  # not all of it is text
            pass
    texts = (text_of(one) for one in every_value({"": value}))
    return "".join([f"{text}{_BETWEEN}" for text in texts if text is not None])
