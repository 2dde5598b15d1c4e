"""The desk's state in rows: whoever folds the changes into what he kept has all of it, at any point."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.incidents.making import finding

from tocsin.config import bounds
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.errors import PluginError
from tocsin.records.instants import MINUTE
from tocsin.records.state_changes import WHOLE

FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 400).map(lambda minutes: minutes * MINUTE),
        host=st.sampled_from(["WS-1", "WS-2", None]),
        user=st.sampled_from(["u", "v", None]),
        level=st.sampled_from(["low", "high"]),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(st.lists(FINDINGS, max_size=8), st.sampled_from([20, 40_000]), st.sets(st.integers(0, 7)))
def test_rows_after_any_commits_are_the_state(commits, most, failed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "EVIDENCE_HELD", most)
        desk, rows = IncidentDesk(), {}
        for number, findings in enumerate(commits):
            desk.add(findings)
            desk.all()
            if number in failed:
                desk.changes()
                desk.unwrite()
            else:
                desk.changes().fold_into(rows)
        desk.changes().fold_into(rows)
        again = IncidentDesk()
        again.restore_rows(rows)
        assert again.snapshot() == desk.snapshot()
        assert again.all() == desk.all()
        more = [finding("c", 90 * MINUTE, host="WS-1", user="v")]
        again.add(more)
        desk.add(more)
        assert again.all() == desk.all()


def test_a_finding_is_written_once_and_nothing_where_nothing_came():
    desk, rows = IncidentDesk(), {}
    for number in range(120):
        desk.add(
            [finding("a", number * MINUTE, host=f"WS-{number % 10}", user=f"u{number % 10}", raw="x" * 4_000)]
        )
        desk.all()
        changes = desk.changes()
        assert sum(map(len, changes.put.values())) < 10_000
        changes.fold_into(rows)
        assert not desk.changes()
    again = IncidentDesk()
    again.restore_rows(rows)
    assert again.snapshot() == desk.snapshot()


def test_a_snapshot_is_taken_up_as_rows_and_then_replaced():
    desk = IncidentDesk()
    desk.add([finding(host="WS-1")])
    rows = {WHOLE: desk.snapshot()}
    again = IncidentDesk()
    again.restore_rows(rows)
    again.changes().fold_into(rows)
    assert WHOLE not in rows
    last = IncidentDesk()
    last.restore_rows(rows)
    assert last.snapshot() == desk.snapshot()


def test_names_that_are_no_text_stop_nothing():
    desk, rows = IncidentDesk(), {}
    for name in ("WS-\ud800", "WS-\ud801", "WS-\ud800"):
        desk.add([finding(host=name, raw="\udfff")])
        desk.all()
        desk.changes().fold_into(rows)
    again = IncidentDesk()
    again.restore_rows(rows)
    assert again.all()


@pytest.mark.parametrize("kind", ["desk", "pattern/", "finding/", "use/", "id/"])
def test_damaged_rows_are_said(kind):
    desk, rows = IncidentDesk(), {}
    desk.add([finding(host="WS-1")])
    desk.all()
    desk.changes().fold_into(rows)
    name = next(name for name in rows if name.startswith(kind))
    with pytest.raises(PluginError, match="cannot be read"):
        IncidentDesk().restore_rows({**rows, name: b"rubbish"})
    with pytest.raises(PluginError, match="version 99"):
        IncidentDesk().restore_rows(rows, "99")
    if kind in {"desk", "finding/"}:
        with pytest.raises(PluginError, match="lacks the row"):
            IncidentDesk().restore_rows({one: row for one, row in rows.items() if one != name})
