"""The planned evaluator: the plain one's answers, found the quick way.

    rules → terms (`plans/ir.py`) → a plan for each set of logsources, Channel and EventID (`plans/plan.py`)
    event → the classes of its values (`plans/atoms.py`) → its signature (`plans/shapes.py`) → the answer, mostly known already

1. What Channel and EventID say is known before anything else is looked at: rules are evaluated partially for each class of
   the two, and what is left of them is a plan. Two classes that leave the same have the same plan.
2. A value is searched once for all literals that any rule of the plan looks for in that field, and not again while it is
   remembered. Values that pass the same atoms are one to the rules.
3. Events of one signature are judged once: the rules that an atom triggers are asked, the others are not.
4. Expressions, globs and references to other fields are asked of the event itself, where all else is fulfilled.
5. Few events of one shape are judged one by one, many by columns: the same tables, the same answers.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tocsin.config import bounds
from tocsin.detect.sigma.evaluation import Matches, stopped
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.plans.account import Clock, RuleUse, Usage
from tocsin.detect.sigma.plans.ir import Terms
from tocsin.detect.sigma.plans.parts import Parts
from tocsin.detect.sigma.plans.plan import NOTHING, UNDECIDED, Plan, Verdict
from tocsin.detect.sigma.plans.sectors import KEY_FIELDS, PlanTable, Sector
from tocsin.detect.sigma.plans.shapes import Fields, Keys
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.detect.sigma.plans.value_cache import CachePool
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.records.event import Event, Logsource

_NONE: Final[Matches] = ()

_PLAIN: Final = frozenset({str, int, type(None)})

Group = tuple[frozenset[Logsource], Keys, str | int | None, str | int | None]
"""Logsources, keys, Channel and EventID."""

Numbered = tuple[int, Event]
"""An event with its place among those to be judged."""


class PlannedEvaluator:
    """Judges events by plans.

    Args:
        rules: In order of loading.
        tuning: How values are searched and remembered.
        clock: For what expressions may take on all values of an event together; None: each may take
            `bounds.REGEX_SECONDS`.
        whole: Completes an event of which only what `needs` names was read; the caller who reads so must give it.
        timed: Whether the account is to tell by the clock what asking each rule takes.
    """

    def __init__(
        self,
        rules: Sequence[CompiledRule],
        tuning: Tuning = Tuning(),  # noqa: B008  frozen
        clock: Clock | None = None,
        whole: Callable[[Event], Event] = lambda event: event,
        *,
        timed: bool = False,
    ) -> None:
        self.timeouts: dict[str, int] = {}
        self._rules = tuple(rules)
        self._whole = whole
        self._columns_from = tuning.columns_from
        self._usage = Usage(self._rules, clock, timed=timed)
        self._table = PlanTable(Parts(Terms(), tuning, CachePool(tuning.cache_bytes), self._usage))
        self._roots: dict[int, int] = {}
        self._sectors: OrderedDict[frozenset[Logsource], Sector] = OrderedDict()
        self._by_logsource: dict[Logsource, list[int]] = {}
        for place, rule in enumerate(self._rules):
            self._by_logsource.setdefault(rule.logsource, []).append(place)

    def match(self, events: Sequence[Event]) -> Sequence[Matches]:
        """For each of `events`, the rules that match it, in order of loading.

        Raises:
            ValueError: an event was read in part, and nothing was given that completes it.
        """
        if len(events) < self._columns_from:
            return [self.match_one(event) for event in events]
        answers: list[Matches] = [_NONE] * len(events)
        for group, numbers in self._grouped(events).items():
            if group is None or len(numbers) < self._columns_from:
                for number in numbers:
                    answers[number] = self.match_one(events[number])
            else:
                self._match_group(group[0], [(number, events[number]) for number in numbers], answers)
        return answers

    def _grouped(self, events: Sequence[Event]) -> dict[Group | None, list[int]]:
        """The places of events with the same logsources, keys, Channel and EventID; under None those to judge singly."""
        groups: defaultdict[Group | None, list[int]] = defaultdict(list)
        for number, event in enumerate(events):
            fields = event.fields
            channel, event_id = fields.get("Channel"), fields.get("EventID")
            # 1, 1.0 and True are one to a dict, and not to rules; lists and objects are none at all.
            if type(channel) in _PLAIN and type(event_id) in _PLAIN:
                groups[event.logsources, tuple(fields), channel, event_id].append(number)
            else:
                groups[None].append(number)
        return groups

    def match_one(self, event: Event) -> Matches:
        """The rules that match `event`, in order of loading."""
        sector = self._sectors.get(event.logsources) or self._sector(event.logsources)
        if sector.is_empty:
            return _NONE
        fields = event.fields
        layout = sector.shape(tuple(fields), fields).planned(fields)
        verdict = layout.verdict(event)
        return _NONE if verdict is NOTHING else self._answer(layout.plan, verdict, event)

    def needs(self, logsources: frozenset[Logsource], fields: Fields) -> frozenset[str] | None:
        """The names of the fields that rules may ask of an event, None where every value may matter to them.

        Args:
            logsources: What the event satisfies at most.
            fields: Its `Channel` and `EventID`.
        """
        sector = self._sector(logsources)
        if sector.is_empty:
            return frozenset()
        needed = sector.shape(tuple(fields), fields).planned(fields).plan.needs()
        return None if needed is None else needed.union(KEY_FIELDS)

    def prepare(self, events: Iterable[Event]) -> None:
        """Makes the plans that such events need, so that judging the next of them waits for none."""
        for event in events:
            sector = self._sector(event.logsources)
            if not sector.is_empty:
                sector.shape(tuple(event.fields), event.fields).planned(event.fields)

    def _match_group(
        self, logsources: frozenset[Logsource], group: Sequence[Numbered], answers: list[Matches]
    ) -> None:
        """Answers for many events of one group, by columns."""
        sector = self._sector(logsources)
        if sector.is_empty:
            return
        rows = [event.fields for _, event in group]
        for layout, places in sector.shape(tuple(rows[0]), rows[0]).divided(rows):
            part = group if len(places) == len(group) else [group[place] for place in places]
            verdicts = layout.verdicts([event for _, event in part])
            for (number, event), verdict in zip(part, verdicts, strict=True):
                if verdict is not NOTHING:
                    answers[number] = self._answer(layout.plan, verdict, event)

    def account(self) -> tuple[RuleUse, ...]:
        """Each rule's account so far, in order of loading."""
        for plan in self._table.plans():
            plan.note()
        return self._usage.accounts()

    def _answer(self, plan: Plan, verdict: Verdict, event: Event) -> Matches:
        """The rules of a verdict: those that match, and of those pending the ones that the event agrees to."""
        if verdict is UNDECIDED:
            plan.considered -= 1
            completed = self._whole(event)
            if completed.partial:
                raise ValueError("This event was read in part: give `whole`, which completes it.")
            return self.match_one(completed)
        places: Sequence[int] = verdict.matched
        if verdict.pending:
            places = sorted((*places, *self._agreed(plan, verdict, event.fields)))
        if self.timeouts:
            over = stopped(self.timeouts, bounds.REGEX_TIMEOUTS)
            places = [place for place in places if self._rules[place].id not in over]
        for place in places:
            self._usage.hits[place] += 1
        return tuple([self._rules[place] for place in places])

    def _agreed(self, plan: Plan, verdict: Verdict, fields: Fields) -> Sequence[int]:
        view = EventView(fields)
        found: list[int] = []
        for index in verdict.pending:
            place = plan.roots[index][0]
            rule = self._rules[place].id
            if self.timeouts and self.timeouts.get(rule, 0) >= bounds.REGEX_TIMEOUTS:
                continue
            view.allowance = self._usage.allowance()
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
            self._roots[place] = root = self._table.parts.terms.lower(self._rules[place].condition)
        return root
