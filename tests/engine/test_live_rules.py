"""Rules change while events flow: each event is judged once, by one set; windows and suspensions go on."""

from __future__ import annotations

from textwrap import dedent
from threading import Thread

import pytest

from tocsin.config import bounds
from tocsin.detect.checks import check_detector
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import RuleText
from tocsin.engine.live_rules import LiveDetector
from tocsin.engine.rule_files import RuleTexts
from tocsin.engine.rule_sets import LoadedRules, load
from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.instants import MINUTE

SYSMON = frozenset({Logsource("windows", None, "sysmon")})
COUNTED = """
    ---
    title: Three of them
    id: three
    correlation:
        type: event_count
        rules: [logon]
        group-by: [User]
        timespan: 10m
        condition: {gte: 3}
    ---
    title: Logon
    id: logon
    logsource: {product: windows}
    detection: {selection: {EventID: 4624}, condition: selection}
"""


def rules(number: int, more: str = "") -> LoadedRules:
    """A rule that every event matches and whose id says which set it is of, and `more`."""
    text = f"""
    title: Set {number}
    id: set-{number}
    logsource: {{product: windows}}
    detection: {{selection: {{Kind|exists: true}}, other: {{Image: x}}, condition: selection}}
    """
    loaded, _ = load(RuleTexts((RuleText("rules.yml", dedent(text) + dedent(more)),)), {})
    return loaded


def event(seq: int, **fields) -> Event:
    fields = {"Kind": "a", "EventID": 4624, "User": "anna"} | fields
    return Event("s", seq, seq * MINUTE, seq * MINUTE, SYSMON, fields, "{}", "a.json", "evtx")


def test_it_is_a_detector():
    events = [event(seq) for seq in range(12)]
    assert check_detector(lambda: LiveDetector(rules(0, COUNTED)), events)


def test_each_event_is_judged_once_and_sets_follow_in_order():
    detector = LiveDetector(rules(0))
    told = []

    def offer_all() -> None:
        for number in range(1, 40):
            detector.offer(detector.prepare(rules(number)))

    offering = Thread(target=offer_all)
    offering.start()
    seq = 0
    while offering.is_alive() or seq < 1_000:
        told += detector.process(EventBatch.of(event(seq + one) for one in range(5)))
        seq += 5
    offering.join()
    told += detector.process(EventBatch.of([event(seq)]))
    assert [finding.evidence[0].event_id.seq for finding in told] == list(range(seq + 1))
    sets = [int(finding.rule_id.removeprefix("set-")) for finding in told]
    assert sets == sorted(sets)
    assert sets[-1] == 39
    assert all(len(set(sets[begin : begin + 5])) == 1 for begin in range(0, seq, 5)), "a batch has one set"


FURTHER = """
    ---
    title: Two logons
    id: two
    correlation:
        type: event_count
        rules: [logon]
        group-by: [User]
        timespan: 1m
        condition: {gte: 2}
"""


@pytest.mark.parametrize(("more", "moved"), [(COUNTED, True), (COUNTED + FURTHER, False)])
def test_windows_go_on_over_a_change(more, moved):
    detector = LiveDetector(rules(0, COUNTED))
    found = [*detector.process(EventBatch.of([event(0), event(1)]))]
    before = detector.current
    detector.offer(detector.prepare(rules(1, more)))
    found += detector.process(EventBatch.of([event(2)]))
    assert detector.current is not before
    assert (detector.current.correlations is before.correlations) == moved, "the flow waits for no copy"
    found += detector.advance(END_OF_TIME)
    whole = SigmaDetector(rules(0, COUNTED).ruleset)
    whole.process(EventBatch.of([event(0), event(1), event(2)]))
    assert [one.id for one in found if one.rule_id == "three"] == [
        one.id for one in whole.advance(END_OF_TIME) if one.rule_id == "three"
    ]
    assert "three" in {one.rule_id for one in found}


def test_what_was_taken_up_is_told_before_its_first_batch():
    log = []
    detector = LiveDetector(rules(0), lambda taken: log.append(taken.note))
    detector.process(EventBatch.of([event(0)]))
    new = rules(1)
    detector.offer(detector.prepare(rules(2)))
    detector.offer(detector.prepare(new))
    assert log == []
    detector.process(EventBatch.of([event(1)]))
    detector.process(EventBatch.of([event(2)]))
    assert log == [new.note], "once, and only the last that was offered"


def test_a_suspension_goes_on_unless_the_condition_changed():
    pattern = """
    ---
    title: Slow
    id: slow
    logsource: {product: windows}
    detection: {selection: {'Text|re': '%s'}, condition: selection}
    """
    slow, quick = pattern % r"(x+x+)+\d", pattern % r"x+\d"
    hard = [event(seq, Text="x" * 5_000) for seq in range(bounds.REGEX_TIMEOUTS)]
    detector = LiveDetector(rules(0, slow))
    detector.process(EventBatch.of(hard))
    assert [one.rule for one in detector.current.suspended] == ["slow"]
    for number, text, suspended in ((1, slow, ["slow"]), (2, quick, [])):
        detector.offer(detector.prepare(rules(number, text)))
        detector.process(EventBatch.of([event(9)]))
        assert [one.rule for one in detector.current.suspended] == suspended
    assert {one.rule_id for one in detector.process(EventBatch.of([event(10, Text="xx1")]))} == {
        "set-2",
        "slow",
    }
