"""Parsed files → a `RuleSet`: ids told apart, filters applied, correlations planned. Cheap, and without pySigma.

- Of two rules with one id the first is loaded; the later one is a problem that names the first's file.
- A filter is ANDed to the conditions of the rules it names whose logsource its own contains (as pySigma does): write
  `condition: not selection` to leave matches out. A filter that fits no rule is a problem.
- A correlation that refers to what is not loaded is a problem; the rules it refers to then report by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from tocsin.detect.sigma.compiling.parsed import (
    ParsedCorrelation,
    ParsedDocument,
    ParsedFile,
    ParsedFilter,
    ParsedRule,
    Refused,
)
from tocsin.detect.sigma.correlations.plans import plan_correlations
from tocsin.detect.sigma.ruleset import (
    CompiledCorrelation,
    CompiledFilter,
    CompiledRule,
    RuleProblem,
    RuleSet,
)
from tocsin.detect.sigma.tree import AllOf, Node


def assemble(files: Iterable[ParsedFile]) -> RuleSet:
    """Every rule, correlation and filter of `files`, and a problem for each document that is none that can run."""
    draft = _Draft()
    for file in files:
        draft.templates += file.templates
        for document in file.documents:
            draft.take(document, file.path)
    return draft.finish()


def compiled(rule: ParsedRule) -> CompiledRule:
    """`rule` by itself, no filter applied."""
    return CompiledRule(rule.meta, rule.logsource, rule.condition, rule.fields, rule.keywords)


@dataclass(slots=True)
class _Draft:
    """A rule set in the making."""

    rules: dict[str, CompiledRule] = field(default_factory=dict)
    correlations: dict[str, ParsedCorrelation] = field(default_factory=dict)
    filters: list[ParsedFilter] = field(default_factory=list)
    problems: list[RuleProblem] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    templates: int = 0
    documents: int = 0

    def take(self, document: ParsedDocument, path: str) -> None:
        """Takes one document of the file `path` up, as whatever it is."""
        self.documents += 1
        key = document.key if isinstance(document, Refused) else document.meta.id
        first = self.taken.get(key) if key is not None else None
        if first is not None:
            title = document.title if isinstance(document, Refused) else document.meta.title
            why = (
                f"has the id {key}, as has a rule of {first}, which was loaded first: "
                "remove one of them or give it an id of its own"
            )
            self.problems.append(RuleProblem(path, document.rule, title, why))
        elif isinstance(document, Refused):
            self.problems.append(RuleProblem(path, document.rule, document.title, document.why))
        else:
            self.taken[document.meta.id] = path
            self._keep(document)

    def _keep(self, document: ParsedRule | ParsedFilter | ParsedCorrelation) -> None:
        if isinstance(document, ParsedRule):
            self.rules[document.meta.id] = compiled(document)
        elif isinstance(document, ParsedFilter):
            self.filters.append(document)
        else:
            self.correlations[document.meta.id] = document

    def finish(self) -> RuleSet:
        """The rule set: filters applied, references of correlations resolved."""
        applied = tuple(self._apply_filters())
        correlations = tuple(self._plan())
        return RuleSet(
            tuple(self.rules.values()),
            correlations,
            applied,
            tuple(self.problems),
            self.templates,
            self.documents + self.templates,
        )

    def _apply_filters(self) -> Iterable[CompiledFilter]:
        for one in self.filters:
            fitting = [rule for rule in self.rules.values() if _fits(one, rule)]
            if not fitting:
                self.problems.append(
                    RuleProblem(
                        one.meta.path, one.meta.id, one.meta.title,
                        "is a filter for no rule that is loaded: correct its `rules` or its logsource",
                    )
                )  # fmt: skip
                continue
            for rule in fitting:
                self.rules[rule.id] = _filtered(rule, one)
            yield CompiledFilter(one.meta, tuple(rule.id for rule in fitting))

    def _plan(self) -> Iterable[CompiledCorrelation]:
        if not self.correlations:
            return ()
        names = {rule.meta.name: rule.id for rule in reversed(self.rules.values()) if rule.meta.name}
        base = {**names, **{name: name for name in self.rules}}
        plans, problems = plan_correlations([one.correlation for one in self.correlations.values()], base)
        for problem in problems:
            meta = self.correlations[problem.ref].meta
            why = f"is a correlation that cannot run: {problem.why}"
            self.problems.append(RuleProblem(meta.path, meta.id, meta.title, why))
        return [CompiledCorrelation(self.correlations[plan.ref].meta, plan) for plan in plans]


def _fits(one: ParsedFilter, rule: CompiledRule) -> bool:
    named = one.wanted is None or rule.id in one.wanted or rule.meta.name in one.wanted
    return named and rule.logsource.satisfies(one.logsource)


def _filtered(rule: CompiledRule, one: ParsedFilter) -> CompiledRule:
    return CompiledRule(
        rule.meta,
        rule.logsource,
        partial(_both, rule.made, one.condition),
        rule.fields | one.fields,
        rule.keywords or one.keywords,
        (*rule.filters, one.meta.id),
    )


def _both(first: Callable[[], Node], second: Callable[[], Node]) -> Node:
    return AllOf((first(), second()))
