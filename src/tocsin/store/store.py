"""The store: the one way in (`append`, `commit`, `seal`) and the ways out. The package's docstring has the rules.

```
lock             one writer
state.sqlite     findings, incidents, positions, streams, the catalogue
wal/             segments that are not sealed yet
events/          Parquet by ingest hour and kind
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tocsin.records.errors import OperatorError
from tocsin.records.event import EventBatch
from tocsin.records.file_mark import FileMark
from tocsin.records.finding import Finding
from tocsin.records.incident import Incident
from tocsin.records.received import Received
from tocsin.store.database import Database
from tocsin.store.detectors import DetectorState
from tocsin.store.disk import Disk
from tocsin.store.entries import Entry, Events, Passed, RuleSet, Settings, Watermark, encode
from tocsin.store.folders import make_folders, unusable
from tocsin.store.followed import FollowedLog, Log
from tocsin.store.forgetting import Forgetter
from tocsin.store.lock import WriterLock, log_to_itself
from tocsin.store.read_store import Reads, ReadStore
from tocsin.store.segment import Position
from tocsin.store.state import Judged, Notes
from tocsin.store.streams import StoredStreams
from tocsin.store.uncommitted import Uncommitted
from tocsin.store.upkeep import Upkeep
from tocsin.store.write_ahead import WriteAhead, list_segments


class Appended(NamedTuple):
    """What `append` acknowledged: the events that were new, and the position to commit once they are judged."""

    position: Position
    batch: EventBatch


class Store(ReadStore):
    """A store to write, by one process at a time. Use `Store.open`.

    Attributes:
        streams: What `sources` names its streams with, so that nothing is read twice.
        notices: What opening mended, one sentence each, for the operator.
        upkeep: Seals the log, and drops what is old.
    """

    def __init__(self, root: Path, disk: Disk, read: Reads | None = None) -> None:
        self._disk = disk
        make_folders(root, disk)
        self._lock = WriterLock(root / "lock")
        try:
            super().__init__(root, Database(root / "state.sqlite", write=True), read)
            try:
                with log_to_itself(root):
                    self._take_up()
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def open(cls, root: Path, disk: Disk | None = None) -> Store:
        """The store in the folder `root`, made where there is none.

        Raises:
            OperatorError: another process writes to it, it is damaged or of a newer version, or `root` is some other folder.
        """
        try:
            return cls(root, disk or Disk())
        except OSError as error:
            raise unusable(root, error) from error

    @classmethod
    def follow(
        cls, root: Path, published: Callable[[], Position], read: Reads, disk: Disk | None = None
    ) -> Store:
        """The store in the folder `root`, to judge and to seal, while another process takes events in and writes the log.

        Args:
            root: Its folder, made where there is none.
            published: Where the acknowledged log ends, once that process runs; before, any position up to `position`.
            read: Makes events of what was taken in, to seal them.
            disk: What writes and syncs.

        Raises:
            OperatorError: as `open`.
        """
        try:
            store = cls(root, disk or Disk(), read)
        except OSError as error:
            raise unusable(root, error) from error
        store._log.close()
        store._log = FollowedLog(root / "wal", lambda: max(store.position, published()))
        return store

    @classmethod
    def read_only(cls, root: Path, read: Reads | None = None) -> ReadStore:
        """The store in the folder `root`, to ask.

        Args:
            root: Its folder.
            read: Makes events of what `tocsin run` took in and has not sealed yet.

        Raises:
            OperatorError: there is none, or it is damaged or of another version.
        """
        if not (root / "state.sqlite").is_file():
            raise OperatorError(f"{root} is no store.", "Name the folder that a scan with --store wrote to.")
        return ReadStore(root, Database(root / "state.sqlite", write=False), read)

    @property
    def position(self) -> Position:
        """How far the log was judged and committed."""
        return self.state.position()

    @property
    def end(self) -> Position:
        """Where the acknowledged log ends."""
        return self._log.end

    @property
    def sealed(self) -> int:
        """Number of the last segment that is sealed, and may be gone; 0 where none is."""
        return self._catalogue.sealed()

    def note(self, settings: Mapping[str, str]) -> None:
        """Stores `settings` beside the position, synced.

        Raises:
            OperatorError: the disk refused.
        """
        self.state.commit(Judged(self.position, notes=Notes(settings=tuple(settings.items()))))

    @property
    def rules_version(self) -> str | None:
        """The version of the rules that was recorded last, in the log where that is not committed yet."""
        committed = [version for _, version, _ in self.state.rule_sets()]
        return next(iter([*reversed(self._uncommitted.rules()), *reversed(committed)]), None)

    def append(self, batch: EventBatch, notes: Sequence[RuleSet | Settings | Watermark] = ()) -> Appended:
        """Acknowledges `notes` and what of `batch` was not read before: it survives a power cut from now on.

        What `pending` gives is to be judged first: committing a position commits everything before it.

        Raises:
            OperatorError: the disk refused; nothing was acknowledged, and the store must be opened anew.
        """
        try:
            fresh = EventBatch(self.streams.fresh(batch), self.state.new_set_aside(batch.set_aside))
            entries: list[Entry] = [*self.streams.unlogged(), *notes]
            if fresh.events or fresh.set_aside:
                entries.append(Events(fresh))
            if entries:
                self._log.append([frame for entry in entries for frame in encode(entry)])
        except BaseException:
            self.streams.forget()  # or `close` would remember as read what is not acknowledged
            raise
        self._uncommitted.add(self._log.end, entries)
        return Appended(self._log.end, fresh)

    def saw(self, entry: Entry) -> None:
        """Takes note of an entry that another process logged, for the next commit; taking it again changes nothing."""
        self.streams.take(entry)

    def file_marks(self) -> tuple[FileMark, ...]:
        """How far files were read that a tail follows, as far as that is committed."""
        return tuple(self._catalogue.file_marks())

    def commit(
        self,
        position: Position,
        findings: Sequence[Finding] = (),
        incidents: Sequence[Incident] = (),
        states: Sequence[DetectorState] = (),
        beside: Notes = Notes(),  # noqa: B008  frozen
    ) -> tuple[str, ...]:
        """Stores in one synced transaction what judging brought up to `position`; gives the ids of the new findings.

        Args:
            position: As `append` or `pending` gave it; everything before it was judged.
            findings: One whose id is stored already changes nothing.
            incidents: Those that changed, whole; the ids in `aliases` are merged into them.
            states: Of the detectors whose state changed.
            beside: What else is to be kept, where the log does not say it: set-aside records, the watermark, what
                people are to be told.

        Raises:
            ValueError: `position` is behind the one committed before, or beyond what was acknowledged.
            OperatorError: the disk refused; nothing of it is stored.
        """
        if position > self._log.end:
            raise ValueError(f"position {position} was not acknowledged: the log ends at {self._log.end}")
        notes = self._uncommitted.notes(position, beside)
        new = self.state.commit(Judged(position, findings, incidents, states, self.streams.changed(), notes))
        self.streams.forget()
        self._uncommitted.forget(position)
        return new

    def pending(self) -> Iterator[tuple[Position, Entry]]:
        """What was acknowledged and not committed, in order, each with the position to commit once it is judged.

        Raises:
            OperatorError: the log is damaged.
        """
        return self._log.read(self.position, self._log.end)

    def seal(self, *, all_of_it: bool = False) -> int:
        """Turns the closed segments that are judged into Parquet; gives how many.

        Args:
            all_of_it: Close the current segment first.

        Raises:
            OperatorError: a segment is damaged, or the disk refused.
        """
        if all_of_it:
            self._log.rotate()
        if not any(_needs_judging(entry) for _, entry in self.pending()):
            self.commit(self._log.end)
        done = 0
        try:
            for segment in self.upkeep.sealable():
                self.upkeep.replaced(self.written(segment, self._disk))
                done += 1
        except OSError as error:
            raise unusable(self.root, error) from error
        return done

    def forgetter(self) -> Forgetter:
        """What forgets somebody in this store; who is to be forgotten must not be in the log any more."""
        return Forgetter(self.root, self._database, self._catalogue, self._disk)

    def close(self) -> None:
        """Remembers which streams were read to their end, and closes the store. Seals nothing."""
        try:
            if marks := self.streams.changed():
                self.state.commit(Judged(self.position, marks=marks))
        finally:
            self._log.close()
            super().close()
            self._lock.release()

    def _take_up(self) -> None:
        """Goes on where the last writer stopped, or fell."""
        for segment in list_segments(self.root / "wal"):
            if segment.number <= self._catalogue.sealed():
                self._disk.unlink(segment.path)
        log = WriteAhead(self.root / "wal", self.position, self._catalogue.sealed(), self._disk)
        self._log: Log = log
        self.notices = tuple(log.notices)
        self.upkeep = Upkeep(self.root, self.state, self._catalogue, lambda: self._log, self._disk)
        self.streams = StoredStreams(self._catalogue)
        self._uncommitted = Uncommitted()
        for position, entry in self.pending():
            self.streams.take(entry)
            self._uncommitted.add(position, [entry])


def _needs_judging(entry: Entry) -> bool:
    return isinstance(entry, Received | Passed) or (isinstance(entry, Events) and bool(entry.batch))
