from tests.sources.text.reading import chosen, instant, one, read

from tocsin.records.event import Logsource

ADMIN = '<189>date=2026-03-01 time=04:14:07 devname="FGT60" devid="FG1" logid="0100044547" type="event" subtype="system" tz="+0100" user="admin" action="Add" cfgpath="system.admin" msg="Add \\"x\\" y"'


def test_a_new_administrator():
    assert chosen(ADMIN) == "fortigate"
    draft = one("fortigate", ADMIN)
    assert {"action": "Add", "cfgpath": "system.admin", "msg": 'Add "x" y'}.items() <= draft.fields.items()
    assert any(source.satisfies(Logsource("fortigate", None, "event")) for source in draft.logsources)
    assert (draft.host, draft.user, draft.time) == ("FGT60", "admin", instant("2026-03-01T03:14:07Z"))
    assert draft.kind == "fortigate/event"


def test_traffic_is_firewall():
    line = "date=2026-03-01 time=03:14:07 devname=F logid=0 type=traffic subtype=forward eventtime=1772334847123456789 srcip=10.0.0.5 srcport=5000 dstip=203.0.113.9 dstport=23 action=accept"
    draft = one("fortigate", line)
    assert {
        "src_ip": "10.0.0.5",
        "dst_port": 23,
        "dstport": "23",
        "blocked": "false",
    }.items() <= draft.fields.items()
    assert any(source.satisfies(Logsource(None, "firewall", None)) for source in draft.logsources)
    assert draft.time == instant("2026-03-01T03:14:07.123456Z")


def test_behind_a_relay_and_what_is_none():
    relayed = one("rfc3164", "Mar  1 03:14:09 10.0.0.1 " + ADMIN.removeprefix("<189>"))
    assert (relayed.host, relayed.kind, relayed.fields["hostname"]) == (
        "FGT60",
        "fortigate/event",
        "10.0.0.1",
    )
    assert len(read("fortigate", "date=2026-03-01 alone")[1]) == 1


def test_a_value_cannot_add_a_field():
    """What a user typed comes after the device's own words, and the first of two keys counts."""
    assert one("fortigate", ADMIN + " action=Delete").fields["action"] == "Add"
