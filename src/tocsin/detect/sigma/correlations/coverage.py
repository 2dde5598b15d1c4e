"""Which correlations can fire, given the rules that can; the catalogue of fields is not needed for that."""

from __future__ import annotations

from collections.abc import Collection

from tocsin.detect.sigma.correlations.plans import TEMPORAL, CorrelationPlan
from tocsin.detect.sigma.ruleset import RuleSet


def with_correlations(able: Collection[str], rules: RuleSet) -> frozenset[str]:
    """`able`, the keys of rules that can fire, and those of the correlations of `rules` that can fire then."""
    found = set(able)
    waiting = [one.plan for one in rules.correlations]
    while True:  # correlations may refer to correlations; each round settles one storey at least
        settled = {plan.ref for plan in waiting if _fed(plan, found)}
        if not settled:
            return frozenset(found)
        found |= settled
        waiting = [plan for plan in waiting if plan.ref not in found]


def _fed(plan: CorrelationPlan, able: Collection[str]) -> bool:
    """Whether enough of its members can fire: all where it needs them all, else any."""
    fed = [member in able for member in plan.members]
    return all(fed) if _needs_all(plan) else any(fed)


def _needs_all(plan: CorrelationPlan) -> bool:
    """Whether `plan` can only match where every one of its members does."""
    if plan.type not in TEMPORAL:
        return False
    if plan.bounds is not None:
        return not plan.bounds.some_count(len(plan.members) - 1)
    return all(len(term.wanted) == len(plan.members) for term in plan.terms)
