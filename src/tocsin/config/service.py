"""What `tocsin run` is told: the table `[run]` of `tocsin.toml` and those below it, as typed values.

```toml
[run]
data = "/var/lib/tocsin"            # what it keeps; a path starts from this file's folder
rules = ["/etc/tocsin/sigma"]       # beside the starter set
starter = true
zone = "Europe/Berlin"              # what a time without a zone means
site = "local"                      # the place that events belong to

[run.http]
listen = ["0.0.0.0:8088"]
certificate = "tls/certificate.pem"
key = "tls/key.pem"
client-ca = "tls/senders.pem"       # if set, only senders with a certificate of these are heard
tokens = "tokens"

[run.syslog]
udp = ["0.0.0.0:514"]
tcp = ["0.0.0.0:601"]
tls = ["0.0.0.0:6514"]              # with the certificate and key of [run.http]
client-ca = "tls/devices.pem"

[run.files]
paths = ["/var/log/auth.log", "/var/log/nginx/*.log", "/srv/logs"]

[run.files.formats]                 # of one of these paths, where its content does not tell
"/srv/logs" = "rfc3164"

[run.retention]
days = 90
bytes = "10 GB"
```

`[run.bell]` and `[run.outbound]` stand in `bell.py`, `[run.silence]`, `[[run.expect]]` and `[[run.group]]` in `expect.py`,
`[[run.plant]]` in `plant.py`, `[[run.plant-source]]` in `plant_source.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.config import bounds
from tocsin.config.addresses import Address
from tocsin.config.bell import Bell, bell_settings
from tocsin.config.expect import Expected, Silence, expected_settings, silence_settings
from tocsin.config.plant import Plant, plant_settings
from tocsin.config.plant_source import PlantSource, plant_sources
from tocsin.config.settings import load_settings
from tocsin.config.table import Table
from tocsin.records.errors import OperatorError

TABLE: Final = "run"
HTTP_PORT: Final = 8088
PLAIN_HTTP: Final = "tokens and logs can be read on the way"
"""What `plain-http` must say, word for word, before HTTP without TLS is offered to other hosts."""

_SITE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tls:
    """Files (PEM) that a TLS listener needs; with `client_ca` only senders with a certificate of it are heard."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Http:
    """Listeners for HTTP; without `tls` they speak plain HTTP."""

    listen: tuple[Address, ...]
    tls: Tls | None
    tokens: Path


@dataclass(frozen=True, slots=True)
class Syslog:
    """Listeners for syslog by transport; `tls` is empty where `tls_files` is None."""

    udp: tuple[Address, ...]
    tcp: tuple[Address, ...]
    tls: tuple[Address, ...]
    tls_files: Tls | None


@dataclass(frozen=True, slots=True)
class Files:
    """Files to follow: files, folders, patterns; and by path what their format is called, where it is said."""

    paths: tuple[str, ...]
    formats: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long events are kept, and how many bytes they may take; what comes first counts."""

    days: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Service:
    """All of it.

    Attributes:
        file: The settings file it came from.
        data: What the service keeps: store, incidents, write-ahead log.
        rules: Sigma rules beside the starter set: files, folders or zips.
        starter: Whether the starter rules run.
        zone: What a time without a zone means.
        site: The place that events belong to.
        http: Listeners for HTTP.
        syslog: Listeners for syslog.
        files: What to follow.
        retention: How much is kept.
        bell: Whom to tell, and what may leave this host.
        silence: What counts as silence.
        expected: What is to be heard.
        plants: What plants are watched.
        plant_sources: Where plants' readings are read.
    """

    file: Path
    data: Path
    rules: tuple[Path, ...]
    starter: bool
    zone: tzinfo
    site: str
    http: Http
    syslog: Syslog
    files: Files
    retention: Retention
    bell: Bell = field(default_factory=Bell)
    silence: Silence = field(default_factory=Silence)
    expected: tuple[Expected, ...] = ()
    plants: tuple[Plant, ...] = ()
    plant_sources: tuple[PlantSource, ...] = ()


def load_service(file: Path, state: Path, over: Mapping[str, Any] | None = None) -> Service:
    """The service's settings from `file`.

    Args:
        file: `tocsin.toml`.
        state: Where data is kept if the settings do not say.
        over: What the environment and flags say, by key of `[run]`; it goes before the file.

    Raises:
        OperatorError: the file cannot be read, or says something that cannot be; it names file, table and key.
    """
    return service_settings(file, load_settings(file), state, over)


def service_settings(
    file: Path, settings: Mapping[str, Any], state: Path, over: Mapping[str, Any] | None = None
) -> Service:
    """As `load_service`, from the tables that were read; no file is touched but those of time zones."""
    values = settings.get(TABLE, {})
    if not isinstance(values, Mapping):
        raise OperatorError(f"{file}: {TABLE} is no table.", f"Write [{TABLE}] and its settings below.")
    run = Table(file, TABLE, values, over or {})
    run.check(
        (
            "bell",
            "data",
            "expect",
            "files",
            "group",
            "http",
            "outbound",
            "plant",
            "plant-source",
            "retention",
            "rules",
            "silence",
            "site",
            "starter",
            "syslog",
            "zone",
        )
    )
    http = run.table("http")
    syslog = _syslog(run.table("syslog"), tls := _tls(http))
    service = Service(
        file,
        run.path("data") or state,
        run.paths("rules"),
        run.flag("starter", default=True),
        _zone(run),
        _site(run),
        _http(http, tls),
        syslog,
        _files(run.table("files")),
        _retention(run.table("retention")),
        bell_settings(run.table("bell"), run.table("outbound")),
        silence_settings(run.table("silence")),
        expected_settings(run),
        plants := plant_settings(run),
        plant_sources(run, [one.name for one in plants]),
    )
    _check_ports(run, service)
    return service


def _http(table: Table, tls: Tls | None) -> Http:
    table.check(("certificate", "client-ca", "key", "listen", "plain-http", "tokens"))
    listen = table.addresses("listen", (f"127.0.0.1:{HTTP_PORT}",))
    allowed = _plain_allowed(table)
    far = next((address for address in listen if not address.loopback), None)
    if far is not None and tls is None and not allowed:
        table.refuse(
            "listen",
            f"offers {far} to other hosts without TLS, so that everybody between could read tokens and logs",
            f"Name certificate and key (`tocsin init` makes them), or, if that is no matter, write "
            f'plain-http = "{PLAIN_HTTP}".',
        )
    return Http(listen, tls, table.path("tokens") or table.file.parent / "tokens")


def _plain_allowed(table: Table) -> bool:
    if "plain-http" not in table.values:
        return False
    if table.values["plain-http"] != PLAIN_HTTP:
        table.refuse("plain-http", "does not say what it risks", f'Write "{PLAIN_HTTP}", or remove it.')
    return True


def _tls(table: Table) -> Tls | None:
    certificate, key, senders = table.path("certificate"), table.path("key"), table.path("client-ca")
    if certificate is not None and key is not None:
        return Tls(certificate, key, senders)
    for name, one, other in (("certificate", certificate, "key"), ("key", key, "certificate")):
        if one is not None:
            table.refuse(name, f"is named without {other}", f"Name {other} too, or neither.")
    if senders is not None:
        table.refuse("client-ca", "needs TLS", "Name certificate and key too.")
    return None


def _syslog(table: Table, tls: Tls | None) -> Syslog:
    table.check(("client-ca", "tcp", "tls", "udp"))
    addresses = table.addresses("tls")
    senders = table.path("client-ca")
    if tls is None and (addresses or senders is not None):
        key = "tls" if addresses else "client-ca"
        table.refuse(
            key, "needs a certificate", "Name certificate and key in [run.http]; syslog uses the same."
        )
    files = Tls(tls.certificate, tls.key, senders) if tls else None
    return Syslog(table.addresses("udp"), table.addresses("tcp"), addresses, files)


def _files(table: Table) -> Files:
    table.check(("formats", "paths"))
    paths = tuple(map(str, table.paths("paths")))
    if len(paths) > bounds.FOLLOWED_PATHS:
        table.refuse(
            "paths", f"names more than {bounds.FOLLOWED_PATHS} paths", "Name folders or patterns instead."
        )
    named = table.table("formats")
    formats = {}
    for key in named.values:
        path = str(table.file.parent / key)
        if path not in paths:
            named.refuse(repr(key), "is none of the paths of [run.files]", "Write it as it stands in paths.")
        formats[path] = named.text(key, "", "Name a format, such as rfc3164.")
    return Files(paths, formats)


def _retention(table: Table) -> Retention:
    table.check(("bytes", "days"))
    return Retention(
        table.whole("days", bounds.KEEP_DAYS, 1, 36_500),
        table.size("bytes", bounds.KEEP_BYTES, bounds.KEEP_BYTES_LEAST),
    )


def _site(table: Table) -> str:
    right = "Write letters, digits, dots, dashes or underscores, at most 64, such as townhall."
    site = table.text("site", "local", right)
    if not _SITE.fullmatch(site):
        table.refuse("site", "is no name of a place", right)
    return site


def _zone(table: Table) -> tzinfo:
    right = "Name one such as Europe/Berlin or UTC."
    name = table.text("zone", "UTC", right)
    if name == "UTC":
        return UTC  # needs no time zone data, which a bare system may lack
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        table.refuse("zone", f"names no time zone: {name!a}", right)


def _check_ports(run: Table, service: Service) -> None:
    """Refuses an address that two stream listeners want."""
    wanted = Counter(
        address
        for addresses in (service.http.listen, service.syslog.tcp, service.syslog.tls)
        for address in addresses
        if address.port
    )
    for address, times in wanted.items():
        if times > 1:
            raise OperatorError(
                f"{run.file}: [run.http] listen, [run.syslog] tcp and tls name {address} {times} times.",
                "Give each a port of its own.",
            )
