"""The gate: nothing leaves but to a destination that the operator listed, and each body is kept before it goes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from tocsin.config import bounds
from tocsin.records.errors import Refused, TocsinError
from tocsin.store.outgoing import BEGUN, Outgoing

RULE = "the outbound gate"


class Undelivered(TocsinError):  # noqa: N818  as `Refused`, it is an answer
    """A hand-over failed; the message says why, as the end of a sentence, without secrets. It may be tried again."""


class Destination(Protocol):
    """Where a body goes, and how.

    Attributes:
        origin: Scheme, host and port, as `[run.outbound] allow` lists them.
        shown: The whole address, without secrets.
    """

    @property
    def origin(self) -> str: ...  # noqa: D102  in the class's docstring

    @property
    def shown(self) -> str: ...  # noqa: D102

    def carry(self, body: bytes, ident: str) -> str:
        """Hands `body` over; gives who of several did not get it, the end of a sentence. Undelivered where that failed."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate.

    Attributes:
        allowed: Origins that the operator listed; none by default.
        kept: Where bodies are kept.
        now: The present instant.
    """

    allowed: Collection[str]
    kept: Outgoing
    now: Callable[[], int]

    def send(self, destination: Destination, body: bytes, *, purpose: str, ident: str) -> str:
        """Keeps `body`, then hands it over; gives who of several did not get it, the end of a sentence.

        Args:
            destination: Where to.
            body: All that it says, to the byte.
            purpose: What it is for, in a word.
            ident: The same for a repeat.

        Raises:
            Refused: the destination is not listed, or the body is too large; that is kept.
            Undelivered: it could not be handed over, or nobody knows whether it was.
            OperatorError: the body could not be kept, so it did not leave.
        """
        why = self._refusal(destination, body)
        if why is not None:
            self.kept.put(
                purpose,
                ident,
                destination.shown,
                body[: bounds.OUTBOUND_BODY_BYTES],
                f"refused: {why}",
                self.now(),
            )
            raise Refused(RULE, why)
        number = self.kept.put(purpose, ident, destination.shown, body, BEGUN, self.now())
        try:
            but = destination.carry(body, ident)
        except Undelivered as error:
            self.kept.end(number, f"failed: {error}")
            raise
        self.kept.end(number, f"sent, but {but}" if but else "sent")
        return but

    def was_sent(self, destination: Destination, body: bytes, *, ident: str) -> bool:
        """Whether `body` went there under `ident` already."""
        return self.kept.was_sent(ident, destination.shown, body)

    def _refusal(self, destination: Destination, body: bytes) -> str | None:
        if destination.origin not in self.allowed:
            return f"[run.outbound] allow does not list {destination.origin}"
        if len(body) > bounds.OUTBOUND_BODY_BYTES:
            return f"a body of {len(body)} bytes is larger than {bounds.OUTBOUND_BODY_BYTES}"
        return None
