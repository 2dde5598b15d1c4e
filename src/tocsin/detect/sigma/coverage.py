"""What can fire on what: rules judged against the catalogue of fields (`catalogue/`), with what is collected or could be.

`reach.py` says whether one condition can be true on one kind of event, `explanation.py` says why not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.detect.sigma.catalogue.model import Catalogue, Switch
from tocsin.detect.sigma.explanation import Explainer
from tocsin.detect.sigma.reach import NOTHING, Arrivals, Judgeable, missing

Status = Literal["active", "no-field", "unsupported"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said of one rule.

    Attributes:
        key: The rule's id, or its name where it has none.
        status: `active`: it can fire; `no-field`: what it needs does not arrive; `unsupported`: it cannot be loaded.
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
    rules: Iterable[Judgeable], catalogue: Catalogue = CATALOGUE, sources: Iterable[str] | None = None
) -> list[Verdict]:
    """A verdict for each rule, in their order.

    Args:
        rules: Every rule that could be loaded; correlations with the rules they refer to.
        catalogue: What there is.
        sources: Names of the switches that are on; None for everything that Tocsin can read.
    """
    all_rules = list(rules)
    selection = _selection(catalogue, sources)
    able = firing(all_rules, catalogue, selection)
    alone = {
        name.name: firing(all_rules, catalogue, {name.name}) for name in catalogue if name.name in selection
    }
    explain = Explainer(all_rules, catalogue, selection, alone)
    return [
        Verdict(rule.key, rule.title, "active", explain.fed_by(rule))
        if rule.key in able
        else Verdict(rule.key, rule.title, "no-field", explain.lacking(rule, able))
        for rule in all_rules
    ]


def for_sources(
    rules: Iterable[Judgeable], sources: Iterable[str], catalogue: Catalogue = CATALOGUE
) -> Coverage:
    """What can fire with `sources`, and what each one further switch that Tocsin can read would add."""
    all_rules = list(rules)
    selection = _selection(catalogue, sources)
    now = firing(all_rules, catalogue, selection)
    gains = []
    for switch in catalogue:
        if switch.read and switch.name not in selection:
            added = firing(all_rules, catalogue, selection | {switch.name}) - now
            gains.append(Gain(switch, tuple(rule.key for rule in all_rules if rule.key in added)))
    return Coverage(
        selection,
        tuple(rule.key for rule in all_rules if rule.key in now),
        tuple(sorted((gain for gain in gains if gain.rules), key=lambda gain: -len(gain.rules))),
    )


def firing(rules: Iterable[Judgeable], catalogue: Catalogue, selection: Iterable[str]) -> frozenset[str]:
    """Keys of the `rules` that can fire with the switches of `selection`, correlations included."""
    arrivals = Arrivals(catalogue, selection)
    all_rules = list(rules)
    able = {rule.key for rule in all_rules if not rule.refers and _can_fire(rule, arrivals)}
    waiting = [rule for rule in all_rules if rule.refers]
    while True:  # correlations may refer to correlations; each round settles one storey at least
        settled = {rule.key for rule in waiting if _fed(rule, able)}
        if not settled:
            return frozenset(able)
        able |= settled
        waiting = [rule for rule in waiting if rule.key not in able]


def _can_fire(rule: Judgeable, arrivals: Arrivals) -> bool:
    wanted = rule.logsource
    return wanted is not None and any(
        missing(condition, arrival) == NOTHING
        for arrival in arrivals.of(wanted)
        for condition in rule.conditions
    )


def _fed(rule: Judgeable, able: Collection[str]) -> bool:
    fed = [reference in able for reference in rule.refers]
    return all(fed) if rule.needs_all else any(fed)


def _selection(catalogue: Catalogue, sources: Iterable[str] | None) -> frozenset[str]:
    """The switches that are on, with what they include; what Tocsin cannot read counts as off."""
    return catalogue.readable if sources is None else catalogue.with_included(sources) & catalogue.readable
