import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.records.inert import csv_cell, inert, inert_lines, shortened

ANY = st.text(st.characters(), max_size=60)  # lone surrogates included


@given(ANY)
@settings(max_examples=300)
def test_nothing_hidden_or_commanding_is_left(text):
    shown = inert(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode("utf-8")
    assert inert(shown) == shown


@pytest.mark.parametrize(
    ("nasty", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        (
            "\x1b]8;;http://x.example\x1b\\click\x1b]8;;\x1b\\",
            "\\x1b]8;;http://x.example\\x1b\\click\\x1b]8;;\\x1b\\",
        ),
        ("\x9b31m", "\\x9b31m"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
        ("nul\x00", "nul\\x00"),
        ("\ud800", "\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("filler\u3164", "filler\\u3164"),
        ("Bürgermeisterin Ænna, 町", "Bürgermeisterin Ænna, 町"),
        ("C:\\Windows\\x", "C:\\Windows\\x"),
    ],
)
def test_named_nasty_strings(nasty, shown):
    assert inert(nasty) == shown


def test_a_pile_of_marks_is_cut_down():
    assert inert("a" + "\u0301" * 50).count("\u0301") == 3


def test_lines_stay_lines_and_nothing_else_does():
    assert inert_lines("a\r\nb\tc\x1b[2J\nd") == "a\nb    c\\x1b[2J\nd"


@pytest.mark.parametrize(
    "formula", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "  =A1", "＝1", "\t=1"]
)
def test_no_cell_is_a_formula(formula):
    assert csv_cell(formula)[0] in "'\\"


@pytest.mark.parametrize("plain", ["", "-5", "+4.2", "anna.berg", "2026-03-01"])
def test_plain_cells_stay(plain):
    assert csv_cell(plain) == plain


@given(ANY, st.integers(5, 30))
def test_shortening_keeps_both_ends(text, chars):
    cut = shortened(text, chars)
    assert len(cut) <= chars
    if len(text) > chars:
        head, tail = cut.split("…", 1) if "…" not in text else (cut[:2], cut[-2:])
        assert text.startswith(head)
        assert text.endswith(tail)
