"""What `tocsin init` makes, step by step: each step makes what is missing and leaves what is there as it is.

The order is such that a run which was cut short is completed by the next: the settings come first and name all other
files, a key comes before its certificate, and the token last, for its text is shown once.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tocsin.cli.host import host_names, host_zone
from tocsin.config import bounds
from tocsin.config.certificates import Seen, certificate_of, is_name, look_at, new_key
from tocsin.config.private_files import give_to_owner, write_private
from tocsin.config.service import Service, Tls, load_service, service_settings
from tocsin.config.settings import FILE_NAME
from tocsin.config.tls import check_key_rights
from tocsin.config.tokens import add_token, read_tokens
from tocsin.records.errors import OperatorError

FIRST_TOKEN = "first"  # noqa: S105  the name of a token
SETTINGS = """\
# Tocsin's settings. They are yours: no command of Tocsin changes this file. What stands here goes before the defaults,
# the environment before what stands here, and flags before both. A path starts from this file's folder.

[run]
data = {data}   # everything that is kept; nobody else may look in
zone = {zone}   # what a time without a zone means
# rules = ["sigma"]   # Sigma rules beside the starter set: files, folders or zips

[run.http]
listen = {listen}   # "0.0.0.0:8088" hears other hosts too
certificate = "tls/certificate.pem"
key = "tls/key.pem"
tokens = "tokens"

# [run.syslog]
# udp = ["0.0.0.0:514"]   # anyone on the network can read and forge what comes this way
# tcp = ["0.0.0.0:601"]
# tls = ["0.0.0.0:6514"]

# [run.files]
# paths = ["/var/log/auth.log", "/var/log/nginx/*.log"]   # files, folders or patterns to follow

# [run.retention]
# days = 90
# bytes = "10 GB"

# [[run.expect]]
# name = "nightly backup"   # rings where it does not come
# where = {{ program = "restic", "message|contains" = "snapshot" }}   # as in Sigma's detections
# at = "02:00-06:00"

# Whom Tocsin wakes. Until a channel stands here, nobody is told. Take away the # from what you want, then try it with
# `tocsin ring`; reload a service that runs. Name one channel that does not depend on your mail: who breaks into the mail
# system can read or stop the alarm.

# [run.outbound]
# allow = ["https://ntfy.example.org", "smtp://mail.example.org:587"]   # nothing leaves this host but to these

# [run.bell]
# quiet = "22:00-06:30"     # only what is critical rings then
# escalate-minutes = 30     # not acknowledged for so long: the next channel rings
# digest = "07:30"          # "all is well", or what is not

# [run.bell.channels.phone]   # the first one rings first: ntfy, slack, teams, webhook or email
# kind = "ntfy"
# url = "https://ntfy.example.org/a-topic-that-nobody-guesses"

# [run.bell.channels.mail]
# kind = "email"
# server = "mail.example.org:587"
# user = "tocsin"
# secret = "secrets/mail"     # a file with the password, chmod 600
# from = "tocsin@example.org"
# to = ["head@example.org"]

# [run.bell.heartbeat]
# url = "https://hc-ping.com/{{secret}}"   # called while all is well; who watches it there notices a dead box
# secret = "secrets/heartbeat"
# minutes = 5
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for.

    Attributes:
        folder: Where `tocsin.toml` is to be, absolute.
        data: Where data is to be kept; relative to `folder`, or absolute.
        listen: Addresses for HTTP.
        names: Names and addresses for the certificate, beside those of the host.
    """

    folder: Path
    data: Path
    listen: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A file or folder of the service: what it is, where, and whether it is new."""

    what: str
    path: Path
    new: bool


@dataclass(frozen=True, slots=True)
class SetUp:
    """All that is there now; `certificate` is None where the settings name none, `token` where it was made before."""

    service: Service
    made: tuple[Made, ...]
    certificate: Seen | None
    token: str | None


def set_up(wanted: Wanted, state: Path, now: int) -> SetUp:
    """Makes what is missing.

    Args:
        wanted: What was asked for; of no effect on what is there.
        state: Where data is kept if the settings do not say.
        now: Now (instant).

    Raises:
        OperatorError: what is there cannot be used, or what is wanted cannot be.
        OSError: the disk is full or read-only, or the folder may not be written.
    """
    _check(wanted.names)
    wanted.folder.mkdir(0o755, parents=True, exist_ok=True)
    with _open(wanted.folder) as folder:
        file = wanted.folder / FILE_NAME
        made = [_settings(folder, file, wanted, state)]
        service = load_service(file, state)
        made.append(_data(folder, service.data))
        certificate = None
        if service.http.tls is not None:
            made += _tls(folder, wanted, service, now)
            certificate = _look(service.http.tls)
        tokens = Made("tokens", service.http.tokens, not os.path.lexists(service.http.tokens))
        token = add_token(tokens.path, FIRST_TOKEN, now) if tokens.new else None
        if token is None:
            read_tokens(tokens.path)
        os.fsync(folder)  # so that a power cut leaves the folders in it their names
        return SetUp(service, (*made, tokens), certificate, token)


def _check(names: Sequence[str]) -> None:
    for name in names:
        if not is_name(name):
            raise OperatorError(
                f"--name {name!a} is neither a host name nor an address.",
                "Name one such as logs.example.org.",
            )
    if len(names) > bounds.CERTIFICATE_NAMES:
        raise OperatorError(f"There are more than {bounds.CERTIFICATE_NAMES} --name.", "Name fewer.")


@contextmanager
def _open(folder: Path) -> Iterator[int]:
    """The folder of the settings, open, where not everybody may write in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_mode & 0o002:
            raise OperatorError(
                f"Everybody may write in the folder {folder}.",
                f"Choose another, or take that back: chmod o-w {folder}",
            )
        yield descriptor
    finally:
        os.close(descriptor)


def _settings(folder: int, file: Path, wanted: Wanted, state: Path) -> Made:
    """The settings file: what would be refused later is never written."""
    if os.path.lexists(file):
        return Made("settings", file, new=False)
    if not str(wanted.data).isprintable():
        raise OperatorError("--data holds what cannot be printed.", "Choose another folder.")
    listen = json.dumps(list(wanted.listen), ensure_ascii=False)
    data, zone = (json.dumps(text, ensure_ascii=False) for text in (str(wanted.data), host_zone()))
    text = SETTINGS.format(data=data, zone=zone, listen=listen)
    service_settings(file, tomllib.loads(text), state)
    write_private(folder, file, text.encode(), replace=False, mode=0o644)
    return Made("settings", file, new=True)


def _data(folder: int, data: Path) -> Made:
    new = not os.path.lexists(data)
    if new:
        data.mkdir(mode=0o700, parents=True)
    elif not data.is_dir():
        raise OperatorError(f"The data folder {data} is no folder.", "Move that away, or mend [run] data.")
    descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if new:
            give_to_owner(folder, descriptor)
        elif os.fstat(descriptor).st_mode & 0o007:
            raise OperatorError(
                f"Everybody may look into the data folder {data}.", f"Take that back: chmod 700 {data}"
            )
    finally:
        os.close(descriptor)
    return Made("data", data, new)


def _tls(folder: int, wanted: Wanted, service: Service, now: int) -> Iterator[Made]:
    files = service.http.tls
    assert files is not None
    key = Made("key", files.key, not os.path.lexists(files.key))
    certificate = Made("certificate", files.certificate, not os.path.lexists(files.certificate))
    if key.new and not certificate.new:
        raise OperatorError(
            f"The certificate {files.certificate} is there, but not its key {files.key}.",
            "Bring the key back, or move the certificate away and run this again.",
        )
    for one in (key, certificate):
        if one.new and not Path(os.path.abspath(one.path)).is_relative_to(wanted.folder):  # noqa: PTH100  `..` goes
            raise OperatorError(
                f"The {one.what} {one.path} is not there, and {FILE_NAME} names it outside of {wanted.folder}.",
                f"Bring it there, or mend [run.http] {one.what}.",
            )
    if key.new:
        _write(folder, key.path, new_key(), 0o600)
    if certificate.new:
        _write(folder, certificate.path, _certificate(files.key, _names(wanted, service), now), 0o644)
    yield from (key, certificate)


def _certificate(key: Path, names: Sequence[str], now: int) -> bytes:
    check_key_rights(key)
    try:
        return certificate_of(_read(key), names, now)
    except ValueError as error:
        raise OperatorError(
            f"The key {key} cannot be used: {error}.", "Move it away and run this again."
        ) from error


def _names(wanted: Wanted, service: Service) -> tuple[str, ...]:
    """What a sender may call this host, as far as it can stand in a certificate; what was asked for comes first."""
    heard = (address.host for address in service.http.listen if address.host not in ("0.0.0.0", "::"))  # noqa: S104
    found = dict.fromkeys((*wanted.names, *host_names(), *heard))
    return tuple(name for name in found if is_name(name))[: bounds.CERTIFICATE_NAMES]


def _write(folder: int, path: Path, data: bytes, mode: int) -> None:
    """Writes a new file and, where it is missing, its folder; as root both belong to the owner of `folder`."""
    new = not path.parent.exists()
    path.parent.mkdir(0o755, parents=True, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if new:
            give_to_owner(folder, descriptor)
        write_private(descriptor, path, data, replace=False, mode=mode)
    finally:
        os.close(descriptor)


def _look(files: Tls) -> Seen:
    check_key_rights(files.key)
    try:
        return look_at(_read(files.certificate), _read(files.key))
    except ValueError as error:
        raise OperatorError(
            f"The certificate {files.certificate} cannot be used: {error}.",
            f"Mend it, or move it and {files.key} away and run this again.",
        ) from error


def _read(path: Path) -> bytes:
    """What is in a PEM file; ValueError where it is no file of that size."""
    if not path.is_file():
        raise ValueError(f"{path} is no ordinary file")
    with path.open("rb") as file:
        data = file.read(bounds.CERTIFICATE_BYTES + 1)
    if len(data) > bounds.CERTIFICATE_BYTES:
        raise ValueError(f"{path} is larger than {bounds.CERTIFICATE_BYTES} bytes")
    return data
