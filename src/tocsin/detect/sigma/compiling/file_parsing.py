"""A rule file's text → what is in it, each document by itself. pySigma is needed here, and nowhere after.

`action: global` shapes the rules after it in its file, `action: repeat` changes the one before; where such rules share
an id, the second and later ones are called `<id>#2` and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import regex
from sigma.exceptions import SigmaError

from tocsin.detect.sigma.compiling.documents import documents
from tocsin.detect.sigma.compiling.lowering import Placeholders, Unsupported
from tocsin.detect.sigma.compiling.metadata import metadata_of, rule_id
from tocsin.detect.sigma.compiling.parsed import (
    ParsedCorrelation,
    ParsedDocument,
    ParsedFile,
    ParsedFilter,
    ParsedRule,
    Refused,
)
from tocsin.detect.sigma.compiling.parsing import in_words, parse_detection, parse_filter, parse_logsource
from tocsin.detect.sigma.correlations.parsing import parse_correlation
from tocsin.detect.sigma.correlations.section import CorrelationRule
from tocsin.detect.sigma.matching import predicate
from tocsin.detect.sigma.ruleset import Metadata, RuleProblem, RuleText
from tocsin.detect.sigma.tree import Node, fields_of, leaves


def parse_file(text: RuleText, placeholders: Placeholders) -> ParsedFile:
    """What is in `text`, which is untrusted: every document, or why it cannot run."""
    asked = _Asked(placeholders)
    file = _File(text.path, asked)
    found = tuple(_parsed(document, file) for document in _contents(text, file))
    return ParsedFile(text.path, found, file.templates, tuple(sorted(asked.names)))


class _Asked(Mapping[str, Sequence[str]]):
    """The placeholders, and the names of those that were asked for, given or not."""

    def __init__(self, values: Placeholders) -> None:
        self.names: set[str] = set()
        self._values = values

    def __getitem__(self, name: str) -> Sequence[str]:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(slots=True)
class _File:
    """What one file's documents hand on to the next: Sigma's collection actions."""

    path: str
    placeholders: Placeholders
    template: dict[Any, Any] = field(default_factory=dict)
    previous: dict[Any, Any] = field(default_factory=dict)
    shared_ids: dict[str, int] = field(default_factory=dict)
    templates: int = 0


def _contents(text: RuleText, file: _File) -> Iterator[Mapping[Any, Any] | RuleProblem]:
    """The documents as the collection actions before them make them."""
    for document in documents(text):
        if isinstance(document, RuleProblem):
            yield document
            continue
        content = _acted(document.content, file)
        if content is None:
            file.templates += 1
        else:
            yield content


def _parsed(content: Mapping[Any, Any] | RuleProblem, file: _File) -> ParsedDocument:
    if isinstance(content, RuleProblem):
        return Refused(content.rule, content.title, content.why)
    meta = None
    try:
        meta = _named(metadata_of(content, file.path), content, file)
        if "correlation" in content:
            return ParsedCorrelation(rule_id(content), meta, _correlation(content, meta))
        if "filter" in content:
            return _filter(meta, content, file.placeholders)
        return _rule(meta, content, file.placeholders)
    except (Unsupported, SigmaError, regex.error) as error:
        why = str(error) if isinstance(error, Unsupported) else in_words(error)
        title = content.get("title")
        told = title if isinstance(title, str) else ""
        return Refused(rule_id(content), told, why, None if meta is None else meta.id)


def _named(meta: Metadata, content: Mapping[Any, Any], file: _File) -> Metadata:
    """`meta`, its id told apart from those of its file's template."""
    if file.template.get("id") is None and content.get("action") != "repeat":
        return meta
    file.shared_ids[meta.id] = count = file.shared_ids.get(meta.id, 0) + 1
    return replace(meta, id=f"{meta.id}#{count}") if count > 1 else meta


def _rule(meta: Metadata, content: Mapping[Any, Any], placeholders: Placeholders) -> ParsedRule:
    if content.get("detection") is None:
        raise Unsupported("has no detection: write selections and a condition")
    logsource = parse_logsource(content.get("logsource"))
    condition = parse_detection(content["detection"], placeholders)
    return ParsedRule(rule_id(content), meta, logsource, *_condition(condition))


def _filter(meta: Metadata, content: Mapping[Any, Any], placeholders: Placeholders) -> ParsedFilter:
    condition, wanted = parse_filter(content["filter"], placeholders)
    parts = _condition(condition)
    return ParsedFilter(rule_id(content), meta, parse_logsource(content.get("logsource")), *parts, wanted)


@dataclass(frozen=True, slots=True)
class Given:
    """A condition that is there already."""

    node: Node

    def __call__(self) -> Node:
        """It."""
        return self.node


def _condition(condition: Node) -> tuple[Given, frozenset[str], bool]:
    """`condition`, the fields it asks for, and whether it has keywords.

    Raises:
        regex.error: an expression of it does not compile; that is the problem of its own document, so it is asked here.
    """
    predicate(condition)
    return Given(condition), fields_of(condition), any(leaf.field is None for leaf in leaves(condition))


def _correlation(content: Mapping[Any, Any], meta: Metadata) -> CorrelationRule:
    """Parsed from what matters alone, and named as we name it, so that a bad date or id stops no correlation."""
    needed = {"title": meta.title, "name": meta.name, "correlation": content["correlation"]}
    try:
        rule = parse_correlation(needed)
    except SigmaError:
        raise
    except Exception as error:  # as in parsing.py: a hostile rule's own problem
        raise Unsupported(in_words(error)) from error
    return replace(rule, id=meta.id)


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
