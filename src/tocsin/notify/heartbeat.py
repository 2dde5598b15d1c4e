"""The sign of life: an address outside is called while the service truly works, so that a dead box is noticed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tocsin.config.bell import Bell
from tocsin.outbound.gate import Gate, Undelivered
from tocsin.outbound.web import WebDestination
from tocsin.records.errors import Refused
from tocsin.records.instants import MINUTE


class Pulse:
    """Calls it; to be asked again and again.

    Args:
        bell: Where to call, and how often.
        gate: Through which the call leaves.
        tell: Told, in a sentence, what an operator should know.
    """

    def __init__(self, bell: Bell, gate: Gate, tell: Callable[[str], None]) -> None:
        self._beat, self._gate, self._tell = bell.heartbeat, gate, tell
        self._next: int | None = None
        self._trouble: str | None = None

    def turn(self, problems: Sequence[str], now: int) -> bool:
        """Calls where it is time and nothing is wrong; whether the call arrived."""
        if self._beat is None or (
            self._next is not None and now < self._next <= now + self._beat.minutes * MINUTE
        ):
            return False
        self._next = now + self._beat.minutes * MINUTE
        if problems:
            self._say(f"The heartbeat is held back: {problems[0]}")
            return False
        try:
            self._gate.send(
                WebDestination(self._beat.target, "GET"), b"", purpose="heartbeat", ident="heartbeat"
            )
        except (Refused, Undelivered) as error:
            self._say(f"The heartbeat did not arrive: {error}.")
            return False
        self._trouble = None
        return True

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._tell(trouble)
