from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.incidents.making import finding

from tocsin.incidents.desk import IncidentDesk
from tocsin.incidents.linking import FAINTEST, closeness
from tocsin.records.instants import DAY, HOUR, MINUTE


def groups(*findings):
    desk = IncidentDesk()
    desk.add(findings)
    return sorted(sorted(f.rule_id for f in incident.findings) for incident in desk.all())


def test_one_person_across_windows_cloud_and_linux():
    found = groups(
        finding("cloud", 0, user="anna.berg@town.example", address="203.0.113.9"),
        finding("windows", HOUR, user="TOWN\\anna.berg", host="WS-014"),
        finding("linux", 2 * HOUR, user="anna.berg", host="web1"),
    )
    assert found == [["cloud", "linux", "windows"]]


def test_two_people_of_one_name_in_two_organisations():
    found = groups(
        finding("a", 0, user="anna.berg@town.example"),
        finding("b", MINUTE, user="anna.berg@elsewhere.example"),
    )
    assert found == [["a"], ["b"]]


def test_a_chain_from_host_to_host_by_address_and_user():
    found = groups(
        finding("vpn", 0, host="fw1", address="203.0.113.9", user="anna.berg"),
        finding("first", HOUR, host="WS-014", user="TOWN\\anna.berg"),
        finding("move", 2 * HOUR, host="FS-01", address="10.0.0.14", user="TOWN\\anna.berg"),
        finding("last", 4 * HOUR, host="FS-01"),
    )
    assert len(found) == 1


def test_strangers_stay_apart():
    assert groups(finding("a", 0, host="WS-1", user="a"), finding("b", MINUTE, host="WS-2", user="b")) == [
        ["a"],
        ["b"],
    ]


@pytest.mark.parametrize(("gap", "count"), [(5 * HOUR, 1), (7 * HOUR, 2), (365 * DAY, 2)])
def test_a_host_links_within_hours_only(gap, count):
    assert len(groups(finding("a", 0, host="WS-1"), finding("b", gap, host="WS-1"))) == count


def test_the_same_day_of_another_year_is_another_incident():
    assert (
        len(groups(finding("a", 0, host="WS-1", user="a"), finding("a", 365 * DAY, host="WS-1", user="a")))
        == 2
    )


def test_system_and_root_join_nothing():
    assert (
        len(groups(finding("a", 0, host="WS-1", user="SYSTEM"), finding("b", 1, host="WS-2", user="SYSTEM")))
        == 2
    )
    assert len(groups(finding("a", 0, host="l1", user="root"), finding("b", 1, host="l2", user="root"))) == 2


def test_a_busy_controller_does_not_glue_everyone_together():
    """Thirty people, each with an oddity of their own on the same controller over the day: no two kinds of it are one."""
    findings = [
        finding(f"r{at % 9}", at * 20 * MINUTE, host="DC01", user=f"user{at}", level="medium")
        for at in range(30)
    ]
    assert all(len(set(group)) == 1 for group in groups(*findings))


def test_a_shared_address_does_not_glue_everyone_together():
    findings = [
        finding(f"r{at % 9}", at * 20 * MINUTE, address="198.51.100.1", user=f"user{at}@t.example")
        for at in range(30)
    ]
    assert all(len(set(group)) == 1 for group in groups(*findings))


def test_an_intruder_on_ten_machines_is_one_thing():
    findings = [
        finding(f"r{at}", at * 20 * MINUTE, host=f"WS-{at}", user="TOWN\\svc_it", level="high")
        for at in range(10)
    ]
    assert len(groups(*findings)) == 1


def test_one_spraying_address_is_one_thing():
    findings = [
        finding("spray", at * MINUTE, address="203.0.113.9", user=f"user{at}@town.example", level="medium")
        for at in range(60)
    ]
    findings.append(
        finding("in", 70 * MINUTE, address="203.0.113.9", user="user7@town.example", level="high")
    )
    assert len(groups(*findings)) == 1


def test_a_noisy_rule_holds_no_two_groups_together():
    noise = [
        finding("noise", at * 10 * MINUTE, host="FS-01", user="u1" if at < 70 else "u2") for at in range(140)
    ]
    found = groups(
        *noise,
        finding("early", 0, host="WS-1", user="u1", level="high"),
        finding("late", 23 * HOUR, host="WS-2", user="u2", level="high"),
    )
    assert not any({"early", "late"} <= set(group) for group in found)


def test_simulated_and_live_never_meet():
    found = groups(
        finding("a", 0, host="WS-1", user="u"),
        finding("b", 1, host="WS-1", user="u", origin="simulated:drill"),
    )
    assert found == [["a"], ["b"]]


def test_sites_never_meet():
    assert (
        len(groups(finding("a", 0, host="PC1", site="north"), finding("b", 1, host="PC1", site="south"))) == 2
    )


@given(st.integers(0, 2 * DAY), st.sampled_from([HOUR, 6 * HOUR, DAY]))
def test_closeness_falls_from_one_to_nothing(gap, window):
    how = closeness(gap, window)
    assert how == 0 if gap >= window else FAINTEST <= how <= 1


NAMES = st.sampled_from(["a", "b", "TOWN\\a", "a@town.example", "SYSTEM", "root"])
HOSTS = st.sampled_from(["WS-1", "ws-1.town.example", "WS-2", "DC1", None])
FINDINGS = st.lists(
    st.builds(
        lambda rule, **given: finding(rule, level=rule.rstrip("2"), **given),  # a rule has one level
        rule=st.sampled_from(["informational", "low", "medium", "medium2", "high"]),
        at=st.integers(0, 3 * DAY).map(lambda at: at // MINUTE * MINUTE),
        host=HOSTS,
        user=NAMES,
    ),
    max_size=25,
    unique_by=lambda one: one.id,
)


@given(FINDINGS, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_arrival_changes_nothing(findings, random):
    one, other = IncidentDesk(), IncidentDesk()
    one.add(findings)
    shuffled = list(findings)
    random.shuffle(shuffled)
    for each in shuffled:
        other.add([each])
    assert one.all() == other.all()


@given(FINDINGS)
@settings(max_examples=60)
def test_every_finding_stands_in_exactly_one_incident(findings):
    desk = IncidentDesk()
    desk.add(findings)
    assert sorted(f.id for i in desk.all() for f in i.findings) == sorted(f.id for f in findings)
    assert [i.rank for i in desk.all()] == list(range(1, len(desk.all()) + 1))
    for incident in desk.all():
        assert list(incident.findings) == sorted(incident.findings, key=lambda f: (f.start, f.time, f.id))
        for before, after in pairwise(incident.findings):
            assert after.start - before.time <= DAY
