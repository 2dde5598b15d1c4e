"""The planned evaluator: the plain one's answers, found the quick way.

    rules → terms (`ir.py`) → a plan for each set of logsources, Channel and EventID (`plan.py`)
    event → the classes of its values (`atoms.py`) → its signature (`shapes.py`) → the answer, mostly known already

1. What Channel and EventID say is known before anything else is looked at: rules are evaluated partially for each class of
   the two, and what is left of them is a plan. Two classes that leave the same have the same plan.
2. A value is searched once for all literals that any rule of the plan looks for in that field, and not again while it is
   remembered. Values that pass the same atoms are one to the rules.
3. Events of one signature are judged once: the rules that an atom triggers are asked, the others are not.
4. Expressions, globs and references to other fields are asked of the event itself, where all else is fulfilled.
5. Few events of one shape are judged one by one, many by columns: the same tables, the same answers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from tocsin.config import bounds
from tocsin.detect.sigma.evaluation import Matches, stopped
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.ir import Terms
from tocsin.detect.sigma.plan import NOTHING, Plan, Verdict
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.detect.sigma.sectors import PlanTable, Sector
from tocsin.detect.sigma.shapes import Fields, Keys, PlannedLayout
from tocsin.detect.sigma.tuning import Tuning
from tocsin.detect.sigma.value_cache import CachePool
from tocsin.records.event import Event, Logsource

_NONE: Final[Matches] = ()


class PlannedEvaluator:
    """Judges events by plans.

    Args:
        rules: In order of loading.
        tuning: Means.
    """

    def __init__(self, rules: Sequence[CompiledRule], tuning: Tuning = Tuning()) -> None:  # noqa: B008  frozen
        self.timeouts: dict[str, int] = {}
        self._rules = tuple(rules)
        self._tuning = tuning
        self._table = PlanTable(Terms(), tuning, CachePool(tuning.cache_bytes))
        self._roots: dict[int, int] = {}
        self._sectors: OrderedDict[frozenset[Logsource], Sector] = OrderedDict()
        self._by_logsource: dict[Logsource, list[int]] = {}
        for place, rule in enumerate(self._rules):
            self._by_logsource.setdefault(rule.logsource, []).append(place)

    def match(self, events: Sequence[Event]) -> Sequence[Matches]:
        """For each of `events`, the rules that match it, in order of loading."""
        if len(events) < self._tuning.columns_from:
            return [self.match_one(event) for event in events]
        answers: list[Matches] = [_NONE] * len(events)
        groups: dict[tuple[frozenset[Logsource], Keys], list[int]] = {}
        for number, event in enumerate(events):
            groups.setdefault((event.logsources, tuple(event.fields)), []).append(number)
        for (logsources, keys), numbers in groups.items():
            sector = self._sector(logsources)
            if sector.is_empty:
                continue
            shape = sector.shape(keys, events[numbers[0]].fields)
            if len(numbers) < self._tuning.columns_from:
                for number in numbers:
                    fields = events[number].fields
                    layout = shape.planned(fields)
                    answers[number] = self._answer(layout, layout.verdict(fields), fields)
                continue
            for layout, found in shape.divided([events[number].fields for number in numbers]):
                rows = [events[numbers[index]].fields for index in found]
                for index, fields, verdict in zip(found, rows, layout.verdicts(rows), strict=True):
                    if verdict is not NOTHING:
                        answers[numbers[index]] = self._answer(layout, verdict, fields)
                layout.plan.considered += len(rows)
        return answers

    def match_one(self, event: Event) -> Matches:
        """The rules that match `event`, in order of loading."""
        sector = self._sectors.get(event.logsources) or self._sector(event.logsources)
        if sector.is_empty:
            return _NONE
        fields = event.fields
        layout = sector.shape(tuple(fields), fields).planned(fields)
        layout.plan.considered += 1
        verdict = layout.verdict(fields)
        return _NONE if verdict is NOTHING else self._answer(layout, verdict, fields)

    def _answer(self, layout: PlannedLayout, verdict: Verdict, fields: Fields) -> Matches:
        """The rules of a verdict: those that match, and of those pending the ones that the event agrees to."""
        places = verdict.matched
        if verdict.pending:
            places = tuple(sorted((*places, *self._agreed(layout.plan, verdict, fields))))
        rules = tuple([self._rules[place] for place in places])
        if self.timeouts:
            over = stopped(self.timeouts, bounds.REGEX_TIMEOUTS)
            rules = tuple(rule for rule in rules if rule.id not in over)
        return rules

    def _agreed(self, plan: Plan, verdict: Verdict, fields: Fields) -> Sequence[int]:
        view = EventView(fields)
        found: list[int] = []
        for index in verdict.pending:
            place = plan.roots[index][0]
            rule = self._rules[place].id
            if self.timeouts and self.timeouts.get(rule, 0) >= bounds.REGEX_TIMEOUTS:
                continue
            try:
                if plan.asks(index, verdict.atoms, view):
                    found.append(place)
            except TimeoutError:  # neither yes nor no, as in the plain evaluator
                self.timeouts[rule] = self.timeouts.get(rule, 0) + 1
        return found

    def _sector(self, logsources: frozenset[Logsource]) -> Sector:
        found = self._sectors.get(logsources)
        if found is None:
            if len(self._sectors) >= bounds.LOGSOURCE_SETS:
                self._sectors.popitem(last=False)
            places = sorted(
                place
                for wanted, rules in self._by_logsource.items()
                if any(have.satisfies(wanted) for have in logsources)
                for place in rules
            )
            self._sectors[logsources] = found = Sector(
                self._table, tuple((place, self._root(place)) for place in places)
            )
        return found

    def _root(self, place: int) -> int:
        root = self._roots.get(place)
        if root is None:
            self._roots[place] = root = self._table.terms.lower(self._rules[place].condition)
        return root
