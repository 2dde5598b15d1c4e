"""Plants judged while they run: the contract of every detector, and what is told when."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.plant.live.readings import START, event, events, lying, rows
from tests.detect.plant.plants import tank, with_gaps

from tocsin.advise.wording import clause
from tocsin.config import bounds
from tocsin.detect.checks import check_detector
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.plant.conformal import APART, BLOCKS
from tocsin.detect.plant.gathering import Gathering, Piece
from tocsin.detect.plant.live.detector import PlantDetector
from tocsin.detect.plant.live.finding import p_value
from tocsin.detect.plant.live.plant import Plant
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.watch import Judged, Watcher
from tocsin.incidents.desk import IncidentDesk
from tocsin.incidents.lifecycle import decision, status_of
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch
from tocsin.records.finding import Finding
from tocsin.records.instants import DAY, HOUR, SECOND
from tocsin.records.readings import Readings
from tocsin.records.state_changes import WHOLE


def plant_of(model: PlantModel, name: str = "works", digest: str = "d") -> Plant:
    return Plant(name, model, {}, digest)


def told(model: PlantModel, given: Sequence[Event]) -> list[Finding]:
    detector = PlantDetector([plant_of(model)])
    return [*detector.process(EventBatch.of(given)), *detector.advance(END_OF_TIME)]


@pytest.mark.parametrize("by_tag", [False, True])
def test_the_contract_of_every_detector(tank_model: PlantModel, by_tag: bool) -> None:
    given = events(lying(with_gaps(tank(60, seed=9), 0.05), 30, 60, 5, 8.0), by_tag=by_tag)
    if by_tag:
        given = given[100:220]
    found = check_detector(lambda: PlantDetector([plant_of(tank_model)]), given)
    assert by_tag or [one.rule_id for one in found if one.level == "high"]


def test_one_episode_is_told_once_with_the_tag_the_readings_and_the_chance(tank_model: PlantModel) -> None:
    readings = lying(tank(200, seed=9), 100, 140, 5, 8.0)
    found = [
        one
        for one in told(tank_model, events(readings))
        if one.level == "high" and "still" not in one.rule_title
    ]
    judged = Watcher(tank_model).judge(readings)
    apart, last, begun = dict(BLOCKS)[tank_model.promise.unit] // APART, None, []
    for time in judged.times[judged.alarms].tolist():
        begun += [time] if last is None or time - last > apart else []
        last = time
    assert [(one.time - START) // HOUR for one in found] == [time // HOUR for time in begun]
    one = next(one for one in found if (one.time - START) // HOUR >= 100)
    assert one.rule_title == "The plant works is out of step, PRESSURE first"
    assert (one.subject.kind, one.subject.id, one.techniques, one.auth) == ("plant", "works", (), "token")
    assert one.p_value == p_value(tank_model.promise)
    assert 0 < one.p_value <= 1
    (claim,) = one.claims
    assert claim.values["tag"] == "PRESSURE"
    assert float(claim.values["shown"]) == pytest.approx(float(claim.values["expected"]) + 8, abs=2)
    assert f"PRESSURE={readings.values[(one.time - START) // HOUR, 5]}" in one.evidence[0].raw


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 400), max_size=5))
def test_restarts_and_portions_change_nothing(tank_model: PlantModel, seed: int, cuts: list[int]) -> None:
    rng = random.Random(seed)
    given = list(events(lying(with_gaps(tank(70, seed=seed), 0.1, seed), 40, 60, seed % 6, 9.0), by_tag=True))
    given = [replace(one, ingest=one.time + rng.randrange(200) * SECOND) for one in given]
    given.sort(key=lambda one: one.ingest)
    detector, kept, found = PlantDetector([plant_of(tank_model)]), {}, []
    for first, last in itertools.pairwise([0, *sorted(cuts), len(given)]):
        found += detector.process(EventBatch.of(given[first:last]))
        detector.changes().fold_into(kept)
        detector = PlantDetector([plant_of(tank_model)])
        detector.restore_rows(kept, detector.version)
    found += detector.advance(END_OF_TIME)
    assert {one.id: one for one in found} == {one.id: one for one in told(tank_model, given)}


def test_tags_that_fail_together_are_told_together(tank_model: PlantModel) -> None:
    given = [
        event(
            at, instant, {tag: value for tag, value in shown.items() if at < 30 or tag in ("LEVEL", "PUMP")}
        )
        for at, (instant, shown) in enumerate(rows(tank(60)))
    ]
    missing = [one for one in told(tank_model, given) if one.rule_id == "plant-missing/works"]
    assert 1 <= len(missing) < 4
    assert sum(1 + int(one.claims[0].values.get("more", 0)) for one in missing) == 4
    assert {one.level for one in missing} == {"low"}


def test_a_source_that_falls_silent_is_told_once_by_the_clock_of_the_log(tank_model: PlantModel) -> None:
    detector = PlantDetector([plant_of(tank_model)])
    given = events(tank(40))
    found = list(detector.process(EventBatch.of(given)))
    for minute in range(40 * 60):
        found += detector.advance(given[-1].ingest + minute * 60 * SECOND)
    silent = [one for one in found if one.rule_id == "plant-silent/works"]
    assert len(silent) == 1
    assert silent[0].evidence[0].event_id == given[-1].id
    assert detector.now()["works"].silent
    later = events(tank(10, seed=2), START + 90 * HOUR)
    found = list(detector.process(EventBatch.of(replace(one, seq=one.seq + 100) for one in later)))
    assert not [one for one in found if one.rule_id == "plant-gap/works"]
    assert not detector.now()["works"].silent


def passed(detector: PlantDetector, start: int, end: int) -> list[Finding]:
    """What is told while the log goes on from one instant to another, and nothing comes."""
    return [
        finding for now in range(start, end, 60 * SECOND) for finding in detector.advance(now - 120 * SECOND)
    ]


def test_a_source_is_not_silent_while_nobody_listened(tank_model: PlantModel) -> None:
    """Down for ten hours: when the backlog comes minutes after the start, nothing is told, and no pause is learnt."""
    detector, given = PlantDetector([plant_of(tank_model)]), events(tank(60))
    found: list[Finding] = []
    kept: dict[str, bytes] = {}
    for at, one in enumerate(given):
        found += passed(detector, one.ingest - HOUR, one.ingest)
        if at == 40:
            break
        found += detector.process(EventBatch.of([one]))
        detector.changes().fold_into(kept)
    back = given[50].ingest
    detector = PlantDetector([plant_of(tank_model)])
    detector.restore_rows(kept, detector.version)
    found += passed(detector, back - 5 * 60 * SECOND, back)
    found += detector.process(EventBatch.of(replace(one, ingest=back) for one in given[40:51]))
    assert not [one for one in found if one.rule_id in ("plant-silent/works", "plant-gap/works")]
    found = passed(detector, back, back + 6 * HOUR)
    assert [one.rule_id for one in found] == ["plant-silent/works"], "and then it is told as soon as ever"


def test_an_outage_delays_no_later_notice_of_silence_for_good(tank_model: PlantModel) -> None:
    """After two days without readings the next silences are told soon again, once the outage is two weeks ago."""
    detector, at, seq, told_after = PlantDetector([plant_of(tank_model)]), START, 0, []
    for days, pause in ((3, 48), (16, 0), (1, 100)):
        for one in events(tank(24 * days, seed=days), at):
            passed(detector, at, one.ingest)
            detector.process(EventBatch.of([replace(one, seq=seq)]))
            at, seq = one.time, seq + 1
        for minute in range(60, 60 * pause):
            found = detector.advance(at + minute * 60 * SECOND)
            told_after += [minute // 60 for one in found if one.rule_id == "plant-silent/works"]
        at += (pause + 1) * HOUR
    first, second = told_after
    assert second <= first + 1


def test_what_does_not_count_breaks_no_silence(tank_model: PlantModel) -> None:
    """A clock that jumped, and names that changed: readings come, and nobody watches."""
    for spoil in (
        lambda one: replace(one, time=one.ingest, time_known=False),
        lambda one: replace(one, fields={**one.fields, "readings": {"RENAMED": 1.0}}),
        lambda one: replace(one, time=START),
    ):
        detector, found = PlantDetector([plant_of(tank_model)]), []
        given = events(tank(90))
        for at, one in enumerate(given):
            found += passed(detector, one.ingest - HOUR, one.ingest)
            found += detector.process(EventBatch.of([one if at < 40 else spoil(one)]))
        silent = [one for one in found if one.rule_id == "plant-silent/works"]
        assert len(silent) == 1
        assert silent[0].evidence[0].event_id == given[39].id
        assert detector.now()["works"].heard == given[39].ingest


def test_an_alarm_that_lasts_is_told_again_each_twelve_hours(tank_model: PlantModel) -> None:
    readings = lying(tank(150, seed=9), 100, 150, 5, 8.0)
    found = [one for one in told(tank_model, events(readings)) if one.level == "high"]
    later = [one for one in found if "still" in one.rule_title]
    begun = [one for one in found if "still" not in one.rule_title]
    assert [one.time - begun[-1].time for one in later] == [12 * HOUR, 24 * HOUR, 36 * HOUR]
    assert {one.rule_id for one in found} == {"plant-alarm/works"}
    desk = IncidentDesk()
    desk.add(found[-4:])
    (incident,) = desk.all()
    resolved = replace(decision(incident, "resolved", 0), count=incident.count - 1)
    assert status_of(incident, {incident.id: resolved}) == "regressed"


@pytest.mark.parametrize("where", ["judge", "take"])
def test_an_error_with_one_plant_stops_no_other(
    tank_model: PlantModel, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    broken, whole = plant_of(tank_model, "broken"), plant_of(tank_model)
    detector = PlantDetector([broken, whole])
    judge, take = Watcher.judge, Gathering.take
    fails = True

    def failing_judge(self: Watcher, readings: Readings) -> Judged:
        if fails and self is detector._watched["broken"]._watcher:
            raise FloatingPointError("overflow encountered in square")
        return judge(self, readings)

    def failing_take(
        self: Gathering, instant: int, came: int, readings: dict[int, float], piece: Piece
    ) -> int:
        if fails and self is detector._watched["broken"]._gathering:
            raise MemoryError
        return take(self, instant, came, readings, piece)

    if where == "judge":
        monkeypatch.setattr(Watcher, "judge", failing_judge)
    else:
        monkeypatch.setattr(Gathering, "take", failing_take)
    shown = [*rows(tank(60))]
    given = [
        event(2 * at + beside, instant, values, plant=name)
        for at, (instant, values) in enumerate(shown) for beside, name in enumerate(("broken", "works"))
    ]  # fmt: skip
    kept: dict[str, bytes] = {}
    found = []
    for one in given:
        found += detector.process(EventBatch.of([one]))
        found += detector.advance(one.ingest)
        detector.changes().fold_into(kept)
    failed = [one for one in found if one.rule_id == "plant-failed/broken"]
    assert 2 <= len(failed) <= 3, "once a day"
    assert failed[0].level == "medium"
    assert "line" in failed[0].claims[0].values["tag"]
    assert "An error of Tocsin's" in clause(failed[0].claims[0])
    assert detector.now()["works"].rows >= 58
    fails = False
    again = PlantDetector([broken, whole])
    again.restore_rows(kept, again.version)
    assert again.snapshot() == detector.snapshot()
    more = [
        event(1000 + at, instant + 60 * HOUR, values, plant="broken")
        for at, (instant, values) in enumerate(shown)
    ]
    detector.process(EventBatch.of(more))
    assert detector.now()["broken"].rows >= 58


def test_a_notice_of_a_tag_cites_its_reading(tank_model: PlantModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many other events the row has."""
    monkeypatch.setattr(bounds, "PLANT_EVIDENCE", 1)
    given = events(lying(tank(90, seed=4), 20, 90, 2, 2.5), by_tag=True)
    drifts = [one for one in told(tank_model, given) if one.rule_id == "plant-drift/works"]
    assert drifts
    for one in drifts:
        assert f"{one.claims[0].values['tag']}=" in one.evidence[0].raw


def test_a_plant_that_sends_a_file_a_day_is_silent_only_the_first_time(tank_model: PlantModel) -> None:
    detector, silent = PlantDetector([plant_of(tank_model)]), []
    for day in range(4):
        came = START + (day + 1) * DAY
        for one in events(tank(24, start=24 * day), START + day * DAY):
            detector.process(EventBatch.of([replace(one, seq=one.seq + 100 * day, ingest=came)]))
        for minute in range(24 * 60):
            found = detector.advance(came + minute * 60 * SECOND)
            silent += [day for one in found if one.rule_id == "plant-silent/works"]
    assert silent == [0]
    assert detector.now()["works"].rows == 96
    assert detector.now()["works"].late == 0


def test_an_older_history_is_counted_and_told_with_what_to_do(tank_model: PlantModel) -> None:
    came = START + 400 * DAY  # as `sources/listened` makes events of it: they count when they came
    old = [
        replace(one, time=came, ingest=came, time_known=False, raw=f"plant LEVEL=1 {one.time}")
        for one in events(tank(30))
    ]
    detector = PlantDetector([plant_of(tank_model)])
    found = [*detector.process(EventBatch.of(old)), *detector.advance(came + HOUR)]
    (one,) = [one for one in found if one.rule_id == "plant-untimed/works"]
    assert one.level == "medium"
    assert "`tocsin plant watch`" in clause(one.claims[0])
    assert (detector.now()["works"].untimed, detector.now()["works"].rows) == (30 * 6, 0)
    again = PlantDetector([plant_of(tank_model)])
    again.restore(detector.snapshot(), detector.version)
    assert again.now()["works"].untimed == 30 * 6


def test_strange_tags_late_readings_and_wrong_times_are_counted_and_told_once(tank_model: PlantModel) -> None:
    given = list(events(tank(30)))
    late = [event(100 + at, START + at * HOUR, {"LEVEL": 1.0}, came=given[-1].ingest) for at in range(5)]
    wrong = [
        replace(
            event(200, START, {"LEVEL": 1.0}),
            time=given[-1].ingest,
            ingest=given[-1].ingest,
            time_known=False,
        )
    ]
    strange = [event(300 + at, given[-1].time, {f"X{at}": 1.0, "Y": True}) for at in range(200)]
    detector = PlantDetector([plant_of(tank_model)])
    found = detector.process(EventBatch.of([*given, *late, *wrong, *strange]))
    ids = [one.rule_id for one in found]
    assert ids.count("plant-late/works") == ids.count("plant-untimed/works") == 1
    levels = {one.rule_id: one.level for one in found}
    assert (levels["plant-untimed/works"], levels["plant-late/works"]) == ("medium", "low")
    assert ids.count("plant-new/works") == bounds.PLANT_STRANGE_TAGS - 1
    assert detector.now()["works"].late == 5


def test_the_time_of_tags_that_the_model_does_not_know_disturbs_nobody(tank_model: PlantModel) -> None:
    came = START + 400 * DAY
    one = replace(event(0, START, {"FIRMWARE": 7.0}), time=came, ingest=came, time_known=False)
    detector = PlantDetector([plant_of(tank_model)])
    assert [one.rule_id for one in detector.process(EventBatch.of([one]))] == ["plant-new/works"]
    assert detector.now()["works"].untimed == 0


def test_a_line_without_a_time_counts_when_it_came(tank_model: PlantModel) -> None:
    one = event(0, START, {"LEVEL": 3.0})
    detector = PlantDetector([plant_of(tank_model)])
    assert not detector.process(
        EventBatch.of([replace(one, time=one.ingest, time_known=False, raw="plant LEVEL=3.0")])
    )
    detector.advance(END_OF_TIME)
    assert detector.now()["works"].rows == 1


def test_words_names_and_odd_values(tank_model: PlantModel) -> None:
    plant = Plant("works", tank_model, {"PUMP": ("OFF", "ON")}, "d")
    detector = PlantDetector([plant])
    given = [
        {"PUMP": "ON", "value": 3.0},
        {"PUMP": 1.0, "LEVEL": float("inf")},
        {"PUMP": "BURNT", "LEVEL": 2**70, "INFLOW": 10**400},
        {"PUMP": True, "LEVEL": True, "OUTFLOW": None, "TOTAL": "text", "PRESSURE": []},
    ]
    for at, shown in enumerate(given):
        one = event(at, START + at * HOUR, shown)
        detector.process(EventBatch.of([replace(one, fields={**one.fields, "measurement": "LEVEL"})]))
    detector.advance(END_OF_TIME)
    assert detector.now()["works"].rows == 3  # in the second nothing was read


def test_an_alarm_says_in_which_unit(tank_model: PlantModel) -> None:
    given = events(lying(tank(200, seed=9), 100, 140, 5, 8.0))
    detector = PlantDetector([replace(plant_of(tank_model), units={"PRESSURE": "mWS", "LEVEL": "m"})])
    found = [*detector.process(EventBatch.of(given)), *detector.advance(END_OF_TIME)]
    said = [clause(one.claims[0]) for one in found if one.level == "high"]
    assert any(re.search(r"PRESSURE shows [0-9.]+ mWS where [0-9.]+ mWS would fit", one) for one in said), (
        said
    )


def test_another_model_begins_anew_and_judges_what_waits(tank_model: PlantModel) -> None:
    old = PlantDetector([plant_of(tank_model), plant_of(tank_model, "other")])
    given = events(tank(20))
    old.process(EventBatch.of(given))
    kept: dict[str, bytes] = {}
    old.changes().fold_into(kept)
    before = old.now()["works"].rows
    newer = PlantDetector([plant_of(tank_model, digest="new")])
    newer.restore_rows(kept, "1")
    old.take_up([plant_of(tank_model, digest="new")])
    for detector in (newer, old):
        detector.advance(END_OF_TIME)
        assert detector.now()["works"].rows == 20 - before > 0
        changes = detector.changes()
        assert changes.reset
        assert not any(name.startswith("other/") for name in changes.put)


def test_the_same_model_goes_on_after_a_reload(tank_model: PlantModel) -> None:
    detector = PlantDetector([plant_of(tank_model)])
    detector.process(EventBatch.of(events(tank(20))))
    detector.changes()
    before = detector.now()
    detector.take_up([plant_of(tank_model)])
    assert detector.now() == before
    assert not detector.changes().reset


def test_a_state_of_another_version_or_damaged_is_refused(tank_model: PlantModel) -> None:
    detector = PlantDetector([plant_of(tank_model)])
    detector.process(EventBatch.of(events(tank(20))))
    kept = dict(detector.changes().put)
    for rows_, version in (
        (kept, "0"), ({**kept, "works/known": b"x"}, "1"), ({**kept, "works/grid/span/x": b""}, "1"), ({WHOLE: b"\x01"}, "1"),
    ):  # fmt: skip
        with pytest.raises(PluginError):
            PlantDetector([plant_of(tank_model)]).restore_rows(rows_, version)


def test_what_a_row_commits_is_small(tank_model: PlantModel) -> None:
    detector = PlantDetector([plant_of(tank_model)])
    given = events(tank(400))
    detector.process(EventBatch.of(given[:-1]))
    detector.changes()
    detector.process(EventBatch.of(given[-1:]))
    changes = detector.changes()
    assert not changes.reset
    assert sum(map(len, changes.put.values())) < 8_000
