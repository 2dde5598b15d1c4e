"""Windows computers: one script for all of them (`windows.ps1`), and the settings that it is given beside it.

The script is the same everywhere and holds no secret, because Windows logs the text of every script that it runs. What is
secret, and what is this service's own, stands in the settings file: address, token, the certificate's digest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from tocsin.config import bounds
from tocsin.config.certificates import look_at
from tocsin.config.service import TABLE, Service
from tocsin.config.tokens import NAME as TOKEN_NAME
from tocsin.config.tokens import TOKEN as TOKEN_TEXT
from tocsin.config.tokens import digest_of, read_tokens
from tocsin.engine.connecting.connection import (
    MARK,
    TOKEN,
    Connection,
    FileStep,
    SettingsStep,
    Sought,
    TokenStep,
    Trial,
    WordsStep,
    new_nonce,
)
from tocsin.records.errors import OperatorError

NAME: Final = "windows"
SCRIPT: Final = "tocsin-windows.ps1"
SETTINGS: Final = "tocsin-windows.json"
VERSION: Final = 1
"""Of the settings file; the script refuses another."""

GIVES: Final = "Log-ins, programs and their command lines, PowerShell, services, tasks, accounts and Defender of Windows computers."
_EVERYWHERE: Final = "0.0.0.0:8088"
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?", re.ASCII)
_NONCE: Final = re.compile(r"tocsin-test-[0-9a-f]{20}", re.ASCII)
_START: Final = rf"powershell.exe -ExecutionPolicy RemoteSigned -File .\{SCRIPT}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for.

    Attributes:
        folder: Where script and settings are put, absolute.
        to: The name or address by which the computers reach this host.
        name: Of the connection and its token.
    """

    folder: Path
    to: str
    name: str = NAME


@dataclass(frozen=True, slots=True)
class _Known:
    """What an earlier run wrote: a token's text and the nonce of the test event."""

    token: str
    nonce: str


def script() -> str:
    """The script, with the line ends of Windows, so that every editor there shows its lines."""
    found = resources.files("tocsin.engine.connecting").joinpath("windows.ps1").read_text("ascii")
    return found.replace("\n", "\r\n")


def windows(service: Service, wanted: Wanted) -> Connection:
    """The plan for Windows computers.

    Raises:
        OperatorError: what was asked for cannot be, the service has no certificate, or an earlier token's text is gone.
    """
    _check(wanted)
    known = _known(service, wanted)
    nonce = known.nonce if known else new_nonce()
    steps = (
        _listening(service),
        TokenStep(wanted.name),
        *_files(service, wanted, known, nonce),
        WordsStep(_words(wanted)),
    )
    trial = Trial(
        Sought(nonce=nonce),
        f"on a Windows computer, in that window: {_START} -Test (the event holds {nonce})",
        None,
        bounds.CONNECT_BY_HAND_SECONDS,
    )
    port = _port(service)
    checks = (
        f"What does -Test say there? It tells whether {wanted.to} is reached, and whether its certificate is the right one.",
        f"A firewall of this host must let port {port} in. On the Windows computer: Test-NetConnection {wanted.to} -Port {port}",
        "Are the clocks right? An event from the future or from long ago is stored, but shown at another time.",
    )
    return Connection(wanted.name, GIVES, steps, trial, checks)


def _files(service: Service, wanted: Wanted, known: _Known | None, nonce: str) -> tuple[FileStep, FileStep]:
    text = script()
    digest = hashlib.sha256(text.encode()).hexdigest().upper()
    return (
        FileStep(
            wanted.folder / SCRIPT, text,
            f"It is made to be read, is the same for every computer and holds no secret (SHA-256 {digest}).",
        ),
        FileStep(
            wanted.folder / SETTINGS, _settings_text(service, wanted, known.token if known else TOKEN, nonce),
            "It says where to send, with which token, and the digest of this service's certificate. Keep it to yourself.",
            mode=0o600,
        ),
    )  # fmt: skip


def _check(wanted: Wanted) -> None:
    if not _HOST.fullmatch(wanted.to):
        raise OperatorError(
            f"{wanted.to!a} is no name of a host.",
            "Say with --to how the Windows computers reach this host: a name or an address.",
        )
    if not TOKEN_NAME.fullmatch(wanted.name):
        raise OperatorError(
            f"{wanted.name!a} is no name for a token.",
            "Use letters, digits, dots, dashes and underscores.",
        )


def _listening(service: Service) -> SettingsStep:
    """HTTPS for other hosts; the new list takes the old one's place, for one port can be taken but once."""
    there = any(not address.loopback for address in service.http.listen)
    kept = [str(address) for address in service.http.listen] if there else [_EVERYWHERE]
    return SettingsStep(
        f"[{TABLE}.http]\nlisten = {json.dumps(kept)}\n", there, instead="" if there else "listen"
    )


def _port(service: Service) -> int:
    found = next((one for one in service.http.listen if not one.loopback), None)
    return found.port if found else int(_EVERYWHERE.rpartition(":")[2])


def _settings_text(service: Service, wanted: Wanted, token: str, nonce: str) -> str:
    content = {
        "about": f"{MARK} {wanted.name}. It belongs beside {SCRIPT}.",
        "version": VERSION,
        "address": wanted.to,
        "port": _port(service),
        "token": token,
        "certificates": [_fingerprint(service)],
        "test": nonce,
    }
    return (json.dumps(content, indent=2) + "\n").replace("\n", "\r\n")


def _fingerprint(service: Service) -> str:
    """The SHA-256 of the service's certificate, as hexadecimal digits."""
    tls = service.http.tls
    if tls is None:
        raise OperatorError(
            "The service has no certificate, so nothing could be sent to it safely.",
            "Run `tocsin init` in a fresh folder, or name certificate and key in [run.http].",
        )
    if tls.client_ca is not None:
        raise OperatorError(
            "[run.http] client-ca asks senders for certificates of their own, which the script does not have.",
            "Have these computers heard by a service without it.",
        )
    try:
        certificate = tls.certificate.read_bytes()[: bounds.CERTIFICATE_BYTES]
        key = tls.key.read_bytes()[: bounds.CERTIFICATE_BYTES]
        return look_at(certificate, key).fingerprint.replace(":", "")
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"The certificate {tls.certificate} cannot be used: {error}.",
            "Mend it, or run this as who may read certificate and key.",
        ) from error


def _known(service: Service, wanted: Wanted) -> _Known | None:
    """What an earlier run put into the settings file, None where there is neither file nor token.

    Raises:
        OperatorError: there is but one of both.
    """
    digests = {one.name: one.digest for one in read_tokens(service.http.tokens)}
    path = wanted.folder / SETTINGS
    found = _read(path)
    if found is None and wanted.name not in digests:
        return None
    if found is None:
        raise OperatorError(
            f"The token {wanted.name} is there already, and its text stands only in the {SETTINGS} of that time.",
            f"Name the folder with that file, take another --name, or begin anew: tocsin token remove {wanted.name}",
        )
    if digests.get(wanted.name) != digest_of(found.token):
        raise OperatorError(
            f"The token in {path} is not the one that the service knows as {wanted.name}.",
            "Take that file away, or take back what was done with --undo; then run this again.",
        )
    return found


def _read(path: Path) -> _Known | None:
    try:
        with path.open("rb") as file:
            content: Any = json.loads(file.read(bounds.CONNECT_FILE_BYTES))
        token, nonce = content["token"], content["test"]
        if TOKEN_TEXT.fullmatch(token) and _NONCE.fullmatch(nonce):
            return _Known(token, nonce)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    raise OperatorError(
        f"{path} is there, and it is not as `tocsin connect` writes it.",
        "Take that file away, or name another folder.",
    )


def _words(wanted: Wanted) -> str:
    return (
        f"Carry {SCRIPT} and {SETTINGS} (from {wanted.folder}) to a folder on the Windows computer. Read the script. Then, "
        "in PowerShell started as administrator, in that folder:\n"
        f"  {_START} -Install -DryRun    (shows what it would change)\n"
        f"  {_START} -Install            (changes it)\n"
        f"  {_START} -Test               (sends a test event)\n"
        f"Its -Undo puts back what was there before. docs/connect-windows.md tells all of it."
    )


def usual_address(own: Sequence[str]) -> str | None:
    """Of this host's own names and addresses the one that Windows computers most likely reach it by."""
    addresses = [one for one in own if re.fullmatch(r"[0-9.]+", one) and not one.startswith("127.")]
    return addresses[0] if addresses else None
