import time

import pytest
from tests.incidents.making import finding

from tocsin.config import bounds
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.errors import PluginError
from tocsin.records.instants import HOUR, MINUTE


def test_an_id_holds_when_more_arrives_even_from_before():
    desk = IncidentDesk()
    desk.add([finding("b", HOUR, host="WS-1")])
    (known,) = desk.incidents()
    desk.add([finding("a", 0, host="WS-1"), finding("c", 2 * HOUR, host="WS-1")])
    (now,) = desk.incidents()
    assert now.id == known.id
    assert len(now.findings) == 3
    assert now.first < known.first


def test_a_merge_keeps_the_older_id_and_aliases_the_other():
    desk = IncidentDesk()
    desk.add([finding("a", 0, user="u", host="WS-1")])
    (older,) = desk.incidents()
    desk.add([finding("b", 4 * HOUR, host="WS-2", address="203.0.113.5")])
    newer = next(i for i in desk.incidents() if i.id != older.id)
    desk.add([finding("c", 2 * HOUR, user="u", address="203.0.113.5")])
    (merged,) = desk.incidents()
    assert merged.id == older.id
    assert merged.aliases == (newer.id,)
    assert desk.all()[0].aliases == (newer.id,)


def test_the_same_finding_again_adds_nothing():
    desk = IncidentDesk()
    desk.add([finding(host="WS-1")])
    before = desk.all()
    desk.add([finding(host="WS-1")])
    assert desk.all() == before


def test_the_weakest_evidence_is_the_incidents():
    desk = IncidentDesk()
    desk.add([finding("a", host="W", auth="mtls"), finding("b", MINUTE, host="W", auth="none")])
    assert desk.incidents()[0].auth == "none"


def test_state_comes_back_whole_and_goes_on_alike():
    findings = [finding(f"r{n % 3}", n * MINUTE, host=f"WS-{n % 4}", user=f"u{n % 2}") for n in range(40)]
    one = IncidentDesk()
    one.add(findings[:25])
    ids = [i.id for i in one.all()]
    other = IncidentDesk()
    other.restore(one.snapshot())
    assert [i.id for i in other.all()] == ids
    one.add(findings[25:])
    other.add(findings[25:])
    assert one.all() == other.all()
    assert one.snapshot() == other.snapshot()


def test_a_lone_surrogate_does_not_stop_the_snapshot():
    desk = IncidentDesk()
    desk.add([finding(host="WS-\ud800", raw="\udfff")])
    other = IncidentDesk()
    other.restore(desk.snapshot())
    assert len(other.all()) == 1


@pytest.mark.parametrize("state", [b"", b"rubbish", b"\x90"])
def test_damaged_state_is_said(state):
    with pytest.raises(PluginError, match="cannot be read"):
        IncidentDesk().restore(state)


def test_a_later_version_is_said():
    with pytest.raises(PluginError, match="version 99"):
        IncidentDesk().restore(IncidentDesk().snapshot(), "99")


def test_memory_is_bounded_and_what_goes_is_counted(monkeypatch):
    monkeypatch.setattr(bounds, "EVIDENCE_HELD", 400)
    desk = IncidentDesk()
    for n in range(3000):
        desk.add([finding(f"r{n % 7}", n * MINUTE, host=f"WS-{n % 50}", level="low")])
        assert desk._held <= 400
    desk.add([finding("grave", 0, host="WS-1", level="critical")])
    assert any(i.severity == "critical" for i in desk.incidents())
    assert sum(i.count for i in desk.all()) + desk.shed == 3001


def test_a_noisy_rule_set_takes_seconds():
    findings = [
        finding(f"r{n % 300}", n * 800_000, host=f"WS-{n % 61:03d}", user=f"TOWN\\u{n % 59}", address=f"10.0.0.{n % 53}",
                level="low" if n % 5 else "medium")
        for n in range(20_000)
    ]  # fmt: skip
    began = time.process_time()
    desk = IncidentDesk()
    desk.add(findings)
    desk.all()
    assert time.process_time() - began < 8  # under 1 s on a quiet machine: 100,000 in a few
