"""Rule texts → a loaded rule set and its account: every rule file and document is active, idle or a named problem."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tocsin.detect.sigma.coverage import Coverage, Verdict, for_sources, judge
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleProblem, RuleSet, RuleText
from tocsin.engine.rule_files import RuleTexts, Unreadable
from tocsin.store.entries import RuleSet as RuleSetNote


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

    def sentences(self) -> tuple[str, ...]:
        """What could not be loaded, one sentence each."""
        return (
            *(f"{one.title or one.path}: {one.why}" for one in self.problems),
            *(f"{one.path}: {one.why}" for one in self.unreadable),
        )

    def counts(self) -> dict[str, int]:
        """`loaded`, `active` (can fire on something Tocsin reads) and `unsupported` (cannot be loaded at all)."""
        return {
            "loaded": len(self.verdicts),
            "active": sum(verdict.status == "active" for verdict in self.verdicts),
            "unsupported": len(self.problems) + len(self.unreadable),
        }


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """A rule set ready to judge, and its version (SHA-256 over its texts) as stores record it."""

    ruleset: RuleSet
    note: RuleSetNote


def load(
    texts: RuleTexts, placeholders: Mapping[str, Sequence[str]], sources: Sequence[str] | None = None
) -> tuple[LoadedRules, RuleAccount]:
    """Loads `texts` and judges what can fire.

    Args:
        texts: What was read.
        placeholders: Values of `expand` placeholders.
        sources: Names of the catalogue's switches that are on; None: everything Tocsin can read.
    """
    ruleset = load_rules(texts.texts, placeholders)
    account = RuleAccount(judge(ruleset, sources=sources), ruleset.problems, texts.unreadable)
    return LoadedRules(ruleset, _version(texts.texts)), account


def coverage(rules: LoadedRules, sources: Sequence[str]) -> Coverage:
    """What of `rules` can fire with `sources`, and what each further switch would add."""
    return for_sources(rules.ruleset, sources)


def _version(texts: Iterable[RuleText]) -> RuleSetNote:
    digests = [hashlib.sha256(one.text.encode("utf-8", "surrogatepass")).digest() for one in texts]
    return RuleSetNote(hashlib.sha256(b"".join(digests)).hexdigest(), len(digests))
