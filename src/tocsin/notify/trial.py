"""A trial message through every channel, so that the first real one is not the first one."""

from __future__ import annotations

from typing import NamedTuple

from tocsin.config.bell import Bell
from tocsin.notify.changes import message_id
from tocsin.notify.channels import Words, parcel
from tocsin.outbound.gate import Gate, Undelivered
from tocsin.records.errors import Refused
from tocsin.records.instants import rfc3339

_TITLE = "Trial: this is how Tocsin rings"
_TEXT = (
    "Nothing happened, and there is nothing to do: somebody tried whether messages arrive here.\n\n"
    "A real one begins with how grave it is, says what to do first and what happened, and ends with the commands to read "
    "all of it, and to say that you look after it."
)


class Tried(NamedTuple):
    """What came of one channel; `trouble` is None where it took the message."""

    channel: str
    ident: str
    trouble: str | None


def try_channels(bell: Bell, gate: Gate, now: int) -> tuple[Tried, ...]:
    """Sends a trial message through each channel of `bell`; those that fail keep no other from being tried."""
    tried = []
    for channel in bell.channels:
        ident = message_id("trial", rfc3339(now), channel.name)
        destination, body = parcel(channel, Words(ident, _TITLE, _TEXT, "informational", now))
        trouble = None
        try:
            gate.send(destination, body, purpose="trial", ident=ident)
        except (Refused, Undelivered) as error:
            trouble = str(error)
        tried.append(Tried(channel.name, ident, trouble))
    return tuple(tried)
