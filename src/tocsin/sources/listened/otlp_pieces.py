"""Where the log records of an `ExportLogsServiceRequest` begin and end, in protobuf or JSON, with what is said around them.

One walk for the side that takes in and the side that reads, in memory that does not grow with what a body says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from tocsin.config import bounds
from tocsin.sources.listened.json_bodies import mended, why_no_object
from tocsin.sources.protobuf_wire import BadMessage, wire_fields

PROTOBUF: Final = "protobuf"
JSON: Final = "json"


class _AnyObject(msgspec.Struct):
    """An object: what it holds is looked through and not kept."""


class _ScopeBorders(msgspec.Struct):
    logRecords: list[_AnyObject] | None = None  # noqa: N815  the protocol's name


class _ResourceBorders(msgspec.Struct):
    scopeLogs: list[_ScopeBorders] | None = None  # noqa: N815


class _Borders(msgspec.Struct):
    """A request whose lists hold objects: as many as it has braces, where numbers would be as many as it has bytes."""

    resourceLogs: list[_ResourceBorders] | None = None  # noqa: N815


class _Scope(msgspec.Struct):
    logRecords: list[msgspec.Raw] | None = None  # noqa: N815  the protocol's name
    scope: msgspec.Raw = msgspec.Raw(b"")


class _Resource(msgspec.Struct):
    scopeLogs: list[_Scope] | None = None  # noqa: N815
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Request(msgspec.Struct):
    resourceLogs: list[_Resource] | None = None  # noqa: N815


_REQUEST: Final = msgspec.json.Decoder(_Request)
_BORDERS: Final = msgspec.json.Decoder(_Borders)


@dataclass(frozen=True, slots=True)
class Piece:
    """One record as it came, with the bytes of its resource and its scope; `why` it is not taken, "" where it is."""

    record: bytes
    resource: bytes
    scope: bytes
    why: str = ""


def pieces(body: bytes, coding: str) -> Iterator[Piece]:
    """Each record as it came; too much that is said of all of them would become memory once for each.

    Raises:
        BadMessage: `body` is no such request, or goes over a bound.
    """
    shared = 0
    for piece in _wire_pieces(body) if coding == PROTOBUF else _json_pieces(body):
        shared += len(piece.resource) + len(piece.scope)
        if shared > bounds.OTLP_SHARED_BYTES and not piece.why:
            why = f"resources and scopes say more than {bounds.OTLP_SHARED_BYTES} bytes of the records before it"
            yield replace(piece, record=b"", why=why)
        else:
            yield piece


def _wire_pieces(body: bytes) -> Iterator[Piece]:
    groups = 0
    for _, low, high in messages(body, 0, len(body), 1):
        resource = last(body, low, high, 1)
        for _, start, end in messages(body, low, high, 2):
            scope = last(body, start, end, 1)
            groups += 1
            if groups > bounds.OTLP_GROUPS:
                raise BadMessage(f"more than {bounds.OTLP_GROUPS} groups of log records in one request")
            for _, first, behind in messages(body, start, end, 2):
                why = (
                    f"longer than {bounds.RECORD_BYTES} bytes" if behind - first > bounds.RECORD_BYTES else ""
                )
                yield Piece(b"" if why else body[first:behind], resource, scope, why)


def messages(body: bytes, start: int, end: int, wanted: int) -> Iterator[tuple[int, int, int]]:
    """The fields `wanted` of a protobuf message, which are messages: number, and where the value starts and ends.

    Raises:
        BadMessage: one is none.
    """
    for number, kind, low, high in wire_fields(body, start, end):
        if number == wanted:
            if kind != 2:
                raise BadMessage(f"field {number} is no message")
            yield number, low, high


def last(body: bytes, start: int, end: int, wanted: int) -> bytes:
    """The last field `wanted`, which counts; empty without one."""
    found = b""
    for _, low, high in messages(body, start, end, wanted):
        found = body[low:high]
    return found


def _json_pieces(body: bytes) -> Iterator[Piece]:
    if body.count(b"{") > bounds.OTLP_OBJECTS:
        raise BadMessage(f"more than {bounds.OTLP_OBJECTS} objects in one request")
    try:
        body.decode()
        body = mended(body)
        _BORDERS.decode(body)
        request = _REQUEST.decode(body)
    except (ValueError, RecursionError) as error:
        raise BadMessage(str(error) or "no JSON") from error
    for group in request.resourceLogs or ():
        resource = bytes(group.resource)
        for scope in group.scopeLogs or ():
            around = bytes(scope.scope)
            for record in scope.logRecords or ():
                raw = bytes(record)
                why = why_no_object(raw)
                if len(raw) > bounds.RECORD_BYTES:
                    why = f"longer than {bounds.RECORD_BYTES} bytes"
                yield Piece(raw, resource, around, why)
