"""What can fire on what: rules judged against the catalogue of fields (`catalogue/`), with what is collected or could be.

`reach.py` says whether one condition can be true on one kind of event, `explanation.py` says why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.detect.sigma.catalogue.model import Catalogue, Switch
from tocsin.detect.sigma.correlations.coverage import with_correlations
from tocsin.detect.sigma.explanation import Explainer
from tocsin.detect.sigma.reach import Arrivals, can_fire
from tocsin.detect.sigma.ruleset import CompiledRule, RuleSet

Status = Literal["active", "no-field"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said of one rule.

    Attributes:
        key: The rule's id, or its name where it has none (`Metadata.id`).
        status: `active`: it can fire; `no-field`: what it needs does not arrive.
        why: One sentence: for `active` which switch feeds it, else what is missing and what would add it.
    """

    key: str
    title: str
    status: Status
    why: str


@dataclass(frozen=True, slots=True)
class Gain:
    """What switching one more thing on would add.

    Attributes:
        rules: Keys of the rules that could fire then and cannot now.
    """

    switch: Switch
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What can fire with a selection of sources, and what each further switch would add, most first."""

    selection: frozenset[str]
    active: tuple[str, ...]
    gains: tuple[Gain, ...]


def judge(
    rules: RuleSet, catalogue: Catalogue = CATALOGUE, sources: Iterable[str] | None = None
) -> tuple[Verdict, ...]:
    """A verdict for each rule and correlation of `rules`, in their order.

    Args:
        rules: What `load_rules` gave; its problems are not judged again.
        catalogue: What there is.
        sources: Names of the switches that are on; None for everything that Tocsin can read.
    """
    selection = _selection(catalogue, sources)
    able = firing(rules, catalogue, selection)
    explain = Explainer(rules, catalogue, selection)
    verdicts = []
    for rule in rules.rules:
        why = explain.fed_by(rule) if rule.id in able else explain.lacking(rule)
        verdicts.append(_verdict(rule.id, rule.meta.title, why, active=rule.id in able))
    for one in rules.correlations:
        why = (
            "fed by the rules that it refers to" if one.id in able else explain.silent(one.plan.members, able)
        )
        verdicts.append(_verdict(one.id, one.meta.title, why, active=one.id in able))
    return tuple(verdicts)


def _verdict(key: str, title: str, why: str, *, active: bool) -> Verdict:
    return Verdict(key, title, "active" if active else "no-field", why)


def for_sources(rules: RuleSet, sources: Iterable[str], catalogue: Catalogue = CATALOGUE) -> Coverage:
    """What can fire with `sources`, and what each one further switch that Tocsin can read would add."""
    order = [*(rule.id for rule in rules.rules), *(one.id for one in rules.correlations)]
    selection = _selection(catalogue, sources)
    now = firing(rules, catalogue, selection)
    gains = []
    for switch in catalogue:
        if switch.read and switch.name not in selection:
            added = firing(rules, catalogue, selection | {switch.name}) - now
            gains.append(Gain(switch, tuple(key for key in order if key in added)))
    return Coverage(
        selection,
        tuple(key for key in order if key in now),
        tuple(sorted((gain for gain in gains if gain.rules), key=lambda gain: -len(gain.rules))),
    )


def firing(rules: RuleSet, catalogue: Catalogue, selection: Iterable[str]) -> frozenset[str]:
    """Keys of the rules and correlations that can fire with the switches of `selection`."""
    arrivals = Arrivals(catalogue, selection)
    return with_correlations({rule.id for rule in rules.rules if can_fire(rule, arrivals)}, rules)


def of_sources(
    sources: Iterable[str] | None = None, catalogue: Catalogue = CATALOGUE
) -> Callable[[CompiledRule], bool]:
    """Tells of a rule by itself whether it can fire with `sources`; None for everything that Tocsin can read."""
    arrivals = Arrivals(catalogue, _selection(catalogue, sources))
    return lambda rule: can_fire(rule, arrivals)


def _selection(catalogue: Catalogue, sources: Iterable[str] | None) -> frozenset[str]:
    """The switches that are on, with what they include; what Tocsin cannot read counts as off."""
    return catalogue.readable if sources is None else catalogue.with_included(sources) & catalogue.readable
