"""How correlations hang together: which hits and matches concern which, and how far each must stay behind."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.detect.sigma.correlations.groups import Begun, News
from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.correlations.records import Load
from tocsin.detect.sigma.correlations.state import Lane
from tocsin.detect.sigma.correlations.values import Lens


def lanes_of(plans: Sequence[CorrelationPlan], load: Load) -> list[Lane]:
    """Empty lanes; those that others refer to also tell of matches that go on."""
    inner = {ref for plan in plans for ref in plan.nested}
    begun = Begun()
    return [
        Lane(plan, number, lag, load, News(begun, pulses=[] if plan.ref in inner else None))
        for number, (plan, lag) in enumerate(zip(plans, _lags(plans), strict=True))
    ]


def _lags(plans: Sequence[CorrelationPlan]) -> list[int]:
    """How far each plan must stay behind the watermark: matches that are judged on complete windows are told late."""
    told: dict[str, int] = {}
    lags = []
    for plan in plans:
        lags.append(max((told[ref] for ref in plan.nested), default=0))
        told[plan.ref] = lags[-1] + (0 if plan.grows else plan.span)
    return lags


def lenses_of(plans: Sequence[CorrelationPlan]) -> dict[str, list[tuple[int, Lens]]]:
    """Rule → which plans its hits concern, and how each sees them."""
    asked: dict[str, dict[str, None]] = {plan.ref: {} for plan in plans}
    for plan in reversed(plans):
        for ref in plan.nested:
            for name in (*plan.group_by, *plan.fields, *asked[plan.ref]):
                asked[ref][plan.field_of(name, ref)] = None
    lenses: dict[str, list[tuple[int, Lens]]] = {}
    for number, plan in enumerate(plans):
        for member, ref in enumerate(plan.members):
            lens = Lens(plan, member, tuple(asked[plan.ref]), tuple(asked.get(ref, ())))
            lenses.setdefault(ref, []).append((number, lens))
    return lenses
