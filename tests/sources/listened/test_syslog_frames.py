"""Framing of syslog over a stream, in whatever pieces it comes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.sources.listened import syslog_frames
from tocsin.sources.listened.syslog_frames import Framed, Framer, datagram, pack, unpack


def framed(*pieces: bytes) -> list[Framed]:
    framer = Framer()
    found = [one for piece in pieces for one in framer.feed(piece)]
    return found + framer.end()


def test_both_framings_in_one_stream() -> None:
    found = framed(b"<13>one\r\n12 <13>two\n\0\0!\n<13>three\n\x007 <14>abc\n\n<15>last")
    assert [(one.message, one.framing) for one in found] == [
        (b"<13>one", "line"),
        (b"<13>two\n\0\0!", "counted"),
        (b"<13>three", "line"),
        (b"<14>abc", "counted"),
        (b"<15>last", "line"),
    ]
    assert not any(one.cut for one in found)


def test_a_nul_ends_a_message_as_a_line_feed_does() -> None:
    data = b"<14>one\x00<14>two\x009 <14>three\x00<14>four"
    for step in (1, 3, len(data)):
        found = framed(*(data[at : at + step] for at in range(0, len(data), step)))
        assert [one.message for one in found] == [b"<14>one", b"<14>two", b"<14>three", b"<14>four"]


@pytest.mark.parametrize(
    "line", [b"200 OK", b"2026-01-01T00:00:00Z h a: b", b"0 <13>x", b"12345678901 <13>x"]
)
def test_a_line_that_starts_with_a_number_is_a_line(line: bytes) -> None:
    assert [one.message for one in framed(line + b"\n<13>next\n")] == [line, b"<13>next"]


def test_a_count_that_never_comes_to_its_end_is_told() -> None:
    assert framed(b"50 <13>half") == [Framed(b"<13>half", "counted", cut=True)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(bounds, "SYSLOG_MESSAGE_BYTES", 16)
    return 16


@pytest.mark.parametrize("size", [15, 16, 17, 40, 1000])
def test_an_over_long_message_is_cut_and_the_next_one_read(small: int, size: int) -> None:
    long = b"<" + b"x" * (size - 1)
    for data in (long + b"\n<13>b\n", b"%d " % size + long + b"<13>b\n"):
        for step in (1, 7, len(data)):
            found = framed(*(data[at : at + step] for at in range(0, len(data), step)))
            assert [one.message for one in found] == [long[:small], b"<13>b"]
            assert [one.cut for one in found] == [size > small, False]


def test_memory_is_that_of_one_message(small: int) -> None:
    framer = Framer()
    for _ in range(1000):
        framer.feed(b"<13>" + b"y" * 100)
        assert len(framer._held) <= 2 * small


PIECES = st.lists(
    st.sampled_from(
        [
            b"<13>a b",
            b"\n",
            b"\r\n",
            b"\0",
            b"7 ",
            b"7 <13>abc",
            b"20 <",
            b"1",
            b" ",
            b"<",
            b"99 <z",
            b"xyz" * 9,
        ]
    )
    | st.binary(max_size=6),
    max_size=30,
)


@given(PIECES, st.lists(st.integers(0, 200), max_size=12))
def test_any_cut_gives_the_same_messages(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    at = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(syslog_frames.bounds, "SYSLOG_MESSAGE_BYTES", 24)
        whole = framed(data)
        assert whole == framed(*(data[a:b] for a, b in itertools.pairwise(at)))
        assert whole == framed(*(data[i : i + 1] for i in range(len(data))))
    assert all(one.message and one.message == one.message.strip(b"\0\r\n") for one in whole)


@given(st.lists(st.binary(max_size=50)))
def test_what_is_packed_comes_back(messages: list[bytes]) -> None:
    assert list(unpack(pack(messages))) == messages


@pytest.mark.parametrize("body", [b"x", b"5 abc", b"05 abcde", b"3 abc4", b"-1 a"])
def test_a_body_that_was_not_packed(body: bytes) -> None:
    with pytest.raises(ValueError, match="without its length"):
        list(unpack(body))


def test_a_datagram_is_one_message() -> None:
    assert datagram(b"<13>two\nlines\n\0") == [Framed(b"<13>two\nlines", "datagram")]
    assert datagram(b"\n") == []
    assert datagram(b"x" * (bounds.SYSLOG_MESSAGE_BYTES + 1))[0].cut
