"""What appliances state of themselves: pfSense and OPNsense, Synology and QNAP storage, Cisco devices.

Their readers (`sources/text`) put well-known messages into `action`, `change`, `command`, `target_user` and the like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tocsin.detect.statements.shapes import claim_of, pick
from tocsin.records.event import Event
from tocsin.records.finding import Claim

PRODUCTS: Final = frozenset({"pfsense", "opnsense", "synology", "qnap", "cisco"})

_FILE_EVENTS: Final[Mapping[str, str]] = {
    "delete": "deleted",
    "create": "created",
    "create folder": "created",
    "mkdir": "created",
    "rename": "renamed",
    "move": "moved",
    "write": "written",
    "upload": "uploaded",
    "copy": "copied",
}
"""What the file services of Synology and QNAP call what was done to a file, in words."""


def claim(event: Event) -> Claim | None:
    """The claim of a message of an appliance, None where it is of another sender or says nothing of these."""
    if not any(source.product in PRODUCTS for source in event.logsources):
        return None
    return _account(event) or _setting(event) or _file(event)


def _account(event: Event) -> Claim | None:
    """Synology: `User [admin] created user [eve].`"""
    values = {name: pick(event.fields, (field,)) for name, field in _ACCOUNT}
    return claim_of(event, "account_changed", values)


_ACCOUNT: Final = (("action", "change"), ("target", "target_user"), ("user", "user"))


def _setting(event: Event) -> Claim | None:
    """A change of the configuration, in the device's words: what was changed, or the command that changed it.

    Cisco's `CFGLOG_LOGGEDCMD` logs what was typed in configuration mode, so each such command is a change.
    """
    action, mnemonic = pick(event.fields, ("action",)), pick(event.fields, ("mnemonic",))
    if action not in ("configured", "account_changed") and mnemonic != "CFGLOG_LOGGEDCMD":
        return None
    parts = [pick(event.fields, (name,)) for name in ("change", "object", "target")]
    change = " ".join(part for part in parts if part) or pick(event.fields, ("command", "message"))
    values = {
        "change": change,
        "user": pick(event.fields, ("user",)),
        "address": pick(event.fields, ("src_ip",)),
    }
    return claim_of(event, "device_changed", values)


def _file(event: Event) -> Claim | None:
    """What became of a file on network storage."""
    done = _FILE_EVENTS.get((pick(event.fields, ("Event", "Action")) or "").casefold())
    path = pick(event.fields, ("Path", "Accessed resources"))
    if done is None or path is None:
        return None
    values = {"action": done, "path": path, "user": pick(event.fields, ("user",))}
    return claim_of(event, "file_changed", values)
