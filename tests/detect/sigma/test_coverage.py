"""What can fire on what: by hand on small rules, by property, and on SigmaHQ's rules."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.rule import SigmaRule

from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.detect.sigma.catalogue.model import Catalogue, Switch, kind, supply
from tocsin.detect.sigma.coverage import firing, for_sources, judge
from tocsin.detect.sigma.reach import Condition
from tocsin.records.event import Logsource


@dataclass(frozen=True)
class Rule:
    key: str
    logsource: Logsource | None
    conditions: tuple[Condition, ...] = ()
    refers: tuple[str, ...] = ()
    needs_all: bool = False
    title: str = "a rule"


def rule(
    detection: str, logsource: str = "product: windows\ncategory: process_creation", key: str = "r"
) -> Rule:
    parsed = SigmaRule.from_dict(
        {
            "title": key,
            "status": "test",
            "logsource": yaml.safe_load(logsource),
            "detection": yaml.safe_load(detection),
        }
    )
    source = parsed.logsource
    return Rule(
        key,
        Logsource(source.product, source.category, source.service),
        tuple(condition.parsed for condition in parsed.detection.parsed_condition),
        title=key,
    )


def can_fire(
    detection: str, *switches: str, logsource: str = "product: windows\ncategory: process_creation"
) -> bool:
    return bool(firing([rule(detection, logsource)], CATALOGUE, switches))


COMMAND_LINE = "s: {Image|endswith: '\\x.exe', CommandLine|contains: y}\ncondition: s"


def test_command_line_needs_its_setting():
    assert not can_fire(COMMAND_LINE, "windows-default")
    assert not can_fire(COMMAND_LINE, "windows-process")
    assert can_fire(COMMAND_LINE, "windows-cmdline")
    assert can_fire(COMMAND_LINE, "windows-sysmon")


def test_a_setting_that_only_adds_fields_makes_no_events():
    alone = replace(CATALOGUE.switch("windows-cmdline"), includes=())
    catalogue = Catalogue((alone,))
    assert not firing([rule("s: {CommandLine: y}\ncondition: s")], catalogue, ["windows-cmdline"])


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
    assert can_fire(detection, switch, logsource="product: windows\nservice: security") is expected


def test_two_event_ids_cannot_hold_at_once():
    detection = "a: {EventID: 4624}\nb: {EventID: 4625}\ncondition: a and b"
    assert not can_fire(detection, "windows-default", logsource="product: windows\nservice: security")


def test_names_that_begin_alike():
    source = "product: aws\nservice: cloudtrail"
    assert can_fire("s: {userIdentity.type: Root}\ncondition: s", "aws", logsource=source)
    assert not can_fire("s: {userIdentityX.type: Root}\ncondition: s", "aws", logsource=source)


def why(detection, sources=None, logsource="product: windows\ncategory: process_creation"):
    (verdict,) = judge([rule(detection, logsource)], sources=sources)
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
        "product: windows\ncategory: ps_script",
    )
    assert (status, "script block logging" in text) == ("no-field", True)


def test_why_names_a_field_that_nothing_gives():
    status, text = why("s: {GrandParentImage|endswith: y}\ncondition: s")
    assert (status, "GrandParentImage, which no source" in text) == ("no-field", True)


def test_why_names_a_log_that_cannot_be_read_yet():
    status, text = why("s: {eventType: y}\ncondition: s", None, "product: okta\nservice: okta")
    assert (status, text) == ("no-field", "needs Okta system log, which Tocsin cannot read yet")


def test_why_of_a_log_that_nobody_knows():
    assert why("s: {a: b}\ncondition: s", None, "product: toaster") == (
        "no-field",
        "no source that Tocsin knows gives toaster",
    )


def test_why_of_an_active_rule_names_the_mildest_switch():
    assert "the command line in Windows" in why(COMMAND_LINE)[1]


def test_correlations_fire_when_what_they_refer_to_can():
    base = rule("s: {CommandLine: y}\ncondition: s", key="base")
    other = rule("s: {GrandParentImage: y}\ncondition: s", key="other")
    temporal = Rule("temporal", None, refers=("base", "other"), needs_all=True)
    counting = Rule("counting", None, refers=("base", "other"))
    nested = Rule("nested", None, refers=("counting",))
    verdicts = {v.key: v for v in judge([nested, counting, temporal, base, other])}
    assert [key for key, v in verdicts.items() if v.status == "active"] == ["nested", "counting", "base"]
    assert verdicts["temporal"].why == "correlates “other”, which cannot fire"


def test_a_correlation_that_refers_to_itself_never_settles_and_never_hangs():
    assert firing([Rule("self", None, refers=("self",))], CATALOGUE, ["windows-default"]) == frozenset()


def test_gains_are_what_one_more_switch_adds():
    coverage = for_sources(
        [rule(COMMAND_LINE, key="a"), rule("s: {Image: y}\ncondition: s", key="b")], ["windows-process"]
    )
    assert coverage.active == ("b",)
    assert {gain.switch.name: gain.rules for gain in coverage.gains} == {
        "windows-cmdline": ("a",),
        "windows-sysmon": ("a",),
    }


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
    return bool(firing([rule(yaml.safe_dump(detection), "product: p")], catalogue, ["s"]))


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
    rules = []
    for path in sorted((data / "sigma").rglob("*.yml")):
        parsed = SigmaRule.from_dict(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader))
        source = parsed.logsource
        rules.append(
            Rule(
                str(parsed.id),
                Logsource(source.product, source.category, source.service),
                tuple(condition.parsed for condition in parsed.detection.parsed_condition),
                title=parsed.title,
            )
        )
    return rules


def test_every_public_rule_gets_a_verdict_and_a_reason(sigma_hq):
    verdicts = judge(sigma_hq)
    assert len(verdicts) == len(sigma_hq)
    assert all(verdict.why for verdict in verdicts)


def test_windows_as_installed_feeds_a_tenth_to_a_fifth(sigma_hq):
    windows = [r for r in sigma_hq if r.logsource.product == "windows"]
    share = len(firing(windows, CATALOGUE, ["windows-default"])) / len(windows)
    with_processes = len(firing(windows, CATALOGUE, ["windows-process"])) / len(windows)
    assert 0.05 < share < 0.15
    assert 0.15 < with_processes < 0.25


def test_every_log_source_of_the_public_rules_is_in_the_catalogue_or_said_to_be_unknown(sigma_hq):
    unknown = {v.why for v in judge(sigma_hq) if v.why.startswith("no source that Tocsin knows")}
    assert unknown == {
        f"no source that Tocsin knows gives windows/{name}" for name in ("file_access", "file_rename")
    }
