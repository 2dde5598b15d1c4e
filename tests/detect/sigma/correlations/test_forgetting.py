"""Windows that wait go on without somebody: nothing in the state names them, and what is found cites what was forgotten."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.detector import SigmaDetector, rows_without
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.forgetting import Subject
from tocsin.records.instants import MINUTE
from tocsin.records.state_changes import WHOLE

RULES = """
    title: Three of them
    id: three
    correlation:
        type: event_count
        rules: [logon]
        group-by: [User]
        timespan: 10m
        condition: {gte: 3}
    ---
    title: Many machines
    id: machines
    correlation:
        type: value_count
        rules: [logon]
        group-by: [User]
        timespan: 10m
        condition: {gte: 3, field: Machine}
    ---
    title: Both
    id: both
    correlation:
        type: temporal
        rules: [three, machines]
        group-by: [User]
        timespan: 20m
    ---
    title: Logon
    id: logon
    logsource: {product: windows}
    detection: {selection: {EventID: 4624}, condition: selection}
"""
ANNA = Subject("local", "user", "anna", "forgotten-1")


def detector() -> SigmaDetector:
    return SigmaDetector(load_rules([RuleText("r", dedent(RULES))]))


def event(seq: int, user: str) -> Event:
    fields = {"EventID": 4624, "User": user, "Machine": f"ws-{seq}"}
    sources = frozenset({Logsource("windows", None, "security")})
    return Event(
        "s", seq, seq * MINUTE, seq * MINUTE, sources, fields, f"{user} at ws-{seq}", "a", "evtx", user=user
    )


@pytest.mark.parametrize("advanced", [0, 3, 8])
@pytest.mark.parametrize("whole", [True, False])
def test_no_byte_names_them_and_the_window_goes_on(advanced: int, *, whole: bool) -> None:
    one, other = detector(), detector()
    batch = EventBatch.of(event(seq, user) for seq in range(4) for user in ("anna", "berta"))
    one.process(batch)
    one.advance(advanced * MINUTE)
    rows = {WHOLE: one.snapshot()} if whole else one.changes().put
    state, several = rows_without(rows, one.version, ANNA)
    assert several
    assert b"anna" not in b"".join(state.values())
    assert b"berta" in b"".join(state.values())
    other.restore_rows(state, other.version)
    found = other.advance(END_OF_TIME)
    plain = one.advance(END_OF_TIME)
    assert [one.rule_id for one in found] == [one.rule_id for one in plain], "as many as before"
    assert found
    assert "anna" not in str(found)
    assert {one.group["User"] for one in found} <= {"forgotten-1", "berta"}
    about = [one for one in found if one.group["User"] == "berta"]
    assert about == [one for one in plain if one.group["User"] == "berta"], "others are as they were"
    assert all(cited.raw == "forgotten-1" for one in found if one not in about for cited in one.evidence)


def test_who_is_not_named_changes_nothing() -> None:
    one = detector()
    one.process(EventBatch.of(event(seq, "berta") for seq in range(4)))
    whole = {WHOLE: one.snapshot()}
    assert rows_without(whole, one.version, ANNA) == (whole, 0)
    rows = one.changes().put
    assert rows_without(rows, one.version, ANNA) == (rows, 0)


def test_damage_is_told() -> None:
    with pytest.raises(PluginError):
        rows_without({WHOLE: b"x"}, SigmaDetector.version, ANNA)
    with pytest.raises(PluginError):
        rows_without({}, "0", ANNA)
