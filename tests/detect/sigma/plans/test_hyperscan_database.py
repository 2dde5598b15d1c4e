"""Hyperscan against the naive search, and as the part of a scan that takes over for long texts."""

from __future__ import annotations

import subprocess
import sys
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.detect.sigma.plans.hyperscan_database import LiteralDatabase, LongTexts
from tocsin.detect.sigma.plans.literal_scan import LiteralScan

pytest.importorskip("hyperscan")

BYTES = st.text("aab\x01\\é\udce9\n.*", min_size=1, max_size=5).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


def naive(literals: dict[int, bytes], data: bytes) -> list[tuple[int, bool, bool]]:
    return sorted(
        (key, data.startswith(one), data.endswith(one)) for key, one in literals.items() if one in data
    )


def told(database: LiteralDatabase, literals: dict[int, bytes], data: bytes) -> list[tuple[int, bool, bool]]:
    found = database.find(data)
    assert all(data[start:end] == literals[key] for key, start, end in found)
    first = {key for key, start, _ in found if start == 0}
    final = {key for key, _, end in found if end == len(data)}
    return sorted((key, key in first, key in final) for key in {key for key, _, _ in found})


@given(
    st.lists(BYTES, min_size=1, max_size=10), st.lists(st.lists(BYTES, max_size=30), min_size=1, max_size=4)
)
@settings(max_examples=150)
def test_every_literal_once_and_at_each_edge(wanted: list[bytes], texts: list[list[bytes]]) -> None:
    literals = {3 * number: literal for number, literal in enumerate(wanted)}
    database = LiteralDatabase(literals, literals.keys())
    for pieces in texts:
        data = b"".join(pieces)
        assert told(database, literals, data) == naive(literals, data)


def test_edges_are_told_only_where_they_matter() -> None:
    literals = {0: b"ab", 1: b"ba"}
    data = b"ab--ba--ab--ba"
    assert len(LiteralDatabase(literals, ()).find(data)) == 2
    found = LiteralDatabase(literals, (1,)).find(data)
    assert (1, 12, 14) in found
    assert len([key for key, _, _ in found if key == 0]) == 1


def test_it_begins_when_it_pays() -> None:
    long = LongTexts({7: b"needle"}, (), 1)
    assert long.find(b"-" * 1_000) is None
    assert long.find(b"-" * 2_000 + b"needle") == [(7, 2_000, 2_006)]
    assert long.find(b"") == []


@pytest.mark.parametrize(
    ("literals", "together"),
    [
        ({}, 1),
        ({number: b"%x" % number for number in range(bounds.HYPERSCAN_LITERALS + 1)}, 1),
        ({1: b"x" * 100_000}, 1),  # longer than it compiles
        ({1: b"a\0b"}, 1),  # the package would look for "a"
        ({number: b"x" * 2_000 + b"%d" % number for number in range(300)}, 1),
        ({number: b"%dmanyalike" % number for number in range(600)}, 1),
        ({number: b"a" * number for number in range(1, 40)}, 39),
    ],
)  # fmt: skip
def test_it_is_left_out_where_it_cannot_or_would_be_slow(literals: dict[int, bytes], together: int) -> None:
    assert LongTexts(literals, (), together).find(b"-" * 10**8) is None


@given(
    st.lists(st.tuples(st.text("aabé\ud800", max_size=4), st.integers(1, 400)), max_size=5),
    st.lists(st.tuples(st.text("aabé\ud800", max_size=4), st.integers(1, 2_000)), max_size=5),
)
@settings(max_examples=60)
def test_a_scan_answers_alike_with_and_without(
    wanted: list[tuple[str, int]], pieces: list[tuple[str, int]]
) -> None:
    literals = [part * times for part, times in wanted]
    scan = LiteralScan(literals, hyperscan=True)
    text = "".join(part * times for part, times in pieces)
    expected = [(one in text, text.startswith(one), text.endswith(one)) for one in literals]
    for _ in range(4):  # the automaton first, Hyperscan later
        size, found = scan.find(text)
        held, first, final = (
            {index for index, _, _ in found},
            {index for index, start, _ in found if start == 0},
            {index for index, _, end in found if end == size},
        )
        assert [(i in held, i in first, i in final) for i in range(len(literals))] == expected


@pytest.mark.parametrize(("ending", "count"), [(b"\x80\x8d\xe2\x99\x80\xef\xb8\x8f", 500), (b"abc" * 5, 500)])
def test_the_worst_text_for_the_most_literals(ending: bytes, count: int) -> None:
    """Literals that end alike are confirmed one by one wherever their ending stands; nested ones make it worse."""
    literals = {
        number: b"host-%05x.ex%05x" % (number, number) for number in range(bounds.HYPERSCAN_LITERALS - 516)
    }
    literals |= {10**6 + number: b"%05d" % number + ending for number in range(count)}
    literals |= {10**7 + length: ending[-8:] * 3 + ending[-length:] for length in range(1, 9)}
    long = LongTexts(literals, (), 16)
    began = process_time()
    assert long.find(b"-" * 10**8) == []  # compiles
    assert process_time() - began < 3
    began = process_time()
    found = long.find(ending * (1_000_000 // len(ending)) + b"host-00003.ex00003")
    assert found is not None
    assert any(key == 3 for key, _, _ in found)
    assert process_time() - began < 1


def test_without_the_package_the_automaton_answers() -> None:
    code = (
        "import sys; sys.modules['hyperscan'] = None\n"
        "from tocsin.detect.sigma.plans.hyperscan_database import LiteralDatabase\n"
        "from tocsin.detect.sigma.plans.literal_scan import LiteralScan\n"
        "text = 'b' + 'a' * 10_000\n"
        "scan = LiteralScan(['b'], hyperscan=True)\n"
        "assert [scan.find(text)[1] for _ in range(3)] == [[(0, 0, 1)]] * 3\n"
        "try: LiteralDatabase({0: b'b'}, ())\n"
        "except ImportError: print('absent')\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "absent\n"
    )
