"""Expected events and groups: judged once their time is over, never where Tocsin did not listen, and over when they come."""

from __future__ import annotations

import json
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.command import JUDGE

from tocsin.config.expect import Expected, Window
from tocsin.config.service import service_settings
from tocsin.detect.absence.expected import Expectation, part_of, parts_between
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.engine.absence import Absences, Awaited, Known
from tocsin.engine.expecting import awaited
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.instants import DAY, HOUR, MINUTE, parse_rfc3339
from tocsin.store.entries import Passed

BERLIN = ZoneInfo("Europe/Berlin")
EVERY = frozenset(range(7))
NIGHT = Window(2 * 60, 6 * 60, EVERY)
BACKUP = Expected("backup", where={}, window=NIGHT, grace=30 * MINUTE)
START = parse_rfc3339("2026-03-02T12:00:00Z")  # a Monday, 13:00 in Berlin


def event(at: int, host="db-1", auth="token", **fields) -> Event:
    return Event(
        "s",
        at,
        at,
        at,
        frozenset({Logsource("linux")}),
        fields,
        "saved",
        "hec:x",
        "json",
        host=host,
        auth=auth,
    )


class Log:
    """A log that `Absences` follow, minute by minute."""

    def __init__(self, *expected: Expected, matches=lambda _: True) -> None:
        expectations = [Expectation(one, matches) for one in expected]
        self.awaited = Awaited(expectations=expectations, zone=BERLIN)
        self.absences = Absences(self.awaited)
        self.now = START
        self.rows: dict[str, bytes] = {}
        self.told: list[str] = []
        self.over: list[str] = []
        self.open: dict = {}

    def until(self, instant: int, *events: Event) -> None:
        """Time passes; `events` come when they say."""
        waiting = sorted(events, key=lambda one: one.time)
        while self.now < instant:
            self.now += MINUTE
            came = [one for one in waiting if self.now - MINUTE < one.time <= self.now]
            self.absences.take(Passed(self.now), EventBatch(tuple(came)))
        turn = self.absences.turn()
        self.told += [one.rule_title for one in turn.findings]
        self.over += [one.id for one in turn.over]
        self.open = {one.id: one for one in turn.open}
        self.rows |= {key: row for key, row in turn.rows.items() if row is not None}
        self.last = turn

    def restart(self) -> None:
        known = dict(self.open)
        self.absences = Absences(
            self.awaited, Known(self.rows, lambda ids: [known[one] for one in ids if one in known])
        )


def night(number: int, hour: float = 3.0) -> int:
    """That hour of the night (in Berlin) so many days after START's day."""
    return START + number * DAY - 13 * HOUR + round(hour * HOUR)


def test_a_backup_that_did_not_come_is_told_once_after_the_grace_and_ends_when_it_comes():
    log = Log(BACKUP)
    log.until(night(1, 6.4), event(night(1)))
    log.until(night(2, 6.4))
    assert log.told == []
    log.until(night(2, 6.6))
    assert log.told == ["Did not come: backup"]
    log.restart()
    log.until(night(4, 12))
    assert log.told == ["Did not come: backup"]
    (incident,) = log.open.values()
    log.until(night(4, 13), event(night(4, 12.5)))
    assert log.over == [incident.id]
    assert log.open == {}


def test_what_never_came_rests_on_the_settings():
    log = Log(BACKUP)
    log.until(night(1, 7))
    (finding,) = log.last.findings
    (piece,) = finding.evidence
    assert (piece.source, piece.auth, piece.time) == ("tocsin.toml", "local", START + MINUTE)
    assert finding.claims[0].values["never"] == "yes"
    assert finding.level == "high"


def test_a_night_in_which_tocsin_was_down_is_not_judged_and_that_is_told():
    log = Log(BACKUP)
    log.until(night(1, 1))
    log.now = night(1, 4)
    log.until(night(1, 12))
    assert log.told == []
    assert "is not known" in (log.last.said or "")
    log.until(night(2, 7))
    assert log.told == ["Did not come: backup"]


def test_a_clock_that_jumps_a_year_ahead_and_back_loses_no_later_night():
    log = Log(BACKUP)
    log.until(night(1, 5), event(night(1)))
    log.now += 365 * DAY
    log.until(log.now + HOUR)
    log.now = night(1, 10)
    log.until(night(2, 7))
    assert log.told == ["Did not come: backup"]


def test_what_was_heard_or_begun_while_the_clock_ran_ahead_hides_no_later_night():
    log = Log(BACKUP)
    log.now += 365 * DAY  # it is wrong from the first moment
    log.until(log.now + HOUR, event(log.now + MINUTE))
    log.now = night(1, 10)
    log.until(night(2, 7))
    assert log.told == ["Did not come: backup"]
    log.until(night(2, 8), event(night(2, 7.5)))
    assert log.open == {}
    group = Expected("PCs", hosts=("ws-*",), window=Window(0, 24 * 60, EVERY), count=0)
    log = Log(group)
    log.now += 365 * DAY
    log.until(log.now + HOUR, event(log.now + MINUTE, host="ws-1"))
    log.now = night(1, 10)
    log.until(night(10, 12))
    assert json.loads(log.last.said or "{}")["groups"] == ["PCs: nobody heard yet."]


def test_unproven_words_do_not_meet_what_something_proven_met():
    log = Log(BACKUP)
    log.until(night(1, 7), event(night(1)))
    log.until(night(2, 7), event(night(2), auth="none"))
    assert log.told == ["Did not come: backup"]


def test_what_an_operator_resolved_is_told_again_the_next_night():
    log = Log(BACKUP)
    log.until(night(1, 7))
    log.absences.resolved(set(log.open))
    log.until(night(2, 7))
    assert log.told == ["Did not come: backup"] * 2


def test_each_so_often():
    log = Log(Expected("firewall", where={}, every=15 * MINUTE, grace=MINUTE))
    log.until(START + 14 * MINUTE, event(START + 13 * MINUTE))
    log.until(START + 29 * MINUTE)
    assert log.told == []
    log.until(START + 31 * MINUTE)
    assert log.told == ["Did not come: firewall"]


def test_what_an_operator_resolved_is_told_again_where_it_goes_on_not_coming():
    log = Log(Expected("firewall", where={}, every=15 * MINUTE, grace=MINUTE))
    log.until(START + 14 * MINUTE, event(START + 13 * MINUTE))
    first = ""
    for _ in range(2):
        log.until(log.now + 20 * MINUTE)
        (incident,) = log.open
        assert incident != first, "else it would stand where the operator left it"
        first = incident
        log.absences.resolved({incident})
    assert log.told == ["Did not come: firewall"] * 2


def test_so_many_of_a_group():
    group = Expected("PCs", hosts=("ws-*",), window=Window(0, 24 * 60, EVERY), count=5, least=4)
    log = Log(group)
    log.until(
        night(1, 1), *(event(night(1, 0.5), f"ws-{one}") for one in range(4)), event(night(1, 0.5), "db-1")
    )
    assert "PCs: 4 of 5 heard on 2026-03-03" in (log.last.said or "")
    log.until(night(2, 1), *(event(night(1, 23), f"WS-{one}") for one in range(3)))
    assert log.told == []
    log.until(night(3, 1), *(event(night(2, 9), f"ws-{one}") for one in range(3)))
    assert log.told == ["Too few were heard: PCs"]
    log.until(night(4, 1), *(event(night(3, 9), f"ws-{one}") for one in range(4)))
    assert len(log.over) == 1


def test_a_group_learns_who_is_in_it():
    log = Log(Expected("PCs", window=Window(0, 24 * 60, EVERY), count=0))
    log.until(
        night(2, 1), *(event(night(1, 9), f"ws-{one}") for one in range(6)), event(night(2, 0.5), "ws-1")
    )
    assert "1 of 6 heard on 2026-03-04, 6 of 6 heard on 2026-03-03" in (log.last.said or "")


def test_an_expression_that_takes_too_long_is_looked_for_no_more():
    asked = []

    def slow(one: Event) -> bool:
        asked.append(one)
        raise TimeoutError

    log = Log(BACKUP, matches=slow)
    log.until(night(1, 4), *(event(night(1, 2 + n / 100)) for n in range(50)))
    assert len(asked) == 3
    assert "looked for no more" in (log.last.said or "")


@given(
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    st.sampled_from([BERLIN, ZoneInfo("America/New_York")]),
)
def test_parts_of_days_follow_each_other_in_any_zone(start, end, day, zone):
    window = Window(start, end, EVERY)
    part = part_of(window, day, zone)
    assert part.start - HOUR <= part.end <= part.start + 25 * HOUR
    found = list(parts_between(window, zone, part.end - 5 * DAY, part.end))
    assert found[-1] == part
    assert len(found) in (5, 6)
    assert [one.end for one in found] == sorted({one.end for one in found})


RULES = load_rules([RuleText("r.yml", JUDGE.format(logsource="product: linux"))])


def settings(tmp_path, **run):
    return service_settings(tmp_path / "tocsin.toml", {"run": run}, tmp_path)


@pytest.mark.parametrize(
    ("where", "fields", "meets"),
    [
        (
            {"program": "restic", "message|contains": "saved"},
            {"program": "restic", "message": "1 Saved"},
            True,
        ),
        ({"program": "restic"}, {"program": "cron"}, False),
        ([{"a": 1}, {"b": ["x", "y"]}], {"b": "y"}, True),
        ("saved", {"any": "it was saved."}, True),
    ],
)
def test_where_is_sigmas_language(tmp_path, where, fields, meets):
    service = settings(tmp_path, expect=[{"name": "b", "where": where, "at": "02:00-06:00"}])
    (one,) = awaited(service, RULES).expectations
    assert one.meets(event(START, **fields)) is meets


def test_source_hosts_and_rule(tmp_path):
    rule = {"name": "b", "rule": RULES.rules[0].id, "every": "1h", "source": "hec:*", "hosts": ["DB-*"]}
    (one,) = awaited(settings(tmp_path, expect=[rule]), RULES).expectations
    assert one.meets(event(START))
    assert not one.meets(event(START, "ws-1"))
    assert one.said.every == HOUR


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"expect": [{"name": "b", "where": {"a|nosuch": 1}, "at": "02:00-06:00"}]}, "has a where that"),
        ({"expect": [{"name": "b", "where": {}, "at": "02:00-06:00"}]}, "has a where that"),
        ({"expect": [{"name": "b", "rule": "none", "at": "02:00-06:00"}]}, "which is not loaded"),
        ({"expect": [{"name": "b", "where": {"a": 1}}]}, "must say when"),
        ({"expect": [{"name": "b", "at": "02:00-06:00"}]}, "any event would do"),
        ({"expect": [{"name": "b", "source": "x", "at": "2-6"}]}, "are no hours"),
        ({"expect": [{"name": "b", "source": "x", "every": "soon"}]}, "is no span of time"),
        ({"expect": [{"name": "b", "source": "x", "at": "02:00-06:00", "days": ["monday"]}]}, "no day"),
        ({"expect": [{"name": "b", "source": "x", "every": "1h"}] * 2}, "twice"),
        ({"expect": [{"source": "x", "every": "1h"}]}, "is no text"),
        ({"expect": {"name": "b"}}, "no list of tables"),
        ({"group": [{"name": "g", "count": 3, "least": 4}]}, "more than count"),
        ({"silence": {"floor": "0s"}}, "shorter than a second"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_in_words(tmp_path, run, said):
    with pytest.raises(OperatorError, match=said):
        awaited(settings(tmp_path, **run), RULES)
