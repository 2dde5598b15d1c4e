"""`tocsin connect firewall`: another address of this host plays the box."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from tests.command import call
from tests.connecting_site import Connectable, Site, ended

BOX = "127.0.0.2"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_box_is_connected_once_something_came_from_it(connectable: Connectable) -> None:
    site, port = connectable.site, connectable.udp
    silent = call(
        "--config", site.settings, "connect", "firewall", "--from", BOX, "--apply", "--json", "--wait", "1"
    )
    assert silent.code == 3
    assert [line["state"] for line in silent.lines("test")] == ["judged", "never"]
    assert any("tcpdump" in line["text"] for line in silent.lines("check"))
    connecting = site.connecting("firewall", "--from", BOX, "--kind", "pfsense", "--apply", "--json")
    assert connecting.stdout is not None
    lines = []
    while not lines or lines[-1]["kind"] != "asked" or not lines[-1]["by_hand"]:
        lines.append(json.loads(connecting.stdout.readline()))
    assert [line["state"] for line in lines if line["kind"] == "test"] == ["judged"], "the service listens"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody:
        somebody.sendto(b"<134>Nov 23 12:00:00 other app: not the box", ("127.0.0.1", port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.bind((BOX, 0))
        box.sendto(b"<134>Nov 23 12:00:00 fw filterlog: block", ("127.0.0.1", port))
    code, lines = ended(connecting)
    assert code == 0, lines
    assert [line["source"] for line in lines if line["kind"] == "test"] == [f"syslog:{BOX}"]
    assert lines[-1]["state"] == "connected"


@pytest.mark.parametrize("kind", ["fortigate", "pfsense", "opnsense", "cisco-asa", "other"])
def test_what_to_type_names_this_hosts_port(site: Site, kind: str) -> None:
    site.add('[run.syslog]\nudp = ["192.0.2.7:5514"]\n')
    done = call(
        "--config", site.settings, "connect", "firewall", "--from", "192.0.2.1", "--kind", kind, "--json"
    )
    words = " ".join(line["text"] for line in done.lines("step"))
    assert "192.0.2.7" in words
    assert "5514" in words
    assert "192.0.2.1" in words, "who is let in"


def test_a_sender_that_is_no_address_is_refused(site: Site) -> None:
    done = call("--config", site.settings, "connect", "firewall", "--from", "$(reboot)")
    assert done.code == 2
    assert "is no address" in done.error


def test_an_asa_lets_people_through_while_its_log_server_is_away(site: Site) -> None:
    more = ("--from", "192.0.2.1", "--kind", "cisco-asa", "--json")
    over_tcp = call("--config", site.settings, "connect", "firewall", *more, "--transport", "tcp").lines(
        "step"
    )
    over_udp = call("--config", site.settings, "connect", "firewall", *more).lines("step")
    assert any("\nlogging permit-hostdown\n" in line["text"] for line in over_tcp)
    assert not any("permit-hostdown" in line["text"] for line in over_udp)
