"""One rule file as it was read, by itself: what `file_parsing.py` makes of its text and `assembly.py` joins to a rule set.

It is a function of the file's text and of the placeholders that it asks for, and needs pySigma no more: a value that
can be kept (`encoding.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tocsin.detect.sigma.correlations.section import CorrelationRule
from tocsin.detect.sigma.ruleset import Metadata
from tocsin.detect.sigma.tree import Node
from tocsin.records.event import Logsource


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that cannot run, whatever stands beside it.

    Attributes:
        rule: The rule's id as it names it, None where it has none or cannot be told.
        title: Its title, empty where it cannot be told.
        why: One sentence that also says what to do.
        key: What it would have been called (`Metadata.id`); None where that cannot be told.
    """

    rule: str | None
    title: str
    why: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedRule:
    """A rule over single events.

    Attributes:
        rule: The id as it names it; `meta.id` may differ (`#2`, or its name).
        condition: Gives its conditions; made when first called for.
        fields: The fields it asks for.
        keywords: Whether it also searches every value.
    """

    rule: str | None
    meta: Metadata
    logsource: Logsource
    condition: Callable[[], Node]
    fields: frozenset[str]
    keywords: bool


@dataclass(frozen=True, slots=True)
class ParsedFilter:
    """A filter for the rules that `wanted` names by id or name; None: for any of its logsource."""

    rule: str | None
    meta: Metadata
    logsource: Logsource
    condition: Callable[[], Node]
    fields: frozenset[str]
    keywords: bool
    wanted: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class ParsedCorrelation:
    """A rule over hits of other rules, its references not yet resolved."""

    rule: str | None
    meta: Metadata
    correlation: CorrelationRule


ParsedDocument = Refused | ParsedRule | ParsedFilter | ParsedCorrelation


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """One rule file.

    Attributes:
        documents: In order.
        templates: How many more documents only shape these (`action: global` and `action: reset`).
        placeholders: Names of those that it asks for: with other values it may be parsed to something else.
    """

    path: str
    documents: tuple[ParsedDocument, ...]
    templates: int = 0
    placeholders: tuple[str, ...] = ()
