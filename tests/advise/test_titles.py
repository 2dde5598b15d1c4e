from tests.incidents.making import finding

from tocsin.advise.titles import title
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.instants import MINUTE


def title_of(*findings):
    desk = IncidentDesk()
    desk.add(findings)
    return title(desk.all()[0])


def test_one_rule_gives_its_name_and_place():
    assert (
        title_of(finding(host="WS-014", user="TOWN\\anna", title="Odd shell"))
        == "Odd shell on WS-014 (TOWN\\anna)"
    )


def test_several_steps_are_told_from_first_to_last():
    tactics = ["initial-access", "credential-access", "impact"]
    found = [finding(f"r{n}", n * MINUTE, host="WS-014", tactics=[t]) for n, t in enumerate(tactics)]
    assert title_of(*found) == (
        "Signs of an attack in steps, from someone getting in to data being destroyed, locked or altered on WS-014"
    )


def test_without_a_host_the_address_tells_the_place():
    assert title_of(finding(address="198.51.100.7", title="Scan")) == "Scan (198.51.100.7)"


def test_nobody_is_not_named():
    assert title_of(finding(host="W", user="SYSTEM", title="X")) == "X on W"


def test_accounts_that_were_only_tried_are_not_named():
    tried = [("logon_failed", {"user": f"u{n}", "address": "203.0.113.9"}) for n in range(5)]
    names = [f"u{n}" for n in range(5)]
    spray = finding("spray", host="web01", user=names, address="203.0.113.9", claims=tried)
    added = ("account_changed", {"action": "added to a group", "target": "CN=svc,DC=t", "group": "sudo"})
    entered = finding("in", MINUTE, host="web01", user="CN=svc,DC=t", level="high", title="X", claims=[added])
    assert title_of(spray, entered) == "X on web01 (svc)"
