"""Correlation rules as they were read (`parsing.py`) → plans that can be run, or exactly why one cannot.

One rule that cannot be run takes no other along, except those that refer to it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from tocsin.config import bounds
from tocsin.detect.sigma.correlations.conditions import Bounds, Term
from tocsin.detect.sigma.correlations.section import (
    METRICS,
    TEMPORAL,
    CannotRunError,
    CorrelationRule,
    Resolve,
    aliases_of,
    condition_of,
    fields_of,
    percentile_of,
)
from tocsin.records.instants import SECOND

__all__ = [
    "METRICS",
    "TEMPORAL",
    "CorrelationPlan",
    "CorrelationProblem",
    "plan_correlations",
    "reference_of",
    "references_of",
    "silenced",
]


@dataclass(frozen=True, slots=True)
class CorrelationPlan:
    """One correlation rule, ready to run.

    Attributes:
        ref: What its matches are named by: the rule's id, else its name, else its title.
        members: What it refers to, as `Hit.rule` names it (base rules) or by `ref` (correlations), each once.
        nested: Those of `members` that are correlations.
        span: The window's length in microseconds.
        group_by: Fields (or aliases) that a window's hits must share.
        fields: The condition's `field`: what is counted or measured.
        aliases: Alias → member → the field it stands for there.
        bounds: What the window's figure must meet; None where `terms` decide.
        terms: The alternatives of an extended condition.
        percentile: 0 to 100 for `value_percentile`, 50 for `value_median`, else None.
        output: Whether its own matches are reported, and not only those of the correlations that refer to it.
        generate: Whether it leaves the rules it refers to reporting on their own.
        caveat: What cannot be judged of it, "" where all can.
    """

    ref: str
    type: str
    members: tuple[str, ...]
    nested: frozenset[str]
    span: int
    group_by: tuple[str, ...]
    fields: tuple[str, ...]
    aliases: Mapping[str, Mapping[str, str]]
    bounds: Bounds | None
    terms: tuple[Term, ...]
    percentile: float | None
    output: bool
    generate: bool
    caveat: str

    @property
    def grows(self) -> bool:
        """Whether one more hit can never end a match: such windows are judged at every hit, others when complete."""
        if self.bounds is None:
            return not any(term.unwanted for term in self.terms)
        return self.bounds.lower_only and self.type not in METRICS

    @property
    def least(self) -> int:
        """No window of fewer hits, each of one value, meets the condition; 1 where a single hit may."""
        if self.bounds is None:
            return max(1, min(len(term.wanted) for term in self.terms))
        return 1 if self.type in METRICS else self.bounds.least

    def field_of(self, name: str, member: str) -> str:
        """The field that `name` (a field or an alias) stands for in hits of `member`."""
        return self.aliases.get(name, {}).get(member, name)


@dataclass(frozen=True, slots=True)
class CorrelationProblem:
    """A correlation rule that cannot be run, and the one sentence that says why."""

    ref: str
    why: str


def reference_of(rule: CorrelationRule) -> str:
    """What `rule`'s hits are named by: its id, else its name, else its title."""
    return rule.id or rule.name or rule.title


def references_of(rules: Iterable[CorrelationRule]) -> dict[str, str]:
    """Every id and name by which `rules` can be referred to → `reference_of` the rule."""
    found: dict[str, str] = {}
    for rule in rules:
        for name in (rule.id, rule.name):
            if name:
                found.setdefault(name, reference_of(rule))
    return found


def plan_correlations(
    rules: Iterable[CorrelationRule], base: Mapping[str, str]
) -> tuple[tuple[CorrelationPlan, ...], tuple[CorrelationProblem, ...]]:
    """Plans of the `rules` that can be run, those referred to first, and a problem for each that cannot.

    Args:
        rules: As read.
        base: Every id and name of a base rule that runs → the name its hits carry (`references_of`).
    """
    return _Planner(list(rules), base).plan()


def silenced(plans: Iterable[CorrelationPlan]) -> frozenset[str]:
    """The rules that report only through correlations: those that one refers to without `generate: true`.

    Source: specification 2.0 "Generate"; pySigma silences a rule as soon as one such correlation refers to it.
    """
    return frozenset(member for plan in plans if not plan.generate for member in plan.members)


class _Planner:
    """Plans a set of rules depth first, so that what is referred to is planned before what refers to it."""

    def __init__(self, rules: Sequence[CorrelationRule], base: Mapping[str, str]) -> None:
        self._rules = rules
        self._base = base
        self._taken = frozenset(base.values())
        self._by_ref: dict[str, CorrelationRule] = {}
        self._names: dict[str, str] = {}
        self._plans: dict[str, CorrelationPlan] = {}
        self._problems: dict[int, CorrelationProblem] = {}
        self._open: list[str] = []
        for rule in rules:
            self._register(rule)

    def _register(self, rule: CorrelationRule) -> None:
        ref = reference_of(rule)
        if not ref:
            self._refuse(rule, "it has neither id, name nor title")
        elif ref in self._by_ref or ref in self._taken:
            self._refuse(rule, f"another rule is already called {ref!r}")
        else:
            self._by_ref[ref] = rule
            for name in (ref, rule.name):
                if name:
                    self._names.setdefault(name, ref)

    def plan(self) -> tuple[tuple[CorrelationPlan, ...], tuple[CorrelationProblem, ...]]:
        for ref in self._by_ref:
            self._visit(ref)
        quiet = silenced(self._plans.values())
        plans = (replace(plan, output=ref not in quiet) for ref, plan in self._plans.items())
        problems = (self._problems[id(rule)] for rule in self._rules if id(rule) in self._problems)
        return tuple(plans), tuple(problems)

    def _refuse(self, rule: CorrelationRule, why: str) -> None:
        self._problems[id(rule)] = CorrelationProblem(reference_of(rule), why)

    def _visit(self, ref: str) -> None:
        rule = self._by_ref[ref]
        if ref in self._plans or id(rule) in self._problems:
            return
        self._open.append(ref)
        try:
            members = self._members(rule)
            plan = _plan(rule, members, frozenset(self._by_ref), self._resolve)
            self._check_metric(plan)
            self._plans[ref] = plan
        except CannotRunError as problem:
            self._refuse(rule, str(problem))
        finally:
            self._open.pop()

    def _resolve(self, reference: str) -> str | None:
        """What `reference`, an id or a name, is called; None where no rule is."""
        name = reference
        with contextlib.suppress(ValueError):
            canonical = str(UUID(name))
            if canonical in self._base or canonical in self._names:
                name = canonical
        return self._base.get(name) or self._names.get(name)

    def _members(self, rule: CorrelationRule) -> tuple[str, ...]:
        members: dict[str, None] = {}
        for reference in rule.references:
            ref = self._resolve(reference)
            if ref is None:
                raise CannotRunError(f"it refers to rule {reference!r}, which is not loaded or cannot be run")
            if ref in members:
                raise CannotRunError(f"it refers to rule {reference!r} twice; its rules must be unique")
            members[ref] = None
            if ref in self._by_ref:
                self._visit_nested(ref, reference)
        if not members:
            raise CannotRunError("it refers to no rule")
        if len(members) > bounds.CORRELATION_MEMBERS:
            raise CannotRunError(f"it refers to {len(members)} rules, more than {bounds.CORRELATION_MEMBERS}")
        return tuple(members)

    def _check_metric(self, plan: CorrelationPlan) -> None:
        """A match of a correlation has one value of a field only where it groups by it."""
        for member in plan.members if plan.type in METRICS else ():
            name = plan.field_of(plan.fields[0], member)
            if member in plan.nested and name not in self._plans[member].group_by:
                raise CannotRunError(
                    f"it measures {name!r} of correlation {member!r}, which does not group by that field"
                )

    def _visit_nested(self, ref: str, reference: str) -> None:
        if ref in self._open:
            raise CannotRunError(
                "it refers to itself: " + " → ".join([*self._open[self._open.index(ref) :], ref])
            )
        if len(self._open) >= bounds.CORRELATION_DEPTH:
            raise CannotRunError(f"correlations are nested more than {bounds.CORRELATION_DEPTH} deep")
        self._visit(ref)
        problem = self._problems.get(id(self._by_ref[ref]))
        if problem is not None:
            raise CannotRunError(
                f"it refers to correlation {reference!r}, which cannot be run: {problem.why}"
            )


def _plan(
    rule: CorrelationRule, members: tuple[str, ...], correlations: frozenset[str], resolve: Resolve
) -> CorrelationPlan:
    limits, terms, caveat = condition_of(rule, members)
    if rule.seconds > bounds.CORRELATION_SECONDS:
        raise CannotRunError(f"its timespan {rule.timespan} is longer than ten years")
    return CorrelationPlan(
        ref=reference_of(rule), type=rule.type, members=members, nested=frozenset(members) & correlations,
        span=rule.seconds * SECOND, group_by=tuple(dict.fromkeys(rule.group_by)), fields=fields_of(rule),
        aliases=aliases_of(rule, resolve, members), bounds=limits, terms=terms,
        percentile=percentile_of(rule), output=True, generate=rule.generate, caveat=caveat,
    )  # fmt: skip
