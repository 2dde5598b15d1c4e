"""A source that falls silent rings once, through restarts and SIGKILL, and ends by itself when it is heard again."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest
from tests.command import call
from tests.notify.receivers import WebServer, awaited
from tests.running_service import Running

from tocsin.config.tokens import add_token
from tocsin.store.store import Store

SETTINGS = """
[run]
data = "data"
starter = false
[run.http]
listen = ["127.0.0.1:0"]
[run.silence]
floor = "2s"
learn = "3s"
[run.outbound]
allow = ["{url}"]
[run.bell.channels.phone]
kind = "webhook"
url = "{url}/phone"
[[run.expect]]
name = "backup"
where = {{ "message|contains" = "snapshot saved" }}
every = "3s"
grace = "1s"
[[run.group]]
name = "servers"
hosts = ["host-*"]
count = 3
"""


class Talker(Thread):
    """Sends an event of `token` several times a second until it is told to hush."""

    def __init__(self, token: str, host: str, port: int, says: str = "hello") -> None:
        super().__init__(daemon=True)
        self._token, self._host, self.port, self._says = token, host, port, says
        self.hushed = Flag()

    def run(self) -> None:
        body = json.dumps({"host": self._host, "event": {"message": self._says}})
        while not self.hushed.wait(0.1):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request(
                    "POST", "/services/collector/event", body + "\n" + json.dumps({"event": {"n": time.time()}}),
                    {"Authorization": f"Splunk {self._token}"},
                )  # fmt: skip
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()


@pytest.fixture
def place(tmp_path: Path):
    with WebServer() as server:
        (tmp_path / "tocsin.toml").write_text(SETTINGS.format(url=server.url))
        yield tmp_path, server


def incidents(folder: Path) -> dict[str, str]:
    """Rule titles of the absences that the store holds → their status."""
    with Store.read_only(folder / "data", lambda _: pytest.fail("not asked")) as store:
        return {
            one.findings[0].rule_title: one.status for one in store.incidents() if one.id.startswith("abs-")
        }


def rung(server: WebServer) -> list[str]:
    return [came.json["title"] for came in server.came if came.path == "/phone"]


def test_a_silent_source_rings_once_through_a_kill_and_is_over_when_it_is_heard_again(place) -> None:
    folder, server = place
    one, other = (add_token(folder / "tokens", name, 0) for name in ("one", "other"))
    running = Running(folder, folder / "out")
    port = running.port()
    talkers = [Talker(one, "host-1", port, "snapshot saved"), Talker(other, "host-2", port)]
    for talker in talkers:
        talker.start()
    try:
        time.sleep(5.5)  # it must have spoken for longer than `learn`: there is nothing to wait for
        assert incidents(folder) == {}
        hushed = time.monotonic()
        talkers[0].hushed.set()
        awaited(lambda: "Not heard any more: hec:one" in incidents(folder), running.out.read_text)
        assert 1.5 < time.monotonic() - hushed < 12
        awaited(lambda: incidents(folder).get("Did not come: backup"), running.out.read_text)
        running.kill()
        running = Running(folder, folder / "out")
        talkers[1].port = running.port()
        awaited(lambda: len(rung(server)) >= 2, running.out.read_text)
        config = ("--config", folder / "tocsin.toml")
        assert "hec:one" in call(*config, "status").text
        assert "servers: 2 of 3 heard on" in call(*config, "status").text
        assert "Did not come: backup" in call(*config, "doctor").text
        again = Talker(one, "host-1", talkers[1].port, "snapshot saved")
        talkers.append(again)
        again.start()
        awaited(lambda: set(incidents(folder).values()) == {"resolved"}, running.out.read_text)
        assert set(incidents(folder)) == {"Not heard any more: hec:one", "Did not come: backup"}
        awaited(lambda: len(rung(server)) >= 4, running.out.read_text)
    finally:
        for talker in talkers:
            talker.hushed.set()
        running.stop()
    assert sorted(rung(server)) == [
        "High: Did not come: backup", "Medium: Not heard any more: hec:one",
        "Over: Did not come: backup", "Over: Not heard any more: hec:one",
    ]  # fmt: skip
    with Store.read_only(folder / "data") as store:
        assert len([one for one in store.findings() if one.detector == "absence"]) == 2


def test_what_is_expected_changes_with_a_reload(place) -> None:
    folder, server = place
    settings = (folder / "tocsin.toml").read_text()
    without, _, _ = settings.partition("[[run.expect]]")
    (folder / "tocsin.toml").write_text(without)
    token = add_token(folder / "tokens", "one", 0)
    running = Running(folder, folder / "out")
    talker = Talker(token, "host-1", running.port())
    talker.start()
    try:
        (folder / "tocsin.toml").write_text(settings)
        running.reload()
        running.line("reloaded")
        awaited(lambda: incidents(folder).get("Did not come: backup") == "open", running.out.read_text)
        (folder / "tocsin.toml").write_text(without)
        running.reload()
        running.line("reloaded", 1)
        awaited(lambda: incidents(folder).get("Did not come: backup") == "resolved", running.out.read_text)
    finally:
        talker.hushed.set()
        running.stop()
    assert "restart" not in running.said()
    assert not [title for title in rung(server) if title.startswith("Over")], "nobody heard it"
