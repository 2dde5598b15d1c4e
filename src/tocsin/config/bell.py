"""Whom the bell reaches: the tables `[run.bell]` and `[run.outbound]` of `tocsin.toml`, as typed values.

```toml
[run.outbound]
allow = ["https://ntfy.example.org", "smtp://mail.example.org:587", "https://hc-ping.com"]

[run.bell]
quiet = "22:00-06:30"           # only what is critical rings then
escalate-minutes = 30           # not acknowledged for so long: the next channel
digest = "07:30"

[run.bell.heartbeat]
url = "https://hc-ping.com/{secret}"
secret = "secrets/heartbeat"
minutes = 5

[run.bell.channels.phone]       # the first one rings first
kind = "ntfy"                   # ntfy | slack | teams | webhook | email
url = "https://ntfy.example.org/town-hall"
secret = "secrets/ntfy"

[run.bell.channels.mail]
kind = "email"
server = "mail.example.org:587"
security = "starttls"           # starttls | tls | none
user = "tocsin"
secret = "secrets/mail"
from = "tocsin@example.org"
to = ["head@example.org"]
```
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from tocsin.config import bounds
from tocsin.config.addresses import Address
from tocsin.config.origins import HOW_TO, is_here, origin_of
from tocsin.config.table import Table

Kind = Literal["ntfy", "slack", "teams", "webhook", "email"]
Security = Literal["starttls", "tls", "none"]
Detail = Literal["full", "little"]

PLAIN: Final = "messages can be read on the way"
"""What `plain` must say, word for word, before a channel without TLS leads to another host."""

SECRET: Final = "{secret}"  # noqa: S105  a place for one
"""What stands in an address for the text of the secret file."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_MAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)
_RIGHT_ADDRESS: Final = "Write one such as head@example.org."


@dataclass(frozen=True, slots=True)
class Web:
    """An HTTP(S) address; the text of the file `secret` stands for `{secret}` in it, or else is its bearer token."""

    url: str
    secret: Path | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return origin_of(self.url)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server, how to speak with it, and whom it is to reach; the file `secret` holds the password of `user`."""

    server: Address
    security: Security
    user: str | None
    secret: Path | None
    sender: str
    to: tuple[str, ...]

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return origin_of(f"smtp://{self.server}")


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to reach people; with `little` detail a message names no host, person or rule."""

    name: str
    kind: Kind
    target: Web | Mail
    detail: Detail = "full"


@dataclass(frozen=True, slots=True)
class Quiet:
    """From and until which minute of the day (zone of `[run]`) only what is critical rings; it may span midnight."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The address that is called each so many minutes while all is well."""

    target: Web
    minutes: int


@dataclass(frozen=True, slots=True)
class Bell:
    """All of it.

    Attributes:
        channels: The first rings first.
        quiet: When only what is critical rings.
        escalate_minutes: Until the next channel rings where nobody acknowledged; 0 for all at once.
        digest: Minute of the day at which the daily message goes out.
        heartbeat: What is called while all is well.
        allowed: Origins that the gate lets through.
    """

    channels: tuple[Channel, ...] = ()
    quiet: Quiet | None = None
    escalate_minutes: int = bounds.ESCALATE_MINUTES
    digest: int | None = None
    heartbeat: Heartbeat | None = None
    allowed: frozenset[str] = frozenset()

    def warnings(self) -> tuple[str, ...]:
        """What an operator should know before relying on it, a sentence or two each."""
        if not self.channels:
            return ("Nobody is rung: [run.bell.channels] names no channel. Look with `tocsin incidents`.",)
        found = [
            f"The channel {one.name} cannot ring: [run.outbound] allow does not list {one.target.origin}."
            for one in self.channels
            if one.target.origin not in self.allowed
        ]
        beat = self.heartbeat
        if beat is not None and beat.target.origin not in self.allowed:
            found.append(
                f"The heartbeat cannot leave: [run.outbound] allow does not list {beat.target.origin}."
            )
        if all(one.kind == "email" for one in self.channels):
            found.append(
                "Every channel is e-mail: who breaks into the mail system can read or stop the alarm. Add one that does "
                "not depend on it, such as ntfy."
            )
        return tuple(found)


def bell_settings(table: Table, outbound: Table) -> Bell:
    """What `[run.bell]` and `[run.outbound]` say.

    Raises:
        OperatorError: it cannot be so; file, table and key are named.
    """
    table.check(("channels", "digest", "escalate-minutes", "heartbeat", "quiet"))
    outbound.check(("allow",))
    channels = table.table("channels")
    if len(channels.values) > bounds.BELL_CHANNELS:
        table.refuse("channels", f"has more than {bounds.BELL_CHANNELS}", "Name fewer.")
    return Bell(
        tuple(_channel(channels, name) for name in channels.values),
        _quiet(table),
        table.whole("escalate-minutes", bounds.ESCALATE_MINUTES, 0, 1440),
        _minute(table, "digest") if "digest" in table.values else None,
        _heartbeat(table),
        frozenset(_origin(outbound, one) for one in outbound.texts("allow", HOW_TO)),
    )


def _channel(channels: Table, name: str) -> Channel:
    if not _NAME.fullmatch(name):
        channels.refuse(name, "is no name of a channel", "Write letters, digits, dots, dashes, at most 32.")
    table = channels.table(name)
    kind = cast("Kind", _one_of(table, "kind", get_args(Kind), None))
    detail = cast("Detail", _one_of(table, "detail", get_args(Detail), "full"))
    if kind == "email":
        known = ("detail", "from", "kind", "plain", "secret", "security", "server", "to", "user")
        table.check(known)
        return Channel(name, kind, _mail(table), detail)
    table.check(("detail", "kind", "plain", "secret", "url"))
    web = _web(table)
    if kind == "ntfy" and SECRET in web.url:
        table.refuse(
            "url", f"holds {SECRET}", "Use an access token of ntfy as secret; the address stays as it is."
        )
    if kind == "ntfy" and not web.url.split("://", 1)[1].partition("/")[2].strip("/"):
        table.refuse("url", "names no topic", "Write one such as https://ntfy.example.org/town-hall.")
    return Channel(name, kind, web, detail)


def _web(table: Table) -> Web:
    right = "Write one such as https://ntfy.example.org/town-hall."
    url = table.text("url", "", right)
    origin = _origin(table, url, "url")
    if origin.startswith("smtp:"):
        table.refuse("url", "is no address of the web", right)
    if SECRET in origin or SECRET.upper() in origin:
        table.refuse("url", "hides the host", f"Write {SECRET} behind the host only.")
    _check_plain(table, plain=origin.startswith("http:"), origin=origin, key="url")
    return Web(url, table.path("secret"))


def _mail(table: Table) -> Mail:
    security = cast("Security", _one_of(table, "security", get_args(Security), "starttls"))
    usual = {"starttls": 587, "tls": 465, "none": 25}[security]
    text = table.text("server", "", "Write one such as mail.example.org:587.")
    origin = _origin(table, f"smtp://{text}", "server")
    host, _, port = origin.removeprefix("smtp://").rpartition(":")
    address = Address(host.strip("[]"), int(port) if re.search(r":[0-9]+$", text) else usual)
    _check_plain(table, plain=security == "none", origin=origin, key="security")
    to = table.texts("to", 'Write a list, such as ["head@example.org"].')
    for one in (sender := table.text("from", "", _RIGHT_ADDRESS), *to):
        if not _MAIL.fullmatch(one):
            table.refuse("to" if one in to else "from", f"holds {one!a}, which is no address", _RIGHT_ADDRESS)
    if not to or len(to) > bounds.BELL_RECIPIENTS:
        table.refuse("to", f"names nobody, or more than {bounds.BELL_RECIPIENTS}", _RIGHT_ADDRESS)
    user = table.text("user", "") if "user" in table.values else None
    secret = table.path("secret")
    if (user is None) != (secret is None):
        table.refuse("user", "and secret belong together", "Name both, or neither.")
    return Mail(address, security, user, secret, sender, to)


def _check_plain(table: Table, *, plain: bool, origin: str, key: str) -> None:
    if plain and not is_here(origin) and table.values.get("plain") != PLAIN:
        table.refuse(key, "leads to another host without TLS", f'Use TLS, or write plain = "{PLAIN}".')


def _heartbeat(bell: Table) -> Heartbeat | None:
    if "heartbeat" not in bell.values:
        return None
    table = bell.table("heartbeat")
    table.check(("minutes", "plain", "secret", "url"))
    return Heartbeat(_web(table), table.whole("minutes", bounds.HEARTBEAT_MINUTES, 1, 1440))


def _origin(table: Table, url: str, key: str = "allow") -> str:
    try:
        return origin_of(url)
    except ValueError as error:
        table.refuse(key, f"holds {url!a}, which {error}", HOW_TO)


def _one_of(table: Table, key: str, known: Sequence[str], default: str | None) -> str:
    right = f"Write one of {', '.join(known)}."
    value = table.text(key, default or "", right)
    if value not in known:
        table.refuse(key, f"is {value!a}, which there is not", right)
    return value


def _quiet(table: Table) -> Quiet | None:
    if "quiet" not in table.values:
        return None
    right = 'Write them such as "22:00-06:30".'
    first, _, second = table.text("quiet", "", right).partition("-")
    start, end = _CLOCK.fullmatch(first.strip()), _CLOCK.fullmatch(second.strip())
    if not start or not end or start[0] == end[0]:
        table.refuse("quiet", "are no hours", right)
    return Quiet(int(start[1]) * 60 + int(start[2]), int(end[1]) * 60 + int(end[2]))


def _minute(table: Table, key: str) -> int:
    right = 'Write a time such as "07:30".'
    match = _CLOCK.fullmatch(table.text(key, "", right))
    if match is None:
        table.refuse(key, "is no time of day", right)
    return int(match[1]) * 60 + int(match[2])
