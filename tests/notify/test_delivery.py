"""What the outbox holds reaches people: at least once, the same id each time, and visibly where it cannot."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

from tests.notify.making import NIGHT, NOON, Ringer, incident, message, webhook
from tests.notify.receivers import MailServer, WebServer, awaited

from tocsin.config import bounds
from tocsin.config.addresses import Address
from tocsin.config.bell import Bell, Channel, Mail, Quiet, Web
from tocsin.notify.changes import rings
from tocsin.records.instants import DAY, HOUR, MINUTE, SECOND
from tocsin.store.outbox import ToTell
from tocsin.store.state import Notes


def bell(server, *names, **more):
    return Bell(
        tuple(webhook(name, server.url) for name in names or ("phone",)),
        allowed=frozenset({server.url}),
        **more,
    )


def test_what_a_commit_brings_is_handed_over_once_and_survives_a_restart(tmp_path):
    with WebServer() as server:
        for _ in range(3):
            with Ringer(tmp_path / "s", bell(server)) as one:
                made = rings([found := incident()], {}, one.ringing, NOON)
                one.store.commit(
                    one.store.position, incidents=[found], beside=Notes(told=ToTell(made.messages, made.rung))
                )
        assert server.came == []
        for minute in range(3):
            with Ringer(tmp_path / "s", bell(server)) as one:
                one.turn(NOON + minute * MINUTE)
                assert one.outbox.rung() == {found.id: made.rung[0]}
        (came,) = server.came
    assert came.json["id"] == came.headers["X-Tocsin-Message"] == made.messages[0].id
    assert came.json["title"] == made.messages[0].title


def test_what_arrived_is_not_said_again_where_the_process_ended_before_it_was_noted(tmp_path):
    with WebServer() as server:
        for minute in range(2):
            with Ringer(tmp_path / "s", bell(server)) as one:
                if not minute:
                    one.outbox.add(rings([incident()], {}, one.ringing, NOON).messages)
                one.turn(NOON + minute * MINUTE)
                one.store._database.put("UPDATE outbox SET state = 'waiting'")
        assert len(server.came) == 1


def test_the_next_channel_rings_where_nobody_acknowledged(tmp_path):
    with (
        WebServer() as server,
        Ringer(tmp_path / "s", bell(server, "phone", "chief", escalate_minutes=30)) as one,
    ):
        for found in (incident("ws1"), incident("ws2")):
            one.outbox.add(rings([found], {}, one.ringing, NOON).messages)
        one.turn(NOON)
        one.look_after(found.id, NOON + 5 * MINUTE)
        one.turn(NOON + 29 * MINUTE)
        assert [came.path for came in server.came] == ["/phone", "/phone"]
        one.turn(NOON + 31 * MINUTE)
        assert [came.path for came in server.came] == ["/phone", "/phone", "/chief"]
        assert found.id not in server.came[-1].json["body"]
        graver = replace(found, severity="critical")
        one.outbox.add(rings([graver], {}, one.ringing, NOON + HOUR).messages)
        assert one.turn(NOON + HOUR) == 0, "the same change is no news"
        told = {found.id: one.ringing and rings([found], {}, one.ringing, NOON).rung[0]}
        one.outbox.add(rings([graver], told, one.ringing, NOON + HOUR).messages)
        assert one.turn(NOON + HOUR) == 1, "what grew graver rings in spite of it"


def test_at_night_only_what_is_critical_rings(tmp_path):
    with WebServer() as server, Ringer(tmp_path / "s", bell(server, quiet=Quiet(22 * 60, 6 * 60))) as one:
        one.outbox.add([message("a", made=NOON), message("b", severity="critical", made=NIGHT)])
        one.turn(NIGHT)
        assert [came.json["id"] for came in server.came] == ["b"]
        one.turn(NIGHT + 7 * HOUR)
        assert [came.json["id"] for came in server.came] == ["b", "a"]


def test_a_channel_that_fails_is_tried_again_with_growing_pauses_and_the_next_rings_at_once(tmp_path):
    with (
        WebServer([(503, {}), (200, {}), (503, {}), (503, {})]) as server,
        Ringer(tmp_path / "s", bell(server, "phone", "chief")) as one,
    ):
        one.outbox.add([message("a", change="new", subject="i"),
                        message("b", "chief", due=NOON + 30 * MINUTE, subject="i")])  # fmt: skip
        one.turn(NOON)
        assert [came.path for came in server.came] == ["/phone", "/chief"]
        for seconds in (5, 11, 20, 32):
            one.turn(NOON + seconds * SECOND)
        assert [came.path for came in server.came[2:]] == ["/phone", "/phone"]
        assert one.turn(NOON + HOUR) == 1
        ids = {came.json["id"] for came in server.came if came.path == "/phone"}
        assert ids == {"a"}
        assert one.outbox.counts() == {"sent": 2}
        assert len(one.told) == 1
        assert "503" in one.told[0]


def test_after_a_day_it_is_given_up_visibly(tmp_path):
    with Ringer(
        tmp_path / "s",
        Bell((webhook("phone", "http://127.0.0.1:9"),), allowed=frozenset({"http://127.0.0.1:9"})),
    ) as one:
        one.outbox.add([message("a")])
        one.turn(NOON + 400 * DAY)
        assert one.outbox.counts() == {"waiting": 1}, "a clock that jumps gives nothing up"
        for minutes in range(0, 27 * 60, 5):
            one.turn(NOON + minutes * MINUTE)
        assert one.outbox.counts() == {"failed": 1}
        (failure,) = one.outbox.failures(NOON, NOON + 2 * DAY)
        assert (failure.channel, failure.title) == ("phone", "Title a")
        assert "given up" in one.told[-1]


def test_a_channel_that_is_not_listed_is_refused_told_and_the_next_rings(tmp_path):
    with WebServer() as server, WebServer() as unlisted:
        channels = (webhook("phone", unlisted.url), webhook("chief", server.url))
        with Ringer(tmp_path / "s", Bell(channels, allowed=frozenset({server.url}))) as one:
            one.outbox.add([message("a", subject="i"), message("b", "chief", due=NOON + HOUR, subject="i")])
            one.turn(NOON)
            assert unlisted.came == []
            assert [came.json["id"] for came in server.came] == ["b"]
            assert "does not list" in one.told[0]
        with Ringer(tmp_path / "s", Bell(channels, allowed=frozenset({server.url, unlisted.url}))) as one:
            one.outbox.try_now(NOON + SECOND)
            one.turn(NOON + SECOND)
            assert [came.json["id"] for came in unlisted.came] == ["a"], "it is listed now"


def test_a_flood_goes_as_few_messages_the_gravest_first(tmp_path):
    with WebServer() as server, Ringer(tmp_path / "s", bell(server)) as one:
        one.outbox.add([message(f"m{number:04}", severity="medium") for number in range(2_000)])
        one.outbox.add([message("grave", severity="critical")])
        one.turn(NOON)
        (came,) = server.came
        assert came.json["title"] == "2,001 things need you. First: Title grave"
        assert came.json["body"].startswith("- Title grave\n")
        assert came.json["severity"] == "critical"
        assert len(came.body) < 5_000
        for minute in range(1, 59):
            one.outbox.add([message(f"later{minute}", made=NOON + minute * MINUTE)])
            one.turn(NOON + minute * MINUTE)
        assert len(server.came) == bounds.BELL_HANDED_HOURLY - bounds.BELL_KEPT_FOR_CRITICAL
        one.outbox.add([message("true", severity="critical", made=NOON + 59 * MINUTE)])
        one.turn(NOON + 59 * MINUTE)
        assert server.came[-1].json["id"] == "true", "there is room for it, and it goes alone"
        one.turn(NOON + 65 * MINUTE)
        assert one.outbox.counts() == {"sent": 2_060}


def test_more_than_is_kept_gives_up_the_mildest(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "OUTBOX_MESSAGES", 3)
    with WebServer() as server, Ringer(tmp_path / "s", bell(server)) as one:
        one.outbox.add([message(f"m{number}", severity="medium") for number in range(3)])
        one.outbox.add([message("grave", severity="critical"), message("high")])
        one.turn(NOON)
        assert one.outbox.counts() == {"failed": 2, "sent": 3}
        assert "given up" in one.told[0]
        one.turn(NOON + 31 * DAY)
        assert one.outbox.counts() == {}


def test_a_parcel_of_several_stays_what_it_was(tmp_path):
    with (
        WebServer([(503, {})]) as server,
        Ringer(tmp_path / "s", bell(server, quiet=Quiet(22 * 60, 6 * 60))) as one,
    ):
        dusk = NOON + 10 * HOUR - MINUTE
        several = [message(f"m{number}", made=dusk) for number in range(4)]
        one.outbox.add([*several, message("grave", severity="critical", made=dusk)])
        one.turn(dusk)
        one.look_after("inc-m1", dusk)
        one.turn(NIGHT)
        first, again = server.came
        assert (first.json["id"], first.body) == (again.json["id"], again.body)


def test_a_third_channel_waits_where_the_second_was_reached(tmp_path):
    with WebServer() as server:
        channels = (webhook("phone", "http://127.0.0.1:9"), *bell(server, "chief", "all").channels)
        with Ringer(
            tmp_path / "s", Bell(channels, allowed=frozenset({server.url, "http://127.0.0.1:9"}))
        ) as one:
            one.outbox.add(rings([incident()], {}, one.ringing, NOON).messages)
            for seconds in range(0, 300, 10):
                one.turn(NOON + seconds * SECOND)
            assert [came.path for came in server.came] == ["/chief"]
            one.turn(NOON + 61 * MINUTE)
            assert [came.path for came in server.came] == ["/chief", "/all"]


KILLED = """
import sys
from pathlib import Path
from tests.notify.making import NOON, Ringer, webhook
from tocsin.config.bell import Bell
with Ringer(Path(sys.argv[1]), Bell((webhook("phone", sys.argv[2]),), allowed=frozenset({sys.argv[2]}))) as one:
    one.turn(NOON)
"""


def test_killed_between_hand_over_and_record_it_repeats_with_the_same_id_and_bytes(tmp_path):
    class Killing(list):
        def append(self, came):
            super().append(came)
            if len(self) == 1:
                os.kill(process.pid, signal.SIGKILL)

    with WebServer(came=Killing()) as server:
        with Ringer(tmp_path / "s", bell(server)) as one:
            one.outbox.add([message(f"m{number}") for number in range(5)])
        command = [sys.executable, "-c", KILLED, str(tmp_path / "s"), server.url]
        process = subprocess.Popen(command)
        assert process.wait(60) == -signal.SIGKILL
        with Ringer(tmp_path / "s", bell(server)) as one:
            one.outbox.add([message("later")])
            one.turn(NOON + MINUTE)
            assert one.outbox.counts() == {"sent": 6}
            times = {left.ident: (left.times, left.unsure) for left in one.kept.all()}
    first, again, later = server.came
    assert (first.json["id"], first.body) == (again.json["id"], again.body)
    assert times == {first.json["id"]: (2, 1), "later": (1, 0)}
    assert later.json["id"] == "later"


def test_each_service_gets_what_it_takes_and_no_text_becomes_a_command(tmp_path):
    hostile = '<!channel> [x](http://evil) & "é"\r\nBcc: all@example.org'
    with WebServer() as server, MailServer() as mails:
        mail = Mail(
            Address("127.0.0.1", mails.port), "none", None, None, "tocsin@example.org", ("head@example.org",)
        )
        channels = (
            Channel("ntfy", "ntfy", Web(f"{server.url}/sub/town")), Channel("slack", "slack", Web(f"{server.url}/slack")),
            Channel("teams", "teams", Web(f"{server.url}/teams")), Channel("mail", "email", mail),
        )  # fmt: skip
        with Ringer(tmp_path / "s", Bell(channels, allowed=frozenset({server.url, mail.origin}))) as one:
            one.outbox.add(
                [replace(message(one.name, one.name), title=hostile, text="1. Do <this>") for one in channels]
            )
            assert one.turn(NOON) == 4, one.told
            kept = {left.ident: left.body for left in one.kept.all()}
        ntfy, slack, teams = server.came
        (came,) = awaited(lambda: mails.came)
    assert (ntfy.path, ntfy.json["topic"], ntfy.json["title"], ntfy.json["priority"]) == (
        "/sub/",
        "town",
        hostile,
        4,
    )
    assert "&lt;!channel&gt;" in slack.json["text"]
    assert "<" not in slack.json["text"]
    runs = [block["inlines"][0] for block in teams.json["attachments"][0]["content"]["body"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert runs[0]["text"] == hostile
    read = message_from_bytes(came.content, policy=default)
    assert read["Bcc"] is None
    assert read["Message-ID"] == "<mail@example.org>"
    assert "1. Do <this>" in read.get_content()
    assert kept["mail"] == came.content
    assert kept["slack"] == slack.body


def test_what_is_critical_gets_through_behind_what_must_wait(tmp_path):
    with WebServer([(503, {})]) as server, Ringer(tmp_path / "s", bell(server)) as one:
        one.outbox.add([message("stuck", severity="medium")])
        one.turn(NOON)
        for number in range(bounds.BELL_HANDED_HOURLY - bounds.BELL_KEPT_FOR_CRITICAL):
            one.outbox.add([message(f"m{number}", made=NOON + number * SECOND)])
            one.turn(NOON + number * SECOND)
        before = len(server.came)
        one.outbox.add([message("true", severity="critical", made=NOON + MINUTE)])
        one.turn(NOON + MINUTE)
        assert [came.json["id"] for came in server.came[before:]] == ["true"]


def test_what_waits_for_a_channel_that_is_named_no_more_is_said_by_another_once(tmp_path):
    with WebServer() as server:
        dead = Bell((webhook("phone", "http://127.0.0.1:9"),), allowed=frozenset({"http://127.0.0.1:9"}))
        with Ringer(tmp_path / "s", dead) as one:
            made = rings([found := incident("ws-secret")], {}, one.ringing, NOON).messages
            one.outbox.add(
                [*made, message("x", "chief", due=NOON + HOUR, subject="i"), message("y", subject="i")]
            )
            one.turn(NOON)
        little = (replace(webhook("mobile", server.url), detail="little"), webhook("chief", server.url))
        for _ in range(2):
            with Ringer(tmp_path / "s", Bell(little, allowed=frozenset({server.url}))) as one:
                one.delivery.begin(NOON + MINUTE)
                one.turn(NOON + MINUTE)
        assert [came.path for came in server.came] == ["/mobile", "/mobile"]
        said = "".join(came.json["title"] + came.json["body"] for came in server.came)
        assert found.id in said
        assert "ws-secret" not in said


def test_a_channel_that_goes_leaves_nobody_untold(tmp_path):
    with WebServer() as server:
        both = Bell((webhook("phone", "http://127.0.0.1:9"), webhook("chief", server.url)))
        with Ringer(tmp_path / "s", both) as one:
            one.outbox.add(rings([incident()], {}, one.ringing, NOON).messages)
        with Ringer(tmp_path / "s", bell(server, "chief")) as one:
            one.delivery.begin(NOON)
            one.turn(NOON)
            assert one.outbox.counts() == {"sent": 1, "spared": 1}
        assert [came.path for came in server.came] == ["/chief"]


def test_what_waits_for_newer_channels_stays_theirs(tmp_path):
    with WebServer() as server:
        with Ringer(tmp_path / "s", bell(server, "new")) as one:
            one.outbox.add(rings([incident()], {}, one.ringing, NOON).messages)
        with Ringer(tmp_path / "s", bell(server, "old")) as one:
            one.delivery.begin(NOON, lambda: False)
            one.turn(NOON)
            assert not server.came
        with Ringer(tmp_path / "s", bell(server, "new")) as one:
            one.delivery.begin(NOON, lambda: True)
            one.turn(NOON)
        assert [came.path for came in server.came] == ["/new"]


def test_a_clock_that_ran_far_ahead_holds_nothing_back(tmp_path):
    year = 365 * DAY
    with (
        WebServer([(503, {})]) as server,
        Ringer(tmp_path / "s", bell(server, "phone", "chief")) as one,
    ):
        one.outbox.add([message("tried", made=NOON)])
        one.turn(NOON + year)
        later = [
            message("ahead", made=NOON + year),
            message("next", "chief", made=NOON + year, due=NOON + year + HOUR),
        ]
        one.outbox.add(later)
        for number in range(40):
            one.outbox.add([message(f"s{number}", made=NOON + year)])
        one.outbox.sent([message(f"s{number}") for number in range(40)], NOON + year)
        one.turn(NOON)
        assert {came.json["id"] for came in server.came} == {"tried", "ahead"}
        one.turn(NOON + 50 * MINUTE)
        assert len(server.came) == 3, "the next channel still waits its time"
        one.turn(NOON + 61 * MINUTE)
        assert server.came[-1].path == "/chief"


def test_mail_that_reaches_not_all_is_told(tmp_path):
    with MailServer() as mails:
        mails.unknown = "gone@example.org"
        to = ("head@example.org", "gone@example.org")
        mail = Mail(Address("127.0.0.1", mails.port), "none", None, None, "tocsin@example.org", to)
        channels = (Channel("mail", "email", mail),)
        with Ringer(tmp_path / "s", Bell(channels, allowed=frozenset({mail.origin}))) as one:
            for number in range(2):
                one.outbox.add([message(f"m{number}", "mail")])
                one.turn(NOON + number)
            assert one.outbox.counts() == {"sent": 2}
            (told,) = one.told
            assert "did not take it for gone@example.org" in told
            assert all("gone@example.org" in left.outcome for left in one.kept.all())


def test_a_channel_that_breaks_our_own_code_silences_no_other(tmp_path):
    with WebServer() as server:
        mail = Mail(
            Address("127.0.0.1", 9), "none", None, None, "tocsin@example.org\n", ("head@example.org",)
        )
        channels = (Channel("mail", "email", mail), webhook("phone", server.url))
        with Ringer(tmp_path / "s", Bell(channels, allowed=frozenset({server.url, mail.origin}))) as one:
            one.outbox.add([message("a", "mail", subject="i"), message("b", subject="i", due=NOON + HOUR)])
            one.turn(NOON)
            assert [came.json["id"] for came in server.came] == ["b"]
            assert "handing over failed (ValueError)" in one.told[0]


def test_channels_that_let_us_wait_hold_up_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "OUTBOUND_SECONDS", 0.3)
    names = [f"dead{number}" for number in range(5)]
    with WebServer() as server, socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        channels = (*(webhook(name, url) for name in names), webhook("phone", server.url))
        with Ringer(tmp_path / "s", Bell(channels, allowed=frozenset({server.url, url}))) as one:
            one.outbox.add([message(name, name, subject=name) for name in names])
            one.turn(NOON)
            one.outbox.add([message("true", severity="critical", made=NOON + MINUTE)])
            begun = time.monotonic()
            assert one.turn(NOON + MINUTE) == 1
            assert time.monotonic() - begun < 0.3 * 4
            for seconds in range(1, 5):
                one.turn(NOON + MINUTE + seconds * SECOND)
            assert {left.times for left in one.kept.all() if left.destination.startswith(url)} == {2}
