"""What holds of messages of an MQTT broker: each becomes readings that can be stored, or is counted, and nothing crashes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator

from tests import sparkplug_node as sp
from tests.fuzz.invariants import NOW, in_time

from tocsin.config import bounds
from tocsin.sources.mqtt.packets import BadPacket, Framer, Version
from tocsin.sources.mqtt.values import BadValue, Value, bare_value, json_values
from tocsin.sources.sparkplug.hearing import Hearing

_KINDS = ("NBIRTH", "DBIRTH", "DDATA", "NDATA", "DDEATH", "NDEATH")


def _check_value(value: Value) -> None:
    if isinstance(value, str):
        assert len(value) <= bounds.HISTORIAN_NAME_CHARS
        assert value.isprintable()
    else:
        assert value is None or math.isfinite(value)


def sparkplug(data: bytes) -> None:
    """One session: each message is a byte that says its kind, two for its length, and its payload."""
    hearing, node = Hearing(), sp.Node()
    with in_time():
        for kind, payload in _messages(data):
            topic = node.topic(_KINDS[kind % 6])
            for one in hearing.hear(topic, payload, NOW, retained=kind & 64 > 0, repeated=kind & 128 > 0):
                _check_value(one.value)
                assert 0 < one.instant < 2**63
                assert one.metric.isprintable()
                assert 0 < len(one.metric) <= bounds.HISTORIAN_NAME_CHARS
        again = Hearing()
        again.restore(hearing.kept())
        assert again.kept() == hearing.kept()
        assert not again.notices()
    assert all(sentence.isprintable() for sentence in hearing.notices())


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 3 <= len(data):
        end = at + 3 + int.from_bytes(data[at + 1 : at + 3], "big")
        yield data[at], data[at + 3 : end]
        at = end


def sparkplug_starts() -> Iterable[bytes]:
    """A birth, data by alias, a null, a bad quality, and deaths."""
    node = sp.Node()
    metrics = [
        sp.metric(f"m{kind}", kind, "x" if kind > 11 else 1, alias=kind)
        for kind in range(1, 16)
        if kind != 13
    ]
    bad = {"keys": ["Quality"], "values": [{"type": 3, "int_value": 0}]}
    said = (
        (0, node.birth()), (1, node.device_birth(metrics)), (2, node.device_data(sp.data(1, sp.INT8, -1), sp.data(9, sp.FLOAT, 2.5))),
        (2, node.device_data({"alias": 10, "is_null": True}, {"alias": 3, "int_value": 1, "properties": bad})),
        (64, node.birth()), (4, node.device_death()), (5, node.death()),
    )  # fmt: skip
    parts = [bytes((kind,)) + len(data).to_bytes(2, "big") + data for kind, (_, data) in said]
    yield b"".join(parts)
    yield from parts


def packets(data: bytes) -> None:
    """A broker's connection; however it is cut, the packets are the same."""
    version: Version = 5 if data[:1] > b"\x7f" else 4
    with in_time():
        try:
            whole = list(Framer(version).feed(data[1:]))
        except BadPacket:
            return
        framer = Framer(version)
        assert [one for at in range(1, len(data)) for one in framer.feed(data[at : at + 1])] == whole


def packet_starts() -> Iterable[bytes]:
    """What a broker says, in both versions."""
    yield bytes.fromhex("00 20020100 9003000101 3206000161000762 d000")
    yield bytes.fromhex("ff 200a00860713000a1f000161 900400010080 300f0001610b0101260001 6b0001760b05 e0018e")


def payloads(data: bytes) -> None:
    """A payload as a bare value and as JSON."""
    with in_time():
        with contextlib.suppress(BadValue):
            _check_value(bare_value(data))
        for value, time in (("", "ts"), ("", ""), ("data.value", "")):
            try:
                instant, found = json_values(data, value, time)
            except BadValue:
                continue
            assert instant is None or isinstance(instant, int)
            for _, one in found:
                _check_value(one)


def payload_starts() -> Iterable[bytes]:
    """Numbers, words and objects."""
    yield from (
        b"21.5",
        b"OPEN",
        b'{"a": 1.5, "b": "ON", "ts": "2026-01-01T00:00:00Z"}',
        b'{"data": {"value": 5}, "ts": 1767225600}',
    )
