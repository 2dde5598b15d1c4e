"""The detector as the engine sees it: findings, their ids and evidence, correlations, time-outs, state."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.detect.checks import check_detector
from tocsin.detect.interface import END_OF_TIME, Detector
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.detect.sigma.plain import PlainEvaluator, RuleIndex
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.finding import finding_id
from tocsin.records.instants import MINUTE

SYSMON = frozenset({Logsource("windows", "process_creation"), Logsource("windows", None, "sysmon")})
LOGON = frozenset({Logsource("windows", None, "security")})

RULES = """
    title: Shadow copies deleted
    id: 11111111-1111-1111-1111-111111111111
    level: high
    tags: [attack.impact, attack.t1490]
    logsource: {product: windows, category: process_creation}
    detection:
        sel: {Image|endswith: '\\vssadmin.exe', CommandLine|contains: delete}
        condition: sel
    ---
    title: Failed logon
    id: 22222222-2222-2222-2222-222222222222
    name: failed
    tags: [attack.t1110]
    logsource: {product: windows, service: security}
    detection:
        sel: {EventID: 4625}
        condition: sel
    ---
    title: Many failed logons
    id: 33333333-3333-3333-3333-333333333333
    level: medium
    correlation:
        type: event_count
        rules: [failed]
        group-by: [TargetUserName]
        timespan: 10m
        condition: {gte: 3}
    ---
    title: Anything on Windows
    logsource: {product: windows}
    detection:
        words: ['needle']
        condition: words
"""


def detector(text: str = RULES) -> SigmaDetector:
    loaded = load_rules([RuleText("rules.yml", textwrap.dedent(text))])
    assert not loaded.problems, loaded.problems
    return SigmaDetector(loaded)


def event(seq: int, fields: dict[str, Any], logsources: frozenset[Logsource] = SYSMON, **more: Any) -> Event:
    values: dict[str, Any] = {"time": seq * MINUTE, "host": "WS-014", "raw": f"raw {seq}"} | more
    return Event(
        stream="s",
        seq=seq,
        ingest=0,
        logsources=logsources,
        fields=fields,
        source="a.evtx",
        format="evtx",
        **values,
    )


VSSADMIN = {"Image": r"C:\Windows\System32\vssadmin.exe", "CommandLine": "vssadmin delete shadows"}


def failed(seq: int, user: str = "anna", **more: Any) -> Event:
    return event(seq, {"EventID": "4625", "TargetUserName": user}, LOGON, **more)


def test_a_match_is_a_finding_with_its_evidence() -> None:
    (finding,) = detector().process(EventBatch.of([event(0, {}), event(1, VSSADMIN, origin="simulated:d")]))
    assert finding.rule_id == "11111111-1111-1111-1111-111111111111"
    assert (finding.detector, finding.level, finding.techniques, finding.tactics) == (
        "sigma",
        "high",
        ("T1490",),
        ("impact",),
    )
    assert [piece.record for piece in finding.evidence] == [1]
    assert finding.evidence[0].raw == "raw 1"
    assert finding.time == finding.start == MINUTE
    assert (finding.subject.kind, finding.subject.id) == ("host", "WS-014")
    assert finding.origin == "simulated:d"
    assert finding.claims
    assert finding.id == finding_id("sigma", finding.rule_id, "", 0, [event(1, {}).id])


def test_only_rules_of_the_events_logsources_are_asked() -> None:
    found = detector()
    assert [rule.meta.title for rule in found.evaluate(event(0, VSSADMIN))] == ["Shadow copies deleted"]
    assert found.evaluate(event(0, VSSADMIN, LOGON)) == []
    assert found.evaluate(event(0, VSSADMIN, frozenset())) == []
    for logsources in (SYSMON, LOGON, frozenset({Logsource("windows")})):
        assert [rule.id for rule in found.evaluate(event(0, {"a": "a needle"}, logsources))] == [
            "Anything on Windows"
        ]


BY_ID = """
    title: {n}
    logsource: {{product: windows, service: security}}
    detection:
        sel: {{EventID: [4624, '4625']}}
        odd: {{EventID: ['0x10', 4625.0]}}
        other: {{User: anna}}
        start: {{EventID|startswith: '46'}}
        condition: {n}
    ---"""
CONDITIONS = [
    "sel", "odd", "other", "start", "not sel", "sel and other", "sel or other", "sel or odd", "sel and odd", "sel and not odd",
    "other and (sel or odd)", "not (sel or other)", "sel and start", "all of them", "1 of them",
]  # fmt: skip
EVENT_IDS = [
    4624,
    "4624",
    "4625",
    4625,
    4625.0,
    "4625.0",
    4634,
    "0x10",
    "0X10",
    "",
    None,
    True,
    [4625, "x"],
    [1, 4624],
    [],
    {"a": 1},
]


@pytest.mark.parametrize("evaluator", [PlainEvaluator, PlannedEvaluator])
def test_an_event_id_rules_out_no_rule_that_would_match(
    evaluator: type[PlainEvaluator | PlannedEvaluator],
) -> None:
    text = textwrap.dedent("".join(BY_ID.format(n=condition) for condition in CONDITIONS))
    loaded = load_rules([RuleText("r", text)])
    assert len(loaded.rules) == len(CONDITIONS)
    judge = evaluator(loaded.rules)
    for event_id in EVENT_IDS:
        for user in ("anna", "bo"):
            for fields in ({"EventID": event_id, "User": user}, {"User": user}):
                (given,) = judge.match([event(0, fields, LOGON)])
                assert given == tuple(r for r in loaded.rules if r.matches(EventView(fields))), fields


def test_the_index_gives_what_asking_every_rule_would() -> None:
    rules = load_rules([RuleText("r", textwrap.dedent(RULES))]).rules
    index = RuleIndex(rules)
    for logsources in (
        SYSMON,
        LOGON,
        frozenset({Logsource("linux")}),
        frozenset({Logsource(None, "process_creation")}),
    ):
        given_by_index = {rule.id for _, rule in index.candidates(logsources, (4625,))}
        assert given_by_index == {
            r.id for r in rules if any(have.satisfies(r.logsource) for have in logsources)
        }


def test_a_rule_that_feeds_a_correlation_reports_only_through_it() -> None:
    found = detector()
    assert found.process(EventBatch.of([failed(n) for n in range(4)])) == []
    assert found.advance(2 * MINUTE) == []
    (finding,) = found.advance(END_OF_TIME)
    assert finding.detector == "sigma-correlation"
    assert finding.rule_title == "Many failed logons"
    assert [piece.record for piece in finding.evidence] == [0, 1, 2, 3]
    assert finding.group == {"TargetUserName": "anna"}
    assert finding.techniques == ("T1110",)
    assert finding.claims[0].type == "repeated"
    assert finding.claims[0].values["count"] == "4"


def test_with_generate_it_also_reports_by_itself() -> None:
    found = detector(RULES.replace("type: event_count", "type: event_count\n        generate: true"))
    assert len(found.process(EventBatch.of([failed(n) for n in range(3)]))) == 3
    assert len(found.advance(END_OF_TIME)) == 1


def test_an_event_delivered_twice_counts_once() -> None:
    found = detector()
    found.process(EventBatch.of([failed(0), failed(1), failed(1), failed(0)]))
    assert found.advance(END_OF_TIME) == []


def test_it_keeps_the_contract() -> None:
    events = [
        event(0, VSSADMIN),
        *(failed(n) for n in range(1, 6)),
        failed(6, "bob"),
        event(7, {"x": ["needle"]}),
    ]
    findings = check_detector(detector, [*events, event(8, VSSADMIN), failed(30)])
    assert len(findings) == 4


SLOW = """
    title: Slow
    logsource: {product: windows}
    detection:
        sel: {a|re: '(?:x+x+)+y'}
        condition: not sel
    ---
    title: Quick
    logsource: {product: windows}
    detection:
        sel: {a|startswith: x}
        condition: sel
"""


def test_an_expression_that_takes_too_long_suspends_its_rule_visibly() -> None:
    found = detector(SLOW)
    hard = event(0, {"a": "x" * 5_000})
    for _ in range(bounds.REGEX_TIMEOUTS):
        assert found.suspended == ()
        assert [rule.meta.title for rule in found.evaluate(hard)] == [
            "Quick"
        ]  # not judged, so no false alarm
    (problem,) = found.suspended
    assert problem.title == "Slow"
    assert "regular expression" in problem.why
    assert [rule.meta.title for rule in found.evaluate(event(1, {"a": "b"}))] == []
    again = detector(SLOW)
    again.restore(found.snapshot(), found.version)
    assert again.suspended == found.suspended


def test_a_suspension_is_restored_for_the_condition_that_it_is_about() -> None:
    found = detector(SLOW)
    found.process(EventBatch.of(event(n, {"a": "x" * 5_000}) for n in range(bounds.REGEX_TIMEOUTS)))
    for text, suspended, matched in (
        (SLOW, ["Slow"], []),
        (SLOW.replace("title: Slow", "title: Slow\n    level: high"), ["Slow"], []),
        (SLOW.replace("(?:x+x+)+y", "x+y"), [], ["Slow"]),
        (SLOW.replace("title: Slow", "title: Gone"), [], ["Gone"]),
    ):
        again = detector(text)
        again.restore(found.snapshot(), found.version)
        assert [problem.title for problem in again.suspended] == suspended
        assert [rule.meta.title for rule in again.evaluate(event(9, {"a": "b"}))] == matched


def test_state_of_early_versions_is_read_and_suspends_nothing() -> None:
    found = detector(SLOW)
    found.process(EventBatch.of(event(n, {"a": "x" * 5_000}) for n in range(bounds.REGEX_TIMEOUTS)))
    assert found.suspended
    state = msgspec.msgpack.decode(found.snapshot())
    del state["digests"]
    again = detector(SLOW)
    again.restore(msgspec.msgpack.encode(state), found.version)
    assert again.suspended == (), "nobody knows what expression it was"


def test_a_condition_s_digest_is_the_same_in_every_process() -> None:
    text = """
        title: Of every kind
        logsource: {product: windows}
        detection:
            sel:
                - {a|re|i: 'x+', b: ['y*z', 1, null], c|cidr: 10.0.0.0/8}
                - {d|gte: 3, e|exists: true, f|fieldref: a, g|cased: 'Ä'}
            words: ['ü']
            condition: sel or not words
    """
    code = (
        "import sys; from tocsin.detect.sigma.loading import RuleText, load_rules; "
        "print(*(rule.digest.hex() for rule in load_rules([RuleText('r', sys.argv[1])]).rules))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code, textwrap.dedent(text)],
            capture_output=True, check=True, timeout=60, text=True, env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert told == {next(iter(detector(text)._rules.values())).digest.hex()}


def test_state_of_another_version_or_none_is_refused() -> None:
    with pytest.raises(PluginError, match="version 0"):
        detector().restore(detector().snapshot(), "0")
    with pytest.raises(PluginError, match="state"):
        detector().restore(b"rubbish", "1")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["EventID", "TargetUserName", "Image", "a.b"]), _VALUES), max_size=4
    )
)
def test_any_fields_are_judged_without_error(all_fields: list[dict[str, Any]]) -> None:
    found = detector()
    found.process(EventBatch.of(event(n, fields, SYSMON | LOGON) for n, fields in enumerate(all_fields)))
    found.advance(END_OF_TIME)


@settings(max_examples=40)
@given(
    users=st.lists(st.sampled_from(["anna", "bob"]), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=4),
)
def test_batches_cut_anywhere_give_the_same_findings(users: list[str], cuts: list[int]) -> None:
    events = [failed(n, user) for n, user in enumerate(users)]

    def found(batches: Sequence[Sequence[Event]]) -> set[str]:
        one = detector()
        told = [finding for batch in batches for finding in one.process(EventBatch.of(batch))]
        return {finding.id for finding in [*told, *one.advance(END_OF_TIME)]}

    edges = [0, *sorted(cut for cut in cuts if cut <= len(events)), len(events)]
    assert found([events[a:b] for a, b in pairwise(edges)]) == found([events])


def test_the_checks_catch_what_breaks_the_contract() -> None:
    class Forgetful(SigmaDetector):
        def restore(self, state: bytes, version: str) -> None:
            pass

    class Dreaming(SigmaDetector):
        def process(self, batch: EventBatch) -> Any:
            return super().process(EventBatch.of([*batch, event(99, VSSADMIN)]))

    class Counting(SigmaDetector):
        def process(self, batch: EventBatch) -> Any:
            return list(super().process(batch))[:1]

    class Fat(SigmaDetector):
        def __init__(self, rules: Any) -> None:
            super().__init__(rules)
            self.memory_bound = 1

    loaded = load_rules([RuleText("r", textwrap.dedent(RULES))])
    events = [event(0, VSSADMIN), event(1, VSSADMIN), *(failed(n) for n in range(2, 8))]
    for kind, told in (
        (Forgetful, "snapshot"),
        (Dreaming, "never given"),
        (Counting, "batches"),
        (Fat, "bound"),
    ):
        with pytest.raises(PluginError, match=told):
            check_detector(lambda kind=kind: kind(loaded), events)
    assert isinstance(SigmaDetector(loaded), Detector)


def test_a_value_count_says_what_was_counted():
    text = RULES.replace("type: event_count", "type: value_count").replace(
        "condition: {gte: 3}", "condition: {field: IpAddress, gte: 2}"
    )
    judge = detector(text)
    tried = [
        event(n, {"EventID": 4625, "TargetUserName": "anna", "IpAddress": f"10.0.0.{n}"}, LOGON)
        for n in range(3)
    ]
    (finding,) = [*judge.process(EventBatch(tuple(tried))), *judge.advance(END_OF_TIME)]
    counted = finding.claims[0].values
    assert (counted["count"], counted["distinct"], counted["counted"]) == ("3", "3", "IpAddress")
