"""The nouns of rule loading: the text that came in, the rules that can run, and why the others cannot.

Every YAML document of every text is accounted for: `documents` = rules + correlations + filters + templates
(`action: global` and `action: reset`, which only shape the documents after them) + problems.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.matching import Predicate, predicate
from tocsin.detect.sigma.tree import Node
from tocsin.records.event import Logsource
from tocsin.records.finding import Level


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule file: where it came from, as the user knows it, and its text."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """A YAML document that does not run as a rule, and why.

    Attributes:
        path: Of the file.
        rule: The rule's id, None where it has none or cannot be told.
        title: The rule's title, empty where it cannot be told.
        why: One sentence that also says what to do.
    """

    path: str
    rule: str | None
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a rule says about itself. Parts that are not what the specification asks for are left out.

    Attributes:
        id: What `Finding.rule_id`, `Hit.rule` and references use: the rule's id, else its name, else its title.
        name: What correlations may call it.
        level: `medium` where the rule names none.
        status: As written (`stable`, `test`, `experimental`, `deprecated`, `unsupported`), empty where it names none.
        techniques: ATT&CK techniques, upper case, e.g. `T1059.001`.
        tactics: ATT&CK tactics with hyphens, e.g. `credential-access`.
    """

    id: str
    name: str | None
    title: str
    level: Level
    status: str
    description: str
    falsepositives: tuple[str, ...]
    techniques: tuple[str, ...]
    tactics: tuple[str, ...]
    path: str


@dataclass(frozen=True, eq=False)
class CompiledRule:
    """A rule over single events, ready to run. What is dear to make of it is made when first asked for; equal is the same.

    Attributes:
        logsource: What its events must satisfy.
        made: Gives `condition`.
        fields: The fields it asks for.
        keywords: Whether it also searches every value.
        filters: Ids of the filters that apply to it.
    """

    meta: Metadata
    logsource: Logsource
    made: Callable[[], Node] = field(repr=False)
    fields: frozenset[str]
    keywords: bool
    filters: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """`meta.id`."""
        return self.meta.id

    @cached_property
    def condition(self) -> Node:
        """Its conditions (a list of them means any), with every filter that applies."""
        return self.made()

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that stand for `condition`, the same in every process: another condition has others."""
        return blake2b(repr(self.condition).encode("utf-8", "surrogatepass"), digest_size=16).digest()

    @cached_property
    def matches(self) -> Predicate:
        """`condition`, compiled."""
        return predicate(self.condition)


@dataclass(frozen=True, slots=True)
class CompiledCorrelation:
    """A rule over hits of other rules: what it says of itself, and its plan (`plan.ref` equals `meta.id`)."""

    meta: Metadata
    plan: CorrelationPlan

    @property
    def id(self) -> str:
        """`meta.id`."""
        return self.meta.id


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """A filter that applies to `rules` (ids). Its condition is ANDed to theirs."""

    meta: Metadata
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What `load_rules` gives; see the module's docstring for how its parts add up."""

    rules: tuple[CompiledRule, ...] = ()
    correlations: tuple[CompiledCorrelation, ...] = ()
    filters: tuple[CompiledFilter, ...] = ()
    problems: tuple[RuleProblem, ...] = ()
    templates: int = 0
    documents: int = 0
