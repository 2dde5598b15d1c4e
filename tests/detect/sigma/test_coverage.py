"""What can fire on what: by hand on small rules, by property, and on SigmaHQ's rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.detect.sigma.catalogue.model import Catalogue, Switch, kind, supply
from tocsin.detect.sigma.coverage import firing, for_sources, judge
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleSet, RuleText
from tocsin.engine.rule_files import rule_texts

PROCESS = "{product: windows, category: process_creation}"


def text(detection: str, logsource: str = PROCESS, key: str = "r") -> str:
    return yaml.safe_dump(
        {
            "title": key,
            "id": key,
            "name": key,
            "logsource": yaml.safe_load(logsource),
            "detection": yaml.safe_load(detection),
        }
    )


def rules(*texts: str) -> RuleSet:
    found = load_rules([RuleText("r.yml", "---\n".join(texts))])
    assert not found.problems, found.problems
    return found


def rule(detection: str, logsource: str = PROCESS) -> RuleSet:
    return rules(text(detection, logsource))


def can_fire(detection: str, *switches: str, logsource: str = PROCESS) -> bool:
    return bool(firing(rule(detection, logsource), CATALOGUE, switches))


COMMAND_LINE = "s: {Image|endswith: '\\x.exe', CommandLine|contains: y}\ncondition: s"


def test_command_line_needs_its_setting():
    assert not can_fire(COMMAND_LINE, "windows-default")
    assert not can_fire(COMMAND_LINE, "windows-process")
    assert can_fire(COMMAND_LINE, "windows-cmdline")
    assert can_fire(COMMAND_LINE, "windows-sysmon")


def test_a_setting_that_only_adds_fields_makes_no_events():
    alone = replace(CATALOGUE.switch("windows-cmdline"), includes=())
    catalogue = Catalogue((alone,))
    assert not firing(rule("s: {CommandLine: y}\ncondition: s"), catalogue, ["windows-cmdline"])


def test_an_alternative_without_the_field_is_enough():
    detection = "a: {CommandLine|contains: y}\nb: {Image|endswith: '\\y.exe'}\ncondition: 1 of them"
    assert can_fire(detection, "windows-process")


def test_not_over_an_absent_field_is_no_obstacle():
    detection = "s: {Image|endswith: '\\x.exe'}\nf: {CommandLine|contains: y}\ncondition: s and not f"
    assert can_fire(detection, "windows-process")


def test_a_negated_filter_of_null_on_an_absent_field_is_an_obstacle():
    detection = "s: {Image|endswith: '\\x.exe'}\nf: {CommandLine: null}\ncondition: s and not f"
    assert not can_fire(detection, "windows-process")
    assert can_fire(detection, "windows-cmdline")


@pytest.mark.parametrize(
    ("atom", "expected"), [("{CommandLine|exists: false}", True), ("{CommandLine|exists: true}", False)]
)
def test_exists(atom, expected):
    assert can_fire(f"s: {atom}\ncondition: s", "windows-process") is expected


def test_fieldref_needs_both_fields():
    detection = "s: {Image|fieldref: OriginalFileName}\ncondition: s"
    assert not can_fire(detection, "windows-process")
    assert can_fire(detection, "windows-sysmon")


@pytest.mark.parametrize(
    ("event_id", "switch", "expected"),
    [
        ("4625", "windows-default", True),
        ("4698", "windows-default", False),
        ("4698", "windows-audit", True),
        ("4662", "windows-audit", False),
        ("4662", "windows-ad", True),
        ("[9999, '46*']", "windows-default", True),
        ("'9*'", "windows-default", False),
    ],
)
def test_event_ids_that_a_setting_logs(event_id, switch, expected):
    detection = f"s: {{EventID: {event_id}}}\ncondition: s"
    assert can_fire(detection, switch, logsource="{product: windows, service: security}") is expected


def test_two_event_ids_cannot_hold_at_once():
    detection = "a: {EventID: 4624}\nb: {EventID: 4625}\ncondition: a and b"
    assert not can_fire(detection, "windows-default", logsource="{product: windows, service: security}")


def test_names_that_begin_alike():
    source = "{product: aws, service: cloudtrail}"
    assert can_fire("s: {userIdentity.type: Root}\ncondition: s", "aws", logsource=source)
    assert not can_fire("s: {userIdentityX.type: Root}\ncondition: s", "aws", logsource=source)


def why(detection, sources=None, logsource=PROCESS):
    (verdict,) = judge(rule(detection, logsource), sources=sources)
    return verdict.status, verdict.why


def test_why_names_the_field_and_what_adds_it():
    status, text = why(COMMAND_LINE, ["windows-process"])
    assert status == "no-field"
    assert text.startswith(
        "needs CommandLine, which is not logged until you switch on 'Audit Process Creation'"
    )
    assert "Include command line in process creation events" in text


def test_why_names_the_log_that_is_not_collected():
    status, text = why(
        "s: {ScriptBlockText|contains: y}\ncondition: s",
        ["windows-default"],
        "{product: windows, category: ps_script}",
    )
    assert (status, "script block logging" in text) == ("no-field", True)


def test_why_names_a_field_that_nothing_gives():
    status, text = why("s: {GrandParentImage|endswith: y}\ncondition: s")
    assert (status, "GrandParentImage, which no source" in text) == ("no-field", True)


def test_why_names_a_log_that_cannot_be_read_yet():
    status, text = why("s: {eventType: y}\ncondition: s", None, "{product: okta, service: okta}")
    assert (status, text) == ("no-field", "needs Okta system log, which Tocsin cannot read yet")


def test_why_of_a_log_that_nobody_knows():
    assert why("s: {a: b}\ncondition: s", None, "{product: toaster}") == (
        "no-field",
        "no source that Tocsin knows gives toaster",
    )


def test_why_of_an_active_rule_names_the_mildest_switch():
    assert "the command line in Windows" in why(COMMAND_LINE)[1]


def correlation(key: str, of: str, members: str) -> str:
    condition = "" if of == "temporal" else "condition: {gte: 2}"
    return f"title: {key}\nid: {key}\ncorrelation:\n  type: {of}\n  rules: {members}\n  timespan: 1h\n  {condition}\n"


def test_correlations_fire_when_what_they_refer_to_can():
    found = rules(
        text("s: {CommandLine: y}\ncondition: s", key="base"),
        text("s: {GrandParentImage: y}\ncondition: s", key="other"),
        correlation("nested", "event_count", "[counting]"),
        correlation("counting", "event_count", "[base, other]"),
        correlation("both", "temporal", "[base, other]"),
    )
    verdicts = {v.key: v for v in judge(found)}
    assert {key for key, v in verdicts.items() if v.status == "active"} == {"nested", "counting", "base"}
    assert verdicts["both"].why == "correlates “other”, which cannot fire"


def test_gains_are_what_one_more_switch_adds():
    found = rules(text(COMMAND_LINE, key="a"), text("s: {Image: y}\ncondition: s", key="b"))
    coverage = for_sources(found, ["windows-process"])
    assert coverage.active == ("b",)
    assert {gain.switch.name: gain.rules for gain in coverage.gains} == {
        "windows-cmdline": ("a",), "windows-sysmon": ("a",),
    }  # fmt: skip


FIELDS = ("a", "b", "c", "d")


def detections():
    atoms = st.sampled_from(FIELDS).map(lambda name: {name: "x"})
    selections = st.lists(atoms, min_size=1, max_size=4).map(
        lambda parts: {k: v for part in parts for k, v in part.items()}
    )
    return st.lists(selections, min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from(["1 of s*", "all of s*"]).map(
            lambda condition: {**{f"s{n}": part for n, part in enumerate(parts)}, "condition": condition}
        )
    )


def fired_with(detection, fields):
    of = kind("k", ("p", None, None))
    catalogue = Catalogue((Switch("s", "s", "s", (supply(of, " ".join(fields)),)),))
    return bool(firing(rule(yaml.safe_dump(detection), "{product: p}"), catalogue, ["s"]))


@settings(max_examples=150)
@given(detections(), st.sets(st.sampled_from(FIELDS), min_size=1), st.sets(st.sampled_from(FIELDS)))
def test_more_fields_never_take_a_rule_without_negation_away(detection, fields, more):
    if fired_with(detection, fields):
        assert fired_with(detection, fields | more)


@settings(max_examples=150)
@given(detections(), st.sets(st.sampled_from(FIELDS), min_size=1), st.booleans())
def test_the_answer_is_that_of_trying_every_event(detection, fields, negated):
    """Independent judge: try every event that has some of the kind's fields, each holding or not."""
    if negated:
        detection = {**detection, "condition": f"not ({detection['condition']})"}

    def holds(event):
        answers = [
            all(name in event for name in part) for key, part in detection.items() if key != "condition"
        ]
        answer = any(answers) if "1 of" in detection["condition"] else all(answers)
        return answer is not negated

    names = sorted(fields)
    events = [{n for i, n in enumerate(names) if mask >> i & 1} for mask in range(2 ** len(names))]
    assert fired_with(detection, fields) is any(holds(event) for event in events)


@pytest.fixture(scope="module")
def sigma_hq(data):
    return load_rules(rule_texts([data / "sigma"]).texts)


def test_every_public_rule_gets_a_verdict_and_a_reason(sigma_hq):
    verdicts = judge(sigma_hq)
    assert [v.key for v in verdicts] == [r.id for r in (*sigma_hq.rules, *sigma_hq.correlations)]
    assert all(verdict.why for verdict in verdicts)
    assert not [v.why for v in verdicts if v.why.startswith("no source that Tocsin knows")]


def test_windows_as_installed_feeds_a_tenth_to_a_fifth(sigma_hq):
    windows = replace(sigma_hq, rules=tuple(r for r in sigma_hq.rules if r.logsource.product == "windows"))
    share = len(firing(windows, CATALOGUE, ["windows-default"])) / len(windows.rules)
    with_processes = len(firing(windows, CATALOGUE, ["windows-process"])) / len(windows.rules)
    assert 0.05 < share < 0.15
    assert 0.15 < with_processes < 0.25


@pytest.mark.parametrize(
    ("condition", "status"),
    [("", "no-field"), ("condition: {gte: 2}", "no-field"), ("condition: {gte: 1}", "active")],
)
def test_a_temporal_correlation_needs_as_many_members_as_its_condition_says(
    condition: str, status: str
) -> None:
    text = f"""
title: Fed
name: fed
logsource: {{product: linux}}
detection: {{words: [x], condition: words}}
---
title: Starved
name: starved
logsource: {{product: macos, category: process_creation}}
detection: {{sel: {{Image: x}}, condition: sel}}
---
title: Both
correlation:
  type: temporal
  rules: [fed, starved]
  group-by: [host]
  timespan: 1h
  {condition}
"""
    found = load_rules([RuleText("both.yml", text)])
    assert found.problems == ()
    assert next(verdict.status for verdict in judge(found) if verdict.title == "Both") == status
