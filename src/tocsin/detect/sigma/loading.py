"""Rule texts → a `RuleSet`: what runs, and for everything that does not, exactly why.

- Of two rules with one id the first is loaded; the later one is a problem that names the first's file.
- `action: global` shapes the rules after it in its file, `action: repeat` changes the one before; where such rules
  share an id, the second and later ones are called `<id>#2` and so on.
- A filter is ANDed to the conditions of the rules it names whose logsource its own contains (as pySigma does): write
  `condition: not selection` to leave matches out. A filter that fits no rule is a problem.
- A correlation that refers to what is not loaded is a problem; the rules it refers to then report by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID

import regex
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError

from tocsin.detect.sigma.correlation_plans import parse_correlation, plan_correlations
from tocsin.detect.sigma.documents import Document, documents
from tocsin.detect.sigma.lowering import Placeholders, Unsupported, all_of
from tocsin.detect.sigma.matching import predicate
from tocsin.detect.sigma.metadata import metadata_of, rule_id
from tocsin.detect.sigma.parsing import in_words, parse_detection, parse_filter, parse_logsource
from tocsin.detect.sigma.ruleset import (
    CompiledCorrelation,
    CompiledFilter,
    CompiledRule,
    Metadata,
    RuleProblem,
    RuleSet,
    RuleText,
)
from tocsin.detect.sigma.tree import Node, fields_of, leaves
from tocsin.records.event import Logsource

__all__ = ["RuleProblem", "RuleSet", "RuleText", "load_rules"]


def load_rules(texts: Iterable[RuleText], placeholders: Mapping[str, Sequence[str]] | None = None) -> RuleSet:
    """Every rule, correlation and filter of `texts`, and a problem for each document that is none that can run.

    Args:
        texts: Rule files, untrusted.
        placeholders: Values for `expand` placeholders by name, without the percent signs; wildcards allowed.
    """
    draft = _Draft(placeholders or {})
    for text in texts:
        file = _File()
        for document in documents(text):
            draft.documents += 1
            if isinstance(document, RuleProblem):
                draft.problems.append(document)
            else:
                draft.take(document, file)
    return draft.finish()


@dataclass
class _File:
    """What one file's documents hand on to the next: Sigma's collection actions."""

    template: dict[Any, Any] = field(default_factory=dict)
    previous: dict[Any, Any] = field(default_factory=dict)
    shared_ids: dict[str, int] = field(default_factory=dict)


@dataclass
class _Filter:
    meta: Metadata
    logsource: Logsource
    condition: Node
    wanted: frozenset[str] | None

    def fits(self, rule: CompiledRule) -> bool:
        named = self.wanted is None or rule.id in self.wanted or rule.meta.name in self.wanted
        return named and rule.logsource.satisfies(self.logsource)


@dataclass
class _Draft:
    """A rule set in the making."""

    placeholders: Placeholders
    rules: dict[str, CompiledRule] = field(default_factory=dict)
    correlations: dict[str, tuple[Metadata, SigmaCorrelationRule]] = field(default_factory=dict)
    filters: list[_Filter] = field(default_factory=list)
    problems: list[RuleProblem] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    templates: int = 0
    documents: int = 0

    def take(self, document: Document, file: _File) -> None:
        """Takes one document up, as whatever it is."""
        content = _acted(document.content, file)
        if content is None:
            self.templates += 1
            return
        try:
            meta = self._named(metadata_of(content, document.path), content, file)
            if "correlation" in content:
                self.correlations[meta.id] = (meta, _correlation(content, meta))
            elif "filter" in content:
                self._take_filter(meta, content)
            else:
                self.rules[meta.id] = self._rule(meta, content)
            self.taken[meta.id] = document.path
        except (Unsupported, SigmaError, regex.error) as error:
            why = str(error) if isinstance(error, Unsupported) else in_words(error)
            title = content.get("title")
            self.problems.append(
                RuleProblem(document.path, rule_id(content), title if isinstance(title, str) else "", why)
            )

    def _named(self, meta: Metadata, content: Mapping[Any, Any], file: _File) -> Metadata:
        """`meta`, its id told apart from those of its file's template, and refused where another rule has it."""
        if file.template.get("id") is not None or content.get("action") == "repeat":
            file.shared_ids[meta.id] = count = file.shared_ids.get(meta.id, 0) + 1
            meta = replace(meta, id=f"{meta.id}#{count}") if count > 1 else meta
        if meta.id in self.taken:
            raise Unsupported(
                f"has the id {meta.id}, as has a rule of {self.taken[meta.id]}, which was loaded first: "
                "remove one of them or give it an id of its own"
            )
        return meta

    def _rule(self, meta: Metadata, content: Mapping[Any, Any]) -> CompiledRule:
        if content.get("detection") is None:
            raise Unsupported("has no detection: write selections and a condition")
        logsource = parse_logsource(content.get("logsource"))
        return _compiled(meta, logsource, parse_detection(content["detection"], self.placeholders))

    def _take_filter(self, meta: Metadata, content: Mapping[Any, Any]) -> None:
        condition, wanted = parse_filter(content["filter"], self.placeholders)
        predicate(
            condition
        )  # what cannot be compiled is this filter's problem, not that of the rules it is for
        self.filters.append(_Filter(meta, parse_logsource(content.get("logsource")), condition, wanted))

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
            self.documents,
        )

    def _apply_filters(self) -> Iterable[CompiledFilter]:
        for one in self.filters:
            fitting = [rule for rule in self.rules.values() if one.fits(rule)]
            if not fitting:
                self.problems.append(
                    RuleProblem(
                        one.meta.path, one.meta.id, one.meta.title,
                        "is a filter for no rule that is loaded: correct its `rules` or its logsource",
                    )
                )  # fmt: skip
                continue
            for rule in fitting:
                condition = all_of((rule.condition, one.condition))
                filters = (*rule.filters, one.meta.id)
                self.rules[rule.id] = _compiled(rule.meta, rule.logsource, condition, filters)
            yield CompiledFilter(one.meta, tuple(rule.id for rule in fitting))

    def _plan(self) -> Iterable[CompiledCorrelation]:
        names = {rule.meta.name: rule.id for rule in reversed(self.rules.values()) if rule.meta.name}
        base = {**names, **{name: name for name in self.rules}}
        plans, problems = plan_correlations([rule for _meta, rule in self.correlations.values()], base)
        for problem in problems:
            meta, _rule = self.correlations[problem.ref]
            self.problems.append(
                RuleProblem(
                    meta.path, meta.id, meta.title, f"is a correlation that cannot run: {problem.why}"
                )
            )
        return [CompiledCorrelation(self.correlations[plan.ref][0], plan) for plan in plans]


def _compiled(
    meta: Metadata, logsource: Logsource, condition: Node, filters: tuple[str, ...] = ()
) -> CompiledRule:
    keywords = any(leaf.field is None for leaf in leaves(condition))
    return CompiledRule(
        meta, logsource, condition, predicate(condition), fields_of(condition), keywords, filters
    )


def _correlation(content: Mapping[Any, Any], meta: Metadata) -> SigmaCorrelationRule:
    """Parsed from what matters alone, and named as we name it, so that a bad date or id stops no correlation."""
    needed = {"title": meta.title, "name": meta.name, "correlation": content["correlation"]}
    try:
        rule = parse_correlation(needed)
    except SigmaError:
        raise
    except Exception as error:  # as in parsing.py: a hostile rule's own problem
        raise Unsupported(in_words(error)) from error
    rule.id = cast("UUID", meta.id)  # pySigma itself keeps ids that are no UUID as text
    return rule


def _acted(content: dict[Any, Any], file: _File) -> dict[Any, Any] | None:
    """`content` as the collection actions before it make it; None where it only is such an action."""
    action = content.get("action")
    if action == "global":
        file.template = {key: value for key, value in content.items() if key != "action"}
        return None
    if action == "reset":
        file.template = {}
        return None
    if action == "repeat":
        file.previous = _merged(file.previous, content)
        return file.previous
    if "correlation" in content or "filter" in content:
        return content
    file.previous = _merged(content, file.template)
    return file.previous


def _merged(base: Mapping[Any, Any], over: Mapping[Any, Any]) -> dict[Any, Any]:
    """`base` with what `over` says laid on top, mapping by mapping."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            _merged(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
        )
    return merged
