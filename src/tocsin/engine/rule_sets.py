"""Rule texts → a loaded rule set and its account: every rule file and document is active, idle or a named problem."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tocsin.detect.sigma.compiling.assembly import assemble
from tocsin.detect.sigma.compiling.parsed import ParsedFile
from tocsin.detect.sigma.correlations.coverage import with_correlations
from tocsin.detect.sigma.ruleset import RuleProblem, RuleSet
from tocsin.engine.rule_compiling import Progress, compile_texts, text_digest
from tocsin.engine.rule_files import RuleTexts, Unreadable
from tocsin.store.entries import RuleSet as RuleSetNote

if TYPE_CHECKING:
    from tocsin.detect.sigma.coverage import Coverage, Verdict
    from tocsin.engine.rule_cache import RuleCache


@dataclass(frozen=True)
class RuleAccount:
    """Where every rule went.

    Attributes:
        rules: What was loaded.
        unreadable: Files that could not even be read.
        notices: What was noticed about the cache, in sentences.
        sources: Names of the catalogue's switches that are on; None: everything Tocsin can read.
        known: Id → whether that rule can fire without its filters, where that is known for `sources`.
    """

    rules: RuleSet
    unreadable: tuple[Unreadable, ...] = ()
    notices: tuple[str, ...] = ()
    sources: tuple[str, ...] | None = None
    known: Mapping[str, bool] = field(default_factory=dict, repr=False)

    @property
    def problems(self) -> tuple[RuleProblem, ...]:
        """Documents that cannot run, and why."""
        return self.rules.problems

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """For each loaded rule: can it fire, and on what. Dear: every condition is looked at."""
        from tocsin.detect.sigma.coverage import judge  # noqa: PLC0415  the catalogue is large, and seldom asked

        return judge(self.rules, sources=self.sources)

    def sentences(self) -> tuple[str, ...]:
        """What could not be loaded, one sentence each."""
        return (
            *(f"{one.title or one.path}: {one.why}" for one in self.problems),
            *(f"{one.path}: {one.why}" for one in self.unreadable),
        )

    def counts(self) -> dict[str, int]:
        """`loaded`, `active` (can fire on something Tocsin reads) and `unsupported` (cannot be loaded at all)."""
        return {
            "loaded": len(self.rules.rules) + len(self.rules.correlations),
            "active": self._active,
            "unsupported": len(self.problems) + len(self.unreadable),
        }

    @cached_property
    def _active(self) -> int:
        able = {rule.id for rule in self.rules.rules if self.known.get(rule.id) and not rule.filters}
        rest = [rule for rule in self.rules.rules if rule.filters or rule.id not in self.known]
        if rest:
            from tocsin.detect.sigma.coverage import of_sources  # noqa: PLC0415  as above

            can_fire = of_sources(self.sources)
            able.update(rule.id for rule in rest if can_fire(rule))
        return len(with_correlations(able, self.rules))


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """A rule set ready to judge.

    Attributes:
        ruleset: The rules.
        note: Their version (SHA-256 over their texts) as stores record it.
        files: What they were assembled from, for other processes.
    """

    ruleset: RuleSet
    note: RuleSetNote
    files: tuple[ParsedFile, ...] = ()


def load(
    texts: RuleTexts,
    placeholders: Mapping[str, Sequence[str]],
    sources: Sequence[str] | None = None,
    *,
    cache: RuleCache | None = None,
    progress: Progress | None = None,
) -> tuple[LoadedRules, RuleAccount]:
    """Loads `texts` and judges what can fire.

    Args:
        texts: What was read.
        placeholders: Values of `expand` placeholders.
        sources: Names of the catalogue's switches that are on; None: everything Tocsin can read.
        cache: Where parsed rules are kept from start to start; None: all are parsed now.
        progress: Called with (ready, all) after each text that had to be parsed.
    """
    digests = [text_digest(text) for text in texts.texts]
    made = compile_texts(texts.texts, digests, placeholders, cache, progress)
    ruleset = assemble(made.files)
    asked = None if sources is None else tuple(sources)
    known = made.able if sources is None else {}
    account = RuleAccount(ruleset, texts.unreadable, made.notices, asked, known)
    note = RuleSetNote(hashlib.sha256(b"".join(digests)).hexdigest(), len(digests))
    return LoadedRules(ruleset, note, made.files), account


def coverage(rules: LoadedRules, sources: Sequence[str]) -> Coverage:
    """What of `rules` can fire with `sources`, and what each further switch would add."""
    from tocsin.detect.sigma.coverage import for_sources  # noqa: PLC0415  as in RuleAccount

    return for_sources(rules.ruleset, sources)
