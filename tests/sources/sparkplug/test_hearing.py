"""What edge nodes say, in good order and in none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import sparkplug_node as sp

from tocsin.config import bounds
from tocsin.sources.sparkplug.hearing import Hearing
from tocsin.sources.sparkplug.showing import Shown

NOW = 1_767_300_000_000_000
FIRST = sp.MS * 1000


def born(node: sp.Node, hearing: Hearing, at: int = sp.MS) -> list[Shown]:
    metrics = [sp.metric("level", sp.FLOAT, 1.5, alias=1), sp.metric("pump", sp.INT16, -3, alias=2)]
    return [
        *hearing.hear(*node.birth(at), NOW),
        *hearing.hear(*node.device_birth(metrics, at), NOW),
    ]


def values(shown: list[Shown]) -> list[tuple[str, str, int, object]]:
    return [(one.device, one.metric, one.instant, one.value) for one in shown]


def test_births_name_what_data_shows() -> None:
    node, hearing = sp.Node(), Hearing()
    assert values(born(node, hearing)) == [("D", "level", FIRST, 1.5), ("D", "pump", FIRST, -3.0)]
    data = node.device_data(
        sp.data(2, sp.INT16, -4), sp.data(1, sp.FLOAT, 0.5, timestamp=sp.MS + 7), at=sp.MS + 5
    )
    assert values(hearing.hear(*data, NOW)) == [
        ("D", "pump", FIRST + 5_000, -4.0), ("D", "level", FIRST + 7_000, 0.5),
    ]  # fmt: skip
    assert not hearing.notices()


def test_a_metric_of_the_node_itself_and_what_is_no_reading() -> None:
    node, hearing = sp.Node(), Hearing()
    hearing.hear(
        *node.birth(metrics=[sp.metric("power", sp.BOOLEAN, True), sp.metric("t", sp.TEMPLATE)]), NOW
    )
    shown = hearing.hear(*node.node_data(sp.metric("power", 0) | {"boolean_value": False}), NOW)
    assert values(shown) == [("", "power", FIRST, 0.0)]
    assert hearing.counts["metrics of other types"] == 1


def test_data_sets_templates_files_and_bytes_are_counted_and_left_out() -> None:
    node, hearing = sp.Node(), Hearing()
    hearing.hear(*node.birth(), NOW)
    metrics = [
        {"name": f"m{kind}", "datatype": kind, "alias": kind, field: b"\x0a\x00"}
        for kind, field in (
            (sp.DATASET, "dataset_value"), (sp.TEMPLATE, "template_value"), (sp.BYTES, "bytes_value"), (sp.FILE, "bytes_value"),
        )
    ]  # fmt: skip
    assert not hearing.hear(*node.device_birth(metrics), NOW)
    assert not hearing.hear(*node.device_data({"alias": sp.DATASET, "dataset_value": b""}), NOW)
    assert hearing.counts["metrics of other types"] == 5
    assert not hearing.notices()


def test_the_death_of_a_node_takes_every_value_back_when_it_is_heard() -> None:
    node, hearing = sp.Node(bd_seq=7), Hearing()
    born(node, hearing)
    assert values(hearing.hear(*node.death(), NOW)) == [("D", "level", NOW, None), ("D", "pump", NOW, None)]
    assert hearing.notices() == ["The Sparkplug node G/N went off line."]
    assert not hearing.hear(*node.death(), NOW), "it is dead already"
    assert not hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 1.0)), NOW)


def test_the_late_death_of_an_earlier_birth_is_passed_over() -> None:
    earlier, node, hearing = sp.Node(bd_seq=6), sp.Node(bd_seq=7), Hearing()
    born(node, hearing)
    assert not hearing.hear(*earlier.death(), NOW)
    assert hearing.counts["deaths of an earlier birth"] == 1
    assert hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 1.0)), NOW)


def test_the_death_of_a_later_birth_shows_that_one_was_missed() -> None:
    node, hearing = sp.Node(bd_seq=255), Hearing()
    born(node, hearing)
    assert len(hearing.hear(*sp.Node(bd_seq=0).death(), NOW)) == 2


def test_the_death_of_a_device_leaves_the_node() -> None:
    node, hearing = sp.Node(), Hearing()
    hearing.hear(*node.birth(metrics=[sp.metric("power", sp.FLOAT, 1.0)]), NOW)
    hearing.hear(*node.device_birth([sp.metric("level", sp.FLOAT, 1.0, alias=1)]), NOW)
    assert values(hearing.hear(*node.device_death(), NOW)) == [("D", "level", NOW, None)]
    assert hearing.hear(*node.node_data(sp.metric("power", sp.FLOAT, 2.0)), NOW)
    assert hearing.notices() == ["The Sparkplug device G/N/D went off line."]


def test_a_new_birth_ends_what_it_does_not_name() -> None:
    node, hearing = sp.Node(), Hearing()
    born(node, hearing)
    again = hearing.hear(*node.birth(sp.MS + 9), NOW)
    assert values(again) == [("D", "level", FIRST + 9_000, None), ("D", "pump", FIRST + 9_000, None)]
    hearing.hear(*node.device_birth([sp.metric("level", sp.FLOAT, 4.0, alias=2)], sp.MS + 9), NOW)
    shown = hearing.hear(*node.device_data(sp.data(2, sp.FLOAT, 5.0)), NOW)
    assert [(one.metric, one.value) for one in shown] == [("level", 5.0)], (
        "the alias means something else now"
    )


def test_a_birth_says_what_is_so_when_it_is_sent() -> None:
    """Not when its values changed last, which may be months ago."""
    node, hearing, month_ago = sp.Node(), Hearing(), sp.MS - 30 * 86_400_000
    hearing.hear(*node.birth(), NOW)
    metrics = [
        sp.metric("valve", sp.FLOAT, 1.0, timestamp=month_ago), sp.metric("ahead", sp.FLOAT, 2.0, timestamp=sp.MS + 9),
        sp.metric("old", sp.FLOAT, 3.0, timestamp=month_ago, is_historical=True),
    ]  # fmt: skip
    shown = hearing.hear(*node.device_birth(metrics, sp.MS + 5), NOW)
    assert [(one.metric, one.instant // 1000 - sp.MS, one.current) for one in shown] == [
        ("valve", 5, True), ("ahead", 9, True), ("old", month_ago - sp.MS, False)
    ]  # fmt: skip


def test_data_before_a_birth_is_counted_told_once_and_no_rebirth_is_asked_for() -> None:
    node, hearing = sp.Node(), Hearing()
    for _ in range(5):
        assert not hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 1.0), sp.data(2, sp.FLOAT, 2.0)), NOW)
    (told,) = hearing.notices()
    assert "Tocsin sends no command" in told
    assert hearing.counts["metrics without a birth"] == 10
    assert born(node, hearing)
    assert hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 1.0)), NOW)


def test_data_that_names_itself_needs_no_birth() -> None:
    hearing = Hearing()
    shown = hearing.hear(*sp.Node().device_data(sp.metric("level", sp.INT8, -1)), NOW)
    assert values(shown) == [("D", "level", FIRST, -1.0)]


def test_a_gap_is_told_once_and_read_on_and_the_count_wraps() -> None:
    node, hearing = sp.Node(), Hearing()
    born(node, hearing)
    for at in range(600):
        assert hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, float(at))), NOW)
    assert hearing.counts["gaps"] == 0
    for _ in range(2):
        node.seq()
        assert hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 1.0)), NOW)
    assert hearing.counts["gaps"] == 2
    (told,) = hearing.notices()
    assert "lost messages on their way" in told


def test_what_the_broker_repeats_is_no_gap() -> None:
    node, hearing = sp.Node(), Hearing()
    born(node, hearing)
    first, second = (node.device_data(sp.data(1, sp.FLOAT, one)) for one in (1.0, 2.0))
    for message in (first, second):
        hearing.hear(*message, NOW)
    for message in (first, second):
        assert hearing.hear(*message, NOW, repeated=True)
    third = node.device_data(sp.data(1, sp.FLOAT, 3.0))
    for _ in range(2):  # as for each of two subscriptions that overlap
        assert hearing.hear(*third, NOW)
    assert (hearing.counts["gaps"], hearing.counts["repeats"]) == (0, 3)


def test_data_that_does_not_fit_its_birth_drops_the_names() -> None:
    node, hearing = sp.Node(), Hearing()
    born(node, hearing)
    wrong = node.device_data(sp.data(1, sp.FLOAT, 1.0), sp.data(2, sp.STRING, "OPEN"))
    assert not hearing.hear(*wrong, NOW), "not a part of it either"
    assert not hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 1.0)), NOW)
    assert "does not fit its birth" in hearing.notices()[0]


def test_a_metric_whose_birth_contradicts_itself_stays_alone() -> None:
    node, hearing = sp.Node(), Hearing()
    hearing.hear(*node.birth(), NOW)
    broken = {"name": "odd", "alias": 9, "datatype": sp.FLOAT, "string_value": "x"}
    assert (
        len(hearing.hear(*node.device_birth([broken, sp.metric("level", sp.FLOAT, 1.0, alias=1)]), NOW)) == 1
    )
    shown = hearing.hear(*node.device_data({"alias": 9, "string_value": "y"}, sp.data(1, sp.FLOAT, 2.0)), NOW)
    assert [one.metric for one in shown] == ["level"]


def test_after_a_restart_the_names_are_those_of_the_last_birth() -> None:
    node, hearing, after = sp.Node(bd_seq=2), Hearing(), Hearing()
    born(node, hearing)
    assert hearing.changed
    after.restore(hearing.kept())
    data = node.device_data(sp.data(1, sp.FLOAT, 3.0))
    assert values(after.hear(*data, NOW)) == [("D", "level", FIRST, 3.0)]
    assert not after.changed
    assert len(after.hear(*node.death(), NOW)) == 2


@pytest.mark.parametrize(
    "kept",
    ["", "{", "[]", '{"sparkplug": [1]}', '{"sparkplug": [["a", "b", {}]]}', '{"sparkplug": {"a": 1}}'],
)
def test_a_mark_that_is_none_is_told(kept: str) -> None:
    hearing = Hearing()
    hearing.restore(kept)
    assert len(hearing.notices()) == 1


def test_births_that_the_broker_kept_give_names_and_no_readings() -> None:
    node, hearing = sp.Node(), Hearing()
    metrics = [sp.metric("level", sp.FLOAT, 1.5, alias=1)]
    own, device = node.birth(), node.device_birth(metrics)
    for topic, data in (device, own):  # in any order
        assert not hearing.hear(f"$sparkplug/certificates/{topic}", data, NOW, retained=True)
    assert values(hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 2.5)), NOW)) == [
        ("D", "level", FIRST, 2.5)
    ]


def test_an_older_birth_that_the_broker_kept_changes_nothing() -> None:
    old, node, hearing = sp.Node(), sp.Node(), Hearing()
    born(node, hearing, sp.MS + 1000)
    kept = [old.birth(sp.MS), old.device_birth([sp.metric("other", sp.FLOAT, 1.0, alias=1)], sp.MS)]
    for topic, data in kept:
        hearing.hear(f"$sparkplug/certificates/{topic}", data, NOW, retained=True)
    shown = hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 2.5)), NOW)
    assert [one.metric for one in shown] == ["level"]


def test_retained_data_is_of_unknown_age_and_left_out() -> None:
    node, hearing = sp.Node(), Hearing()
    born(node, hearing)
    assert not hearing.hear(*node.device_data(sp.data(1, sp.FLOAT, 2.5)), NOW, retained=True)


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/STATE/host", "STATE/host", "spBv1.0/G/NCMD/N", "spBv1.0/G/DCMD/N/D", "spBv1.0/G/NDATA/N/D",
        "spBv1.0/G/DDATA/N", "spAv1.0/G/NDATA/N", "spBv1.0/G/NDATA/N/D/E", "", "spBv1.0//NDATA/N", "spBv1.0/G\n/NDATA/N",
        "spBv1.0/G/NDATA/" + "n" * 300,
    ],
)  # fmt: skip
def test_other_topics_are_counted(topic: str) -> None:
    hearing = Hearing()
    assert not hearing.hear(topic, sp.payload(0, metrics=[sp.metric("a", sp.FLOAT, 1.0)]), NOW)
    assert hearing.counts["other topics"] == 1


def test_what_cannot_be_read_is_told_once() -> None:
    hearing = Hearing()
    for _ in range(3):
        assert not hearing.hear("spBv1.0/G/NDATA/N", b"\xff", NOW)
        assert not hearing.hear("spBv1.0/G/NDATA/N", sp.payload(1, uuid="SPBV1.0_COMPRESSED", body=b"x"), NOW)
    assert (hearing.counts["not readable"], hearing.counts["compressed"]) == (3, 3)
    assert len(hearing.notices()) == 2


def test_times_that_no_clock_shows() -> None:
    hearing = Hearing()
    for at in (0, 2**63, 2**64 - 1):
        (shown,) = hearing.hear("spBv1.0/G/NDATA/N", sp.payload(1, at, [sp.metric("a", sp.FLOAT, 1.0)]), NOW)
        assert shown.instant == NOW


def test_bounds_hold_for_nodes_devices_and_names() -> None:
    hearing = Hearing()
    for number in range(bounds.SPARKPLUG_NODES + 5):
        hearing.hear(*sp.Node(name=f"n{number}").birth(), NOW)
    assert hearing.counts["too many nodes"] == 5
    many = [
        sp.metric(f"m{number}", sp.FLOAT, 1.0, alias=number) for number in range(bounds.SPARKPLUG_METRICS)
    ]
    shown = hearing.hear(*sp.Node(name="n0").device_birth(many), NOW)
    names = bounds.SPARKPLUG_METRICS - 2 * bounds.SPARKPLUG_NODES  # each birth names two of its own
    assert len(shown) == names
    assert hearing.counts["metrics beyond the bound"] == len(many) - names
    again = Hearing()
    for number in range(bounds.SPARKPLUG_DEVICES + 5):
        again.hear(*sp.Node(name="n1", device=f"d{number}").device_birth([]), NOW)
    assert sum(len(node.devices) for node in again._nodes.values()) == bounds.SPARKPLUG_DEVICES
    assert len(again.notices()) <= 100


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"]),
            st.one_of(st.none(), st.integers(0, 300)),
            st.lists(
                st.tuples(st.integers(0, 4), st.integers(0, 20), st.sampled_from(["", "a", "b", "bdSeq"])),
                max_size=4,
            ),
            st.booleans(),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_any_order_of_anything(messages: list) -> None:  # type: ignore[type-arg]
    hearing, node = Hearing(), sp.Node()
    for kind, seq, metrics, retained, repeated in messages:
        said = [
            {"alias": alias, "datatype": of, "int_value": alias} | ({"name": name} if name else {})
            for alias, of, name in metrics
        ]
        shown = hearing.hear(
            node.topic(kind), sp.payload(seq, metrics=said), NOW, retained=retained, repeated=repeated
        )
        assert all(one.metric in {"a", "b"} for one in shown)
        again = Hearing()
        again.restore(hearing.kept())
        assert again.kept() == hearing.kept()
        assert not again.notices()
