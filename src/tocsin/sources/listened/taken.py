"""What a listener took in, told apart into records: each with what its sender says beside it, none read yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from tocsin.records.event import Logsource
from tocsin.records.received import Listener, Received
from tocsin.sources import times
from tocsin.sources.interface import Draft
from tocsin.sources.listened import elastic_bulk, file_lines, line_protocol, otlp, splunk_hec, syslog_frames
from tocsin.sources.protobuf_wire import BadMessage
from tocsin.sources.text_stream import clean

_LINES: Final = "line-protocol"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Said(NamedTuple):
    """What a sender says of a record in the wrapping: it counts where the record itself says nothing.

    One is made for each record, and `Taken` too: a frozen dataclass would cost twice as much.

    Attributes:
        time: Instant.
        host: The host.
        fields: Further fields.
        origin: What of one origin has in common: records with the same are of one format, most likely.
        format: What the sender calls its format, in Splunk's words or ours; "" where it says nothing.
        head: The first lines of the file that it stands in, by which its format is told.
        header: What names the columns there, where lines do.
    """

    time: int | None = None
    host: str | None = None
    fields: Mapping[str, Any] = _NOTHING
    origin: tuple[str, ...] = ()
    format: str = ""
    head: tuple[str, ...] = ()
    header: tuple[str, ...] = ()


class Taken(NamedTuple):
    """One record as it came.

    Attributes:
        text: JSON where `is_object`, else whatever it is.
        broken: Why it is to be set aside.
        draft: What it says, where its listener takes one format alone, called `format`.
    """

    text: str
    is_object: bool
    said: Said
    broken: str = ""
    draft: Draft | None = None
    format: str = ""


def taken(received: Received, zone: tzinfo) -> Iterator[Taken]:
    """The records of `received`, in order.

    Args:
        received: What a listener took in and has checked.
        zone: What a time without a zone means.

    Raises:
        ValueError: its body is not as it was when it was checked.
    """
    return _TAKEN[received.listener](received, zone)


def _hec_events(received: Received, zone: tzinfo) -> Iterator[Taken]:
    names: tuple[Any, Any, Any] | None = None
    said = Said()
    for event in splunk_hec.event_objects(received.body):
        before, names = names, (event.host, event.source, event.sourcetype)
        if names == before and event.fields is None:  # as most do
            said = Said(times.instant(event.time, zone), *said[1:])
        else:
            given = {
                "host": event.host,
                "source": event.source,
                "sourcetype": event.sourcetype,
                "time": event.time,
            }
            said = _said(given, event.fields, zone)
            names = names if event.fields is None else None
        text = event.text.decode()
        if text.startswith('"'):
            yield Taken(orjson.loads(text), is_object=False, said=said)
        else:
            yield Taken(text, text.startswith("{"), said)


def _hec_lines(received: Received, zone: tzinfo) -> Iterator[Taken]:
    said = _said(received.hints, None, zone)
    for line in splunk_hec.raw_lines(received.body):
        yield Taken(_text(line), is_object=False, said=said)


def _documents(received: Received, _zone: tzinfo) -> Iterator[Taken]:
    for action, document in elastic_bulk.documents(received.body, received.hints.get("index", "")):
        yield Taken(document.decode(), is_object=True, said=Said(origin=(action.index,)))


def _messages(received: Received, _zone: tzinfo) -> Iterator[Taken]:
    said = Said(host=_address(received.peer), format="syslog")
    for message in syslog_frames.unpack(received.body):
        yield Taken(_text(message), is_object=False, said=said)


def _file_lines(received: Received, _zone: tzinfo) -> Iterator[Taken]:
    hints = received.hints
    head = hints["head"].encode("latin-1")
    directed = file_lines.is_directed(head)
    first = tuple(_text(line) for line in splunk_hec.raw_lines(head))
    header = tuple(_text(line) for line in splunk_hec.raw_lines(hints.get("header", "").encode("latin-1")))
    header = header or tuple(line for line in first if line.startswith("#")) if directed else ()
    said = Said(origin=(hints["path"],), format=hints.get("format", ""), head=first, header=header)
    for line in file_lines.record_lines(received.body, directed=directed):
        yield Taken(_text(line), is_object=False, said=said)


def _log_records(received: Received, _zone: tzinfo) -> Iterator[Taken]:
    for log in otlp.read(received.body, received.hints.get("coding", "")):
        if isinstance(log, BadMessage):
            yield Taken("", is_object=True, said=Said(), broken=str(log))
            continue
        said = Said(log.time, log.host, log.fields, log.origin)
        if isinstance(log.body, str):
            yield Taken(clean(log.body), is_object=False, said=said)
        else:
            named = log.fields if log.body is None else {"body": log.body}
            yield Taken(
                json.dumps(log.body if isinstance(log.body, dict) else named), is_object=True, said=said
            )


def _plant_lines(received: Received, _zone: tzinfo) -> Iterator[Taken]:
    plant = received.hints["plant"]
    logsources = frozenset({Logsource("plant", None, plant)})
    unit = line_protocol.UNITS[received.hints.get("precision", "ns")]
    for found in line_protocol.points(received.body, unit):
        if isinstance(found, line_protocol.BadLine):
            yield Taken(found.line, is_object=False, said=Said(), broken=found.why, format=_LINES)
            continue
        fields = {
            "plant": plant, "measurement": found.measurement, "tags": found.tags, "readings": found.readings,
        }  # fmt: skip
        draft = Draft(fields, logsources, f"plant/{plant}", found.time)
        yield Taken(found.line, is_object=False, said=Said(), draft=draft, format=_LINES)


_TAKEN: Mapping[Listener, Callable[[Received, tzinfo], Iterator[Taken]]] = {
    "hec-event": _hec_events,
    "hec-raw": _hec_lines,
    "bulk": _documents,
    "syslog": _messages,
    "file": _file_lines,
    "otlp": _log_records,
    "plant": _plant_lines,
}


def _said(given: Mapping[str, Any], fields: Any, zone: tzinfo) -> Said:
    """What HEC's own keys say; values that are no text say nothing."""
    texts = {name: value for name, value in given.items() if isinstance(value, str) and value}
    named: dict[str, Any] = {name: texts[name] for name in texts if name in ("source", "sourcetype")}
    return Said(
        times.instant(given.get("time"), zone),
        texts.get("host"),
        named | (fields if isinstance(fields, dict) else {}),
        (named.get("source", ""), named.get("sourcetype", "")),
        named.get("sourcetype", ""),
    )


def _text(data: bytes) -> str:
    """`data` as text; what is no UTF-8 is read as U+FFFD."""
    return clean(data.decode("utf-8", "surrogateescape"))


def _address(peer: str) -> str:
    """The address in `peer` without its port."""
    if peer.startswith("["):
        return peer[1:].partition("]")[0]
    return peer.partition(":")[0] if peer.count(":") == 1 else peer
