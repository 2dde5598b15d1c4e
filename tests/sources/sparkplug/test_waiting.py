"""Data that comes before the birth which explains it: it waits within bounds, and other nodes go on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import sparkplug_node as sp

from tocsin.config import bounds
from tocsin.sources.sparkplug.hearing import Hearing
from tocsin.sources.sparkplug.payload import Payload, parse_payload
from tocsin.sources.sparkplug.waiting import Heard, Message, Waiting

NOW = 1_767_300_000_000_000
LEVEL = [sp.metric("level", sp.FLOAT, 1.5, alias=1)]


def levels(heard: list[Heard]) -> list[object]:
    return [one.value for _, shown, _ in heard for one in shown if one.metric == "level"]


def said(message: tuple[str, bytes], *, repeated: bool = False) -> Message:
    return Message(*message, NOW, repeated)


def data(node: sp.Node, value: float, at: int = sp.MS) -> Message:
    return said(node.device_data(sp.data(1, sp.FLOAT, value), at=at))


def test_it_is_heard_in_its_order_once_the_birth_comes() -> None:
    node, waiting = sp.Node(), Waiting(Hearing())
    born = [said(node.birth(), repeated=True), said(node.device_birth(LEVEL), repeated=True)]
    own = said(node.node_data(sp.metric("power", sp.FLOAT, 3.0)))
    for value in (2.5, 3.5):
        assert waiting.hear(data(node, value), owed=True) == []
    assert [one.metric for _, shown, _ in waiting.hear(own, owed=True) for one in shown] == ["power"], (
        "it names itself"
    )
    assert (len(waiting), waiting.changed) == (2, True)
    assert levels([one for message in born for one in waiting.hear(message)]) == [1.5, 2.5, 3.5]
    assert levels(waiting.hear(data(node, 4.5), owed=True)) == [4.5]
    assert (len(waiting), +waiting.hearing.counts, waiting.hearing.notices()) == (0, {}, [])


def test_nothing_waits_where_no_birth_is_owed() -> None:
    node, waiting = sp.Node(), Waiting(Hearing())
    assert levels(waiting.hear(data(node, 2.5))) == []
    assert waiting.hearing.counts["metrics without a birth"] == 1
    assert len(waiting) == 0


def test_a_death_waits_behind_the_data_of_its_node_and_other_nodes_go_on() -> None:
    node, other, waiting = sp.Node(), sp.Node(name="M"), Waiting(Hearing())
    born = [said(node.birth(), repeated=True), said(node.device_birth(LEVEL), repeated=True)]
    for message in (other.birth(), other.device_birth(LEVEL)):
        waiting.hear(said(message))
    waiting.hear(data(node, 2.5), owed=True)
    assert waiting.hear(said(node.death()), owed=True) == []
    assert levels(waiting.hear(data(other, 9.5), owed=True)) == [9.5]
    assert levels([one for message in born for one in waiting.hear(message)]) == [1.5, 2.5, None]
    assert not waiting.hearing.alive("G", "N", "D")
    assert waiting.hearing.alive("G", "M", "D")


def test_what_is_older_than_the_birth_is_of_an_earlier_one() -> None:
    before, node, waiting = sp.Node(), sp.Node(bd_seq=1), Waiting(Hearing())
    waiting.hear(data(before, 2.5, sp.MS), owed=True)
    waiting.hear(said(node.birth(sp.MS + 1000)))
    shown = waiting.hear(said(node.device_birth(LEVEL, sp.MS + 1000)))
    assert levels(shown) == [1.5]
    assert waiting.hearing.counts["metrics without a birth"] == 1


def test_a_birth_sent_again_names_nothing_once_a_later_one_or_the_death_was_heard() -> None:
    old, node, waiting = sp.Node(), sp.Node(bd_seq=1), Waiting(Hearing())
    other = [sp.metric("other", sp.FLOAT, 7.0, alias=1)]
    late = [said(old.birth(sp.MS), repeated=True), said(old.device_birth(other, sp.MS), repeated=True)]
    for birth in (node.birth(sp.MS + 9), node.device_birth(LEVEL, sp.MS + 9)):
        waiting.hear(said(birth))
    shown = [one for message in late for _, found, _ in waiting.hear(message) for one in found]
    assert [(one.metric, one.value) for one in shown] == [("other", 7.0)], "what it showed counts"
    assert levels(waiting.hear(data(node, 2.5))) == [2.5]
    again = [
        said(node.birth(sp.MS + 9), repeated=True),
        said(node.device_birth(LEVEL, sp.MS + 9), repeated=True),
    ]
    waiting.hear(said(node.death()))
    for message in again:
        waiting.hear(message)
    assert not waiting.hearing.alive("G", "N", "")
    assert not waiting.hearing.alive("G", "N", "D")


def test_a_node_that_never_counts_its_births_is_born_again() -> None:
    """All of it sent again in its order, as after a crash."""
    node, hearing = sp.Node(), Hearing()
    messages = [node.birth(), node.device_birth(LEVEL), node.death()]
    messages += [node.birth(sp.MS + 9), node.device_birth(LEVEL, sp.MS + 9)]
    for topic, payload in messages:
        hearing.hear(topic, payload, NOW, repeated=True)
    assert hearing.alive("G", "N", "D")


def test_a_death_that_comes_before_its_own_birth_counts() -> None:
    node, hearing = sp.Node(), Hearing()
    hearing.hear(*node.death(), NOW)
    for topic, payload in (node.birth(), node.device_birth(LEVEL)):
        hearing.hear(topic, payload, NOW, repeated=True)
    assert not hearing.alive("G", "N", "")
    assert not hearing.alive("G", "N", "D")


def test_a_node_that_never_counts_its_births_lives_where_its_death_waited() -> None:
    """The data before the death has no birth, and the death stood behind it until the node was born again."""
    node, waiting = sp.Node(), Waiting(Hearing())
    waiting.hear(data(node, 2.5), owed=True)
    waiting.hear(said(node.death()), owed=True)
    waiting.hear(said(node.birth(sp.MS + 9)))
    assert levels(waiting.hear(said(node.device_birth(LEVEL, sp.MS + 9)))) == [1.5]
    assert waiting.hearing.alive("G", "N", "")
    assert (len(waiting), waiting.hearing.counts["metrics without a birth"]) == (0, 1)


def test_a_device_that_died_before_its_owed_birth_comes_is_dead() -> None:
    node, waiting = sp.Node(), Waiting(Hearing())
    waiting.hear(said(node.birth()))
    born = said(node.device_birth(LEVEL), repeated=True)
    assert waiting.hear(said(node.device_death(sp.MS + 9)), owed=True) == []
    assert levels(waiting.hear(born)) == [1.5, None]
    assert not waiting.hearing.alive("G", "N", "D")


def test_what_is_sent_again_before_it_was_acknowledged_waits_once() -> None:
    node, waiting = sp.Node(), Waiting(Hearing())
    born = [said(node.birth(), repeated=True), said(node.device_birth(LEVEL), repeated=True)]
    one, death = data(node, 2.5), said(node.device_death())
    for message in (one, death, one._replace(repeated=True), death._replace(repeated=True)):
        waiting.hear(message, owed=True)
    assert len(waiting) == 2
    assert levels([one for message in born for one in waiting.hear(message)]) == [1.5, 2.5, None]
    assert (len(waiting), +waiting.hearing.counts) == (0, {})


def test_given_up_it_is_counted_and_told() -> None:
    node, waiting = sp.Node(), Waiting(Hearing())
    waiting.hear(data(node, 2.5), owed=True)
    waiting.hear(said(node.death()), owed=True)
    waiting.changed = False
    assert levels(waiting.give_up()) == []
    assert (len(waiting), waiting.changed) == (0, True)
    assert waiting.hearing.counts["metrics without a birth"] == 1
    assert "Tocsin sends no command" in waiting.hearing.notices()[0]


def test_births_without_end_cost_no_more_for_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    node, waiting, parsed = sp.Node(), Waiting(Hearing()), list[bytes]()

    def counted(payload: bytes) -> Payload:
        parsed.append(payload)
        return parse_payload(payload)

    monkeypatch.setattr("tocsin.sources.sparkplug.waiting.parse_payload", counted)
    for value in range(50):
        waiting.hear(data(node, float(value), sp.MS + 9), owed=True)
    for _ in range(50):
        waiting.hear(said(node.birth()), owed=True)
    assert (len(waiting), len(parsed)) == (50, 100)


@pytest.mark.parametrize("padding", [0, bounds.SPARKPLUG_WAITING_BYTES // 300])
def test_over_the_bounds_the_node_with_most_is_given_up(padding: int) -> None:
    quiet, loud, waiting = sp.Node(), sp.Node(name="L"), Waiting(Hearing())
    waiting.hear(data(quiet, 2.5), owed=True)
    more = sp.data(2, sp.STRING, "x" * padding)
    for value in range(bounds.SPARKPLUG_WAITING + 5):
        waiting.hear(said(loud.device_data(sp.data(1, sp.FLOAT, float(value)), more)), owed=True)
        assert len(waiting) <= bounds.SPARKPLUG_WAITING
        assert sum(one.size for one in waiting._queues.values()) <= bounds.SPARKPLUG_WAITING_BYTES
    assert len(waiting) == 1, "and no more of it waits"
    assert waiting.hearing.counts["metrics without a birth"] == 2 * (bounds.SPARKPLUG_WAITING + 5)
    born = sp.Node()
    waiting.hear(said(born.birth()))
    assert levels(waiting.hear(said(born.device_birth(LEVEL)))) == [1.5, 2.5]


def test_what_waits_outlives_a_restart() -> None:
    node, waiting, after = sp.Node(), Waiting(Hearing()), Waiting(Hearing())
    born = [said(node.birth()), said(node.device_birth(LEVEL))]
    waiting.hear(data(node, 2.5), owed=True)
    after.restore(waiting.kept())
    assert after.kept() == waiting.kept()
    assert levels([one for message in born for one in after.hear(message)]) == [1.5, 2.5]
    assert "waiting" not in after.kept()


@pytest.mark.parametrize(
    "waiting", ["1", "[1]", '[["t"]]', '[["spBv1.0/G/DDATA/N/D", 1, 2, true]]', '{"a": 1}', "null"]
)
def test_a_damaged_mark_leaves_the_names(waiting: str) -> None:
    node, before, after = sp.Node(), Waiting(Hearing()), Waiting(Hearing())
    for message in (node.birth(), node.device_birth(LEVEL)):
        before.hear(said(message))
    after.restore(before.kept()[:-1] + f',"waiting":{waiting}}}')
    assert levels(after.hear(data(node, 2.5))) == [2.5]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"]), st.integers(0, 1), st.integers(0, 3),
            st.booleans(), st.booleans(), st.booleans(),
        ),
        max_size=14,
    )
)  # fmt: skip
def test_any_order_of_anything_ends_with_nothing_waiting(messages: list) -> None:  # type: ignore[type-arg]
    waiting = Waiting(Hearing())
    for kind, which, at, named, repeated, owed in messages:
        node = sp.Node(name=f"n{which}", bd_seq=at)
        metric = sp.metric("level", sp.FLOAT, 1.0, alias=1) if named else sp.data(1, sp.FLOAT, 1.0)
        one = Message(node.topic(kind), sp.payload(at, sp.MS + at, [metric]), NOW, repeated)
        waiting.hear(one, owed=owed)
        again = Waiting(Hearing())
        again.restore(waiting.kept())
        assert again.kept() == waiting.kept()
    waiting.give_up()
    assert len(waiting) == 0
