"""`tocsin connect rsyslog` with the real rsyslogd, which has its files in a folder of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.command import call
from tests.connecting_site import Connectable, Site, ended, wait_for
from tests.running_service import PATIENCE

from tocsin.engine.connecting.rsyslog import CERTIFICATE, action, file_text
from tocsin.engine.connecting.sending import to_syslog_socket

RSYSLOGD = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin")
needs_rsyslogd = pytest.mark.skipif(RSYSLOGD is None, reason="there is no rsyslogd on this system")
needs_gtls = pytest.mark.skipif(
    not [*Path("/usr").glob("lib*/**/rsyslog/lmnsd_gtls.so")],
    reason="there is no rsyslog-gnutls on this system",
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "service.md"
MAIN = """\
global(workDirectory="{folder}/spool")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/log")
include(file="{folder}/rsyslog.d/*.conf" mode="optional")
"""


class Rsyslog:
    """An rsyslogd of our own, and what `tocsin connect rsyslog` is told of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.main, self.written = folder / "rsyslog.conf", folder / "rsyslog.d" / "60-tocsin.conf"
        self.main.write_text(MAIN.format(folder=folder))
        for name in ("spool", "rsyslog.d"):
            (folder / name).mkdir()
        self.options = ("--main", self.main, "--conf-dir", folder / "rsyslog.d", "--socket", folder / "log")
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Starts it, with the files that are there now."""
        self.process = subprocess.Popen(
            [RSYSLOGD, "-n", "-f", str(self.main), "-i", str(self.folder / "pid")]
        )

    def stop(self) -> None:
        """Ends it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    one = Rsyslog(tmp_path)
    yield one
    one.stop()


@needs_rsyslogd
def test_a_real_rsyslogd_is_connected_end_to_end_and_taken_back(
    connectable: Connectable, rsyslog: Rsyslog
) -> None:
    site = connectable.site
    connecting = site.connecting("rsyslog", *rsyslog.options, "--apply", "--json")
    wait_for(rsyslog.written.is_file, "the file was not written")
    rsyslog.start()
    code, lines = ended(connecting)
    assert code == 0, lines
    states = {line["step"]: line["state"] for line in lines if line["kind"] == "step"}
    assert states == {"file": "done", "command": "done", "words": "by hand"}
    (test,) = [line for line in lines if line["kind"] == "test"]
    assert (test["state"], test["source"]) == ("judged", "syslog:127.0.0.1")
    assert lines[-1] == {"kind": "summary", "state": "connected"}

    again = call("--config", site.settings, "connect", "rsyslog", *rsyslog.options, "--apply", "--json")
    assert again.code == 0
    assert [line["state"] for line in again.lines("step") if line["step"] == "file"] == ["there"]

    undone = call("--config", site.settings, "connect", "rsyslog", "--undo")
    assert undone.code == 0
    assert not rsyslog.written.exists()
    assert not (site.folder / "data" / "connected" / "rsyslog.json").exists()


@needs_rsyslogd
def test_what_rsyslog_cannot_use_is_taken_back_before_it_is_restarted(
    connectable: Connectable, rsyslog: Rsyslog
) -> None:
    site = connectable.site
    rsyslog.main.write_text(rsyslog.main.read_text() + 'action(type="no such thing")\n')
    done = call("--config", site.settings, "connect", "rsyslog", *rsyslog.options, "--apply")
    assert done.code == 2
    assert "rsyslogd -N1" in done.error
    assert not rsyslog.written.exists()


def test_the_first_run_only_shows(tmp_path: Path, rsyslog: Rsyslog) -> None:
    (tmp_path / "tocsin").mkdir()
    site = Site(tmp_path / "tocsin")
    done = call("--config", site.settings, "connect", "rsyslog", *rsyslog.options)
    assert done.code == 0
    assert action("127.0.0.1", 1601).splitlines()[0] in done.text
    assert 'tcp = ["127.0.0.1:1601"]' in done.text
    assert not rsyslog.written.exists()
    assert not (site.folder / "data").exists()


def test_the_document_shows_what_is_written() -> None:
    """Every line of it: what is measured there is what is written here."""
    document = DOCUMENT.read_text()
    assert f"\n```\n{action('tocsin.example.org', 601)}```\n" in document
    assert f"\n```\n{action('tocsin.example.org', 6514, CERTIFICATE)}```\n" in document
    assert action("tocsin.example.org", 601) in file_text("tocsin.example.org", 601)


@needs_gtls
def test_another_hosts_rsyslog_sends_over_tls(connectable: Connectable, rsyslog: Rsyslog) -> None:
    """The files that are shown are carried over, here to a folder beside, and somebody types what is asked for."""
    site = connectable.site
    connecting = site.connecting("rsyslog", "--to", "localhost", "--apply", "--json")
    steps, words = [], ""
    assert connecting.stdout is not None
    for text in connecting.stdout:
        line = json.loads(text)
        steps.append(line)
        if line["kind"] == "asked":
            words = line["words"]
            break
    carried = {line["path"]: line["text"] for line in steps if line.get("step") == "file"}
    (rsyslog.folder / "tocsin.pem").write_text(carried[str(CERTIFICATE)])
    text = carried["/etc/rsyslog.d/60-tocsin.conf"].replace(
        str(CERTIFICATE), str(rsyslog.folder / "tocsin.pem")
    )
    rsyslog.written.write_text(text)
    rsyslog.start()
    wait_for((rsyslog.folder / "log").exists, "rsyslogd does not listen")
    to_syslog_socket(rsyslog.folder / "log", words.split()[-1])
    code, lines = ended(connecting)
    assert code == 0, lines
    assert lines[-1]["state"] == "connected"
