"""Evaluators with one mistake each, of the kinds that fast engines make: the made worlds must tell them from the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import regex

from tocsin.detect.sigma.evaluation import Matches
from tocsin.detect.sigma.fields import EventView, number_of, text_of
from tocsin.detect.sigma.matching import predicate
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not, Wild, fields_of
from tocsin.records.event import Event

Fields = Mapping[str, Any]


class _Lowered(dict[str | None, tuple[str, ...]]):
    """Texts in lower case, by another way than `str.lower`."""

    def __init__(self, view: EventView, lower: Callable[[str], str]) -> None:
        super().__init__()
        self._view, self._lower = view, lower

    def __missing__(self, name: str | None) -> tuple[str, ...]:
        self[name] = found = tuple(self._lower(text) for text in self._view.texts[name])
        return found


@dataclass(frozen=True)
class Mistaken:
    """Asks every rule of every event, with a mistake where it is told one; with none it is a second oracle.

    Attributes:
        rules: What to ask.
        leaf: What a question is taken for.
        negated: What a NOT over a node is taken for.
        values: What becomes of an event's fields before they are looked at.
        lower: How text gets into lower case.
        spare: Whether a rule is not even asked.
    """

    rules: Sequence[CompiledRule]
    leaf: Callable[[Leaf], Node] = lambda leaf: leaf
    negated: Callable[[Node], Node] = Not
    values: Callable[[Fields], Fields] = lambda fields: fields
    lower: Callable[[str], str] = str.lower
    spare: Callable[[CompiledRule, Fields], bool] = lambda rule, fields: False

    def __post_init__(self) -> None:
        asked = [(rule, predicate(self._taken(rule.condition))) for rule in self.rules]
        object.__setattr__(self, "timeouts", {})
        object.__setattr__(self, "_asked", asked)

    def match(self, events: Sequence[Event]) -> list[Matches]:
        return [tuple(self._matches(event)) for event in events]

    def _matches(self, event: Event) -> Iterator[CompiledRule]:
        fields = self.values(event.fields)
        view = EventView(fields)
        view.lowered = _Lowered(view, self.lower)
        for rule, asked in self._asked:
            looks = any(have.satisfies(rule.logsource) for have in event.logsources)
            if looks and not self.spare(rule, fields) and asked(view):
                yield rule

    def _taken(self, node: Node) -> Node:
        if isinstance(node, Leaf):
            return self.leaf(node)
        if isinstance(node, Not):
            return self.negated(self._taken(node.node))
        return type(node)(tuple(self._taken(child) for child in node.nodes))


def _another_op(old: str, new: str) -> Callable[[Leaf], Node]:
    return lambda leaf: replace(leaf, op=new) if leaf.op == old else leaf


def _only_if_present(node: Node) -> Node:
    present = tuple(Leaf(name, "exists", value=True) for name in sorted(fields_of(node)))
    return AllOf((*present, Not(node)))


def _each_value(change: Callable[[Any], Any]) -> Callable[[Fields], Fields]:
    return lambda fields: {name: change(value) for name, value in fields.items()}


def _remembering() -> Callable[[Fields], Fields]:
    """A cache by value: 1, 1.0 and True are one key of a dict."""
    seen: dict[Any, Any] = {}

    def remembered(value: Any) -> Any:
        return value if isinstance(value, list | dict) or value != value else seen.setdefault(value, value)  # noqa: PLR0124

    return _each_value(remembered)


def _spared_by_integer(rule: CompiledRule, fields: Fields) -> bool:
    """Rules that ask for an EventID looked up by the field as it stands: '4688' and 4688.0 are not 4688."""
    wanted = _ids_wanted(rule.condition)
    found = fields.get("EventID")
    return bool(wanted) and not (isinstance(found, int) and found in wanted)


def _ids_wanted(node: Node) -> frozenset[Any]:
    if isinstance(node, Leaf):
        number = node.value if node.op == "number" else number_of(node.value) if node.op == "equals" else None
        return frozenset() if node.field != "EventID" or number is None else frozenset({number})
    if isinstance(node, AllOf):
        return next((found for child in node.nodes if (found := _ids_wanted(child))), frozenset())
    return frozenset()


def _spared_under_or(rule: CompiledRule, fields: Fields) -> bool:
    """As if every EventID that a rule names anywhere were one that it requires."""
    wanted = {number for number in _all_ids(rule.condition) if number is not None}
    view = EventView(fields)
    return bool(wanted) and not wanted & set(view.numbers["EventID"])


def _all_ids(node: Node) -> Iterator[Any]:
    if isinstance(node, Leaf):
        if node.field == "EventID" and node.op in {"number", "equals"}:
            yield number_of(node.value)
        return
    for child in (node.node,) if isinstance(node, Not) else node.nodes:
        yield from _all_ids(child)


def _lines_end_globs(leaf: Leaf) -> Node:
    if leaf.op != "glob":
        return leaf
    text = "".join(
        {Wild.MANY: ".*", Wild.ONE: "."}[part] if isinstance(part, Wild) else regex.escape(part)
        for part in leaf.value
    )
    return Leaf(leaf.field, "regex", (f"^(?:{text})\\Z", "" if leaf.cased else "i"), cased=True)


def _one_or_none(leaf: Leaf) -> Node:
    """`?` as if it also stood for no character."""
    if leaf.op != "glob":
        return leaf
    parts = tuple(Wild.MANY if part is Wild.ONE else part for part in leaf.value)
    return replace(leaf, value=parts)


def _null_or_empty(leaf: Leaf) -> Node:
    return AnyOf((leaf, Leaf(leaf.field, "equals", ""))) if leaf.op == "null" else leaf


def _exists_if_not_null(leaf: Leaf) -> Node:
    if leaf.op != "exists":
        return leaf
    null = Leaf(leaf.field, "null", None)
    return Not(null) if leaf.value else null


def _numbers_as_text(leaf: Leaf) -> Node:
    return Leaf(leaf.field, "equals", str(leaf.value).lower()) if leaf.op == "number" else leaf


def _numbers_as_floats(leaf: Leaf) -> Node:
    """Numbers through a column of 64-bit floats: neighbours beyond 2^53 are one."""
    if leaf.op != "number" or abs(leaf.value) < 2**53:
        return leaf
    near = {int(float(leaf.value)) + step for step in (-1, 0, 1)}
    return AnyOf(tuple(replace(leaf, value=number) for number in sorted(near)))


def _expression_caseless(leaf: Leaf) -> Node:
    if leaf.op != "regex":
        return leaf
    pattern, flags = leaf.value
    return replace(leaf, value=(pattern, "".join(sorted({*flags, "i"}))))


def _anchored_lines(leaf: Leaf) -> Node:
    if leaf.op != "regex":
        return leaf
    pattern, flags = leaf.value
    return replace(leaf, value=(pattern, "".join(sorted({*flags, "m"}))))


def _keywords_joined(fields: Fields) -> Fields:
    """As if keywords were searched in all values joined to one text."""
    texts = [text for text in EventView(fields).texts[None] if text]
    return {**fields, "": " ".join(texts)}


def _keywords_marked(fields: Fields) -> Fields:
    """As if what is put between values were part of them."""
    return {**fields, "": "\x1e\x1f".join(EventView(fields).texts[None])}


def _ascii_lower(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _lower_by_letter(text: str) -> str:
    """Letter by letter: a final sigma is not seen to be final."""
    return "".join(letter.lower() for letter in text)


def _lower_same_length(text: str) -> str:
    """As tables of one letter for one do: İ becomes i."""
    return "".join(letter.lower()[0] for letter in text)


class _BatchLeak(Mistaken):
    """A column that keeps the last event's value where the next event has none."""

    def match(self, events: Sequence[Event]) -> list[Matches]:
        kept: dict[str, Any] = {}
        told = []
        for event in events:
            kept = {**{name: value for name, value in kept.items() if name == "CommandLine"}, **event.fields}
            told.append(tuple(self._matches(replace(event, fields=kept))))
        return told


def _first_of_list(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _no_objects(fields: Fields) -> Fields:
    """Names with dots as keys only, never as paths."""
    return {name: text_of(value) if isinstance(value, dict) else value for name, value in fields.items()}


MISTAKES: Mapping[str, Callable[[Sequence[CompiledRule]], Any]] = {
    "text is compared by casefold": lambda rules: Mistaken(rules, lower=str.casefold),
    "only ASCII letters are lowered": lambda rules: Mistaken(rules, lower=_ascii_lower),
    "letters are lowered one by one": lambda rules: Mistaken(rules, lower=_lower_by_letter),
    "lowering keeps the length": lambda rules: Mistaken(rules, lower=_lower_same_length),
    "text ends at NUL": lambda rules: Mistaken(
        rules, values=_each_value(lambda value: value.split("\0")[0] if isinstance(value, str) else value)
    ),
    "long text is cut": lambda rules: Mistaken(
        rules, values=_each_value(lambda value: value[:256] if isinstance(value, str) else value)
    ),
    "a missing field under NOT is unknown": lambda rules: Mistaken(rules, negated=_only_if_present),
    "a cache takes 1 and True for one": lambda rules: Mistaken(rules, values=_remembering()),
    "startswith is contains": lambda rules: Mistaken(rules, leaf=_another_op("startswith", "contains")),
    "endswith is contains": lambda rules: Mistaken(rules, leaf=_another_op("endswith", "contains")),
    "equals is startswith": lambda rules: Mistaken(rules, leaf=_another_op("equals", "startswith")),
    "a rule's EventID is looked up as it stands": lambda rules: Mistaken(rules, spare=_spared_by_integer),
    "an EventID under OR or NOT is required": lambda rules: Mistaken(rules, spare=_spared_under_or),
    "wildcards end with the line": lambda rules: Mistaken(rules, leaf=_lines_end_globs),
    "? may be no character": lambda rules: Mistaken(rules, leaf=_one_or_none),
    "null is the empty text too": lambda rules: Mistaken(rules, leaf=_null_or_empty),
    "a null field does not exist": lambda rules: Mistaken(rules, leaf=_exists_if_not_null),
    "numbers are compared as text": lambda rules: Mistaken(rules, leaf=_numbers_as_text),
    "numbers are compared as floats": lambda rules: Mistaken(rules, leaf=_numbers_as_floats),
    "expressions have no case": lambda rules: Mistaken(rules, leaf=_expression_caseless),
    "expressions see lines": lambda rules: Mistaken(rules, leaf=_anchored_lines),
    "keywords are searched in joined values": lambda rules: Mistaken(rules, values=_keywords_joined),
    "keywords see what stands between values": lambda rules: Mistaken(rules, values=_keywords_marked),
    "only the first of a list is looked at": lambda rules: Mistaken(
        rules, values=_each_value(_first_of_list)
    ),
    "nested objects are not looked into": lambda rules: Mistaken(rules, values=_no_objects),
    "booleans are numbers": lambda rules: Mistaken(
        rules, values=_each_value(lambda value: int(value) if isinstance(value, bool) else value)
    ),
    "a column keeps its last value": _BatchLeak,
    "cased is forgotten": lambda rules: Mistaken(
        rules,
        leaf=lambda leaf: (
            replace(leaf, value=leaf.value.lower(), cased=False)
            if leaf.cased and isinstance(leaf.value, str)
            else leaf
        ),
    ),
}
