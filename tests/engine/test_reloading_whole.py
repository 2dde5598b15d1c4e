"""SIGHUP takes up everything or nothing: bell, listeners, certificates, files, and what it says where it cannot."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from tests.command import call
from tests.engine.test_reloading import free_port, status
from tests.notify.receivers import WebServer, awaited
from tests.running_service import Running

from tocsin.config.certificates import certificate_of, new_key
from tocsin.config.tokens import add_token
from tocsin.records.instants import SECOND
from tocsin.store.store import Store

RULE = """
title: Thing {number}
id: 00000000-0000-4000-8000-00000000000{number}
level: high
logsource: {{product: {product}}}
detection: {{selection: {{EventID: {number}}}, condition: selection}}
"""
SETTINGS = """
[run]
data = "{data}"
starter = false
rules = ["sigma"]
zone = "{zone}"
[run.http]
listen = ["127.0.0.1:{port}"]
{more}
[run.outbound]
allow = ["{server.url}"]
[run.bell.channels.{channel}]
kind = "webhook"
url = "{server.url}/{channel}"
"""


class Place:
    """A folder with settings, the server that they ring, and the service once it runs."""

    def __init__(self, folder: Path, server: WebServer) -> None:
        self.folder, self.server = folder, server
        self.judge("windows")
        self.token = add_token(folder / "tokens", "first", 0)
        self.said = {
            "data": "data",
            "zone": "UTC",
            "port": 0,
            "more": "",
            "server": server,
            "channel": "phone",
        }
        self.running: Running | None = None
        self.write()

    def judge(self, product: str) -> None:
        (self.folder / "sigma").mkdir(exist_ok=True)
        for number in range(8):
            text = RULE.format(number=number, product=product)
            (self.folder / "sigma" / f"{number}.yml").write_text(text)

    def write(self, **changed: object) -> None:
        (self.folder / "tocsin.toml").write_text(SETTINGS.format(**{**self.said, **changed}))

    def run(self) -> Running:
        self.running = Running(self.folder, self.folder / "out")
        return self.running

    def ask(self, command: str) -> str:
        return call("--config", str(self.folder / "tocsin.toml"), command).text


@pytest.fixture
def place(tmp_path: Path):
    with WebServer() as server:
        one = Place(tmp_path, server)
        yield one
        if one.running is not None and one.running.process.poll() is None:
            one.running.kill()


def send(port: int, token: str, number: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    event = {"EventID": number, "Channel": "Security", "Computer": f"host{number}"}
    body = json.dumps({"host": f"host{number}", "event": event})
    connection.request("POST", "/services/collector/event", body, {"Authorization": f"Splunk {token}"})
    assert connection.getresponse().status == 200
    connection.close()


def stored(kept: Store) -> set[str]:
    return {one.subject.id for one in kept.findings()}


def test_channels_change_and_each_incident_is_told_once(place: Place) -> None:
    with WebServer() as other:
        running = place.run()
        port = running.port()
        for number in range(8):
            send(port, place.token, number)
            if number % 2 == 0:
                odd = number % 4 == 0
                place.write(server=other if odd else place.server, channel="mobile" if odd else "phone")
                running.reload()
                running.line("reloaded", number // 2)
            if number == 1:
                awaited(lambda: other.came, running.out.read_text)
        with Store.read_only(place.folder / "data") as kept:

            def all_told() -> bool:
                counts = kept.outbox.counts()
                return len(stored(kept)) == 8 and counts.keys() <= {"sent", "spared"}

            awaited(all_told, running.out.read_text)
            assert len(kept.outbox.rung()) == 8
            running.stop()
        things = [
            thing
            for one in (*place.server.came, *other.came)
            for thing in set(re.findall(r"Thing \d", one.json["title"] + one.json["body"]))
        ]
        assert sorted(things) == [f"Thing {number}" for number in range(8)]
        assert {one.path for one in other.came} == {"/mobile"}


def test_a_port_that_is_taken_changes_nothing_and_that_is_told_and_rung(place: Place) -> None:
    running = place.run()
    port = running.port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        second = add_token(place.folder / "tokens", "second", 0)
        place.judge("linux")
        place.write(port=taken.getsockname()[1], channel="mobile")
        running.reload()
        running.says("Nothing was reloaded, and what ran goes on. Nothing can listen on 127.0.0.1 port")
        assert (status(port, place.token), status(port, second)) == (200, 403)
        send(port, place.token, 1)
        rung = awaited(
            lambda: place.server.came if len(place.server.came) > 1 else None, running.out.read_text
        )
        assert {one.path for one in rung} == {"/phone"}
        titles = {one.json["title"] for one in rung}
        assert "Tocsin's new settings do not hold" in titles
        assert len(titles) == 2, "the old rules judge"
        assert "The new settings do not hold" in awaited(
            lambda: text if "do not hold" in (text := place.ask("status")) else None
        )
        assert "broken reload: The new settings do not hold" in place.ask("doctor")
    running.reload()
    running.line("reloaded")
    assert status(taken_port := int(running.line("ready", 1)["ports"][0]), second) == 200
    assert taken_port != port
    awaited(lambda: "do not hold" not in place.ask("status"))
    running.stop()


def test_one_address_becomes_all_and_files_are_followed_from_then_on(place: Place) -> None:
    port = free_port()
    place.write(port=port)
    running = place.run()
    running.port()
    log = place.folder / "some.log"
    log.write_text("".join(f"Nov 23 10:00:0{second} gate sshd[1]: hello {second}\n" for second in range(3)))
    plain = 'plain-http = "tokens and logs can be read on the way"'
    more = f'{plain}\n[run.files]\npaths = ["some.log"]'
    (place.folder / "tocsin.toml").write_text(
        SETTINGS.format(**{**place.said, "port": port, "more": more}).replace("127.0.0.1:", "0.0.0.0:", 1)
    )
    running.reload()
    running.line("reloaded")
    assert status(port, place.token) == 200
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as elsewhere:
        elsewhere.connect(("127.0.0.2", port))
    with log.open("a") as file:
        file.write("Nov 23 10:00:09 gate sshd[1]: bye\n")
    with Store.read_only(place.folder / "data") as kept:
        awaited(lambda: kept.outbox.heard(0, 2**62).events == 5, running.out.read_text)
    place.write(port=port)
    running.reload()
    running.line("reloaded", 1)
    place.write(port=port, more='[run.files]\npaths = ["some.log"]')
    with log.open("a") as file:
        file.write("Nov 23 10:00:10 gate sshd[1]: meanwhile\n")
    running.reload()
    running.line("reloaded", 2)
    with Store.read_only(place.folder / "data") as kept:
        awaited(lambda: kept.outbox.heard(0, 2**62).events == 6, running.out.read_text)
    running.stop()


def test_a_certificate_and_who_may_come_change_and_a_bad_one_changes_nothing(place: Place) -> None:
    def made(name: str) -> bytes:
        key = new_key()
        (place.folder / f"{name}.key").write_bytes(key)
        (place.folder / f"{name}.key").chmod(0o600)
        (place.folder / f"{name}.pem").write_bytes(certificate_of(key, (name,), int(1.79e9) * SECOND))
        return ssl.PEM_cert_to_DER_cert((place.folder / f"{name}.pem").read_text())

    def shown(port: int) -> bytes:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as one:
            found = one.getpeercert(binary_form=True)
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return found if found and one.recv(9) else b""

    tls = 'certificate = "{0}.pem"\nkey = "{0}.key"'
    one, two = made("one"), made("two")
    place.write(more=tls.format("one"))
    running = place.run()
    port = running.port()
    assert shown(port) == one
    place.write(more=tls.format("two"))
    running.reload()
    running.line("reloaded")
    assert shown(port) == two
    place.write(more='certificate = "one.pem"\nkey = "two.key"')
    add_token(place.folder / "tokens", "second", 0)
    running.reload()
    running.says("Nothing was reloaded")
    assert shown(port) == two
    half = socket.create_connection(("127.0.0.1", port), 5)
    place.write(more=tls.format("two") + '\nclient-ca = "one.pem"')
    running.reload()
    assert running.line("reloaded", 1)["tokens"] == 2
    with half:
        assert half.recv(1) == b"", "who has begun without a certificate does not come in by the old rule"
    with suppress(ssl.SSLError, ConnectionResetError):
        assert not shown(port), "who shows no certificate gets no answer"
    place.write(more=tls.format("one"))
    running.reload()
    running.line("reloaded", 2)
    assert shown(port) == one
    running.stop()


def test_what_needs_a_restart_is_told_and_all_else_holds(place: Place) -> None:
    running = place.run()
    port = running.port()
    second = add_token(place.folder / "tokens", "second", 0)
    place.write(data="elsewhere", zone="Europe/Berlin")
    running.reload()
    assert running.line("reloaded")["tokens"] == 2
    running.says("A change of the data folder and zone holds only once Tocsin is restarted.")
    assert status(port, second) == 200
    place.write(zone="Europe/Berlin")
    running.reload()
    running.line("reloaded", 1)
    awaited(lambda: "A change of zone waits for a restart." in place.ask("status"))
    assert "look   reload: A change of zone waits." in place.ask("doctor")
    running.stop()
    assert "zone" not in place.ask("status")


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_each_socket_hears_one_family_of_addresses(place: Place) -> None:
    port = free_port()
    both = f'["0.0.0.0:{port}", "[::]:{port}"]'
    place.write(more=f"[run.syslog]\ntcp = {both}\nudp = {both}")
    running = place.run()
    running.port()
    for host, name in (("127.0.0.1", "127.0.0.1"), ("::1", "::1")):
        with socket.create_connection((host, port), 5) as peer:
            peer.sendall(f"<13>1 - {name} a - - - over {name}\n".encode())
    awaited(
        lambda: "syslog:127.0.0.1" in place.ask("status") and "syslog:::1" in place.ask("status"),
        running.said,
    )
    running.stop()
    assert "::ffff" not in place.ask("status")
