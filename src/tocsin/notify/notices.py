"""Messages about Tocsin itself, said once, by one channel; the next says it only where that one cannot be reached."""

from __future__ import annotations

import hashlib
from typing import Final

from tocsin.config import bounds
from tocsin.notify.changes import Ringing, message_id
from tocsin.notify.quiet import awake
from tocsin.notify.wording import fitting
from tocsin.records.inert import inert
from tocsin.records.instants import DAY, HOUR
from tocsin.store.outbox import Message

SETTINGS: Final = "settings"
"""The subject of what is said of settings."""

NEXT_CHANNEL: Final = 6 * HOUR
"""When the next channel says what one channel should have said."""


def refused_settings(ringing: Ringing, why: str, now: int) -> tuple[Message, ...]:
    """That settings were read anew and do not hold; the same words are said once a day."""
    change = f"refused:{now // DAY}:{hashlib.sha256(why.encode('utf-8', 'replace')).hexdigest()[:12]}"
    first = awake(ringing.bell.quiet, now, ringing.zone)
    return tuple(
        Message(
            message_id(SETTINGS, change, channel.name), "notice", SETTINGS, change, channel.name, "medium", now,
            first + step * NEXT_CHANNEL, "Tocsin's new settings do not hold",
            "\n".join(
                [
                    "The settings were read anew and cannot be used. Nothing changed: Tocsin goes on as before.",
                    f"Why: {fitting(inert(why), bounds.BELL_TEXT_BYTES // 2)}",
                    "",
                    "What to do: mend the settings, then reload again (kill -HUP, or systemctl reload tocsin).",
                    f"How it stands: {ringing.command} doctor",
                ]
            ),
        )
        for step, channel in enumerate(ringing.bell.channels)
    )  # fmt: skip
