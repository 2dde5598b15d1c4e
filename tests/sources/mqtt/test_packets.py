"""Packets of a client that only listens, by the bytes of the standards, and hostile ones of a broker."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.sources.mqtt import packets
from tocsin.sources.mqtt.packets import (
    Accepted,
    BadPacket,
    Ended,
    Framer,
    Login,
    Pong,
    Published,
    Subscribed,
    Version,
)


def fed(data: bytes, version: Version = 5) -> list[object]:
    return list(Framer(version).feed(data))


def test_connect_takes_up_the_session_and_has_no_will() -> None:
    assert packets.connect(Login("me"), 4) == bytes.fromhex("100e 00044d515454 04 00 001e 00026d65")
    with_user = packets.connect(Login("me", "u", "p"), 4)
    assert with_user == bytes.fromhex("1014 00044d515454 04 c0 001e 00026d65 000175 000170")
    flags = packets.connect(Login("me", "u"), 5)[9]
    assert flags == 0x80, "neither a clean start (2) nor a will (4)"
    assert packets.connect(Login("me"), 5)[12:].startswith(
        bytes.fromhex("0d 11 00093a80 21 0100 27 00800000")
    )


def test_subscribe_and_acknowledge() -> None:
    assert packets.subscribe(["a/#"], 1, 4) == bytes.fromhex("8208 0001 0003612f23 01")
    assert packets.subscribe(["a/#"], 1, 5) == bytes.fromhex("8209 0001 00 0003612f23 01")
    assert packets.acknowledge(0x1234) == bytes.fromhex("4002 1234")


def test_nothing_that_is_sent_is_a_publish() -> None:
    made = [
        packets.connect(Login("c", "u", "p"), 5), packets.subscribe(["#"], 1, 5), packets.acknowledge(1), packets.PING,
        packets.GOODBYE,
    ]  # fmt: skip
    assert [one[0] >> 4 for one in made] == [1, 8, 4, 12, 14]
    makers = {
        name for name, one in inspect.getmembers(packets, inspect.isfunction) if not name.startswith("_")
    }
    assert makers - {"dataclass", "field"} == {"connect", "subscribe", "acknowledge"}


def test_what_a_broker_says() -> None:
    assert fed(bytes.fromhex("2002 01 00"), 4) == [Accepted(0, resumed=True)]
    assert fed(bytes.fromhex("2003 00 87 00")) == [Accepted(0x87)]
    assert fed(bytes.fromhex("200a 00 86 07 13000a 1f000161")) == [Accepted(0x86, keep_alive=10, reason="a")]
    assert fed(bytes.fromhex("9004 0001 01 80"), 4) == [Subscribed((1, 0x80))]
    assert fed(bytes.fromhex("9004 0001 00 87")) == [Subscribed((0x87,))]
    assert fed(bytes.fromhex("d000 e001 8e")) == [Pong(), Ended(0x8E)]
    assert fed(bytes.fromhex("e000")) == [Ended(0)]
    assert fed(bytes.fromhex("3004 0001 61 62"), 4) == [Published("a", b"b")]
    assert fed(bytes.fromhex("3b07 0001 61 0009 00 62")) == [
        Published("a", b"b", 9, retained=True, repeated=True)
    ]
    with_properties = bytes.fromhex("300f 0001 61 0b 0101 26 0001 6b 0001 76 0b05")
    assert fed(with_properties) == [Published("a", b"")]


def test_in_whatever_pieces() -> None:
    data = b"".join(bytes.fromhex(one) for one in ("20020100", "300400016162", "d000", "3204000161 0007 62"))
    data = (
        bytes.fromhex("2003000000")
        + bytes.fromhex("3206 0001 61 0007 00")
        + b"\x30\x85\x01\x00\x01a\x00"
        + bytes(129)
    )
    framer = Framer(5)
    found = [one for at in range(len(data)) for one in framer.feed(data[at : at + 1])]
    assert found == fed(data) == [Accepted(0), Published("a", b"", 7), Published("a", bytes(129))]


@pytest.mark.parametrize(
    "data",
    [
        "30ffffff7f", "30ffffffff01", "3003 0005 61", "3404 0001 61 00", "3206 0001 61 0000 00", "3000", "2001 00", "1000", "6202 0001",
        "2004 00 00 01 ff", "2005 00 00 05 11 00", "3004 0001 ff 00", "2009 00 00 06 26 ffff 0000 00",
    ],
)  # fmt: skip
def test_what_no_broker_says(data: str) -> None:
    with pytest.raises(BadPacket):
        fed(bytes.fromhex(data))


def test_a_packet_is_refused_before_it_is_held() -> None:
    size = bounds.MQTT_PACKET_BYTES + 1
    length = bytes((size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21))
    with pytest.raises(BadPacket, match="more than"):
        fed(b"\x30" + length)


@given(st.binary(max_size=80), st.sampled_from([4, 5]))
def test_any_bytes(data: bytes, version: Version) -> None:
    try:
        whole = fed(data, version)
    except BadPacket:
        return
    framer = Framer(version)
    assert [one for at in range(len(data)) for one in framer.feed(data[at : at + 1])] == whole


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in repr(Login("c", "u", "hidden"))
