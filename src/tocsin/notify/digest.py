"""The message of the day: all is well, or what is not. Its silence is a sign too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from tocsin.config import bounds
from tocsin.notify.changes import Ringing, message_id
from tocsin.records.inert import inert, shortened
from tocsin.records.instants import DAY, HOUR, from_datetime, to_datetime
from tocsin.store.outbox import Message, Outbox

_NEXT_CHANNEL = 6 * HOUR
"""One channel says it; the next only where that one cannot be reached."""


@dataclass(frozen=True, slots=True)
class Absent:
    """What was not heard, and how many of each group were: a sentence each; both are read when a digest is made."""

    wrong: Callable[[], Sequence[str]] = tuple
    groups: Callable[[], Sequence[str]] = tuple


def digest(
    outbox: Outbox, ringing: Ringing, problems: Sequence[str], now: int, absent: Absent | None = None
) -> tuple[Message, ...]:
    """The message of the day of `now`, for each channel; none before its hour, or where it was made already.

    Args:
        outbox: Which was made, and what there is to say.
        ringing: Whom to tell, and at which minute of the day.
        problems: What is not well with the service, a sentence each.
        now: The present instant.
        absent: What was not heard; None: nothing is known of that.
    """
    bell = ringing.bell
    if bell.digest is None or not bell.channels:
        return ()
    day = to_datetime(now).astimezone(ringing.zone).date()
    due = from_datetime(datetime.combine(day, time(bell.digest // 60, bell.digest % 60), ringing.zone))
    subject = day.isoformat()
    if now < due or outbox.has(message_id(subject, "digest", bell.channels[0].name)):
        return ()
    title, text = digest_words(outbox, problems, now, absent)
    return tuple(
        Message(
            message_id(subject, "digest", channel.name), "digest", subject, "digest", channel.name,
            "informational", now, now + step * _NEXT_CHANNEL, title, text,
        )
        for step, channel in enumerate(bell.channels)
    )  # fmt: skip


def digest_words(
    outbox: Outbox, problems: Sequence[str], now: int, absent: Absent | None = None
) -> tuple[str, str]:
    """Title and text: what was heard within a day, and all that is not well."""
    absent = absent or Absent()
    heard = outbox.heard(now - DAY)
    wrong = [*problems, *absent.wrong(), *_wrong(outbox, heard.events, now)]
    count = f"{heard.events:,} events, {heard.sources:,} sources"
    groups = [f"- {inert(one)}" for one in absent.groups()]
    groups = ["", "Heard of your groups:", *groups] if groups else []
    if not wrong:
        well = f"In the last 24 hours {count} were heard. Nothing waits for you."
        return f"All is well: {count}", "\n".join([well, *groups])
    told = ["What is not well:", *(f"- {inert(one)}" for one in wrong), *groups]
    return f"Not all is well: {count}", shortened("\n".join(told), bounds.BELL_TEXT_CHARS)


def _wrong(outbox: Outbox, events: int, now: int) -> list[str]:
    found = []
    if not events:
        found.append("No event was heard in 24 hours: see whether senders send.")
    open_ones = outbox.unacknowledged()
    if open_ones:
        several = "1 incident needs" if open_ones == 1 else f"{open_ones:,} incidents need"
        found.append(f"{several} somebody, and nobody has acknowledged that: tocsin incidents")
    failures = outbox.failures(now - DAY)
    for channel in sorted({one.channel for one in failures}):
        last = next(one for one in reversed(failures) if one.channel == channel)
        found.append(f"The channel {channel} did not take what was to be said: {last.trouble}")
    return found
