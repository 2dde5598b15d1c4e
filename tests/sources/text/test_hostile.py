"""Whatever a line holds, a parser gives a draft, nothing, or `BadRecord`; and its values can be stored."""

from __future__ import annotations

import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources.text.reading import chosen, context, named, read
from tests.sources.text.seeds import SEEDS

from tocsin.records.event import Logsource
from tocsin.sources.text import FORMATS

NAMES = [one.name for one in FORMATS]
FRAGMENTS = [
    '"',
    "\\",
    "\x00",
    "\x1d",
    "\x1b[31m",
    "=",
    "|",
    "[",
    "]",
    "<",
    ">",
    " ",
    "\t",
    ",",
    "'",
    "%",
    "{",
    "ÿ",
    "\u202e",
    "\ud800",
    "-",
    "9" * 40,
]


@st.composite
def mutated(draw, name):
    """Lines of the format, cut, doubled and spoilt."""
    lines = []
    for line in SEEDS[name]:
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(line)))
            piece = draw(st.sampled_from(FRAGMENTS) | st.text(max_size=8))
            skip = draw(st.integers(0, 12))
            line = line[:at] + piece + line[at + skip :]  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines)


def check(name, text):
    drafts, reasons = read(name, text)
    for reason in reasons:
        assert reason.endswith(".")
    for draft in drafts:
        assert draft.time is None or isinstance(draft.time, int)
        assert draft.host is None or isinstance(draft.host, str)
        assert draft.user is None or isinstance(draft.user, str)
        assert all(isinstance(source, Logsource) for source in draft.logsources)
        assert all(isinstance(key, str) for key in draft.fields)
        assert len(draft.kind) < 64
        if not any("\ud800" <= char <= "\udfff" for char in text):
            orjson.dumps(draft.fields)


@pytest.mark.parametrize("name", NAMES)
def test_mutated_lines(name):
    @settings(max_examples=200)
    @given(mutated(name))
    def lines(text):
        check(name, text)
        named(name).recognises(text.splitlines(), context())

    lines()


@pytest.mark.parametrize("name", NAMES)
def test_any_text(name):
    @settings(max_examples=60)
    @given(st.text(max_size=300))
    def lines(text):
        check(name, text)
        named(name).recognises(text.splitlines(), context())

    lines()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "text"])
def test_its_own_lines_choose_the_format(name):
    assert chosen("\n".join(SEEDS[name])) == name


@pytest.mark.parametrize("name", NAMES)
def test_long_lines_take_linear_time(name):
    """A line made of what an expression looks for, over and over, must not take seconds."""
    started = time.perf_counter()
    for seed in SEEDS[name]:
        for piece in (
            " from ",
            " = ",
            '"',
            "\\",
            " a=",
            " by ",
            "|",
            "[x] ",
            "%A-1-B:",
            " : ",
            "((",
            "..",
            " ; ",
            "''",
            "1,",
        ):
            line = seed + piece * (40_000 // len(piece))
            read(name, "\n".join([*SEEDS[name][:-1], line]))
    assert time.perf_counter() - started < 10
