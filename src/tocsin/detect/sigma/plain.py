"""The plain evaluator: every rule that an event's logsources and EventID allow is asked about it, one after the other.

It is the oracle that the planned evaluator (`planned.py`) is tested against, and slow by design.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from tocsin.config import bounds
from tocsin.detect.sigma.evaluation import Matches
from tocsin.detect.sigma.fields import EventView, Number
from tocsin.detect.sigma.matching import Predicate
from tocsin.detect.sigma.required import required_numbers
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.records.event import Event, Logsource

_Candidates = tuple[tuple[Predicate, CompiledRule], ...]


class _Asked(NamedTuple):
    """The rules of one set of logsources: all; those that ask for no EventID; and all for each EventID asked for."""

    every: _Candidates
    rest: _Candidates
    by_id: dict[Number, _Candidates]

    @classmethod
    def of(cls, rules: Sequence[CompiledRule]) -> Self:
        asked = [((rule.matches, rule), required_numbers(rule.condition, "EventID")) for rule in rules]
        ids = {number for _, numbers in asked if numbers is not None for number in numbers}
        return cls(
            tuple(one for one, _ in asked),
            tuple(one for one, numbers in asked if numbers is None),
            {wanted: tuple(one for one, n in asked if n is None or wanted in n) for wanted in ids},
        )


class RuleIndex:
    """Which rules look at an event, by the set of logsources that it satisfies, and by its EventID.

    A rule looks at it where one of them satisfies the rule's own: every part that the rule names is equal. One whose
    condition cannot hold without another EventID is spared: three of four rules for Windows' own channels name theirs.
    """

    def __init__(self, rules: Iterable[CompiledRule]) -> None:
        self._rules = tuple(rules)
        self._wanted = frozenset(rule.logsource for rule in self._rules)
        self._known: dict[frozenset[Logsource], _Asked] = {}

    def candidates(self, logsources: frozenset[Logsource], event_ids: Sequence[Number]) -> _Candidates:
        """The rules to ask about an event of `logsources`, each with its predicate, in order of loading.

        Args:
            logsources: What the event satisfies.
            event_ids: The values of its `EventID` that are numbers.
        """
        known = self._known.get(logsources)
        if known is None:
            if len(self._known) >= bounds.LOGSOURCE_SETS:
                self._known.clear()
            satisfied = {want for want in self._wanted if any(have.satisfies(want) for have in logsources)}
            self._known[logsources] = known = _Asked.of(
                [rule for rule in self._rules if rule.logsource in satisfied]
            )
        if len(event_ids) > 1:
            return known.every
        return known.by_id.get(event_ids[0], known.rest) if event_ids else known.rest


class PlainEvaluator:
    """Asks every rule plainly.

    Args:
        rules: What to ask, in order of loading.
    """

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        self.timeouts: dict[str, int] = {}
        self._index = RuleIndex(rules)

    def match(self, events: Sequence[Event]) -> Sequence[Matches]:
        """For each of `events`, the rules that match it."""
        return [tuple(self._matches(event)) for event in events]

    def _matches(self, event: Event) -> Iterable[CompiledRule]:
        view = EventView(event.fields)
        for matches, rule in self._index.candidates(event.logsources, view.numbers["EventID"]):
            if self.timeouts.get(rule.id, 0) >= bounds.REGEX_TIMEOUTS:
                continue
            try:
                if matches(view):
                    yield rule
            except TimeoutError:  # neither yes nor no: under a `not`, a no would raise a false alarm
                self.timeouts[rule.id] = self.timeouts.get(rule.id, 0) + 1
