"""Rule files → YAML documents, each by itself, so that a broken one takes no other along.

Rule files are untrusted. Before anything is built from a document its parse events are counted: libyaml's composer
is recursive C and dies of deep nesting, and aliases can stand for more nodes than memory holds. YAML's `---` at the
start of a line is a document's start wherever it stands (YAML 1.1 section 9.2), so a text can be cut there unparsed.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from sigma.exceptions import SigmaError
from sigma.rule.base import check_alias_expansion

from tocsin.config import bounds
from tocsin.detect.sigma.ruleset import RuleProblem, RuleText

_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_TITLE = re.compile(r"^title:[ \t]*(.{1,256})", re.MULTILINE)
_NUMBER_LIKE = re.compile(r"[-+.0-9]\S*")

# What PyYAML's constructors let through on hostile scalars, beside its own errors.
_YAML_ERRORS = (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document that is a mapping."""

    path: str
    content: dict[Any, Any]


class _Loader(yaml.CSafeLoader):
    """YAML without what rules have no use for: a key given twice, of which one would be lost, and merge keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  PyYAML's signature
        seen: set[tuple[str, str]] = set()
        for key, _value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.YAMLError(
                    "it uses a YAML merge key (<<), which is not read: write the entries out"
                )
            name = (key.tag, str(key.value))
            if name in seen:
                raise yaml.YAMLError(f"the key {key.value!r} stands twice in one mapping: keep one of them")
            seen.add(name)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def documents(text: RuleText) -> Iterator[Document | RuleProblem]:
    """The documents of `text` in order; one that cannot be read is a problem instead. Empty ones do not count."""
    if len(text.text) > bounds.RULE_BYTES or len(text.text.encode(errors="replace")) > bounds.RULE_BYTES:
        yield RuleProblem(text.path, None, "", f"is larger than {bounds.RULE_BYTES} bytes: split the file")
        return
    for chunk in _chunks(text.text):
        try:
            _check_shape(chunk)
            contents = list(yaml.load_all(chunk, _Loader))
            for content in contents:
                check_alias_expansion(content)
        except SigmaError as error:
            yield _problem(text.path, chunk, f"is refused ({error}): write the repeated parts out")
        except _YAML_ERRORS as error:
            yield _problem(
                text.path, chunk, f"is no YAML that can be read ({_told(error)}): correct the file"
            )
        else:
            yield from _mappings(text.path, chunk, contents)


def _chunks(text: str) -> Iterator[str]:
    """`text` cut before each `---`; what holds only comments and directives is left out."""
    starts = [match.start() for match in _START.finditer(text)]
    for begin, end in zip([0, *starts], [*starts, len(text)], strict=True):
        chunk = text[begin:end]
        lines = (line.strip() for line in chunk.removeprefix("---").splitlines())
        if any(line and line[0] not in "#%" and line != "..." for line in lines):
            yield chunk


def _check_shape(chunk: str) -> None:
    """Refuses what must not reach YAML's composer and constructors.

    Raises:
        yaml.YAMLError: too deep, or a number too long; or it is no YAML.
    """
    depth = 0
    for event in yaml.parse(chunk, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > bounds.RULE_DEPTH:
                raise yaml.YAMLError(f"it nests deeper than {bounds.RULE_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent) and _is_long_number(event):
            raise yaml.YAMLError(f"it holds a number of {len(event.value)} characters: put it in quotes")


def _is_long_number(event: yaml.ScalarEvent) -> bool:
    """Whether a scalar that is not in quotes may be read as a number, and is too long for one."""
    quoted = event.implicit[1]
    return (
        not quoted
        and len(event.value) > bounds.RULE_NUMBER_CHARS
        and bool(_NUMBER_LIKE.fullmatch(event.value))
    )


def _mappings(path: str, chunk: str, contents: list[Any]) -> Iterator[Document | RuleProblem]:
    for content in contents:
        if isinstance(content, dict):
            yield Document(path, content)
        elif content is not None:
            yield _problem(
                path, chunk, "is no mapping with title, logsource and detection: write it as a Sigma rule"
            )


def _problem(path: str, chunk: str, why: str) -> RuleProblem:
    """A problem that names the document by what looks like its title."""
    title = _TITLE.search(chunk)
    return RuleProblem(path, None, title[1].strip(" \t\r'\"") if title else "", why)


def _told(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it nests too deep"
    return " ".join(str(error).replace('in "<unicode string>", ', "at ").split())[:300]
