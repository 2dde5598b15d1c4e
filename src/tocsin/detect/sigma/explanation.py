"""One sentence on each rule: which switch feeds it, or what it lacks and what would add that."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tocsin.detect.sigma.catalogue.model import Catalogue, Supply, Switch
from tocsin.detect.sigma.reach import NOTHING, Arrival, Arrivals, Missing, can_fire, missing, named_by_prefix
from tocsin.detect.sigma.ruleset import CompiledRule, RuleSet
from tocsin.records.event import Logsource


class Explainer:
    """Says why.

    Args:
        rules: All rules that are judged together.
        catalogue: What there is.
        selection: Names of the switches that are on.
    """

    def __init__(self, rules: RuleSet, catalogue: Catalogue, selection: frozenset[str]) -> None:
        self._catalogue = catalogue
        self._known = Arrivals(catalogue, selection, known=True)
        self._alone = [
            (switch, Arrivals(catalogue, {switch.name})) for switch in catalogue if switch.name in selection
        ]
        self._titles = {rule.id: rule.meta.title for rule in rules.rules}
        self._titles |= {one.id: one.meta.title for one in rules.correlations}

    def fed_by(self, rule: CompiledRule) -> str:
        """Which switch feeds a rule that can fire; the first of the catalogue that does so alone."""
        first = next((switch for switch, arrivals in self._alone if can_fire(rule, arrivals)), None)
        return f"fed by {first.title}" if first else "fed by several sources together"

    def silent(self, members: Sequence[str], able: Collection[str]) -> str:
        """Why a correlation of `members` cannot fire."""
        silent = next(member for member in members if member not in able)
        return f"correlates “{self._titles.get(silent, silent)}”, which cannot fire"

    def lacking(self, rule: CompiledRule) -> str:
        """What a rule that cannot fire lacks."""
        closest = self._closest(rule)
        return self._needs(*closest) if closest else self._no_kind(rule.logsource)

    def _closest(self, rule: CompiledRule) -> tuple[Arrival, Missing] | None:
        """The kind on which the fewest fields are missing, one that arrives first."""
        candidates = (
            (arrival, needed)
            for arrival in self._known.of(rule.logsource)
            if (needed := missing(rule.condition, arrival)) is not None
        )
        return min(
            candidates,
            key=lambda pair: (not pair[0].fields, len(pair[1]), sorted(pair[1]), pair[0].kind.name),
            default=None,
        )

    def _no_kind(self, wanted: Logsource) -> str:
        name = "/".join(part for part in wanted if part)
        if self._known.of(wanted):
            return f"looks for events that no source Tocsin knows of logs under {name}"
        return f"no source that Tocsin knows gives {name}"

    def _needs(self, arrival: Arrival, needed: Missing) -> str:
        giving = [
            (switch, s) for switch in self._catalogue for s in switch.supplies if s.kind == arrival.kind
        ]
        never = sorted(name for name in needed if not any(_gives(s, name) for _, s in giving))
        if never:
            return f"needs {_list(never)}, which no source that Tocsin knows gives in {arrival.kind.name}"
        switch = _best(giving, needed)
        if not switch.read:
            return f"needs {switch.title}, which Tocsin cannot read yet"
        if arrival.fields == NOTHING:
            return f"needs {switch.title}: {switch.how}"
        return f"needs {_list(sorted(needed))}, which is not logged until you {switch.how}"


def _best(giving: Sequence[tuple[Switch, Supply]], needed: Missing) -> Switch:
    """The switch that gives the most of what is missing."""
    return max(giving, key=lambda pair: sum(_gives(pair[1], name) for name in needed))[0]


def _gives(supplied: Supply, field: str) -> bool:
    return field in supplied.fields or named_by_prefix(supplied.fields, field)


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
