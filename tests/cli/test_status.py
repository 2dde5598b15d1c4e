"""`tocsin status` beside a service that runs, was stopped, was killed, or never ran."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import pytest
from tests.command import call
from tests.running_service import Running, Sender, awaited

from tocsin.config import bounds
from tocsin.config.service import Retention
from tocsin.config.tokens import add_token
from tocsin.engine.figuring import pace
from tocsin.engine.standing import room
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.instants import HOUR, parse_rfc3339
from tocsin.store.catalogue import Hour
from tocsin.store.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tocsin.toml").write_text(
        '[run]\ndata = "data"\nstarter = false\nrules = ["sigma"]\n[run.http]\nlisten = ["127.0.0.1:0"]\n'
    )
    (tmp_path / "sigma").mkdir()
    (tmp_path / "sigma" / "rule.yml").write_text(
        "title: A\nlogsource: {product: windows}\ndetection: {one: {EventID: 1}, condition: one}\n"
    )
    return tmp_path


def test_it_tells_of_a_service_in_each_state(folder: Path) -> None:
    def asked(*more: str):
        done = call("--config", folder / "tocsin.toml", "status", *more)
        assert done.code == 0
        return done

    sender = Sender(1, add_token(folder / "tokens", "shipper", 0))
    assert asked("--json").summary["running"] == "never"
    running = Running(folder)
    sender.port = running.port()
    sender.start()

    def counted() -> int | None:
        return next((one["today"] for one in asked("--json").lines("source") if one["today"]), None)

    awaited(counted, lambda: "no events were counted", running.process)
    sender.ended.set()
    sender.join()
    summary = asked("--json").summary
    assert (summary["running"], summary["incidents"]) == ("runs", 0)
    assert "The service runs since" in asked().text
    assert "hec:shipper: " in asked().text
    running.stop()
    done = asked("--json")
    assert done.summary["running"] == "stopped"
    assert done.summary["backlog_bytes"] == 0
    assert done.lines("source")[0]["today"] == len(sender.acknowledged)
    running = Running(folder)
    running.port()
    awaited(
        lambda: asked("--json").summary["running"] == "runs" or None, lambda: "never ran", running.process
    )
    assert asked("--json").lines("source")[0]["today"] == len(sender.acknowledged)
    running.kill()
    assert asked("--json").summary["running"] == "died"
    assert "was not asked to stop" in asked().text


def test_what_could_not_be_kept_or_watched_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = add_token(folder / "tokens", "shipper", 0)
    monkeypatch.setattr(bounds, "SET_ASIDE_KEPT", 3)
    with Store.open(folder / "data") as store:
        aside = [SetAside("a", number, None, "bad") for number in range(5)]
        store.commit(store.append(EventBatch.of([], aside)).position)
    running = Running(folder)
    try:
        hosts = "".join(json.dumps({"host": f"pc-{number}", "event": {"n": 1}}) for number in range(100))
        post(running.port(), token, hosts)

        def status() -> str | None:
            text = call("--config", folder / "tocsin.toml", "status").text
            return text if "is not watched" in text else None

        text = awaited(status, running.said, running.process)
    finally:
        running.kill()
    assert (
        f"{100 - bounds.WATCHED_NEW} times somebody was heard within a day whose silence is not watched"
        in text
    )
    assert "2 more records could not be read than are kept" in text
    said = call("--config", folder / "tocsin.toml", "doctor").text
    assert "look   absence: 36 times somebody was heard" in said
    assert "look   set aside: 2 more records could not be read" in said


def post(port: int, token: str, body: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/services/collector/event", body, {"Authorization": f"Splunk {token}"})
    assert connection.getresponse().status == 200
    connection.close()


def test_pace_and_room() -> None:
    noon = parse_rfc3339("2026-11-23T12:00:00Z")
    hours = [Hour("2026-11-21T10", 1, 10**9), Hour("2026-11-23T06", 1, 300), Hour("2026-11-23T11", 1, 300)]
    assert pace(hours, noon) == 600 * 24 / 6
    assert pace([Hour("2026-11-23T12", 1, 10)], noon) == 10 * 24
    assert pace([], noon) == 0
    assert pace([Hour("2026-11-23T12", 1, 10)], noon - 2 * HOUR) == 10 * 24  # a clock that went back
    assert room(0, 10, 1_000, Retention(90, 500)) == (50, None)
    assert room(0, 10, 1_000, Retention(90, 10_000)) == (None, None)
    assert room(0, 10, 300, Retention(90, 10_000)) == (None, 30)
    assert room(900, 10, 300, Retention(90, 10_000)) == (None, None)
    assert room(0, 0, 300, Retention(90, 10_000)) == (None, None)
