"""The message of the day: all is well, or what is not. Its silence is a sign too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from tocsin.advise.phrases import counted
from tocsin.notify.changes import Ringing, message_id
from tocsin.notify.notices import NEXT_CHANNEL
from tocsin.records.inert import inert
from tocsin.records.instants import DAY, HOUR, from_datetime, to_datetime
from tocsin.store.outbox import Message, Outbox


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
    if now < due or outbox.channels_of(subject, "digest"):
        return ()
    title, text = digest_words(outbox, problems, now, ringing, absent)
    return tuple(
        Message(
            message_id(subject, "digest", channel.name), "digest", subject, "digest", channel.name,
            "informational", now, now + step * NEXT_CHANNEL, title, text,
        )
        for step, channel in enumerate(bell.channels)
    )  # fmt: skip


def digest_words(
    outbox: Outbox,
    problems: Sequence[str],
    now: int,
    ringing: Ringing | None = None,
    absent: Absent | None = None,
) -> tuple[str, str]:
    """Title and text: what was heard within a day, and all that is not well; without a word of wellness where nothing
    was heard, for then nobody can know.
    """
    absent = absent or Absent()
    heard = outbox.heard(now - DAY, now)
    since = to_datetime((now - DAY) // HOUR * HOUR).astimezone(ringing.zone if ringing else UTC)
    wrong = [*problems, *absent.wrong(), *_wrong(outbox, ringing.command if ringing else "tocsin", now)]
    count = f"{counted(heard.events, 'event')}, {counted(heard.sources, 'source')}"
    said = f"Since {since:%Y-%m-%d %H:%M %Z}: {count}."
    groups = [f"- {inert(one)}" for one in absent.groups()]
    groups = ["", "Heard of your groups:", *groups] if groups else []
    if not heard.events:
        silence = (
            "Nothing was heard, so nothing could be noticed: see whether senders send, and `tocsin doctor`."
        )
        return "Nothing was heard: no events in 24 hours", "\n".join([silence, *_list(wrong), *groups])
    if not wrong:
        return f"All is well: {count}", "\n".join([f"{said} Nothing waits for you.", *groups])
    return f"Not all is well: {count}", "\n".join([*_list(wrong), "", said, *groups])


def _list(wrong: Sequence[str]) -> list[str]:
    return ["What is not well:", *(f"- {inert(one)}" for one in wrong)] if wrong else []


def _wrong(outbox: Outbox, command: str, now: int) -> list[str]:
    found = []
    open_ones = outbox.unacknowledged()
    if open_ones:
        several = "1 incident needs" if open_ones == 1 else f"{open_ones:,} incidents need"
        found.append(f"{several} somebody, and nobody has acknowledged that: {command} incidents")
    failures = outbox.failures(now - DAY, now)
    for channel in sorted({one.channel for one in failures}):
        last = next(one for one in reversed(failures) if one.channel == channel)
        found.append(f"The channel {channel} did not take what was to be said: {last.trouble}")
    return found
