from dataclasses import replace

from tests.incidents.making import finding

from tocsin.incidents.desk import IncidentDesk
from tocsin.incidents.noise import noisy_rules
from tocsin.incidents.ranking import needs_you
from tocsin.records.instants import DAY, HOUR, MINUTE


def desk(*findings):
    one = IncidentDesk()
    one.add(findings)
    return one


def test_a_lone_mild_finding_needs_nobody():
    one = desk(finding("a", level="low", host="WS-1"), finding("b", DAY, level="informational", host="WS-1"))
    assert one.incidents() == ()
    assert len(one.quiet()) == 2


def test_a_lone_medium_finding_needs_you():
    assert [i.severity for i in desk(finding(level="medium", host="WS-1")).incidents()] == ["medium"]


def test_mild_findings_that_tell_a_progress_need_you():
    steps = ["discovery", "credential-access", "lateral-movement"]
    found = [finding(f"r{n}", n * MINUTE, level="low", host="WS-1", tactics=[t]) for n, t in enumerate(steps)]
    assert [i.severity for i in desk(*found).incidents()] == ["medium"]
    assert desk(*found[:2]).incidents() == ()


def test_one_rule_with_many_tactics_tells_no_progress():
    many = ["execution", "persistence", "privilege-escalation", "discovery"]
    found = [finding("r", n * MINUTE, level="low", host="WS-1", tactics=many) for n in range(9)]
    assert desk(*found).incidents() == ()


def test_many_rules_on_one_event_tell_no_progress():
    tactics = ["discovery", "credential-access", "impact"]
    same = [finding(f"r{n}", 0, level="high", host="WS-1", tactics=[t], seq=4) for n, t in enumerate(tactics)]
    shared = [replace(one, evidence=same[0].evidence) for one in same]
    assert desk(*shared).incidents()[0].score < desk(*same).incidents()[0].score


def test_two_mild_rules_do_not_raise_a_medium_one():
    found = [
        finding("m", 0, level="medium", host="WS-1", tactics=["execution"]),
        finding("l1", 1, level="low", host="WS-1", tactics=["discovery"]),
        finding("l2", 2, level="low", host="WS-1", tactics=["impact"]),
    ]
    assert desk(*found).incidents()[0].severity == "medium"


def test_five_tactics_by_five_rules_make_a_high_one_critical():
    tactics = ["initial-access", "execution", "persistence", "credential-access", "impact"]
    found = [
        finding(f"r{n}", n * MINUTE, level="high", host="WS-1", tactics=[t]) for n, t in enumerate(tactics)
    ]
    assert desk(*found).incidents()[0].severity == "critical"
    assert desk(*found[:4]).incidents()[0].severity == "high"


def test_repeats_of_one_rule_do_not_outrank_a_progress():
    steps = ["initial-access", "credential-access", "lateral-movement", "impact"]
    attack = [
        finding(f"r{n}", n * HOUR, level="high", host=f"WS-{n}", user="anna", tactics=[t])
        for n, t in enumerate(steps)
    ]
    loud = [
        finding("loud", n * 1000, level="high", host="WS-99", user="bo", tactics=["execution"])
        for n in range(2000)
    ]
    ranked = desk(*attack, *loud).incidents()
    assert ranked[0].hosts[0] == "WS-0"
    assert len(ranked) == 2
    assert ranked[1].count == 2000
    assert ranked[1].further == 2000 - len(ranked[1].findings)


def test_going_forward_along_the_chain_ranks_above_going_nowhere():
    ahead = [
        finding(f"a{n}", n * MINUTE, host="WS-1", tactics=[t])
        for n, t in enumerate(["initial-access", "impact"])
    ]
    back = [
        finding(f"b{n}", n * MINUTE, host="WS-2", tactics=[t])
        for n, t in enumerate(["impact", "initial-access"])
    ]
    assert [i.hosts for i in desk(*ahead, *back).incidents()] == [("WS-1",), ("WS-2",)]


def test_a_medium_rule_that_fires_all_day_is_noise():
    found = [finding("busy", n * 30 * MINUTE, level="medium", host="FS-01") for n in range(40)]
    one = desk(*found)
    assert one.incidents() == ()
    assert {i.severity for i in one.quiet()} == {"low"}


def test_ransomware_on_fifty_machines_is_no_noise():
    found = [finding("vss", n * 1000, level="critical", host=f"WS-{n}", user="TOWN\\svc") for n in range(50)]
    one = desk(*found)
    assert not noisy_rules(one._uses)
    assert one.incidents()[0].severity == "critical"


def test_a_high_rule_is_noise_only_after_half_a_day():
    found = [finding("h", n * HOUR, level="high", host="FS-01") for n in range(11)]
    assert desk(*found).incidents()[0].severity == "high"
    found += [finding("h", n * HOUR, level="high", host="FS-01") for n in range(11, 24)]
    assert desk(*found).incidents()[0].severity == "medium"


def test_years_between_recordings_make_no_noise():
    found = [finding("r", n * 400 * DAY, level="medium", host="PC") for n in range(8)]
    assert len(desk(*found).incidents()) == 8


def test_needs_you_is_medium_and_above():
    one = desk(finding("a", level="high", host="x"), finding("b", DAY, level="low", host="y"))
    assert [needs_you(i) for i in one.all()] == [True, False]
