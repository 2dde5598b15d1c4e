"""An MQTT broker as a plant's source: a table `[[run.plant-source]]` of kind `mqtt`, as a typed value.

```toml
[[run.plant-source]]
plant = "waterworks"
kind = "mqtt"
host = "broker.example.org"         # a broker, no controller
port = 8883                         # with TLS, which is the usual; 1883 without
authority = "broker-ca.pem"         # who vouches for the broker; else those that the system knows
certificate = "tocsin.pem"          # a client's certificate and its key, where the broker asks for one
key = "tocsin-key.pem"
user = "tocsin"
password-file = "secrets/broker"
client-id = "tocsin-waterworks"     # no other client may have it
format = "sparkplug"                # or "json", or "number"
topics = ["spBv1.0/Waterworks/#"]   # in json and number: "plant/{device}/{metric}"
tag = "{device}/{metric}"           # how a tag is called in the model
repeat-seconds = 10                 # how often what does not change is said again; 0 for never
repeat-most-seconds = 86400         # how long after its last message, at most
```
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from tocsin.config import bounds
from tocsin.config.plant_source_keys import COMMON, refuse_controller_port
from tocsin.config.table import Table

Format = Literal["sparkplug", "json", "number"]
Protocol = Literal["5", "3.1.1"]

PLAIN: Final = "password and readings can be read on the way"
"""What `plain` must say, word for word, before a broker on another host is spoken with without TLS."""

_OWN: Final = (
    "authority", "certificate", "client-id", "format", "host", "key", "password-file", "plain", "port", "protocol", "qos",
    "repeat-most-seconds", "repeat-seconds", "tag", "time", "tls", "topics", "user", "value",
)  # fmt: skip
_SPARKPLUG_PLACES: Final = frozenset({"group", "node", "device", "metric", "topic"})
_PLACE: Final = re.compile(r"\{([a-z]+)\}")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_CLIENT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_CERTIFICATES: Final = "$sparkplug"
_RIGHT_TOPICS: Final = 'Write a list, such as ["spBv1.0/Waterworks/#"] or ["plant/{device}/{metric}"].'


@dataclass(frozen=True, slots=True)
class Mqtt:
    """A broker that is listened to, and never published to.

    Attributes:
        host: Where it is.
        port: Its port.
        topics: Patterns of topics: levels may be `+`, a named place such as `{device}`, or `#` at the end.
        format: What payloads are.
        tag: How a tag is called, of `{topic}`, `{key}` (of an object of JSON) and the places of the topic; of Sparkplug
            `{group}`, `{node}`, `{device}`, `{metric}`.
        value: Of an object of JSON the path of its one value; '' where each key is a reading.
        time: Of an object of JSON the path of its time; '' for when it came.
        client: The client's id, by which the broker keeps what comes while we are away.
        qos: The quality of service that is asked for: 1, or 0 for what may be lost.
        version: 5 for MQTT 5.0, 4 for MQTT 3.1.1.
        tls: Whether TLS is spoken.
        authority: Certificates (PEM) of who vouches for the broker; None for those that the system knows.
        certificate: The client's certificate (PEM); None for none.
        key: Its key.
        user: None for nobody.
        password: The file with the user's password; None where there is none.
        repeat_seconds: How often a value that does not change is said again; 0 for never.
        repeat_most_seconds: How long after its last message it is said again at most.
    """

    host: str
    port: int
    topics: tuple[str, ...]
    format: Format = "sparkplug"
    tag: str = "{device}/{metric}"
    value: str = ""
    time: str = ""
    client: str = "tocsin"
    qos: int = 1
    version: Literal[4, 5] = 5
    tls: bool = True
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    user: str | None = None
    password: Path | None = None
    repeat_seconds: int = bounds.MQTT_REPEAT_SECONDS
    repeat_most_seconds: int = bounds.SPARKPLUG_REPEAT_MOST_SECONDS


def mqtt_source(table: Table) -> Mqtt:
    """What a table of kind `mqtt` says. OperatorError where it cannot be."""
    table.check((*COMMON, *_OWN))
    kind = cast("Format", _one_of(table, "format", get_args(Format), "sparkplug"))
    usual = ["spBv1.0/#"] if kind == "sparkplug" else []
    topics = _topics(table, usual)
    tls = table.flag("tls", default=True)
    host = _host(table, tls=tls)
    port = table.whole("port", 8883 if tls else 1883, 1, 65_535)
    refuse_controller_port(table, "port", port)
    certificate, key, authority = table.path("certificate"), table.path("key"), table.path("authority")
    if (certificate is None) != (key is None):
        table.refuse("certificate", "and key belong together", "Name both, or neither.")
    if not tls and (certificate is not None or authority is not None):
        table.refuse("tls", "is false, but certificates are named", "Write tls = true, or remove them.")
    password = table.path("password-file")
    if password is not None and "user" not in table.values:
        table.refuse("password-file", "needs a user", 'Write user = "tocsin".')
    return Mqtt(
        host,
        port,
        topics,
        kind,
        _tag(table, topics, kind),
        _path(table, "value", kind),
        _path(table, "time", kind),
        _client(table),
        table.whole("qos", 1, 0, 1),
        5 if _one_of(table, "protocol", get_args(Protocol), "5") == "5" else 4,
        tls,
        authority,
        certificate,
        key,
        table.text("user", "") if "user" in table.values else None,
        password,
        table.whole("repeat-seconds", bounds.MQTT_REPEAT_SECONDS, 0, 3_600),
        table.whole(
            "repeat-most-seconds",
            bounds.SPARKPLUG_REPEAT_MOST_SECONDS if kind == "sparkplug" else bounds.MQTT_REPEAT_MOST_SECONDS,
            1,
            366 * 86_400,
        ),
    )


def _host(table: Table, *, tls: bool) -> str:
    right = "Write the name or address of a broker, such as broker.example.org."
    host = table.text("host", "", right)
    if not _HOST.fullmatch(host):
        table.refuse("host", "is no name or address", right)
    if "plain" in table.values and table.values["plain"] != PLAIN:
        table.refuse("plain", "does not say what it risks", f'Write "{PLAIN}", or remove it.')
    if not tls and not _is_here(host) and "plain" not in table.values:
        table.refuse("host", "is another one, and tls is false", f'Use TLS, or write plain = "{PLAIN}".')
    return host


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _topics(table: Table, usual: Sequence[str]) -> tuple[str, ...]:
    topics = table.texts("topics", _RIGHT_TOPICS) if "topics" in table.values else tuple(usual)
    if not topics or len(topics) > bounds.MQTT_TOPICS:
        table.refuse("topics", f"names none, or more than {bounds.MQTT_TOPICS}", _RIGHT_TOPICS)
    for topic in topics:
        levels = topic.split("/")
        if len(topic.encode()) > bounds.MQTT_TOPIC_BYTES:
            table.refuse("topics", f"holds one of more than {bounds.MQTT_TOPIC_BYTES} bytes", _RIGHT_TOPICS)
        if levels[0].startswith("$") and levels[0] != _CERTIFICATES:
            table.refuse(
                "topics",
                f"holds {topic!a}: what begins with $ is the broker's own",
                "Name topics of the plant; a shared subscription would take its messages from other clients.",
            )
        for at, level in enumerate(levels):
            whole = level == "+" or _PLACE.fullmatch(level) or (level == "#" and at == len(levels) - 1)
            if not whole and set(level) & set("+#{}"):
                table.refuse("topics", f"holds {topic!a}, which is no pattern of topics", _RIGHT_TOPICS)
    return topics


def _tag(table: Table, topics: Sequence[str], kind: Format) -> str:
    right = 'Write one such as "{device}/{metric}".'
    tag = table.text("tag", "{device}/{metric}" if kind == "sparkplug" else "{topic}", right)
    places = set(_PLACE.findall(tag))
    if not places or set(_PLACE.sub("", tag)) & set("{}") or len(tag) > bounds.HISTORIAN_NAME_CHARS:
        table.refuse("tag", "names nothing that differs from tag to tag", right)
    for topic in topics:
        named = set(_PLACE.findall(topic))
        known = _SPARKPLUG_PLACES if kind == "sparkplug" else named | {"topic", "key"}
        if kind == "sparkplug" and named:
            table.refuse("topics", f"holds {topic!a}; places are for json and number", _RIGHT_TOPICS)
        if places - known:
            table.refuse("tag", f"names {min(places - known)}, which {topic!a} has not", right)
    return tag


def _path(table: Table, key: str, kind: Format) -> str:
    if key not in table.values:
        return ""
    if kind != "json":
        table.refuse(key, "is for the format json", "Remove it.")
    return table.text(key, "", 'Write one such as "value" or "data.value".')


def _client(table: Table) -> str:
    right = "Write letters, digits, dots, dashes or underscores, at most 64, such as tocsin-waterworks."
    own = table.values.get("name", table.values.get("plant", "plant"))
    client = table.text("client-id", f"tocsin-{own}"[:64], right)
    if not _CLIENT.fullmatch(client):
        table.refuse("client-id", "is none", right)
    return client


def _one_of(table: Table, key: str, known: Sequence[str], default: str) -> str:
    right = f"Write one of {', '.join(known)}."
    value = table.text(key, default, right)
    if value not in known:
        table.refuse(key, f"is {value!a}, which there is not", right)
    return value
