"""The operator's word on an incident counts until the incident is something else than what that word was about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.incidents.making import finding

from tocsin.incidents.desk import IncidentDesk
from tocsin.incidents.lifecycle import decision, is_done, status_of
from tocsin.records.instants import SECOND


def incident(*findings):
    desk = IncidentDesk()
    desk.add(findings)
    (one,) = desk.all()
    return one


FIRST = finding("r1", 0, host="ws1", level="high")
AGAIN = finding("r1", 60 * SECOND, host="ws1", level="high")
OTHER = finding("r2", 60 * SECOND, host="ws1", level="high")


def after(said, *later):
    known = incident(FIRST)
    return status_of(incident(FIRST, *later), {known.id: decision(known, said, 7)})


def test_nobody_said_anything():
    assert status_of(incident(FIRST), {}) == "open"


@pytest.mark.parametrize(
    ("said", "later", "stands"),
    [
        ("acknowledged", (), "acknowledged"),
        ("acknowledged", (AGAIN, OTHER), "acknowledged"),
        ("resolved", (), "resolved"),
        ("resolved", (AGAIN,), "regressed"),
        ("dismissed", (), "dismissed"),
        ("dismissed", (AGAIN,), "dismissed"),
        ("dismissed", (OTHER,), "regressed"),
    ],
)
def test_what_comes_after_it(said, later, stands):
    assert after(said, *later) == stands
    assert is_done(replace(incident(FIRST), status=stands)) == (stands in ("resolved", "dismissed"))


def test_a_false_alarm_that_becomes_graver_comes_back():
    known = incident(FIRST)
    said = {known.id: decision(known, "dismissed", 7, "a drill")}
    assert status_of(replace(known, severity="critical"), said) == "regressed"
    assert status_of(replace(known, severity="medium"), said) == "dismissed"


def test_the_last_word_on_it_or_on_what_was_merged_into_it_counts():
    one = replace(incident(FIRST, AGAIN), aliases=("inc-b",))
    early, late = decision(one, "acknowledged", 1), replace(decision(one, "resolved", 2), incident="inc-b")
    assert status_of(one, {one.id: early, "inc-b": late}) == "resolved"
    assert status_of(one, {one.id: replace(early, at=3), "inc-b": late}) == "acknowledged"
