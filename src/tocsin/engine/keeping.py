"""Old events are dropped while the service runs: between two turns, one ingest hour at a time."""

from __future__ import annotations

from collections.abc import Callable

from tocsin.config import bounds
from tocsin.config.service import Retention
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.store.store import Store


class Keeping:
    """Keeps of a store what is to be kept.

    Args:
        store: Whose events are dropped.
        keep: How much stays; None: all.
        now: The present instant.
        tell: Told in a sentence where the disk refuses; the service goes on, and it is tried again.
    """

    def __init__(
        self, store: Store, keep: Retention | None, now: Callable[[], int], tell: Callable[[str], None]
    ) -> None:
        self._store, self._keep, self._now, self._tell = store, keep, now, tell
        self._looked: int | None = None
        self._dropped = False

    def keep(self, keep: Retention | None) -> None:
        """From now on so much is kept."""
        self._dropped = self._dropped or keep != self._keep
        self._keep = keep

    def turn(self) -> None:
        """Drops one hour where one is to go. Looks each `bounds.ROOM_SECONDS`, and at once after one went."""
        now = self._now()
        if not self._due(now):
            return
        try:
            if self._looked is None:
                self._store.upkeep.sweep()
            self._looked = now
            if self._keep is None:
                return
            self._dropped = self._store.upkeep.expire(self._keep.days, self._keep.bytes, now) is not None
        except OperatorError as error:
            self._looked, self._dropped = now, False
            self._tell(f"Old events could not be dropped. {error}")

    def _due(self, now: int) -> bool:
        if self._looked is None or self._dropped:
            return True
        return not 0 <= now - self._looked < bounds.ROOM_SECONDS * SECOND
