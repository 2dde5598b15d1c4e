"""From an event to what it states (typed claims) and to whom it names (entities).

A claim holds nothing but what the record says. Where a record is of a kind that no family of `detect/statements` knows,
it is quoted (`record_says`), so that every event has at least one claim.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tocsin.detect.statements import cloud, network, unix, windows
from tocsin.detect.statements.shapes import lookup, pick, text_of
from tocsin.records import accounts
from tocsin.records.event import Event
from tocsin.records.finding import Claim, Entity

_QUOTE_CHARS: Final = 400
"""How much of a record is quoted; the whole stands with the evidence."""

_QUOTE_FIELDS: Final = 6
"""Fields that are quoted of a record that has no message."""

_DULL: Final = frozenset(
    {
        "EventID", "Channel", "Provider_Name", "Provider_Guid", "Computer", "Version", "Level", "Task", "Opcode",
        "Keywords", "EventRecordID", "Execution_ProcessID", "Execution_ThreadID", "Correlation_ActivityID",
        "UtcTime", "TimeCreated", "SystemTime", "@timestamp", "timestamp", "time", "ts", "date", "RuleName",
    }
)  # fmt: skip
"""Fields of every record that tell nothing about this one."""

_WINDOWS: Final = frozenset({"windows"})
_CLOUD: Final = frozenset({"m365", "azure", "aws", "gcp", "okta", "google_workspace", "onelogin"})


def claims_of(event: Event) -> tuple[Claim, ...]:
    """What `event` states, never empty."""
    return _family(event) or (_quote(event),)


def entities_of(event: Event, claims: Iterable[Claim]) -> tuple[Entity, ...]:
    """Everybody that `event` and its `claims` name: hosts, users and addresses, each once, in order of mention."""
    found: dict[tuple[str, str], None] = {}
    _mention(found, "host", event.host)
    _mention(found, "user", event.user)
    for claim in claims:
        for name, text in claim.values.items():
            kind = _ENTITY_VALUES.get(name) or _ENTITY_VALUES.get(f"{claim.type}.{name}")
            if kind and f"{claim.type}.{name}" not in _NO_ENTITY:
                _mention(found, kind, text)
    return tuple(Entity(event.site, kind, name) for kind, name in found)


_ENTITY_VALUES: Final[dict[str, str]] = {
    "host": "host",
    "user": "user",
    "as_user": "user",
    "account_changed.target": "user",
    "address": "address",
    "source": "address",
    "destination": "address",
}
_NO_ENTITY: Final = frozenset({"web_request.host"})
"""The site a browser asked for is no host of ours."""


def _mention(found: dict[tuple[str, str], None], kind: str, text: str | None) -> None:
    if not text:
        return
    if kind == "address":
        address = accounts.address(text)
        if address:
            found[kind, address] = None
        return
    machine = accounts.machine(text) if kind == "user" else None
    if machine:  # a computer's own account stands for the computer
        kind, text = "host", text.rpartition("\\")[2].partition("@")[0].rstrip("$")
    same = accounts.host if kind == "host" else accounts.account
    meant = same(text)
    if not any(k == kind and same(name).local == meant.local for k, name in found):
        found[kind, text] = None


def _family(event: Event) -> tuple[Claim, ...]:
    """The claims by family of log: by its logsource's product, else whichever knows it."""
    products = {source.product for source in event.logsources if source.product}
    if products & _WINDOWS:  # an IIS access log is of Windows and has no event id
        return windows.claims(event) if "EventID" in event.fields else network.claims(event)
    if products & _CLOUD:
        return cloud.claims(event)
    if "linux" in products:
        return windows.claims(event) or unix.claims(event) or network.claims(event)
    if products or any(source.category for source in event.logsources):
        return network.claims(event) or unix.claims(event)
    return windows.claims(event) or unix.claims(event) or network.claims(event) or cloud.claims(event)


def _quote(event: Event) -> Claim:
    """The record's own message, else its telling fields as `name=value`, else its raw text; cut, never changed."""
    text = pick(event.fields, unix.MESSAGE) or _telling(event) or event.raw.strip() or "(an empty record)"
    values = {"text": text if len(text) <= _QUOTE_CHARS else text[: _QUOTE_CHARS - 1] + "…"}
    if event.host:
        values["host"] = event.host
    if event.user:
        values["user"] = event.user
    return Claim("record_says", values, (event.id,), event.time)


def _telling(event: Event) -> str:
    told = []
    for name in event.fields:
        text = None if name in _DULL else text_of(lookup(event.fields, name))
        if text:
            told.append(f"{name}={text}")
        if len(told) == _QUOTE_FIELDS:
            break
    return ", ".join(told)
