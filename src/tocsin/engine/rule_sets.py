"""Rule texts → a loaded rule set and its account: every rule file and document is active, idle or a named problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.detect.sigma.coverage import Coverage, Verdict, for_sources, judge
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleProblem, RuleSet
from tocsin.engine.rule_files import RuleTexts, Unreadable


@dataclass(frozen=True, slots=True)
class RuleAccount:
    """Where every rule went.

    Attributes:
        verdicts: For each loaded rule: can it fire, and on what.
        problems: Documents that cannot run, and why.
        unreadable: Files that could not even be read.
    """

    verdicts: tuple[Verdict, ...]
    problems: tuple[RuleProblem, ...]
    unreadable: tuple[Unreadable, ...]

    def counts(self) -> dict[str, int]:
        """`loaded`, `active` (can fire on something Tocsin reads) and `unsupported` (cannot be loaded at all)."""
        return {
            "loaded": len(self.verdicts),
            "active": sum(verdict.status == "active" for verdict in self.verdicts),
            "unsupported": len(self.problems) + len(self.unreadable),
        }


def load(
    texts: RuleTexts,
    placeholders: Mapping[str, Sequence[str]],
    sources: Sequence[str] | None = None,
) -> tuple[RuleSet, RuleAccount]:
    """Loads `texts` and judges what can fire.

    Args:
        texts: What was read.
        placeholders: Values of `expand` placeholders.
        sources: Names of the catalogue's switches that are on; None: everything Tocsin can read.
    """
    ruleset = load_rules(texts.texts, placeholders)
    verdicts = judge(ruleset, sources=sources)
    return ruleset, RuleAccount(tuple(verdicts), ruleset.problems, texts.unreadable)


def coverage(ruleset: RuleSet, sources: Sequence[str]) -> Coverage:
    """What of `ruleset` can fire with `sources`, and what each further switch would add."""
    return for_sources(ruleset, sources)
