"""State as rows: whoever folds the changes into what he kept has all of it, at any point."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.sigma.correlations.test_correlations import FAILED, hit, plans_of
from tests.detect.sigma.correlations.test_lateness import SECTIONS, STREAM, told

from tocsin.config import bounds
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations.correlations import Correlations
from tocsin.records.errors import PluginError
from tocsin.records.instants import SECOND

FLOOD = {**FAILED, "condition": {"gte": 2}}


@settings(max_examples=200)
@given(STREAM, st.integers(0, 40), st.lists(st.integers(0, 40), max_size=6), st.sampled_from([12, 10_000]))
def test_rows_after_any_prefix_give_the_same_future(stream, cut, asked, most):
    hits = [
        hit(rule, time, seq, user=user, v=value) for seq, (rule, time, _, user, value) in enumerate(stream)
    ]
    hits.sort(key=lambda one: one.time)
    real, rows, early = Correlations(plans_of(*SECTIONS), hits=most), {}, []
    for place, one in enumerate(hits[:cut]):
        real.add(one)
        if place % 3 == 0:
            early += real.advance(one.time - 10 * SECOND)
        if place in asked:
            real.changes().fold_into(rows)
    real.changes().fold_into(rows)
    by_rows, by_blob = (Correlations(plans_of(*SECTIONS), hits=most) for _ in range(2))
    assert by_rows.restore_rows(rows) == by_blob.restore(real.snapshot()) == ()
    for again in (by_rows, by_blob):
        assert (again.late, again.judged_early) == (real.late, real.judged_early)
        assert again._load.hits <= real._load.hits
    futures = []
    for one in (real, by_rows, by_blob):
        future = []
        for place, later in enumerate(hits[cut:]):
            one.add(later)
            if place % 3 == 0:
                future += one.advance(later.time - 10 * SECOND)
        futures.append((told(future + one.advance(END_OF_TIME)), one.late))
    if most > 100:  # what is judged early depends on what is held at that instant, stale hits included
        assert futures[0] == futures[1] == futures[2]


def test_changes_are_as_large_as_what_changed():
    real, rows = Correlations(plans_of(FLOOD)), {}
    for seq in range(5_000):
        real.add(hit("a", seq / 100, seq, user=f"u{seq}"))
    real.advance(50 * SECOND)
    first = real.changes()
    assert first.reset
    first.fold_into(rows)
    real.add(hit("a", 51, 5_000, user="ann"))
    real.advance(51 * SECOND)
    second = real.changes()
    assert not second.reset
    assert sum(map(len, second.put.values())) < sum(map(len, first.put.values())) / 500


def test_a_flood_is_written_once_and_not_again_with_every_commit():
    real, rows, written = Correlations(plans_of(FLOOD)), {}, 0
    for seq in range(20_000):
        real.add(hit("a", seq / 10, seq, user="ann"))
        if seq % 100 == 99:
            real.advance(seq * SECOND // 10)
            changes = real.changes()
            changes.fold_into(rows)
            written += sum(map(len, changes.put.values()))
    held = sum(map(len, rows.values()))
    assert held < 1_200_000
    assert written < 12_000_000
    again = Correlations(real.plans)
    again.restore_rows(rows)
    assert told(again.advance(END_OF_TIME)) == told(real.advance(END_OF_TIME))
    assert real.late == again.late == 0


def test_rows_go_when_their_hits_are_past():
    real, rows = Correlations(plans_of(FLOOD, {**FAILED, "timespan": "1h"})), {}
    for seq in range(20_000):
        real.add(hit("a", seq, seq, user=f"u{seq}"))
        if seq % 50 == 0:
            real.advance(seq * SECOND)
            real.changes().fold_into(rows)
    assert len(rows) < 250
    assert sum(map(len, rows.values())) < 4_000 * 2 * 250
    real.advance(END_OF_TIME)
    real.changes().fold_into(rows)
    assert {name.partition("/")[0] for name in rows} == {"meta", "lane"}


def test_a_match_that_an_outer_one_rests_on_is_kept_as_long_as_that():
    outer = {"type": "temporal", "rules": ["r0", "b"], "group-by": ["user"], "timespan": "1h"}
    real, rows = Correlations(plans_of(FLOOD, outer)), {}
    for seq in range(3):
        real.add(hit("a", seq, seq, user="ann"))
    assert len(real.advance(1_000 * SECOND)) == 1  # the inner one is over
    real.changes().fold_into(rows)
    for moment in range(1_001, 1_010):
        real.advance(moment * SECOND)
        real.changes().fold_into(rows)
    again = Correlations(real.plans)
    again.restore_rows(rows)
    again.add(hit("b", 2_000, 9, user="ann"))
    (match,) = again.advance(END_OF_TIME)
    assert (match.plan.ref, [one.record for one in match.hit.evidence]) == ("r1", [0, 1, 2, 9])
    real.advance(10_000 * SECOND)
    real.changes().fold_into(rows)
    assert not [name for name in rows if name.startswith("run/")]


def test_after_a_relief_everything_is_written_anew():
    real, rows = Correlations(plans_of({**FLOOD, "timespan": "1d"}), hits=200), {}
    real.changes().fold_into(rows)
    for seq in range(1_000):
        real.add(hit("a", seq, seq, user=f"u{seq // 2}"))
        real.changes().fold_into(rows)
    again = Correlations(real.plans, hits=200)
    again.restore_rows(rows)
    assert again._load.hits == real._load.hits
    assert told(again.advance(END_OF_TIME)) == told(real.advance(END_OF_TIME))
    assert again.judged_early == real.judged_early > 0


def test_evidence_is_cited_whole_after_many_writings():
    real, rows = Correlations(plans_of(FLOOD)), {}
    many = bounds.EVIDENCE_PER_FINDING + 50
    for seq in range(many):
        real.add(hit("a", seq / 4, seq, user="ann"))
        if seq % 7 == 0:
            real.advance(seq * SECOND // 4)
            real.changes().fold_into(rows)
            real = Correlations(real.plans)
            real.restore_rows(rows)
    (match,) = real.advance(END_OF_TIME)
    assert match.hit.count == many
    assert [one.record for one in match.hit.evidence] == [*range(bounds.EVIDENCE_PER_FINDING - 1), many - 1]


# --- what is no state --------------------------------------------------------------------------------------
def rows_of_a_match() -> dict[str, bytes]:
    real = Correlations(plans_of(FLOOD))
    for seq in range(4):
        real.add(hit("a", seq, seq, user="ann"))
    real.advance(4 * SECOND)
    return dict(real.changes().put)


@pytest.mark.parametrize("kind", ["meta", "lane/", "hits/", "group/", "run/1", "run/1/0"])
def test_rows_that_are_broken_or_amiss_are_refused_or_harmless(kind):
    rows = rows_of_a_match()
    name = next(name for name in rows if name == kind or (kind.endswith("/") and name.startswith(kind)))
    for broken in (
        b"",
        b"\xc1",
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode({"a": 1}),
        rows[name][:-1],
    ):
        with pytest.raises(PluginError):
            Correlations(plans_of(FLOOD)).restore_rows({**rows, name: broken})
    less = {one: row for one, row in rows.items() if one != name}
    real = Correlations(plans_of(FLOOD))
    if kind == "group/":
        real.restore_rows(less)
        real.advance(END_OF_TIME)
    else:
        with pytest.raises(PluginError):
            real.restore_rows(less)


def test_state_of_version_1_is_read_where_a_run_had_ended():
    ended = [1, 3, 4, [], [], [["r0", "x", 0, [], []]]]
    real = Correlations(plans_of(FLOOD))
    assert real.restore(msgspec.msgpack.encode(ended)) == ()
    assert (real.judged_early, real.late) == (3, 4)
    ended[5] = [["r0", "x", 0, [[0]], []]]
    with pytest.raises(PluginError, match="version 1 and in the middle of a run"):
        real.restore(msgspec.msgpack.encode(ended))
