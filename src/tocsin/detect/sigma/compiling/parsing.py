"""One rule's `detection` and `logsource` through pySigma to our condition tree, and its errors in plain words.

pySigma's attributes of no effect on matching (dates, authors, references…) are never given to it: a rule does not stop
detecting because its date is written badly. What matters is refused with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import regex
from sigma.exceptions import SigmaConditionError, SigmaError, SigmaModifierError, SigmaTypeError
from sigma.filters import SigmaGlobalFilter
from sigma.modifiers import SigmaWideModifier, modifier_mapping
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern
from sigma.rule import SigmaDetections, SigmaLogSource

from tocsin.detect.sigma.compiling.lowering import Placeholders, Unsupported, any_of, lower_condition
from tocsin.detect.sigma.matching import compile_regex
from tocsin.detect.sigma.tree import Node
from tocsin.records.event import Logsource

# Sigma 2.1 names the modifier utf16le and calls wide its alias; pySigma 2.0.1 knows only the alias.
modifier_mapping.setdefault("utf16le", SigmaWideModifier)

_ENCODERS: Final = frozenset(
    {"base64", "base64offset", "wide", "utf16", "utf16le", "utf16be", "fieldref", "cidr"}
)
_OPERATOR = re.compile(r"\b(?:AND|OR|NOT|ALL|ANY|OF|THEM)\b")
_HYPHENATED = re.compile(r"\bof\s+[\w*]*-")
_HYPHEN: Final = "_hyphen_"


class _Engine(RegexEngine):
    """pySigma checks expressions with RE2 by default, which refuses much that SigmaHQ's rules may use."""

    @property
    def error(self) -> type[Exception]:
        return cast("type[Exception]", regex.error)

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        letters = "".join(letter for letter, bit in (("i", 2), ("m", 8), ("s", 16)) if int(flags) & bit)
        return cast("RegexPattern", compile_regex(pattern, letters))


_POLICY = SigmaPolicy(regex_engine=_Engine())


def parse_detection(detection: Any, placeholders: Placeholders) -> Node:
    """The conditions of a rule's `detection`; of a list of conditions, any.

    Raises:
        Unsupported: it cannot be run; the message says why and what to do.
    """
    _check_mapping(detection)
    spelled = _spelled(detection)
    return _conditions(lambda: SigmaDetections.from_dict(spelled, policy=_POLICY), placeholders)


def parse_filter(section: Any, placeholders: Placeholders) -> tuple[Node, frozenset[str] | None]:
    """A filter's condition, and the ids and names of the rules it is for; None for any rule of its logsource.

    Raises:
        Unsupported: it cannot be run.
    """
    _check_mapping(section)
    spelled = _spelled(section)
    node = _conditions(lambda: SigmaGlobalFilter.from_dict(spelled, policy=_POLICY), placeholders)
    wanted = section["rules"]
    if not wanted or (isinstance(wanted, str) and wanted.lower() == "any"):
        return node, None
    return node, frozenset([wanted] if isinstance(wanted, str) else map(str, wanted))


def _conditions(build: Any, placeholders: Placeholders) -> Node:
    try:
        detections = build()
        return any_of([lower_condition(one.parse(), placeholders) for one in detections.parsed_condition])
    except Unsupported:
        raise
    except Exception as error:  # whatever pySigma raises on a hostile rule is that rule's problem
        raise Unsupported(in_words(error)) from error


def parse_logsource(section: Any) -> Logsource:
    """A rule's `logsource`, in lower case as the specification writes it.

    Raises:
        Unsupported: it names neither product, category nor service (a `definition` alone tells a machine nothing).
    """
    if not isinstance(section, Mapping):
        raise Unsupported("has no logsource: name its product, category or service")
    try:
        source = SigmaLogSource.from_dict(dict(section))
    except SigmaError as error:
        raise Unsupported(
            f"has a logsource that cannot be used ({error}): name its product, category or service"
        ) from error
    parts = (part.lower() if part else None for part in (source.product, source.category, source.service))
    return Logsource(*parts)


def _check_mapping(section: Any) -> None:
    """What pySigma would stumble over, or quietly get wrong."""
    if not isinstance(section, Mapping):
        raise Unsupported("has no detection that is a mapping: write selections and a condition")
    conditions = section.get("condition", [])
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        if not isinstance(condition, str):
            raise Unsupported(
                f"has the condition {str(condition)[:60]!r}, which is no text: write it in quotes"
            )
    for key in _keys(section):
        if not isinstance(key, str):
            raise Unsupported(
                f"uses {str(key)[:60]!r} as a name, which YAML reads as no text: write it in quotes"
            )
        modifiers = key.split("|")[1:]
        if "expand" in modifiers and (clash := _ENCODERS & set(modifiers)):
            raise Unsupported(
                f"uses |expand together with |{min(clash)}, which would encode the placeholder's name: "
                "write the values themselves"
            )


def _spelled(section: Mapping[str, Any]) -> dict[str, Any]:
    """`section` with its conditions spelled as pySigma's grammar wants them.

    It reads operators in lower case only, where older rules write AND, OR and NOT; and it reads hyphens in the names of
    selections but not in patterns (`1 of filter-*`), so they are replaced in both.
    """
    if "condition" not in section:
        return dict(section)
    conditions = section["condition"]
    many = [
        _OPERATOR.sub(lambda word: word[0] if word[0] in section else word[0].lower(), one)
        for one in (conditions if isinstance(conditions, list) else [conditions])
    ]
    renamed = {name: name for name in section}
    if any(_HYPHENATED.search(one) for one in many):
        renamed = {name: name.replace("-", _HYPHEN) for name in section}
        many = [one.replace("-", _HYPHEN) for one in many]
    spelled = {renamed[name]: value for name, value in section.items()}
    spelled["condition"] = many if isinstance(conditions, list) else many[0]
    return spelled


def _keys(section: Any) -> Iterator[Any]:
    if isinstance(section, Mapping):
        for key, value in section.items():
            yield key
            yield from _keys(value)
    elif isinstance(section, list):
        for item in section:
            yield from _keys(item)


def in_words(error: Exception) -> str:
    """What `error` means for the author of the rule: one sentence that says what to do."""
    told = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
    if isinstance(error, SigmaTypeError):
        return f"uses a modifier on a value of the wrong kind ({told}): correct the value or the modifier"
    if isinstance(error, SigmaModifierError) and told.startswith("Unknown modifier"):
        return f"uses an {told[0].lower()}{told[1:]}: use one of the Sigma specification"
    if isinstance(error, SigmaConditionError):
        return f"has a condition that cannot be read ({told}): correct it"
    if isinstance(error, RecursionError):
        return "nests too deep to be read: make it flatter"
    return f"cannot be read as Sigma ({told}): correct the rule"
