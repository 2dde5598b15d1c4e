"""A Linux host's system log, sent by its rsyslog: over TCP within this host, over TLS from another.

The texts here are those of docs/service.md: what is measured there is what is written here.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tocsin.config import bounds
from tocsin.config.addresses import Address, plain_name
from tocsin.config.certificates import look_at
from tocsin.config.service import Service, Tls
from tocsin.engine.connecting.connection import (
    MARK,
    CommandStep,
    Connection,
    FileStep,
    Sought,
    Step,
    Trial,
    WordsStep,
    new_nonce,
)
from tocsin.engine.connecting.sending import to_syslog_socket
from tocsin.engine.connecting.settings_lines import listed
from tocsin.records.errors import OperatorError

NAME: Final = "rsyslog"
FILE: Final = "60-tocsin.conf"
CERTIFICATE: Final = Path("/etc/rsyslog.d/tocsin.pem")
LOCAL_PORT: Final = 1601
"""Of a listener for this host alone; the usual 601 needs root."""

TLS_PORT: Final = 6514
"""RFC 5425."""

GIVES: Final = "Log-ins, sudo, services and the kernel of a Linux host, as its system log tells them."

_ACTION: Final = """\
action(type="omfwd" target="{target}" port="{port}" protocol="tcp" TCP_Framing="octet-counted"
    template="RSYSLOG_SyslogProtocol23Format"
    queue.type="LinkedList" queue.filename="tocsin" queue.maxDiskSpace="1g" queue.saveOnShutdown="on"
    action.resumeRetryCount="-1" action.resumeInterval="1"{more})
"""
_TLS: Final = """
    StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
    StreamDriverPermittedPeers="{target}" StreamDriver.CAFile="{certificate}\""""
_WORK_FOLDER: Final = re.compile(rb"(?im)^\s*(?:\$WorkDirectory\s+\S|global\s*\([^)]*workDirectory\s*=)")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Places:
    """Where this host's rsyslog has its things: main file, folder of further files, and the socket it listens at."""

    main: Path = Path("/etc/rsyslog.conf")
    folder: Path = Path("/etc/rsyslog.d")
    socket: Path = Path("/dev/log")


def action(target: str, port: int, certificate: Path | None = None) -> str:
    """The action of rsyslog that sends all to `target`; with `certificate` over TLS, trusting that."""
    tls = _TLS.format(target=target, certificate=certificate) if certificate is not None else ""
    return _ACTION.format(target=target, port=port, more=tls)


def file_text(target: str, port: int, certificate: Path | None = None) -> str:
    """The whole file for rsyslog's folder; with `certificate` for another host's, where no Tocsin may be."""
    undo = (
        "`tocsin connect rsyslog --undo` removes it"
        if certificate is None
        else ("remove it and restart rsyslog, and it sends no more")
    )
    return (
        f"# {MARK} rsyslog; {undo}.\n"
        "# Sends everything to Tocsin; while Tocsin is away it waits in memory, then on the disk (1 GB at most).\n"
        + action(target, port, certificate)
    )


def here(service: Service, places: Places) -> Connection:
    """This host's own rsyslog, to the service on the same host.

    Raises:
        OperatorError: there is no rsyslog here, or something that cannot be.
    """
    if not places.main.is_file():
        raise OperatorError(
            f"There is no {places.main}, so no rsyslog on this host.",
            "Use `tocsin connect journald`, or install rsyslog; for another host add --to and this host's name.",
        )
    address = next((one for one in service.syslog.tcp if one.loopback or _everywhere(one)), None)
    wanted = address or Address("127.0.0.1", LOCAL_PORT)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(wanted.host, wanted.host)  # noqa: S104  a name for this host
    nonce = new_nonce()
    usual = places.main == Places().main
    steps: list[Step] = [
        listed(service, "syslog", "tcp", str(wanted), there=address is not None),
        FileStep(places.folder / FILE, file_text(host, wanted.port), "It makes rsyslog send everything to Tocsin."),
        CommandStep(
            ("rsyslogd", "-N1", "-f", str(places.main)), "Looks whether rsyslog can use all its files.", root=usual, checks=True,
        ),
        _restart(usual=usual),
    ]  # fmt: skip
    if not _has_work_folder(places.main):
        steps.insert(
            1,
            WordsStep(
                f"{places.main} names no folder for queues, so rsyslog would keep them in memory alone. Put this line at "
                'its top: global(workDirectory="/var/spool/rsyslog")'
            ),
        )
    trial = Trial(
        Sought(nonce=nonce),
        f"the line {nonce}, written to the system's log ({places.socket}) as logger(1) does; rsyslog sends it on.",
        partial(to_syslog_socket, places.socket, nonce),
        bounds.CONNECT_SECONDS if not usual or _is_root() else bounds.CONNECT_BY_HAND_SECONDS,
    )
    checks = (
        f"Does rsyslog run, and was it restarted after {places.folder / FILE} was written? journalctl -u rsyslog says why not.",
        f"Does {places.main} include {places.folder}/*.conf?",
    )
    return Connection(NAME, GIVES, tuple(steps), trial, checks)


def elsewhere(service: Service, name: str) -> Connection:
    """Another host's rsyslog, which knows this host by `name`.

    Raises:
        OperatorError: `name` is none, or the service has no certificate.
    """
    if not _HOST.fullmatch(name):
        raise OperatorError(
            f"{name!a} is no name of a host.", "Say --to and how the other host reaches this one."
        )
    tls = service.syslog.tls_files
    if tls is None:
        raise OperatorError(
            "The service has no certificate, so nothing could be sent to it safely.",
            f"Run `tocsin init --name {name}` in a fresh folder, or name certificate and key in [run.http].",
        )
    _check_named(name, tls)
    address = next((one for one in service.syslog.tls if not one.loopback), None)
    wanted = address or Address("0.0.0.0", TLS_PORT)  # noqa: S104  the other hosts are to reach it
    nonce = new_nonce()
    steps: tuple[Step, ...] = (
        listed(service, "syslog", "tls", str(wanted), there=address is not None),
        FileStep(
            CERTIFICATE, _text(tls.certificate), "The certificate of this service, which it is known by.", local=False
        ),
        CommandStep(
            ("apt-get", "install", "rsyslog-gnutls"), "rsyslog's TLS (dnf install rsyslog-gnutls on Fedora and its kin).",
            root=True, local=False,
        ),
        FileStep(
            Path("/etc/rsyslog.d") / FILE, file_text(name, wanted.port, CERTIFICATE),
            "It makes rsyslog send everything to Tocsin.", local=False,
        ),
        CommandStep(
            ("rsyslogd", "-N1"), "Looks whether rsyslog can use all its files.", root=True, local=False, checks=True
        ),
        CommandStep(("systemctl", "restart", "rsyslog"), "Takes it up.", root=True, local=False),
    )  # fmt: skip
    if tls.client_ca is not None:
        steps = (*steps, WordsStep(
            "[run.syslog] client-ca is set, so that host needs a certificate of its own too: see "
            "StreamDriver.CertFile and StreamDriver.KeyFile of rsyslog's omfwd."
        ))  # fmt: skip
    trial = Trial(
        Sought(nonce=nonce), f"type this on the other host: logger {nonce}", None, bounds.CONNECT_BY_HAND_SECONDS
    )  # fmt: skip
    checks = (
        f"Can that host reach this one? On it: nc -vz {name} {wanted.port}. A firewall of this host must let that port in.",
        "Is its rsyslog 8.2108 (of 2021) or newer? rsyslogd -v; an older one knows no StreamDriver.CAFile.",
        "Does its rsyslog say why? On it: journalctl -u rsyslog.",
    )
    return Connection(NAME, GIVES, steps, trial, checks)


def _check_named(name: str, tls: Tls) -> None:
    """Refuses a name that the certificate is not for: rsyslog would refuse it too, over there, where it is hard to see."""
    try:
        seen = look_at(_text(tls.certificate).encode(), tls.key.read_bytes()[: bounds.CERTIFICATE_BYTES])
    except (OSError, ValueError):
        return  # whoever may not read the key cannot see; `tocsin doctor` tells of a bad one
    if plain_name(name) not in seen.names:
        raise OperatorError(
            f"The service's certificate is not for {name}, but for {', '.join(seen.names)}.",
            f"Say --to with one of these, or move certificate and key away and run `tocsin init --name {name}` again.",
        )


def _restart(*, usual: bool) -> Step:
    if usual and Path("/run/systemd/system").is_dir():
        return CommandStep(("systemctl", "restart", "rsyslog"), "Takes it up.", root=True, after_undo=True)
    return WordsStep(
        "Restart rsyslog, in the way that is used for it on this host, so that it takes the file up."
    )


def _has_work_folder(main: Path) -> bool:
    try:
        with main.open("rb") as file:
            return _WORK_FOLDER.search(file.read(bounds.DETECT_FILE_BYTES)) is not None
    except OSError:
        return True  # rsyslogd -N1 will tell


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(bounds.CERTIFICATE_BYTES).decode("ascii")
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"The certificate {path} cannot be read: {error}.", "Run `tocsin init`."
        ) from error


def _everywhere(address: Address) -> bool:
    return address.host in {"0.0.0.0", "::"}  # noqa: S104  it is compared


def _is_root() -> bool:
    return os.geteuid() == 0
