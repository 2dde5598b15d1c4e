"""Files of this host that are followed: a folder of them, or a web server's access log."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import pwd
import stat
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tocsin.config import bounds
from tocsin.config.service import Service
from tocsin.engine.connecting.connection import (
    Connection,
    Sought,
    Step,
    Trial,
    WordsStep,
    new_nonce,
)
from tocsin.engine.connecting.host import name_of_user
from tocsin.engine.connecting.sending import asked_for, into_file
from tocsin.engine.connecting.settings_lines import listed
from tocsin.engine.intake.found_files import found_files
from tocsin.records.errors import OperatorError
from tocsin.records.instants import rfc3339

ACCESS_LOGS: Final = (
    Path("/var/log/nginx/access.log"),
    Path("/var/log/apache2/access.log"),
    Path("/var/log/httpd/access_log"),
)
"""Where Debian's and Fedora's packages of nginx and Apache write them."""

_LARGEST: Final = 50 * 1024 * 1024


def name_of(path: Path) -> str:
    """What the connection of the folder at `path` is called."""
    return f"folder-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def folder(service: Service, path: Path, now: int = 0) -> Connection:
    """The folder at `path`.

    Args:
        service: The settings.
        path: Absolute.
        now: The present instant, for the test event's time; 0 leaves that to its arrival.

    Raises:
        OperatorError: it is no folder.
    """
    if not path.is_dir():
        raise OperatorError(
            f"{path} is no folder.", "Name a folder; for one file put it into [run.files] paths."
        )
    _check_name(path)
    nonce = new_nonce()
    test = path / f"{nonce}.log"
    there = str(path) in service.files.paths or _leads_to(service, path)
    steps: tuple[Step, ...] = (
        listed(service, "files", "paths", str(path), there=there),
        *_words_about(service, path),
    )
    line = f"{rfc3339(now)} tocsin-connect: {nonce}" if now else f"tocsin-connect: test event {nonce}"
    trial = Trial(
        Sought(nonce=nonce),
        f"a file {test} with one line; it is removed afterwards.",
        partial(into_file, test, line),
        bounds.CONNECT_SECONDS,
        partial(test.unlink, missing_ok=True),
    )
    checks = (
        f"May the service's user read {path} and the files in it? The unit of systemd shuts it out of /home, /root and /tmp.",
        "Does `tocsin run` say that a file cannot be read? It says so once for each.",
    )
    return Connection(name_of(path), f"What the programs that write to {path} log.", steps, trial, checks)


def webserver(service: Service, log: Path | None, url: str) -> Connection:
    """A web server of this host.

    Args:
        service: The settings.
        log: Its access log, absolute; None to look at the usual places.
        url: Where on this host it listens.

    Raises:
        OperatorError: there is no such log, or `url` leads elsewhere.
    """
    host, port = _here(url)
    path = log or next((one for one in ACCESS_LOGS if _is_file(one)), None)
    if path is None:
        raise OperatorError(
            f"There is none of {', '.join(map(str, ACCESS_LOGS))}.", "Say with --log where the access log is."
        )
    if not _is_file(path):
        raise OperatorError(f"There is no file {path}.", "Say with --log where the access log is.")
    _check_name(path)
    nonce = new_nonce()
    steps: tuple[Step, ...] = (
        listed(service, "files", "paths", str(path), there=_followed(service, path)),
        *_words_about(service, path),
    )
    trial = Trial(
        Sought(nonce=nonce),
        f"a request to {url} for /{nonce}, which the server writes to its log.",
        partial(asked_for, host, port, nonce),
        bounds.CONNECT_SECONDS,
    )
    checks = (
        f"Does {path} hold {nonce}? If not, the server writes another log: say --log.",
        f"May the service's user read {path}? On Debian: sudo usermod -aG adm and its name, then restart the service.",
    )
    return Connection(
        "webserver", "Attempts to break in by the web, and what was asked for.", steps, trial, checks
    )


def _here(url: str) -> tuple[str, int]:
    """Host and port of a URL that leads to this host, in plain HTTP: nothing leaves it."""
    wrong = OperatorError(
        f"--url {url!a} is no http:// address of this host.", "Say one such as http://127.0.0.1:8080/."
    )
    try:
        parts = urlsplit(url)
        named, port = parts.hostname or "", parts.port or 80
        host = ipaddress.ip_address("127.0.0.1" if named == "localhost" else named)
    except ValueError as error:
        raise wrong from error
    if not host.is_loopback or parts.scheme != "http":
        raise wrong
    return str(host), port


def _check_name(path: Path) -> None:
    """Refuses a name that the settings would take for a pattern, or could not hold."""
    if not str(path).isprintable() or any(one in str(path) for one in "*?["):
        raise OperatorError(
            f"The name {str(path)!a} cannot stand in tocsin.toml as it is.",
            "Rename it: without *, ?, [ and what cannot be printed.",
        )


def _followed(service: Service, path: Path) -> bool:
    """Whether the settings lead to the file at `path` already."""
    return path in found_files(service.files.paths)[0]


def _leads_to(service: Service, path: Path) -> bool:
    """Whether the settings lead to every file in the folder at `path` already: it, or a pattern for all in it."""
    return any(one.rstrip("/") in {str(path), f"{path}/*", f"{path}/*.log"} for one in service.files.paths)


def _words_about(service: Service, path: Path) -> list[Step]:
    """What else is to be done, as far as it can be seen: rights, and what comes in at once."""
    found: list[Step] = []
    user = _user_of(service)
    if user is not None and user != 0 and not _may_read(path, user):
        found.append(WordsStep(
            f"The service's user may not read {path}. Put it into the group that may, such as adm on Debian "
            f"(sudo usermod -aG adm {name_of_user(user)}), then restart the service."
        ))  # fmt: skip
    size, many = _amount(path)
    if size > _LARGEST or many:
        less = f"{size / 1e6:,.0f} MB" if not many else f"more than {bounds.DETECT_ENTRIES:,} files"
        found.append(WordsStep(
            f"{path} holds {less} already; a file is read from its start, so old events are judged first. Move away what "
            "is not wanted before."
        ))  # fmt: skip
    return found


def _amount(path: Path) -> tuple[int, bool]:
    """Bytes of the files in the folder (or of the file), and whether there are more than are looked at."""
    try:
        if not path.is_dir():
            return path.stat().st_size, False
        size = 0
        with os.scandir(path) as entries:
            for number, entry in enumerate(entries):
                if number >= bounds.DETECT_ENTRIES:
                    return size, True
                if entry.is_file(follow_symlinks=False):
                    size += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0, False
    return size, False


def _user_of(service: Service) -> int | None:
    """Whose the data folder is: the service runs as that user."""
    try:
        return service.data.stat().st_uid
    except OSError:
        return None


def _may_read(path: Path, user: int) -> bool:
    """Whether `user` may read what is at `path`, as far as owner, groups and mode say; True where that cannot be seen."""
    try:
        found = path.stat()
        name = pwd.getpwuid(user)
        groups = os.getgrouplist(name.pw_name, name.pw_gid)
    except (OSError, KeyError):
        return True
    needed = (stat.S_IRUSR, stat.S_IRGRP, stat.S_IROTH)
    which = 0 if found.st_uid == user else 1 if found.st_gid in groups else 2
    return bool(found.st_mode & needed[which])


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
