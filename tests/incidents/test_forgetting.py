"""The desk without somebody: the same incidents under the same ids, with a mark in their place."""

from __future__ import annotations

import pytest
from tests.incidents.making import finding

from tocsin.incidents.desk import VERSION, IncidentDesk
from tocsin.incidents.forgetting import rows_without
from tocsin.records.errors import PluginError
from tocsin.records.forgetting import Subject
from tocsin.records.instants import HOUR, MINUTE
from tocsin.records.state_changes import WHOLE

ANNA = Subject("local", "user", "anna", "forgotten-1")


def desk() -> IncidentDesk:
    made = IncidentDesk()
    made.add(
        [
            finding("a", 0, user="anna", host="WS-1"),
            finding("b", HOUR, user="TOWN\\anna", host="WS-1"),
            finding("b", HOUR + 1, user="anna", host="WS-1"),
            finding("c", 2 * HOUR, user="anna", address="203.0.113.5"),
            finding("d", 90 * HOUR, user="berta", host="WS-9"),
        ]
    )
    return made


@pytest.mark.parametrize("whole", [True, False])
def test_ids_and_grouping_stay(*, whole: bool) -> None:
    before = desk()
    known = before.all()
    rows = {WHOLE: before.snapshot()} if whole else before.changes().put
    state, several = rows_without(rows, VERSION, ANNA)
    assert several
    assert b"anna" not in b"".join(state.values())
    after = IncidentDesk()
    after.restore_rows(state)
    now = after.all()
    assert [(one.id, one.count, one.severity, one.hosts, one.addresses) for one in now] == [
        (one.id, one.count, one.severity, one.hosts, one.addresses) for one in known
    ]
    assert {user for one in now for user in one.users} == {"forgotten-1", "berta"}
    after.add([finding("a", 3 * HOUR + MINUTE, user="anna", host="WS-1")])
    assert {one.id for one in known} <= {name for one in after.all() for name in (one.id, *one.aliases)}


def test_nobody_named_changes_nothing_and_another_site_is_another() -> None:
    state = {WHOLE: desk().snapshot()}
    assert rows_without(state, VERSION, Subject("local", "user", "carla"))[1] == 0
    assert rows_without(state, VERSION, Subject("elsewhere", "user", "anna"))[1] == 0


def test_damage_is_told() -> None:
    with pytest.raises(PluginError):
        rows_without({WHOLE: b"x"}, VERSION, ANNA)
    with pytest.raises(PluginError):
        rows_without({WHOLE: desk().snapshot()}, "0", ANNA)
