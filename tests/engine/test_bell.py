"""`tocsin run` rings: an event comes in, a real server gets the message, once whatever is killed; and the sign of life."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import pytest
from tests.command import JUDGE, call
from tests.notify.receivers import WebServer, awaited
from tests.running_service import Running

from tocsin.config import bounds
from tocsin.config.bell import Bell
from tocsin.config.tokens import add_token
from tocsin.engine.bell import BellRinger, Signs
from tocsin.notify.changes import Ringing
from tocsin.records.instants import SECOND
from tocsin.store.lock import bell_to_itself
from tocsin.store.store import Store

NOON = 1_700_000_000 * SECOND


def send(port: int, token: str, text: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = json.dumps({"host": "ws1", "event": {"EventID": 1102, "Channel": "Security", "mark": text}})
    connection.request("POST", "/services/collector/event", body, {"Authorization": f"Splunk {token}"})
    assert connection.getresponse().status == 200
    connection.close()


@pytest.fixture
def place(tmp_path: Path):
    with WebServer() as server:
        (tmp_path / "tocsin.toml").write_text(f"""
            [run]
            data = "data"
            starter = false
            rules = ["rule.yml"]
            [run.http]
            listen = ["127.0.0.1:0"]
            [run.outbound]
            allow = ["{server.url}"]
            [run.bell.channels.phone]
            kind = "webhook"
            url = "{server.url}/phone"
            [run.bell.heartbeat]
            url = "{server.url}/alive"
        """)
        (tmp_path / "rule.yml").write_text(JUDGE.format(logsource="product: windows"))
        yield tmp_path, server


def rung(server: WebServer) -> list[str]:
    return [came.json["id"] for came in server.came if came.path == "/phone"]


def test_an_event_rings_once_whatever_is_killed(place) -> None:
    folder, server = place
    token = add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        send(running.port(), token, "one")
        awaited(lambda: rung(server), running.out.read_text)
        awaited(lambda: [came for came in server.came if came.path == "/alive"], running.out.read_text)
    finally:
        running.kill()
    again = Running(folder)
    send(again.port(), token, "two")
    again.stop()
    assert len(set(rung(server))) == 1
    with Store.read_only(folder / "data") as kept:
        assert kept.outbox.heard(0, 2**62) == (2, 1)
    config = ("--config", str(folder / "tocsin.toml"))
    left = call(*config, "outbound", "--json")
    told = [one for one in left.lines("outbound") if one["purpose"] == "bell"]
    assert {one["outcome"] for one in told} <= {"sent", "begun"}
    assert told[0]["body"].encode() == next(came.body for came in server.came if came.path == "/phone")
    assert left.summary["bodies"] == len(left.lines("outbound"))
    incident = json.loads(told[0]["body"])["body"].split(" acknowledge ")[1].split()[0]
    assert call(*config, "acknowledge", incident, "--json").lines("acknowledged")[0]["incident"] == incident
    assert f"Acknowledged {incident}" in call(*config, "acknowledge", incident[:7]).text
    shown = call(*config, "outbound").text
    assert "heartbeat" in shown
    assert incident in shown


def test_a_trial_says_which_channel_took_it(place) -> None:
    folder, server = place
    config = ("--config", str(folder / "tocsin.toml"))
    assert "Start the service once" in call(*config, "ring").error
    Store.open(folder / "data").close()
    with (folder / "tocsin.toml").open("a") as file:
        file.write('[run.bell.channels.away]\nkind = "webhook"\nurl = "https://away.example.org/x"\n')
    done = call(*config, "ring", "--json")
    assert (done.code, done.summary) == (3, {"kind": "summary", "channels": 2, "failed": 1})
    phone, away = done.lines("channel")
    assert (phone["outcome"], "does not list" in away["outcome"]) == ("sent", True)
    assert rung(server) == [phone["id"]]
    assert "phone: sent" in call(*config, "ring").text


def test_the_signs_say_what_is_not_well(tmp_path: Path, monkeypatch) -> None:
    well = Signs(listens=True, judged=NOON)
    assert well.problems(tmp_path, NOON + SECOND) == ()
    assert "does not run" in Signs(listens=False, judged=NOON).problems(tmp_path, NOON)[0]
    assert "Nothing was judged" in well.problems(tmp_path, NOON + (bounds.WORKING_SECONDS + 1) * SECOND)[0]
    assert "Nothing was judged" in well.problems(tmp_path, NOON - (bounds.WORKING_SECONDS + 1) * SECOND)[0]
    assert "cannot be used" in well.problems(tmp_path / "gone", NOON)[0]
    monkeypatch.setattr(bounds, "WORKING_DISK_BYTES", 2**62)
    assert "MiB left" in well.problems(tmp_path, NOON)[0]


class Once:
    """What is around a bell that is to ring for one turn."""

    ringing = Ringing(Bell())
    signs = Signs(listens=True, judged=NOON)

    def wait(self, seconds: float) -> bool:
        return seconds == 0.0

    def settle(self) -> bool:
        return True

    def settled(self) -> bool:
        return True

    def refused(self) -> str | None:
        return None

    def refused_said(self) -> None:
        raise AssertionError("nothing was")


def test_one_bell_rings_at_a_time(tmp_path: Path) -> None:
    """One that outlives the main process for a moment hands over what it began; the next one waits for it, and says so."""
    Store.open(tmp_path / "data").close()
    instants, told = iter(range(NOON, NOON + 10**9, 8 * SECOND)), []
    bell = BellRinger(tmp_path / "data", Once(), lambda: next(instants), told.append)
    with bell_to_itself(tmp_path / "data", lambda: False):
        bell.run()
    assert [one for one in told if "still hands messages over" in one] == told != []
    told.clear()
    bell.run()
    assert told == []
