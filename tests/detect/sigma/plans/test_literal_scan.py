"""Both kinds of scan against `in`, `startswith` and `endswith`, on any text that JSON can carry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.detect.sigma.plans.literal_scan import LiteralScan
from tocsin.detect.sigma.plans.tuning import SearchKind

KINDS: tuple[SearchKind, ...] = ("automaton", "plain")
LETTERS = "aab\\ é\u0130ß\u4e2d\U0001f600\udce9\ud83d\ude00\0"
TEXTS = st.one_of(st.text(LETTERS, max_size=40), st.text(st.characters(codec=None), max_size=20))
SHORT = st.text(LETTERS, max_size=4)


def answers(scan: LiteralScan, text: str, count: int) -> list[tuple[bool, bool, bool]]:
    """For each literal: is it in `text`, at its start, at its end."""
    size, found = scan.find(text)
    assert all(0 <= start <= end <= size for _, start, end in found)
    held = {index for index, _, _ in found}
    first = {index for index, start, _ in found if start == 0}
    final = {index for index, _, end in found if end == size}
    return [(index in held, index in first, index in final) for index in range(count)]


def naive(literals: Sequence[str], text: str) -> list[tuple[bool, bool, bool]]:
    return [(one in text, text.startswith(one), text.endswith(one)) for one in literals]


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(SHORT, max_size=12), TEXTS)
@settings(max_examples=300)
def test_short_texts(kind: SearchKind, literals: list[str], text: str) -> None:
    assert answers(LiteralScan(literals, kind), text, len(literals)) == naive(literals, text)


@pytest.mark.parametrize("kind", KINDS)
@given(st.text(LETTERS, min_size=1, max_size=30), st.data())
@settings(max_examples=100)
def test_literals_out_of_the_text(kind: SearchKind, text: str, data: st.DataObject) -> None:
    cuts = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    literals = [text[min(cut) : max(cut)] for cut in data.draw(st.lists(cuts, max_size=8))]
    assert answers(LiteralScan(literals, kind), text, len(literals)) == naive(literals, text)


@pytest.mark.parametrize("kind", KINDS)
@given(
    st.lists(st.tuples(SHORT, st.integers(1, 600)), max_size=6),
    st.lists(st.tuples(SHORT, st.integers(1, 3_000)), max_size=6),
)
@settings(max_examples=60)
def test_texts_longer_than_a_window_and_literals_longer_than_a_head(
    kind: SearchKind, literals: list[tuple[str, int]], pieces: list[tuple[str, int]]
) -> None:
    wanted = [part * times for part, times in literals]
    wanted += ["a" * length for length in range(1, 200)]  # 199 that end at one place: windows of 1,024 bytes
    text = "".join(part * times for part, times in pieces)
    assert answers(LiteralScan(wanted, kind), text, len(wanted)) == naive(wanted, text)


def test_each_place_of_a_long_text() -> None:
    """A literal is found wherever it lies, across the border of any two windows too."""
    nested = ["z" * length for length in range(1, 257)]
    literals = [*nested, "needle", "nee" + "d" * 250 + "le", "dle" * 200]
    scan = LiteralScan(literals)
    for needle in literals[-3:]:
        for before in range(0, 3_000, 7):
            text = "é" * (before // 2) + "." * (before % 2) + needle + "-" * 3_000
            assert answers(scan, text, len(literals)) == naive(literals, text), before


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_find(kind: SearchKind) -> None:
    assert LiteralScan([], kind).find("text") == (4, [])
    assert answers(LiteralScan([""], kind), "", 1) == [(True, True, True)]
    assert answers(LiteralScan(["", "longer than the text"], kind), "a", 2) == [(True,) * 3, (False,) * 3]


def test_a_text_of_ten_million_letters_is_held_in_windows() -> None:
    """256 literals end at every place: 2.5 billion occurrences, of which a window's worth is ever held or made twice."""
    literals = ["a" * length for length in range(1, 257)] + ["b", "ba" * 200]
    scan = LiteralScan(literals)
    text = "a" * 5_000_000 + "b" + "a" * 5_000_000
    began = process_time()
    size, found = scan.find(text)
    assert process_time() - began < 5
    assert len(found) <= 4 * bounds.LITERAL_OCCURRENCES
    assert size == 10_000_001
    assert answers(scan, text, len(literals)) == naive(literals, text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_thousand_literals(kind: SearchKind) -> None:
    literals = [f"host-{number:06x}.example" for number in range(100_000)]
    began = process_time()
    scan = LiteralScan(literals, kind)
    assert len(scan.find("-" * 1_000_000)[1]) == 0
    assert process_time() - began < 5
    size, found = scan.find("www.host-0000ff.example host-01869f.example")
    assert {(index, end == size) for index, _, end in found} == {(255, False), (99_999, True)}


def test_the_plain_kind_needs_no_package() -> None:
    code = (
        "import sys; sys.modules['ahocorasick_rs'] = None\n"
        "from tocsin.detect.sigma.plans.literal_scan import LiteralScan\n"
        "assert LiteralScan(['b'], 'plain').find('ab')[1] == [(0, 1, 2)]\n"
        "try: LiteralScan(['b'])\n"
        "except ImportError: print('absent')\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "absent\n"
    )
