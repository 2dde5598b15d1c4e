import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.incidents.making import finding

from tocsin.advise.steps import steps
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.attack import TACTICS
from tocsin.records.claims import CLAIM_TYPES


def steps_of(*findings):
    desk = IncidentDesk()
    desk.add(findings)
    return steps(desk.all()[0])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            finding(host="WS-014", tactics=["impact"], techniques=["T1490"],
                    claims=[("process_started", {"image": "vssadmin.exe", "host": "WS-014"})]),
            ["Disconnect WS-014 from the network", "Unplug the backup", "looks after WS-014"],
        ),
        (
            finding(user="anna@t.example", tactics=["persistence"],
                    claims=[("cloud_operation", {"operation": "New-InboxRule", "user": "anna@t.example"})]),
            ["open anna@t.example: reset the password", "mail rules", "Telephone"],
        ),
        (
            finding(user="anna@t.example",
                    claims=[("cloud_operation", {"operation": "Consent to application.", "user": "anna@t.example",
                                                 "target": "Free PDF"})]),
            ["anna@t.example", "open “Free PDF”", "Telephone"],
        ),
        (
            finding(host="fw1", address="8.8.8.8",
                    claims=[("logon_failed", {"user": "admin", "address": "8.8.8.8", "host": "fw1"})]),
            ["Block 8.8.8.8", "fw1", "fw1"],
        ),
        (
            finding(host="DC1", user="bo",
                    claims=[("account_changed", {"action": "created", "target": "eve", "user": "bo", "host": "DC1"})]),
            ["the account eve (bo is named as its maker)", "owner of bo", "DC1"],
        ),
        (
            finding(host="hmi", tactics=["impair-process-control"],
                    claims=[("control_command", {"function": "write", "destination": "10.1.1.5"})]),
            ["operator on shift to read the gauges at 10.1.1.5", "hmi", "hmi"],
        ),
        (finding(), ["logs.jsonl", "logs.jsonl", "logs.jsonl"]),
    ],
)  # fmt: skip
def test_steps_name_who_and_where(made, words):
    told = steps_of(made)
    assert len(told) == 3
    for step, word in zip(told, words, strict=True):
        assert word in step


def test_accounts_that_were_only_tried_are_left_alone():
    tried = [
        finding("spray", n, address="8.8.8.8", user=f"u{n}@t.example", tactics=["credential-access"],
                claims=[("logon_failed", {"user": f"u{n}@t.example", "address": "8.8.8.8", "service": "Exchange"})])
        for n in range(9)
    ]  # fmt: skip
    entered = finding("in", 10, address="8.8.8.8", user="u3@t.example", level="high", tactics=["initial-access"],
                      claims=[("logon_succeeded", {"user": "u3@t.example", "service": "Exchange"})])  # fmt: skip
    told = " ".join(steps_of(*tried, entered))
    assert "open u3@t.example: reset" in told
    assert not re.search("u[0-24-9]@", told)


def test_a_step_names_every_computer_that_it_is_about():
    hosts = [f"WS-{n}" for n in range(5)]
    started = [("process_started", {"image": "x.exe", "host": host}) for host in hosts]
    first, *_ = steps_of(finding(host=hosts, tactics=["impact"], claims=started))
    assert first.startswith("Disconnect WS-0, WS-1, WS-2, WS-3 and WS-4 from")


def test_nobody_telephones_the_owner_of_an_account_that_does_not_exist():
    tried = {"user": "bob", "address": "8.8.8.8", "host": "vm1"}
    made = {"host": "vm1", "user": "bob", "address": "8.8.8.8", "tactics": ["credential-access"]}
    known = " ".join(steps_of(finding(claims=[("logon_failed", tried)], **made)))
    assert "owner of bob" in known
    assert "new password" not in known
    unknown = [("logon_failed", {**tried, "reason": "no such user"})]
    assert "bob" not in " ".join(steps_of(finding(claims=unknown, **made)))


def test_an_address_outside_has_nobody_who_looks_after_it():
    asked = [("web_request", {"method": "GET", "path": "/x", "address": "203.0.113.9"})]
    told = " ".join(steps_of(finding(address="203.0.113.9", claims=asked)))
    assert "looks after 203" not in told
    assert "the system that wrote logs.jsonl whether they know 203.0.113.9" in told


def test_what_only_the_cloud_met_is_not_blocked_on_the_firewall():
    rule = {"operation": "New-InboxRule", "user": "anna@t.example", "address": "203.0.113.9:4123"}
    told = " ".join(steps_of(finding(user="anna@t.example", claims=[("cloud_operation", rule)])))
    assert "firewall" not in told
    assert "what came from 203.0.113.9: every account" in told
    both = finding(user="anna@t.example", claims=[("cloud_operation", rule), ("web_request", {
        "method": "GET", "path": "/x", "address": "203.0.113.9"})])  # fmt: skip
    assert "came from 203.0.113.9" not in " ".join(steps_of(both))


NAMES = st.sampled_from(
    ["WS-014", "anna@t.example", "198.51.100.7", "8.8.8.8", "x y", "created", "added to a group", "\x1b[2J"]
)


@st.composite
def claims(draw):
    kind = draw(st.sampled_from(sorted(CLAIM_TYPES)))
    required, optional = CLAIM_TYPES[kind]
    return kind, {name: draw(NAMES) for name in (*required, *optional)}


@given(
    st.lists(claims(), max_size=4),
    st.lists(st.sampled_from(sorted(TACTICS)), max_size=4),
    st.sampled_from([None, "WS-014"]),
    st.sampled_from([None, "anna", "SYSTEM"]),
)
@settings(max_examples=200)
def test_always_three_distinct_inert_and_reversible(made, tactics, host, user):
    told = steps_of(finding(host=host, user=user, claims=made, tactics=tactics))
    assert len(set(told)) == len(told) == 3
    for step in told:
        assert step.isprintable()
        assert step[0].isupper()
        assert step.endswith((".", "?"))
        assert not re.search(
            r"(?<!do not )\b(delete|wipe|reinstall|format|pay|kill|erase)\b",
            step.replace("reinstall nothing", ""),
        )
