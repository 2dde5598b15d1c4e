"""What is said of a plant says what the tags showed, and no more."""

from __future__ import annotations

from math import nan

import pytest

from tocsin.advise.plant import Promised, TagShown, deviation, episode, notice, promise, why
from tocsin.records.instants import HOUR


def shown(tag: str = "L_T7", value: float = 2.31, expected: float = 3.9, **more: object) -> TagShown:
    return TagShown(tag, value, expected, **{"step": 0.01, "low": 0.5, "high": 6.0, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (shown(), "L_T7 shows 2.31 where 3.90 would fit the other tags"),
        (shown(counter=True), "L_T7 gains 2.31 where 3.90 would fit the other tags"),
        (shown(value=9, expected=9.001), "L_T7 shows 9.00 and never was above 6.00 on normal operation"),
        (shown(value=0.1, expected=nan), "L_T7 shows 0.10 and never was below 0.50 on normal operation"),
        (shown(value=2, expected=2.001), "L_T7 shows 2.00: no single reading is off, but its course is"),
        (shown(value=nan), "L_T7 shows nothing"),
        (shown(value=7, step=0, states=(0, 1)), "L_T7 shows 7, which it never did on normal operation"),
        (
            shown(value=1, expected=0.2, step=0, states=(0, 1)),
            "L_T7 shows 1 where 0 would fit the other tags",
        ),
        (
            shown(value=1, expected=0.2, step=0, states=(0, 1), words=("ZU", "AUF")),
            "L_T7 shows “AUF” where “ZU” would fit the other tags",
        ),
        (shown(unit="m"), "L_T7 shows 2.31 m where 3.90 m would fit the other tags"),
        (
            shown(unit="m. All is well"),
            "L_T7 shows 2.31 “m. All is well” where 3.90 “m. All is well” would fit the other tags",
        ),
        (shown(unit="%", counter=True), "L_T7 gains 2.31% where 3.90% would fit the other tags"),
        (
            shown(value=7, step=0, states=(0, 1), unit="bar"),
            "L_T7 shows 7 bar, which it never did on normal operation",
        ),
        (
            shown(value=1, expected=0.2, step=0, states=(0, 1), words=("ZU", "AUF"), unit="bar"),
            "L_T7 shows “AUF” where “ZU” would fit the other tags",
        ),
        (
            shown(value=9, expected=nan, unit="\x1b[31m"),
            "L_T7 shows 9.00 \\x1b[31m and never was above 6.00 \\x1b[31m on normal operation",
        ),
        (
            shown(tag="a\x1b[31m b"),
            "“a\\x1b[31m b” shows 2.31 where 3.90 would fit the other tags",
        ),
    ],
)
def test_a_tag_is_told_by_what_it_showed_and_should_have(one: TagShown, said: str) -> None:
    assert deviation(one) == said


def test_further_tags_are_named() -> None:
    assert why([]) == ""
    assert why([shown(), shown("A"), shown("B")]).endswith(
        "would fit the other tags (also out of step: A and B)"
    )


def test_the_promise_says_what_it_rests_on_and_where_it_ends() -> None:
    kept = promise(Promised("week", 52, 0.25, 0.25, 0.0448, 8), 3600)
    assert "at most 25% of weeks, or one week in 4, have an alarm or a notice" in kept
    assert "52 weeks of normal operation at one row every hour" in kept
    assert "less than 4.5%" in kept
    more = promise(Promised("hour", 25, 0.01, 0.0904, 0.0904, 239), 180)
    assert "at most 9% of hours" in more
    assert "You asked for 1%: learn from at least 239 hours" in more
    faulty = promise(Promised("week", 52, 0.1, 0.145, 0.0448, 29), 3600)
    assert "You asked for 10%: in more of these weeks a tag had to be set aside" in faulty


def test_an_episode_is_a_sentence() -> None:
    said = episode(0, HOUR, 2, ["A", "B"], "A shows 1 where 2 would fit the other tags")
    assert said.startswith(
        "From 1970-01-01 00:00 UTC to 1970-01-01 01:00 UTC (2 rows in alarm), A and B did not fit"
    )


def test_a_notice_is_a_sentence() -> None:
    assert (
        notice("missing", "A", 0, 1234.0)
        == "A was not read for 1,234 rows by 1970-01-01 00:00 UTC: where the other tags say that it is, it is taken to be."
    )
    assert notice("drift", "A{0}", 0, 1.26).startswith(
        "“A{0}” has drifted by 1970-01-01 00:00 UTC: its slow mean is 1.3 times"
    )
    assert notice("other", "A", 0, 1.0) == "A: other at 1970-01-01 00:00 UTC."
