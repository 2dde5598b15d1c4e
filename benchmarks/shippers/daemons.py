"""Senders that are programs of the system: rsyslog and syslog-ng, following a file of lines as they do on a server."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.running import PATIENCE, Site
from benchmarks.shippers.drill import Feed, Way

UNPACKED = Path(os.environ.get("TOCSIN_SHIPPERS", "/nonexistent"))
_LIBRARIES = UNPACKED / "usr" / "lib" / "x86_64-linux-gnu"
_QUEUE = """
    queue.type="LinkedList" queue.filename="tocsin" queue.maxDiskSpace="1g" queue.saveOnShutdown="on"
    action.resumeRetryCount="-1" action.resumeInterval="1")
"""
RSYSLOG: Mapping[str, str] = {
    "rsyslog, TCP": """
action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" TCP_Framing="octet-counted"
    template="RSYSLOG_SyslogProtocol23Format\"""" + _QUEUE,
    "rsyslog, UDP": """
action(type="omfwd" target="127.0.0.1" port="{udp}" protocol="udp" template="RSYSLOG_SyslogProtocol23Format")
""",
    "rsyslog, omelasticsearch": """
module(load="omelasticsearch")
template(name="tocsin" type="list" option.jsonf="on") {{
    property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
    property(outname="host" name="hostname" format="jsonf")
    property(outname="program" name="programname" format="jsonf")
    property(outname="message" name="msg" format="jsonf")
}}
action(type="omelasticsearch" server="127.0.0.1" serverport="{http}" uid="rsyslog" pwd="{token}"
    searchIndex="syslog" searchType="" bulkmode="on" template="tocsin" """ + _QUEUE,
}  # fmt: skip
_RSYSLOG_FEED = """
global(workDirectory="{folder}/rsyslog")
module(load="imfile")
input(type="imfile" file="{folder}/feed.log" tag="app:" severity="info" facility="local0")
"""
_KEPT = "disk-buffer(reliable(yes) disk-buf-size(1073741824))"
SYSLOG_NG: Mapping[str, str] = {
    "syslog-ng, TCP": 'syslog("127.0.0.1" port({tcp}) transport("tcp") ' + _KEPT + ");",
    "syslog-ng, UDP": 'syslog("127.0.0.1" port({udp}) transport("udp"));',
    "syslog-ng, http() to HEC": """http(
        url("http://127.0.0.1:{http}/services/collector/event") method("POST")
        headers("Authorization: Splunk {token}")
        body('$(format-json --scope none time=$C_UNIXTIME host=$HOST sourcetype=syslog event=$MESSAGE)')
        batch-lines(500) batch-timeout(200) timeout(10) retries(1000000)
        """ + _KEPT + """);""",
}  # fmt: skip
_SYSLOG_NG = """@version: 3.38
options {{ time-reopen(1); }};
source s_feed {{ file("{folder}/feed.log" flags(no-parse) follow-freq(1)); }};
destination d_tocsin {{ %s }};
log {{ source(s_feed); destination(d_tocsin); flags(flow-control); }};
"""


def ways() -> list[Way]:
    """All of them."""
    found = []
    for daemon, texts, start in (("rsyslogd", RSYSLOG, _rsyslog), ("syslog-ng", SYSLOG_NG, _syslog_ng)):
        program = _program(daemon)
        missing = "" if program else f"there is no {daemon} on this system"
        for name, text in texts.items():
            running = Daemon(partial(start, program, text))
            found.append(Way(name, running.send, missing, waits=True, done=running.stop))
    return found


class Daemon:
    """A daemon that follows a file.

    Args:
        command: The command that starts it for a site, once its settings are written.
    """

    def __init__(self, command: Callable[[Site], list[str]]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def send(self, site: Site, feed: Feed) -> None:
        """Starts it, and writes the feed to its file."""
        path = site.folder / "feed.log"
        path.touch()
        with (site.folder / "daemon.out").open("wb") as out:
            self._process = subprocess.Popen(self._command(site), stdout=out, stderr=out, env=_environment())
        time.sleep(1)  # it may follow from the end of the file, so the file must not grow before
        with path.open("w") as file:
            for number, record in enumerate(feed):
                file.write(f"{record}\n")
                if number % 50 == 0:
                    file.flush()
        if self._process.poll() is not None:
            raise RuntimeError((site.folder / "daemon.out").read_text()[-2000:])

    def stop(self) -> None:
        """Asks it to stop."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)


def _rsyslog(program: str, text: str, site: Site) -> list[str]:
    folder = site.folder / "rsyslog"
    folder.mkdir()
    settings = folder / "rsyslog.conf"
    settings.write_text(_filled(_RSYSLOG_FEED + text, site))
    modules = ["-M", str(_LIBRARIES / "rsyslog")] if program.startswith(str(UNPACKED)) else []
    return [program, "-n", "-f", str(settings), "-i", str(folder / "pid"), *modules]


def _syslog_ng(program: str, text: str, site: Site) -> list[str]:
    folder = site.folder / "syslog-ng"
    folder.mkdir()
    settings = folder / "syslog-ng.conf"
    settings.write_text(_filled(_SYSLOG_NG % text, site))
    modules = UNPACKED / "usr" / "lib" / "syslog-ng" / "3.38"
    named = [f"--module-path={modules}"] if program.startswith(str(UNPACKED)) else []
    kept = [f"--{name}={folder / name}" for name in ("persist-file", "pidfile", "control")]
    return [program, "-F", "-e", "--no-caps", "-f", str(settings), *kept, *named]


def _filled(text: str, site: Site) -> str:
    return text.format(folder=site.folder, http=site.http, tcp=site.tcp, udp=site.udp, token=site.token)


def _program(name: str) -> str:
    system = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    return shutil.which(name, path=system) or shutil.which(name, path=UNPACKED / "usr" / "sbin") or ""


def _environment() -> dict[str, str]:
    own = UNPACKED / "usr" / "lib" / "syslog-ng"
    libraries = [_LIBRARIES, UNPACKED / "lib" / "x86_64-linux-gnu", own, own / "3.38"]
    found = os.pathsep.join(str(path) for path in libraries if path.is_dir())
    return {**os.environ, "LD_LIBRARY_PATH": found} if found else dict(os.environ)
