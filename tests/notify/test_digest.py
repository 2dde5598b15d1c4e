"""The message of the day, and the sign of life."""

from __future__ import annotations

from dataclasses import replace

from tests.notify.making import NOON, Ringer, incident, webhook
from tests.notify.receivers import WebServer

from tocsin.config import bounds
from tocsin.config.bell import Bell, Heartbeat, Web
from tocsin.notify.changes import rings
from tocsin.notify.digest import digest, digest_words
from tocsin.notify.heartbeat import Pulse
from tocsin.notify.notices import SETTINGS, refused_settings
from tocsin.records.instants import DAY, HOUR, MINUTE
from tocsin.store.outbox import ToTell
from tocsin.store.state import Notes

NOON_HOUR = NOON // HOUR


def test_all_is_well_is_said_once_a_day_by_one_channel(tmp_path):
    with WebServer() as server:
        channels = (webhook("phone", server.url), webhook("mail", server.url))
        bell = Bell(channels, digest=13 * 60, allowed=frozenset({server.url}))
        with Ringer(tmp_path / "s", bell) as one:
            heard = {(NOON_HOUR, "hec:a"): 1200, (NOON_HOUR, "hec:b"): 3, (NOON_HOUR - 30, "hec:old"): 5}
            one.store.commit(one.store.position, beside=Notes(told=ToTell(heard=heard)))
            for minute in range(0, 24 * 60, 15):
                now = NOON + minute * MINUTE
                one.outbox.add(digest(one.outbox, one.ringing, (), now))
                one.turn(now)
        (came,) = server.came
    assert (came.path, came.json["title"]) == ("/phone", "All is well: 1,203 events, 2 sources")


def test_where_one_channel_cannot_say_it_the_next_does(tmp_path):
    with WebServer() as server:
        channels = (webhook("phone", "http://127.0.0.1:9"), webhook("mail", server.url))
        with Ringer(tmp_path / "s", Bell(channels, digest=0, allowed=frozenset({server.url}))) as one:
            one.outbox.add(digest(one.outbox, one.ringing, (), NOON))
            one.turn(NOON)
        assert [came.path for came in server.came] == ["/mail"]


def test_what_is_not_well_is_said(tmp_path):
    with Ringer(tmp_path / "s", Bell((webhook("phone", "http://127.0.0.1:9"),))) as one:
        found = incident()
        made = rings([found], {}, one.ringing, NOON)
        one.store.commit(
            one.store.position, incidents=[found], beside=Notes(told=ToTell(made.messages, made.rung))
        )
        one.turn(NOON)
        title, text = digest_words(one.outbox, ("The disk has only 3 MiB left.",), NOON)
        assert title == "Nothing was heard: no events in 24 hours"
        for said in (
            "3 MiB",
            "nothing could be noticed",
            "1 incident needs somebody",
            "The channel phone did not take",
        ):
            assert said in text
        one.look_after(found.id, NOON)
        assert "somebody" not in digest_words(one.outbox, (), NOON)[1]


def test_sources_that_are_counted_are_bounded_and_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "HEARD_SOURCES", 10)
    with Ringer(tmp_path / "s", Bell()) as one:
        many = {(NOON_HOUR, f"udp:{number}"): 1 for number in range(100)}
        one.store.commit(one.store.position, beside=Notes(told=ToTell(heard=many)))
        assert one.outbox.heard(NOON, NOON) == (100, 11)
        later = NOON_HOUR + bounds.HEARD_HOURS + 1
        one.store.commit(one.store.position, beside=Notes(told=ToTell(heard={(later, "a"): 1})))
        assert one.outbox.heard(0, 2**62) == (1, 1)


def test_the_heartbeat_beats_while_nothing_is_wrong(tmp_path):
    with WebServer([(200, {}), (200, {}), (500, {})]) as server:
        bell = Bell(heartbeat=Heartbeat(Web(f"{server.url}/ping"), 5), allowed=frozenset({server.url}))
        with Ringer(tmp_path / "s", bell) as one:
            pulse = Pulse(bell, one.gate, one.told.append)
            assert [pulse.turn((), NOON + minute * MINUTE) for minute in range(7)] == [
                True,
                *[False] * 4,
                True,
                False,
            ]
            for minute in range(10, 20):
                assert not pulse.turn(("The disk is full.",), NOON + minute * MINUTE)
            assert not pulse.turn((), NOON + 30 * MINUTE)
            assert [came.method for came in server.came] == ["GET", "GET", "GET"]
            assert len(one.told) == 2
            assert "The disk is full" in one.told[0]
            assert "500" in one.told[1]
            assert pulse.turn((), NOON - DAY), "a clock put back stops no heart"
            (left,) = one.kept.all()
            assert left.times == 4


def test_an_unlisted_heartbeat_is_refused(tmp_path):
    with WebServer() as server:
        bell = Bell(heartbeat=Heartbeat(Web(f"{server.url}/ping"), 5))
        with Ringer(tmp_path / "s", bell) as one:
            assert not Pulse(bell, one.gate, one.told.append).turn((), NOON)
            assert server.came == []
            assert "does not list" in one.told[0]


def test_a_day_is_counted_over_restarts_and_not_by_a_clock_that_was_wrong(tmp_path):
    for number in range(3):
        with Ringer(tmp_path / "s", Bell()) as one:
            heard = {(NOON_HOUR - number, "hec:a"): 1, (NOON_HOUR - number, "hec:b"): 1}
            one.store.commit(one.store.position, beside=Notes(told=ToTell(heard=heard)))
    with Ringer(tmp_path / "s", Bell()) as one:
        ahead = ToTell(heard={(NOON_HOUR + 24, "hec:a"): 1_000})
        one.store.commit(one.store.position, beside=Notes(told=ahead))
        title, text = digest_words(one.outbox, (), NOON)
        assert title == "All is well: 6 events, 2 sources"
        assert text.startswith("Since 2026-03-01 12:00 UTC: 6 events, 2 sources.")


def test_a_digest_is_made_once_a_day_whatever_channels_are_named(tmp_path):
    with Ringer(tmp_path / "s", Bell((webhook("phone", "http://x"),), digest=0)) as one:
        one.outbox.add(digest(one.outbox, one.ringing, (), NOON))
    with Ringer(tmp_path / "s", Bell((webhook("mobile", "http://x"),), digest=0)) as one:
        assert digest(one.outbox, one.ringing, (), NOON + HOUR) == ()
        assert digest(one.outbox, one.ringing, (), NOON + DAY) != ()


def test_what_became_graver_after_it_was_acknowledged_needs_somebody_again(tmp_path):
    with Ringer(tmp_path / "s", Bell((webhook("phone", "http://x"),))) as one:
        found = incident()
        made = rings([found], {}, one.ringing, NOON)
        one.store.commit(
            one.store.position, incidents=[found], beside=Notes(told=ToTell(made.messages, made.rung))
        )
        one.look_after(found.id, NOON)
        assert one.outbox.unacknowledged() == 0
        graver = rings(
            [replace(found, severity="critical")], {found.id: made.rung[0]}, one.ringing, NOON + HOUR
        )
        one.outbox.add(graver.messages)
        assert one.outbox.unacknowledged() == 1


def test_settings_that_do_not_hold_are_said_by_one_channel_until_they_do(tmp_path):
    with WebServer() as server:
        bell = Bell(
            (webhook("phone", server.url), webhook("mail", server.url)), allowed=frozenset({server.url})
        )
        with Ringer(tmp_path / "s", bell) as one:
            for _ in range(2):
                one.outbox.add(refused_settings(one.ringing, "tocsin.toml is no TOML.", NOON))
            one.turn(NOON)
            one.turn(NOON + 7 * HOUR)
            (came,) = server.came
            assert came.json["title"] == "Tocsin's new settings do not hold"
            assert "tocsin.toml is no TOML." in came.json["body"]
            one.outbox.add(refused_settings(one.ringing, "Another thing.", NOON + 8 * HOUR))
            one.outbox.withdraw(SETTINGS, NOON + 8 * HOUR)
            assert one.turn(NOON + 8 * HOUR) == 0
