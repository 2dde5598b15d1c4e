"""What a listener took in at once, as it came: durable before it is acknowledged, read into events afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tocsin.records.event import Auth

Listener = Literal["hec-event", "hec-raw", "bulk", "syslog", "file", "otlp", "plant"]


@dataclass(frozen=True, slots=True)
class Received:
    """One body, or the syslog messages that came together from one peer.

    Attributes:
        stream: The stream of its events (event id, first half): for HTTP named by the token and the body's digest, so
            that the same body sent again is the same stream; for syslog by the peer, the transport and the start; for a
            file by its head.
        first: Ordinal of its first record in the stream; 0 for HTTP.
        count: Records in it, broken ones too.
        arrived: When its last byte came (instant).
        listener: What it came through, which says how it is to be read.
        sender: Name of the token that it came with, "" without one.
        peer: Address of the other side, as text.
        auth: How its origin was proven.
        body: The bytes, decompressed. For `syslog` one message after the other, each with its length before it (RFC 6587,
            section 3.4.1), however it was framed on the wire.
        hints: What the sender said of all of it: for `hec-raw` the query's `host`, `source`, `sourcetype`, `time`; for
            `bulk` the path's index, as `index`; for `otlp` the `coding`, `protobuf` or `json`; for `file` its `path`,
            `head` (the start of the file, each byte as the character of its number), `end` (bytes of the file up to
            the body's end), the `format` where the operator named it, and `header` (lines as `head`) where a later
            one took the place of the head's; for `plant` the `plant` whose readings they are, and the `precision` of
            their times where it is not `ns`.
    """

    stream: str
    first: int
    count: int
    arrived: int
    listener: Listener
    sender: str
    peer: str
    auth: Auth
    body: bytes
    hints: Mapping[str, str] = field(default_factory=dict)
