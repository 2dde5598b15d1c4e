"""What on this host is worth connecting: looked at, never touched, and never for long.

What is found is hostile, too: a configuration may be broken, a link may lead anywhere, a folder may hold a million files. Each
file is read up to `bounds.DETECT_FILE_BYTES`, each folder up to `bounds.DETECT_ENTRIES`; a pipe or device is not opened for
reading. What could not be looked at is said.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tocsin.config import bounds
from tocsin.config.service import Service
from tocsin.engine.connecting import firewall, followed, journald, rsyslog
from tocsin.engine.intake.found_files import found_files

_FOLDERS: Final = (
    ("/var/log/audit", "The kernel's audit trail: who ran what, and who touched which file."),
    ("/opt/zeek/logs/current", "Zeek: what talks to what on the network."),
    ("/usr/local/zeek/logs/current", "Zeek: what talks to what on the network."),
    ("/var/log/suricata", "Suricata: alarms about the network."),
    ("/var/log/samba", "Samba: who opened which share."),
    ("/var/log/squid", "Squid: where the users of this network browsed."),
)  # fmt: skip
"""Folders of programs that are worth it, and what they give."""

_LOG_OF: Final = re.compile(rb"(?im)^\s*(?:access_log|CustomLog)\s+[\"']?(/[^\s;\"']{1,400})")
_WEB_FILES: Final = ("/etc/nginx", "/etc/nginx/conf.d", "/etc/nginx/sites-enabled",
                     "/etc/apache2/sites-enabled", "/etc/httpd/conf", "/etc/httpd/conf.d")  # fmt: skip
_MOST: Final = 10
"""Proposals of one kind."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something to connect.

    Attributes:
        source: As on the command line.
        arguments: What follows it there.
        gives: What Tocsin sees with it, a sentence.
        found: What says that it is here, a sentence.
        connected: Whether the settings lead to it already.
    """

    source: str
    arguments: tuple[str, ...]
    gives: str
    found: str
    connected: bool


@dataclass(slots=True)
class Detected:
    """What was found, the most worthwhile first, and what could not be looked at (sentences)."""

    proposals: list[Proposal] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def detect(service: Service, root: Path = Path("/")) -> Detected:
    """Looks at the host whose files lie below `root`, for at most `bounds.DETECT_SECONDS`.

    A folder on a disk that hangs cannot hold it up: what was found until then is given, and that it was cut short.
    """
    found = Detected()
    done = threading.Event()

    def look() -> None:
        looking = _Looking(service, root, found.troubles)
        for part in (looking.system_log, looking.gateway, looking.web_servers, looking.folders):
            found.proposals.extend(_whole(part, found.troubles))
        done.set()

    threading.Thread(target=look, name="tocsin-detect", daemon=True).start()
    if not done.wait(bounds.DETECT_SECONDS):
        return Detected(
            list(found.proposals),
            [*found.troubles, "Looking took too long, so there may be more. A disk may hang."],
        )
    return found


def _whole(part: Callable[[], Iterator[Proposal]], troubles: list[str]) -> list[Proposal]:
    """What a part found; where it meets what nobody thought of, the others still look."""
    found: list[Proposal] = []
    try:
        for one in part():
            found.append(one)
            if len(found) >= _MOST:
                break
    except (OSError, ValueError, struct.error) as error:
        troubles.append(f"Something could not be looked at: {error}.")
    return found


class _Looking:
    """The looks at one host."""

    def __init__(self, service: Service, root: Path, troubles: list[str]) -> None:
        self._service, self._root, self._troubles = service, root, troubles
        self._followed = frozenset(found_files(service.files.paths)[0])

    def system_log(self) -> Iterator[Proposal]:
        """Rsyslog, or the journal where there is none."""
        places = rsyslog.Places()
        if self._is_there(str(places.main)) and any(
            self._is_there(f"/{folder}/rsyslogd") for folder in ("usr/sbin", "usr/bin", "sbin")
        ):
            connected = self._is_there(str(places.folder / rsyslog.FILE))
            yield Proposal(
                rsyslog.NAME, (), rsyslog.GIVES, "rsyslog is installed on this host.", connected=connected
            )
        elif self._at(str(journald.SOCKET.parent)).is_dir():
            connected = journald.LINES in self._service.files.paths
            yield Proposal(
                journald.NAME,
                (),
                journald.GIVES,
                "This host has a journal, and no rsyslog.",
                connected=connected,
            )

    def gateway(self) -> Iterator[Proposal]:
        """The way out of this network is a box that most often can send syslog."""
        address = _gateway(self._text("/proc/net/route"))
        if address is not None:
            found = f"{address} is this host's way out of its network: a router or firewall."
            arguments = ("--from", address)
            connected = any(
                not one.loopback for one in (*self._service.syslog.udp, *self._service.syslog.tcp)
            )
            yield Proposal(firewall.NAME, arguments, firewall.GIVES, found, connected=connected)

    def web_servers(self) -> Iterator[Proposal]:
        """Access logs at the usual places, and those that the servers' files name."""
        named = [str(one) for one in followed.ACCESS_LOGS]
        for folder in _WEB_FILES:
            for path in self._files_in(folder):
                text = self._text(path)
                named += [one.decode("utf-8", "replace") for one in _LOG_OF.findall(text)]
        for one in dict.fromkeys(named):
            if one.isprintable() and self._is_there(one):
                yield Proposal(
                    "webserver", ("--log", one), "Attempts to break in by the web, and what was asked for.",
                    f"{one} is the log of a web server.", connected=self._follows(one),
                )  # fmt: skip

    def folders(self) -> Iterator[Proposal]:
        """Folders of programs that are worth it, where there is anything in them."""
        for folder, gives in _FOLDERS:
            files = self._files_in(folder)
            if any(True for _ in files):
                yield Proposal(
                    "folder", (folder,), gives, f"{folder} holds logs.", connected=self._follows(folder)
                )

    # --- looking -------------------------------------------------------------------------------------------

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def _is_there(self, path: str) -> bool:
        try:
            return stat.S_ISREG(self._at(path).stat().st_mode)
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            self._trouble(path, error)
            return False

    def _follows(self, path: str) -> bool:
        return (
            path in self._service.files.paths
            or Path(path) in self._followed
            or any(Path(path) in one.parents for one in self._followed)
        )

    def _files_in(self, folder: str) -> Iterator[str]:
        """The files in a folder, by name as on the host; as many as are looked at."""
        try:
            with os.scandir(self._at(folder)) as entries:
                for number, entry in enumerate(entries):
                    if number >= bounds.DETECT_ENTRIES:
                        self._trouble(folder, OSError(0, "it holds more files than are looked at"))
                        return
                    if not entry.name.startswith(".") and entry.name.isprintable() and not _is_folder(entry):
                        yield f"{folder}/{entry.name}"
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._trouble(folder, error)

    def _text(self, path: str) -> bytes:
        """The start of an ordinary file; nothing of anything else."""
        try:
            descriptor = os.open(self._at(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return b""
                return file.read(bounds.DETECT_FILE_BYTES) or b""
        except FileNotFoundError:
            return b""
        except OSError as error:
            self._trouble(path, error)
            return b""

    def _trouble(self, path: str, error: OSError | ValueError) -> None:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        if len(self._troubles) < _MOST:
            self._troubles.append(f"{path} could not be looked at: {why}.")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """False, too, for a link that leads round in a circle: opening it says why."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _gateway(routes: bytes) -> str | None:
    """The IPv4 address of the default route in the text of /proc/net/route (proc(5)): hexadecimal, in this host's order."""
    for line in routes.splitlines()[1:]:
        fields = line.split()
        try:
            if len(fields) > 3 and int(fields[1], 16) == 0 and int(fields[3], 16) & 2:
                return socket.inet_ntoa(struct.pack("=I", int(fields[2], 16)))
        except (ValueError, struct.error):
            continue
    return None
