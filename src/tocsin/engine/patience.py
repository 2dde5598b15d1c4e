"""What the disk refuses for now is tried again, and told once: a service that ended over a full disk would hear nobody."""

from __future__ import annotations

from collections.abc import Callable

from tocsin.config import bounds
from tocsin.records.errors import TryAgain
from tocsin.records.instants import SECOND


class Patience:
    """Tries steps that the disk may refuse.

    Args:
        now: The present instant.
        tell: Told in a sentence when the disk begins to refuse, and when it takes writes again.

    Attributes:
        refused: Whether the last step was refused.
    """

    def __init__(self, now: Callable[[], int], tell: Callable[[str], None]) -> None:
        self._now, self._tell = now, tell
        self._tried = 0
        self.refused = False

    def does(self, step: Callable[[], bool]) -> bool:
        """What `step` gives; False where the disk refuses it, or did less than `bounds.DISK_RETRY_SECONDS` ago."""
        if self.refused and 0 <= self._now() - self._tried < bounds.DISK_RETRY_SECONDS * SECOND:
            return False
        try:
            done = step()
        except TryAgain as error:
            if not self.refused:
                self._tell(
                    f"{error.what} What is judged is kept, and stored once the disk takes it; nothing that was acknowledged"
                    " is lost. Make room, or see who holds the file."
                )
            self.refused, self._tried = True, self._now()
            return False
        if self.refused:
            self.refused = False
            self._tell("What was judged can be stored again.")
        return done
