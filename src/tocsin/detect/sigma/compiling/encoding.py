"""A parsed file ↔ bytes (msgpack), so that it can be kept. Conditions stay bytes inside until they are first asked for.

Its path is not in it: the same text may lie anywhere. What is decoded is not trusted: a wrong shape is a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tocsin.detect.sigma.compiling.condition_encoding import (
    decode_condition,
    encode_condition,
    number_from,
    plain_number,
)
from tocsin.detect.sigma.compiling.parsed import (
    ParsedCorrelation,
    ParsedDocument,
    ParsedFile,
    ParsedFilter,
    ParsedRule,
    Refused,
)
from tocsin.detect.sigma.correlations.conditions import OPERATORS, Term
from tocsin.detect.sigma.correlations.section import TYPES, CorrelationRule, Expression
from tocsin.detect.sigma.ruleset import Metadata
from tocsin.detect.sigma.tree import Node
from tocsin.records.errors import OperatorError
from tocsin.records.event import Logsource
from tocsin.records.finding import Level


class _Form(msgspec.Struct, array_like=True, gc=False):
    """What all forms share: an array each, told apart by a letter where there are several."""


class _Meta(_Form):
    """`Metadata`, its path left out."""

    id: str
    name: str | None
    title: str
    level: Level
    status: str
    description: str
    falsepositives: tuple[str, ...]
    techniques: tuple[str, ...]
    tactics: tuple[str, ...]


class _Refused(_Form, tag="x"):
    rule: str | None
    title: str
    why: str
    key: str | None


class _Rule(_Form, tag="r"):
    rule: str | None
    meta: _Meta
    logsource: tuple[str | None, str | None, str | None]
    fields: tuple[str, ...]
    keywords: bool
    condition: bytes


class _Filter(_Form, tag="f"):
    rule: str | None
    meta: _Meta
    logsource: tuple[str | None, str | None, str | None]
    fields: tuple[str, ...]
    keywords: bool
    condition: bytes
    wanted: tuple[str, ...] | None


_Number = int | float | str


class _Correlation(_Form, tag="c"):
    rule: str | None
    meta: _Meta
    name: str | None
    kind: str
    references: tuple[str, ...]
    timespan: str
    seconds: _Number
    group_by: tuple[str, ...]
    aliases: tuple[tuple[str, str, str | None], ...]
    criteria: tuple[tuple[str, _Number], ...]
    fields: tuple[str, ...]
    percentile: _Number | None
    expression: str | None
    terms: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] | None
    generate: bool


class _File(_Form):
    documents: tuple[_Refused | _Rule | _Filter | _Correlation, ...]
    templates: int
    placeholders: tuple[str, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_File)


def encode(file: ParsedFile) -> bytes:
    """`file` in bytes.

    Raises:
        ValueError: it has no such form (a text with half a surrogate pair, a tree too deep).
    """
    try:
        documents = tuple(_form(document) for document in file.documents)
    except RecursionError as error:
        raise ValueError("a condition of it nests too deep") from error
    return _encoder.encode(_File(documents, file.templates, file.placeholders))


def decode(data: bytes, path: str) -> ParsedFile:
    """The file that was encoded, as one that lies at `path`. A condition that is none is told only when it is asked for.

    Raises:
        ValueError: it is none.
    """
    try:
        file = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"it is no parsed rule file ({error})") from error
    documents = tuple([_document(document, path) for document in file.documents])
    return ParsedFile(path, documents, file.templates, file.placeholders)


@dataclass(frozen=True, slots=True)
class Kept:
    """A condition in bytes, with the names of its fields."""

    data: bytes
    names: Sequence[str]

    def __call__(self) -> Node:
        """It.

        Raises:
            OperatorError: it is none.
        """
        try:
            return decode_condition(self.data, self.names)
        except ValueError as error:  # bytes are kept only once they gave what went in (`_bytes`)
            raise OperatorError(
                f"A compiled rule that was kept cannot be read ({error}).",
                "Remove Tocsin's cache folder: the rules are then compiled anew.",
            ) from error


def _form(document: ParsedDocument) -> _Refused | _Rule | _Filter | _Correlation:
    if isinstance(document, Refused):
        return _Refused(document.rule, document.title, document.why, document.key)
    meta = _meta_form(document.meta)
    if isinstance(document, ParsedCorrelation):
        return _correlation_form(document.rule, meta, document.correlation)
    names = tuple(sorted(document.fields))
    data = _bytes(document.condition(), names)
    source = (*document.logsource,)
    if isinstance(document, ParsedRule):
        return _Rule(document.rule, meta, source, names, document.keywords, data)
    wanted = None if document.wanted is None else tuple(sorted(document.wanted))
    return _Filter(document.rule, meta, source, names, document.keywords, data, wanted)


def _bytes(condition: Node, names: Sequence[str]) -> bytes:
    data = encode_condition(condition, names)
    if decode_condition(data, names) != condition:
        raise ValueError("a condition of it would not come back as it is")
    return data


def _meta_form(meta: Metadata) -> _Meta:
    return _Meta(
        meta.id, meta.name, meta.title, meta.level, meta.status, meta.description, meta.falsepositives,
        meta.techniques, meta.tactics,
    )  # fmt: skip


def _correlation_form(rule: str | None, meta: _Meta, one: CorrelationRule) -> _Correlation:
    terms = one.expression.terms if one.expression is not None else None
    return _Correlation(
        rule, meta, one.name, one.type, one.references, one.timespan, plain_number(one.seconds), one.group_by,
        one.aliases, tuple((name, plain_number(number)) for name, number in one.criteria), one.fields,
        None if one.percentile is None else plain_number(one.percentile),
        None if one.expression is None else one.expression.text,
        None if terms is None else tuple((term.wanted, tuple(sorted(term.unwanted))) for term in terms),
        one.generate,
    )  # fmt: skip


def _document(form: _Refused | _Rule | _Filter | _Correlation, path: str) -> ParsedDocument:
    if isinstance(form, _Refused):
        return Refused(form.rule, form.title, form.why, form.key)
    meta = _meta(form.meta, path)
    if isinstance(form, _Correlation):
        return ParsedCorrelation(form.rule, meta, _correlation(form))
    logsource, condition = Logsource(*form.logsource), Kept(form.condition, form.fields)
    fields = frozenset(form.fields)
    if isinstance(form, _Rule):
        return ParsedRule(form.rule, meta, logsource, condition, fields, form.keywords)
    wanted = None if form.wanted is None else frozenset(form.wanted)
    return ParsedFilter(form.rule, meta, logsource, condition, fields, form.keywords, wanted)


def _meta(form: _Meta, path: str) -> Metadata:
    return Metadata(
        form.id, form.name, form.title, form.level, form.status, form.description, form.falsepositives,
        form.techniques, form.tactics, path,
    )  # fmt: skip


def _correlation(form: _Correlation) -> CorrelationRule:
    if not all(name in OPERATORS for name, _ in form.criteria) or not (form.criteria or form.expression):
        raise ValueError("its correlation has no condition")
    if form.kind not in TYPES or _whole(form.seconds) <= 0:
        raise ValueError("its correlation is of no type, or of no time")
    return CorrelationRule(
        form.meta.id, form.name, form.meta.title, form.kind, form.references, form.timespan, _whole(form.seconds),
        form.group_by, form.aliases, tuple((name, number_from(number)) for name, number in form.criteria),
        form.fields, None if form.percentile is None else _whole(form.percentile), _expression(form), form.generate,
    )  # fmt: skip


def _expression(form: _Correlation) -> Expression | None:
    if form.expression is None:
        return None
    if form.terms is None:
        return Expression(form.expression, None)
    numbers = {number for wanted, unwanted in form.terms for number in (*wanted, *unwanted)}
    if numbers and not 0 <= min(numbers) <= max(numbers) < len(form.references):
        raise ValueError("its correlation's condition asks for rules that it does not name")
    return Expression(
        form.expression, tuple(Term(wanted, frozenset(unwanted)) for wanted, unwanted in form.terms)
    )


def _whole(value: Any) -> int:
    number = number_from(value)
    if not isinstance(number, int):
        raise ValueError(f"{value!r} is no whole number")  # noqa: TRY004  a wrong shape, as every other here
    return number
