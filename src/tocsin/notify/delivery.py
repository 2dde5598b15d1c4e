"""Hands over what the outbox holds: at least once, with a stable id, gravest first.

Rules:

1. In quiet hours only what is critical is handed over (and the daily message, whose hour the operator chose).
2. What somebody acknowledged is not said any more; what nobody acknowledged is said by the next channel in its time, and
   at once where a channel could not be reached.
3. A failed hand-over is repeated with growing pauses and the same id, one that the gate refuses too: the operator may list
   where to meanwhile. After a day it is given up, which is told and counted.
4. A channel that failed comes after the others, one of them a turn: several that let us wait delay nobody else for long.
5. Many at once go as one that lists them, and no channel is handed more than `bounds.BELL_HANDED_HOURLY` an hour: an
   attacker who causes a thousand incidents must not bury the one that counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from tocsin.config import bounds
from tocsin.config.bell import Channel
from tocsin.notify.changes import Ringing, message_id
from tocsin.notify.channels import Words, parcel
from tocsin.notify.quiet import is_quiet
from tocsin.notify.wording import OVER, thrifty, together
from tocsin.outbound.gate import Gate, Undelivered
from tocsin.records.errors import OperatorError, Refused
from tocsin.records.finding import LEVELS
from tocsin.records.instants import HOUR, SECOND
from tocsin.store.outbox import Message, Outbox

PURPOSE = "bell"


class Delivery:
    """Hands over; to be asked again and again.

    Args:
        outbox: What is to be handed over.
        gate: Through which all of it leaves.
        ringing: Whom to tell.
        tell: Told, in a sentence, what an operator should know.
    """

    def __init__(self, outbox: Outbox, gate: Gate, ringing: Ringing, tell: Callable[[str], None]) -> None:
        self._outbox, self._gate, self._ringing, self._tell = outbox, gate, ringing, tell
        self._failing: set[str] = set()
        self._strained = False
        self._buts: dict[str, str] = {}

    def begin(self, now: int, hold: Callable[[], bool] = lambda: True) -> None:
        """Takes over what an earlier delivery, by other channels perhaps, left: what waits for a channel that is named no
        more goes to the first that does not say it already, or, where all do, to nobody else.

        Args:
            now: The present instant.
            hold: Whether these are still the channels; asked once what waits was read, which may be for newer ones.

        Raises:
            OperatorError: the store refused.
        """
        channels = self._ringing.bell.channels
        strays = self._outbox.strays([one.name for one in channels]) if channels else ()
        if not (strays and hold()):
            return
        moved, left = [], []
        says: dict[tuple[str, str], set[str]] = {}
        for one in strays:
            said = says.setdefault(
                (one.subject, one.change), set(self._outbox.channels_of(one.subject, one.change))
            )
            heir = next((channel.name for channel in channels if channel.name not in said), None)
            if heir is None:
                left.append(one)
            else:
                said.add(heir)
                moved.append((one, message_id(one.subject, one.change, heir), heir))
        self._outbox.readdress(moved, left, now)
        self._tell(
            f"{len(strays)} messages waited for channels that are named no more; the others say it now."
        )

    def turn(self, now: int) -> int:
        """Hands over what is due at `now`; gives how many parcels arrived.

        Raises:
            OperatorError: the store refused; what was handed over meanwhile may be handed over once more.
        """
        over = self._outbox.tidy(now)
        if over:
            self._tell(f"{over} messages were given up: more wait than are kept. See `tocsin outbound`.")
        quiet = is_quiet(self._ringing.bell.quiet, now, self._ringing.zone)
        handed, self._strained = 0, False
        for channel in sorted(self._ringing.bell.channels, key=lambda one: one.name in self._failing):
            if channel.name not in self._failing or not self._strained:
                handed += self._channel(channel, now, quiet=quiet)
        return handed

    def _channel(self, channel: Channel, now: int, *, quiet: bool) -> int:
        handed = 0
        before = self._outbox.parcels_between(channel.name, now - HOUR, now)
        if before >= bounds.BELL_HANDED_HOURLY:
            return 0
        critical = quiet or before >= bounds.BELL_HANDED_HOURLY - bounds.BELL_KEPT_FOR_CRITICAL
        for messages in packed(self._outbox.due(channel.name, now, critical=critical)):
            if handed + before >= _most(messages):
                continue  # one behind it may be critical
            if not self._hand_over(channel, messages, now):
                break
            handed += 1
        return handed

    def _hand_over(self, channel: Channel, messages: Sequence[Message], now: int) -> bool:
        """Whether the channel can be tried with the next ones."""
        ident = parcel_id(messages)
        self._outbox.pack(ident, messages)
        command = self._ringing.command
        said = [thrifty(one, command) for one in messages] if channel.detail == "little" else messages
        title, text = together(said, command)
        gravest = max((one.severity for one in messages), key=_place)
        words = Words(ident, title, text, gravest, min(one.made for one in messages))
        try:
            destination, body = parcel(channel, words)
            known = self._gate.was_sent(
                destination, body, ident=ident
            )  # and the process ended before it was noted
            but = "" if known else self._gate.send(destination, body, purpose=PURPOSE, ident=ident)
        except (Refused, Undelivered) as error:
            self._failed(channel, messages, str(error), now)
            return False
        except OperatorError:
            raise
        except Exception as error:  # noqa: BLE001  a defect of ours in one channel silences no other
            self._failed(channel, messages, f"handing over failed ({type(error).__name__})", now)
            return False
        self._outbox.sent(messages, now)
        if but and but != self._buts.get(channel.name):
            self._tell(f"The channel {channel.name} reaches not all: {but}.")
        self._buts[channel.name] = but
        self._failing.discard(channel.name)
        return True

    def _failed(self, channel: Channel, messages: Sequence[Message], why: str, now: int) -> None:
        self._strained = True
        if messages[0].tries + 1 >= bounds.BELL_TRIES:
            self._tell(f"{len(messages)} messages for the channel {channel.name} are given up: {why}.")
            self._outbox.give_up(messages, why, now)
            return
        if channel.name not in self._failing:
            self._failing.add(channel.name)
            self._tell(
                f"The channel {channel.name} cannot be reached: {why}. It is tried again, and the next one rings."
            )
        pause = bounds.BELL_PAUSE_SECONDS * 2 ** min(messages[0].tries, 20)
        self._outbox.put_off(messages, now + min(pause, bounds.BELL_PAUSE_MOST_SECONDS) * SECOND, why, now)


def packed(messages: Sequence[Message]) -> list[list[Message]]:
    """`messages` as they are to go: what was packed before as it was, few one by one, many as one; what is about Tocsin alone."""
    before: dict[str, list[Message]] = {}
    alone: list[list[Message]] = []
    fresh: list[Message] = []
    over: list[Message] = []
    for one in messages:
        if one.parcel is not None:
            before.setdefault(one.parcel, []).append(one)
        elif one.kind != "incident":
            alone.append([one])
        else:
            (over if one.change == OVER else fresh).append(one)
    return [*before.values(), *_few_or_one(fresh), *_few_or_one(over), *alone]


def _few_or_one(messages: list[Message]) -> list[list[Message]]:
    return [messages] if len(messages) > bounds.BELL_APART else [[one] for one in messages]


def parcel_id(messages: Sequence[Message]) -> str:
    """The id under which they go: what they were packed as before, a lone message's own, or one made of all theirs."""
    if messages[0].parcel is not None:
        return messages[0].parcel
    if len(messages) == 1:
        return messages[0].id
    return "msg-" + hashlib.sha256("\0".join(sorted(one.id for one in messages)).encode()).hexdigest()[:20]


def _most(messages: Sequence[Message]) -> int:
    """How many parcels a channel takes within an hour, where these are to be the next."""
    critical = any(one.severity == "critical" for one in messages)
    return bounds.BELL_HANDED_HOURLY - (0 if critical else bounds.BELL_KEPT_FOR_CRITICAL)


def _place(severity: str) -> int:
    return LEVELS.index(severity) if severity in LEVELS else 0
