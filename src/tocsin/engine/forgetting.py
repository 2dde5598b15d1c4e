"""Somebody is forgotten while the service runs, or in a store that nobody writes: `store/forgetting.py` step by step.

1. What the log holds at the wish is judged and sealed; intake leaves its present segment for that.
2. File by file, for a moment between two turns of judging; the state in one go; then its file is written anew.
3. Meanwhile no backup is made (`backup.lock`); a backup that runs is waited for.
4. Where the disk refuses, that is told, and it is tried again after `bounds.FORGET_RETRY_SECONDS`. A wish outlives a crash.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from tocsin.config import bounds
from tocsin.detect.plant.live.forgetting import rows_without as plants_without
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.detector import rows_without as sigma_without
from tocsin.engine.books import DESK
from tocsin.engine.figures import read_figures, write_figures
from tocsin.engine.plant.live_plants import DETECTOR as PLANTS
from tocsin.incidents.forgetting import rows_without as desk_without
from tocsin.records.errors import OperatorError, PluginError
from tocsin.records.forgetting import Subject
from tocsin.records.instants import SECOND
from tocsin.store.clearing import StateWithout
from tocsin.store.disk import Disk
from tocsin.store.folders import unusable
from tocsin.store.forgetting import Receipt
from tocsin.store.read_store import Reads
from tocsin.store.segment import Position
from tocsin.store.snapshot import held_still
from tocsin.store.store import Store

_STATES: Final[dict[str, StateWithout]] = {
    SigmaDetector.name: sigma_without,
    DESK: desk_without,
    PLANTS: plants_without,
}
_SLICE_SECONDS: Final = 0.2
_READER_SECONDS: Final = 5
_WAIT_SECONDS: Final = 0.1


class Forgetting:
    """Fulfils the wishes to forget somebody that stand in `store`.

    Args:
        store: That is judged and sealed.
        now: The present instant.
        tell: Told in a sentence what came of it.
        rotate: Makes who writes the log leave its present segment.
        figures: Called before the state is cleared: what was counted by name is to be written down without.
        taken_up: Called once the state of the store is another one.
        merges: Whether files of the store are being merged just now; no merging begins while somebody `waits`.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what it is wired to
        self,
        store: Store,
        now: Callable[[], int],
        tell: Callable[[str], None],
        rotate: Callable[[], None],
        figures: Callable[[Subject], None],
        taken_up: Callable[[], None],
        merges: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._now, self._tell = store, now, tell
        self._rotate, self._figures, self._taken_up, self._merges = rotate, figures, taken_up, merges
        self._forgetter = store.forgetter()
        self._held, self._is_held = ExitStack(), False
        self._not_before = self._asked = 0
        self._wish: Receipt | None = None
        self._until: Position | None = None
        self._files: list[str] | None = None
        self._counts: Counter[str] = Counter()

    @property
    def waits(self) -> bool:
        """Whether a wish waits to be fulfilled, and will be soon."""
        return self._wish is not None

    def turn(self) -> bool:
        """Goes on for a moment; whether there is more to do at once."""
        now = self._now()
        if 0 <= self._not_before - now <= bounds.FORGET_RETRY_SECONDS * SECOND:
            return False
        try:
            return self.go_on()
        except (OperatorError, PluginError, OSError) as error:
            self.stop()
            self._not_before = now + bounds.FORGET_RETRY_SECONDS * SECOND
            self._tell(f"Somebody could not be forgotten yet; it is tried again. {error}")
            return False

    def stop(self) -> None:
        """Lets the wish be, for the next start."""
        self._held.close()
        self._is_held = False
        self._drop()

    def go_on(self) -> bool:
        """As `turn`; what goes wrong is raised.

        Raises:
            OperatorError: a file is damaged, or the disk refused.
            PluginError: a detector's state cannot be read.
            OSError: the disk refused.
        """
        if self._wish is None and not self._begin():
            return False
        assert self._wish is not None
        if self._wish.state == "cleared":
            return self._alone() and self._finish(self._wish)
        if self._files is None:
            return self._is_sealed() and self._alone() and self._list()
        if self._files:
            self._forget_files(self._wish)
            return True
        self._figures(self._wish.whom())
        self._forgetter.forget_state(self._wish, self._counts, _STATES)
        self._wish = self._forgetter.receipts.get(self._wish.id)
        self._taken_up()
        return True

    def _drop(self) -> None:
        self._wish, self._until, self._files, self._counts = None, None, None, Counter()
        self._not_before = self._now() + SECOND  # so often it is looked for the next wish

    def _begin(self) -> bool:
        self._wish = self._forgetter.receipts.open()
        if self._wish is None:
            self._drop()
            return False
        self._counts = Counter(self._wish.counts)
        return True

    def _is_sealed(self) -> bool:
        """Whether all that the log held at the wish is Parquet."""
        if self._until is None:
            self._until = self._store.end
            self._asked = 0
        if self._store.sealed >= self._until.segment:
            return True
        now = self._now()
        if self._store.end.segment == self._until.segment and not 0 <= now - self._asked < 5 * SECOND:
            self._asked = now
            self._rotate()
        return False

    def _alone(self) -> bool:
        """Whether nothing is merged, and no backup made, from now until the end."""
        if self._merges():
            return False
        if not self._is_held:
            try:
                self._held.enter_context(held_still(self._store.root))
            except OperatorError:
                return False  # a backup is being made
            self._is_held = True
        return True

    def _list(self) -> bool:
        self._files = self._forgetter.paths()[::-1]
        return True

    def _forget_files(self, wish: Receipt) -> None:
        assert self._files is not None
        subject, until = wish.whom(), self._now() + round(_SLICE_SECONDS * SECOND)
        while self._files and self._now() <= until:
            gone = self._forgetter.forget_in(self._files.pop(), subject)
            if gone:
                self._counts["events"] += gone
                self._forgetter.receipts.count(wish, self._counts)

    def _finish(self, wish: Receipt) -> bool:
        if self._forgetter.finish(wish, self._now()):
            done = self._forgetter.receipts.get(wish.id)
            self.stop()
            self._tell(f"Somebody was forgotten: {told(done)}.")
        else:
            self._not_before = self._now() + _READER_SECONDS * SECOND
        return False


def told(receipt: Receipt) -> str:
    """What was removed, in words."""
    parts = [f"{number:,} {name.replace('_', ' ')}" for name, number in receipt.counts.items()]
    return f"{', '.join(parts) or 'nothing named them'} (receipt {receipt.id})"


def forget_stored(root: Path, read: Reads, now: Callable[[], int]) -> None:
    """Fulfils all wishes in the store in `root`, which nobody else may write meanwhile.

    Args:
        root: The store.
        read: Makes events of what was taken in.
        now: The present instant.

    Raises:
        OperatorError: another process writes to it, what was taken in was not judged yet, a file is damaged, or the disk
            refused; the wishes stay.
        PluginError: a detector's state cannot be read.
    """
    try:
        with Store(root, Disk(), read) as store, ExitStack() as held:
            store.seal(all_of_it=True)
            if store.sealed < store.end.segment:
                raise OperatorError(
                    "Some of what was taken in is not judged yet, so it cannot be forgotten now.",
                    "Start the service: it judges that, and then forgets as it was asked to.",
                )
            work = Forgetting(
                store, now, _nothing, _nothing_at_all, partial(_forget_figures, root), _nothing_at_all
            )
            held.callback(work.stop)
            while store.forgetter().receipts.open() is not None:
                if not work.go_on():
                    time.sleep(_WAIT_SECONDS)  # a backup or a reader is in the way
    except OSError as error:
        raise unusable(root, error) from error


def _nothing(_: str) -> None:
    return


def _nothing_at_all() -> None:
    return


def _forget_figures(root: Path, subject: Subject) -> None:
    figures = read_figures(root)
    if figures is not None:
        for name in [name for name in figures.sources if subject.in_text(name)]:
            figures.others += figures.sources.pop(name).today
        write_figures(root, figures)
