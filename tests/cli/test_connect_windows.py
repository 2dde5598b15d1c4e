"""`tocsin connect windows`, with a computer played after the script's text: until its first event was stored and judged."""

from __future__ import annotations

import hashlib
import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.command import call
from tests.connecting_site import Site, ended, free_port, wait_for
from tests.running_service import Running
from tests.windows_computer import Computer, line

from tocsin.engine.connecting.windows import SCRIPT, SETTINGS, script

TEST_EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Tocsin'/>"
    "<EventID Qualifiers='0'>1</EventID><Level>4</Level><Task>0</Task><Keywords>0x80000000000000</Keywords>"
    "<TimeCreated SystemTime='2026-11-23T14:00:00.0000000Z'/><EventRecordID>{number}</EventRecordID>"
    "<Channel>Application</Channel><Computer>PC-7.office</Computer><Security/></System>"
    "<EventData><Data>Tocsin test of PC-7: {nonce}</Data></EventData></Event>"
)
"""What `-Test` of the script writes, as Windows renders it."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A service as `tocsin init` makes it, that hears other hosts."""
    folder = tmp_path / "tocsin"
    port = free_port()
    assert call("init", str(folder), "--listen", f"0.0.0.0:{port}").code == 0
    (tmp_path / "usb").mkdir()
    one = Site.__new__(Site)
    one.folder, one.settings, one.running = folder, folder / "tocsin.toml", None
    one.settings.write_text(one.settings.read_text().replace("[run]\n", "[run]\nstarter = false\n", 1))
    yield one
    one.stop()


@pytest.fixture
def usb(tmp_path: Path, site: Site) -> Path:
    return tmp_path / "usb"


def connect(site: Site, usb: Path, *more: str):
    return call("--config", site.settings, "connect", "windows", usb, "--to", "127.0.0.1", *more)


def posted(computer: Computer, event: bytes) -> int:
    """The answer; unhurried, because who shows unknown tokens too often is not heard for a minute."""
    time.sleep(0.2)
    return computer.post(event)


def test_it_ends_once_the_event_of_a_computer_was_judged_and_is_taken_back(site: Site, usb: Path) -> None:
    site.running = Running(site.folder, site.folder / "out")
    port = site.running.port()
    connecting = site.connecting("windows", usb, "--to", "127.0.0.1", "--apply", "--json")
    wait_for((usb / SETTINGS).is_file, "the settings were not written")
    assert stat.S_IMODE((usb / SETTINGS).stat().st_mode) == 0o600
    assert (usb / SCRIPT).read_bytes() == script().encode()
    computer = Computer.carried(usb, port)
    event = line(TEST_EVENT.format(number=1, nonce=computer.settings["test"]), "Application").encode()

    stranger = Computer({**computer.settings, "certificates": ["00" * 32]}, port)
    with pytest.raises(ConnectionError):
        stranger.post(event)
    wait_for(lambda: posted(computer, event) == 200, "the token was never known")

    code, lines = ended(connecting)
    assert code == 0, lines
    states = {one["step"]: one["state"] for one in lines if one["kind"] == "step"}
    assert states == {"token": "done", "file": "done", "words": "by hand"}
    (test,) = [one for one in lines if one["kind"] == "test"]
    assert (test["state"], test["source"], test["host"]) == ("judged", "hec:windows", "PC-7.office")

    again = connect(site, usb, "--apply", "--wait", "1")
    assert again.code == 3, "nothing came this time"
    assert computer.settings == json.loads((usb / SETTINGS).read_text())
    assert "Test-NetConnection" in again.text

    undone = connect(site, usb, "--undo")
    assert undone.code == 0
    assert not list(usb.iterdir())
    wait_for(lambda: computer.post(event) == 403, "the token is still known")


def test_the_first_run_shows_the_script_and_changes_nothing(site: Site, usb: Path) -> None:
    done = connect(site, usb)
    assert done.code == 0
    assert "    function Get-Change {" in done.text
    assert hashlib.sha256(script().encode()).hexdigest().upper() in done.text
    assert not list(usb.iterdir())
    assert len(call("--config", site.settings, "token", "list").text.splitlines()) == 1


def test_a_service_that_hears_only_its_own_host_is_told_to_listen(site: Site, usb: Path) -> None:
    text = site.settings.read_text()
    site.settings.write_text(text.replace("0.0.0.0", "127.0.0.1"))
    done = connect(site, usb, "--apply")
    assert done.code == 3
    assert 'listen = ["0.0.0.0:8088"]' in done.text
    assert not list(usb.iterdir())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('certificate = "tls/certificate.pem"\nkey = "tls/key.pem"', 'plain-http = "tokens and logs can be read on the way"', "no certificate"),
        ('key = "tls/key.pem"', 'key = "tls/key.pem"\nclient-ca = "tls/certificate.pem"', "client-ca"),
    ],
)  # fmt: skip
def test_what_the_script_cannot_use_is_said(site: Site, usb: Path, old: str, new: str, words: str) -> None:
    text = site.settings.read_text()
    assert old in text
    site.settings.write_text(text.replace(old, new))
    done = connect(site, usb)
    assert done.code == 2
    assert words in done.error


def test_a_token_whose_text_is_gone_is_said(site: Site, usb: Path) -> None:
    assert call("--config", site.settings, "token", "add", "windows").code == 0
    assert "stands only in" in connect(site, usb).error
    (usb / SETTINGS).write_text("{}")
    assert "not as `tocsin connect` writes it" in connect(site, usb).error
    (usb / SETTINGS).write_text(
        json.dumps({"token": "tocsin_" + "0" * 64, "test": "tocsin-test-" + "0" * 20})
    )
    assert "is not the one that the service knows" in connect(site, usb).error


@pytest.mark.parametrize("to", ["", "-x", "a b", "a;b", "ü", "h" * 300])
def test_an_address_that_is_none_is_refused(site: Site, usb: Path, to: str) -> None:
    assert call("--config", site.settings, "connect", "windows", usb, f"--to={to}").code == 2
