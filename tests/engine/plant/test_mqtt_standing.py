"""Values that do not change are said again while they stand, and no longer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("paho.mqtt.client")

from tests import sparkplug_node as sp
from tests.detect.plant.live.readings import event
from tests.detect.plant.plants import tank
from tests.engine.plant.mqtt_reading import NOW, Client, Delivered, reading
from tests.mqtt_broker import Broker, NatsBroker, mosquitto, nats

from tocsin.config import bounds
from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.live.detector import PlantDetector
from tocsin.detect.plant.live.plant import Plant
from tocsin.engine.plant.collectors.interface import Reading
from tocsin.engine.plant.collectors.mqtt_standing import Came, Standing
from tocsin.records.event import EventBatch
from tocsin.records.instants import HOUR, SECOND
from tocsin.records.readings import Readings

needs_mosquitto = pytest.mark.skipif(mosquitto() is None, reason="no mosquitto")
BOTH = [
    pytest.param(Broker, marks=needs_mosquitto),
    pytest.param(NatsBroker, marks=pytest.mark.skipif(nats() is None, reason="no nats-server")),
]
PLAIN = Mqtt("h", 1, ("plant/{tag}",), "json", "{tag}", repeat_most_seconds=60)
START = NOW - 3_600 * SECOND


@pytest.fixture
def broker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    one = getattr(request, "param", Broker)(tmp_path).start()
    yield one
    one.stop(kill=True)


def came(tag: str, seconds: int, value: float | None = 1.0) -> list[Came]:
    return [Came(Reading(tag, START + seconds * SECOND, value), None)]


def again(
    standing: Standing, tag: str, seconds: int, value: float | None = 1.0, *, sure: bool = True
) -> dict[str, int]:
    """What is said again before a reading of `tag`: tag and second."""
    said = standing.again(came(tag, seconds, value), NOW, sure=sure)
    return {one.tag: (one.instant - START) // SECOND for one in said}


def nobody(*_: str) -> bool:
    return False


def test_it_is_said_again_for_a_minute_after_its_last_message_and_no_longer() -> None:
    standing = Standing(PLAIN, nobody)
    again(standing, "valve", 0)
    said = [(at, found) for at in range(1, 120) if (found := again(standing, "flow", at))]
    assert said == [(at + 1, {"valve": at}) for at in range(10, 70, 10)]
    assert again(standing, "valve", 121) == {}
    assert [again(standing, "flow", at) for at in (132, 133)] == [{}, {"valve": 132}], "it came again"


def test_without_repeating_nothing_is_held() -> None:
    standing = Standing(Mqtt("h", 1, ("t",), "json", repeat_seconds=0), nobody)
    for at in range(0, 60, 15):
        assert again(standing, "valve" if not at else "flow", at) == {}
    assert not standing._places


def test_what_has_no_good_value_is_not_said_again() -> None:
    standing = Standing(PLAIN, nobody)
    again(standing, "valve", 0)
    again(standing, "valve", 1, None)
    assert [again(standing, "flow", at) for at in range(2, 40)] == [{}] * 38


def test_a_death_moves_no_tag_of_a_source_whose_clock_is_behind() -> None:
    standing = Standing(PLAIN, nobody)
    again(standing, "valve", 0)
    standing.again([Came(Reading("pump", NOW, None), None, latest=True)], NOW, sure=True)
    said = [(at, found) for at in range(1, 30) if (found := again(standing, "flow", at))]
    assert said == [(11, {"valve": 10}), (21, {"valve": 20})]


def test_a_clock_that_is_ahead_moves_no_other_tag() -> None:
    standing = Standing(PLAIN, nobody)
    ahead = [Came(Reading("odd", NOW + 10**15, 1.0), None)]
    standing.again(ahead, NOW, sure=True)
    standing.again([Came(Reading("flow", NOW - 5 * SECOND, 1.0), None)], NOW, sure=True)
    later = [
        one
        for second in range(1, 30)
        for one in standing.again(
            [Came(Reading("flow", NOW + second * SECOND, 1.0), None)], NOW + second * SECOND, sure=True
        )
    ]
    assert {one.tag for one in later} == {"odd"}
    assert all(NOW < one.instant <= NOW + 30 * SECOND for one in later)


def test_where_our_clock_is_set_back_the_last_value_stands() -> None:
    standing = Standing(PLAIN, nobody)

    def at(second: int, tag: str, value: float) -> set[tuple[int, float | str | None]]:
        now = START + second * SECOND
        said = standing.again([Came(Reading(tag, now, value), None, latest=True)], now, sure=True)
        return {((one.instant - START) // SECOND, one.value) for one in said}

    for second, value in ((1_000, 1.0), (0, 2.0)):
        at(second, "valve", value)
    said = set.union(*(at(second, "flow", 0.0) for second in range(1, 1_100)))
    assert said == {(second, 2.0) for second in range(10, 61, 10)}


def test_a_device_whose_clock_is_set_back_is_said_with_its_last_value() -> None:
    standing = Standing(PLAIN, nobody)
    again(standing, "flow", 5)
    again(standing, "valve", 5, 1.0)
    standing.again([Came(Reading("valve", START, 2.0), None, latest=True)], NOW, sure=True)
    again(standing, "flow", 15)
    said = standing.again(came("flow", 16), NOW, sure=True)
    assert [(one.tag, one.value) for one in said] == [("valve", 2.0)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.integers(-60, 60), st.integers(-15, 30), st.one_of(st.none(), st.integers(0, 9)), st.booleans()
        ),
        max_size=60,
    )
)  # fmt: skip
def test_whatever_clocks_do_only_what_was_said_last_is_said_again(
    said: list[tuple[str, int, int, int | None, bool]],
) -> None:
    """Tag, its clock's error, how far our clock moves, the value, and whether it is news: in seconds."""
    standing, now = Standing(PLAIN, nobody), START
    last: dict[str, int | None] = {}
    for tag, error, moves, value, current in said:
        now += moves * SECOND
        one = Came(Reading(tag, now + error * SECOND, value), None, current, latest=True)
        for again in standing.again([one], now, sure=True):
            assert again.value is not None
            assert again.value == last[again.tag]
            assert again.instant <= now
        if current:
            last[tag] = value


def test_history_that_is_sent_late_does_not_stand() -> None:
    standing = Standing(PLAIN, nobody)
    standing.again([came("valve", 0)[0]._replace(current=False)], NOW, sure=True)
    assert [again(standing, "flow", at) for at in range(40)] == [{}] * 40


def test_a_new_connection_keeps_what_cannot_have_changed_unheard() -> None:
    standing = Standing(PLAIN, nobody)
    again(standing, "valve", 0)
    again(standing, "lamp", 0, sure=False)
    standing.connected(resumed=True)
    again(standing, "flow", 9)
    assert [again(standing, "flow", at) for at in (20, 21)] == [{}, {"valve": 20}], (
        "the lamp may have changed"
    )
    standing.connected(resumed=False)
    assert [again(standing, "flow", at) for at in range(30, 55)] == [{}] * 25


def test_it_holds_a_bounded_number_of_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HISTORIAN_TAGS", 20)
    standing = Standing(PLAIN, nobody)
    for at in range(200):
        again(standing, f"t{at}", 0, sure=False)
    assert (len(standing._places), len(standing._unsure)) == (20, 20)
    assert standing.full
    again(standing, "t1", 1)
    assert len(again(standing, "t1", 12) | again(standing, "t1", 13)) == 19


def by_exception(readings: Readings, band: float) -> Readings:
    """What devices show that publish a value only where it is off the last one by more than `band` of its span."""
    values = readings.values.copy()
    wide = band * np.ptp(values, axis=0)
    for row in range(1, len(values)):
        still = np.abs(values[row] - values[row - 1]) <= wide
        values[row, still] = values[row - 1, still]
    return replace(readings, values=values)


def test_a_plant_that_publishes_changes_only_is_judged_by_what_stands() -> None:
    model, shown = learn(by_exception(tank(220), 0.03), 0.1, 2), by_exception(tank(100, seed=9), 0.03)
    told: dict[bool, list[str]] = {}
    for repeats in (False, True):
        standing, detector = (
            Standing(replace(PLAIN, repeat_most_seconds=86_400), nobody),
            PlantDetector([Plant("works", model, {}, "d")]),
        )
        events, before = [], np.full(len(shown.tags), np.nan)
        for row, values in enumerate(shown.values):
            at, changed = START + row * HOUR, np.flatnonzero(values != before)
            news = [Came(Reading(shown.tags[tag], at, float(values[tag])), None) for tag in changed]
            said = standing.again(news, at, sure=True) if repeats else []
            said += [one.reading for one in news]
            said += standing.again([], at, sure=True) if repeats else []  # it falls quiet until the next hour
            events += [
                event(len(events) + number, one.instant, {one.tag: one.value})
                for number, one in enumerate(said)
            ]
            before = values
        found = [*detector.process(EventBatch.of(events)), *detector.advance(END_OF_TIME)]
        told[repeats] = [one.rule_id for one in found]
    assert "plant-missing/works" in told[False]
    assert told[True] == []


def source(broker: Broker, **more: Any) -> Mqtt:
    version: Any = 4 if isinstance(broker, NatsBroker) else 5
    said = {"topics": ("spBv1.0/#",), "tls": False, "client": "tocsin-test", "version": version} | more
    return Mqtt("127.0.0.1", broker.port, **said)


@pytest.mark.parametrize("broker", BOTH, indirect=True)
def test_a_sparkplug_metric_is_said_again_while_its_node_and_device_live(broker: Broker) -> None:
    quiet, dying, busy = sp.Node(device="Q"), sp.Node(name="M", device="R"), sp.Node(name="B", device="B")
    lost, old = sp.Node(name="L", device="L"), sp.Node(name="O", device="O")
    behind = sp.Node(name="C", device="C")

    def at(second: int) -> int:
        return sp.MS + 1000 * second

    level = [sp.metric("level", sp.FLOAT, 1.5, alias=1), sp.metric("null", sp.FLOAT, is_null=True, alias=2)]
    messages = [one for node in (quiet, dying, busy) for one in (node.birth(), node.device_birth(level))]
    # its values changed last a month ago, and it was dead until now, by a clock that is far behind ours
    changed = [sp.metric("level", sp.FLOAT, 2.5, alias=1, timestamp=sp.MS - 30 * 86_400_000)]
    messages += [old.birth(), old.device_birth(changed), old.death(), old.birth(), old.device_birth(changed)]
    late = sp.metric("level", sp.FLOAT, 4.5, timestamp=sp.MS - 1_000, is_historical=True)
    messages += [behind.birth(), behind.device_birth([]), behind.device_data(late)]
    messages.append(lost.device_data(sp.metric("level", sp.FLOAT, 9.0)))  # never heard to be born
    messages += [busy.device_data(sp.data(1, sp.FLOAT, 2.0), at=at(second)) for second in range(1, 22)]
    messages += [quiet.device_death(at(22)), dying.death(), old.death()]

    async def play() -> Delivered:
        sink, plant = Delivered(), Client(broker.port)
        async with reading(source(broker), sink):
            for message in messages:
                await asyncio.to_thread(plant.publish, *message)
            await sink.until(lambda: len(sink.told) == 4)
            sink.readings.append(Reading("dead", 0, 0.0))
            for second in range(NOW // 1_000 + 1_000, NOW // 1_000 + 60_000, 1_000):
                await asyncio.to_thread(
                    plant.publish, *busy.device_data(sp.data(1, sp.FLOAT, 3.0), at=second)
                )
            await sink.until(lambda: [one.value for one in sink.readings].count(3.0) == 59)
        return sink

    sink = asyncio.run(play())
    end = sink.readings.index(Reading("dead", 0, 0.0))
    again = [
        one
        for one in sink.readings[:end]
        if one.instant > sp.MS * 1_000 and one.tag != "B/level" and one.value
    ]
    assert again == [
        Reading(f"{tag}/level", at(second) * 1_000, value)
        for second in (10, 20)
        for tag, value in (("Q", 1.5), ("R", 1.5), ("O", 2.5))
    ]
    assert {one.tag for one in sink.readings[end + 1 :]} <= {"B/level"}


@needs_mosquitto
def test_where_the_source_falls_quiet_it_is_said_again_soon_and_once(broker: Broker) -> None:
    """In time for the row of the last message, and not at any later instant: nobody spoke since."""
    said = source(
        broker, topics=("plant/{tag}",), format="json", tag="{tag}", value="v", time="t", repeat_seconds=1
    )

    async def play() -> Delivered:
        sink, plant = Delivered(), Client(broker.port)
        async with reading(said, sink):
            for tag, second in (("valve", 0), ("flow", 5)):
                body = json.dumps({"v": 1.0, "t": (START // SECOND) + second})
                await asyncio.to_thread(plant.publish, f"plant/{tag}", body)
            await sink.until(lambda: len(sink.readings) == 3)
            calls = sink.calls
            await asyncio.sleep(1.2)
            assert sink.calls == calls
        return sink

    assert asyncio.run(play()).readings[-1] == Reading("valve", START + 5 * SECOND, 1.0)


@needs_mosquitto
def test_a_plain_tag_is_said_again_only_while_the_connection_is_up(broker: Broker) -> None:
    said = source(broker, topics=("plant/{tag}",), format="json", tag="{tag}", value="v", time="t")

    async def play(sink: Delivered, seconds: range, plant: Client, mark: str = "") -> None:
        async with reading(said, sink, mark):
            for second in seconds:
                body = json.dumps({"v": float(second), "t": (START // SECOND) + second})
                await asyncio.to_thread(plant.publish, "plant/valve" if not second else "plant/flow", body)
            await sink.until(lambda: any(one.value == seconds[-1] for one in sink.readings))

    async def both() -> tuple[Delivered, Delivered]:
        first, second, plant = Delivered(), Delivered(), Client(broker.port)
        await play(first, range(13), plant)
        await play(second, range(13, 40), plant, first.marks[-1])  # another process: it knows no value
        plant.close()
        return first, second

    first, second = asyncio.run(both())
    valves = [one for one in first.readings if one.tag == "valve"]
    assert valves == [Reading("valve", START, 0.0), Reading("valve", START + 10 * SECOND, 0.0)]
    assert {one.tag for one in second.readings} == {"flow"}
