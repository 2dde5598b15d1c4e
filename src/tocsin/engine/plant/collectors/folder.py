"""A folder into which a historian writes CSV or Parquet, read as files come and grow. Nothing in it is changed.

1. A file is read once it is complete: it did not change for `settle` seconds. A text that grows is read line by line.
2. Of each tag only what is newer than all that was read of it is delivered: a file that comes again repeats nothing.
3. A file that cannot be read is told, and left out until it changes.
4. How texts are read (dates, words) is as the plant's model learnt it.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO, Final, cast

import numpy as np

from tocsin.config import bounds
from tocsin.config.plant_source import Folder
from tocsin.engine.plant.collectors.beside import Beside
from tocsin.engine.plant.collectors.folder_files import (
    Cut,
    Entry,
    Known,
    Part,
    Watch,
    listing,
    opened,
    part_of,
)
from tocsin.engine.plant.collectors.interface import Deliver, Reading, SourceLost
from tocsin.engine.plant.collectors.seen import Seen
from tocsin.engine.plant.collectors.settings import Around
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import SECOND
from tocsin.records.readings import Spelling
from tocsin.sources.historian.reading import History, How, Reader

_PEEKED: Final = 64 * 1024
_TOLD: Final = 1_000
_NEVER: Final = -(2**62)


@dataclass(slots=True)
class _Progress:
    """How far the folder was read: what is known of each file, the newest instant of each tag, how dates are read."""

    files: dict[str, Known] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    day_first: bool | None = None

    def mark(self) -> str:
        """It as a text."""
        return json.dumps(
            {"files": self.files, "seen": self.seen.held(), "day_first": self.day_first},
            separators=(",", ":"),
        )


def _progress_of(mark: str) -> _Progress:
    if not mark:
        return _Progress()
    try:
        held = json.loads(mark)
        files = {
            str(name): Known(int(one[0]), int(one[1]), int(one[2]), str(one[3]))
            for name, one in held["files"].items()
        }
        day_first = held["day_first"]
        return _Progress(files, Seen(held["seen"]), None if day_first is None else bool(day_first))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise OperatorError(
            "The mark of the folder is damaged.",
            "Remove it from the folder plant of the data folder: all files are read anew.",
        ) from error


class FolderCollector:
    """Reads one folder.

    Args:
        settings: Which, and how.
        around: Who is told, and the time.
    """

    def __init__(self, settings: Folder, around: Around) -> None:
        self._settings, self._around = settings, around
        self._watch = Watch(settings.settle)
        self._progress = _Progress()
        self._told: set[str] = set()
        self._how = How(settings.time, settings.ignore, settings.zone)
        self._beside = Beside(bounds.PLANT_READ_SECONDS, "the folder")

    async def read(self, deliver: Deliver, mark: str) -> None:
        """As `interface.Collector`; '' as mark means: all that is in the folder."""
        self._progress = _progress_of(mark)
        self._how = await self._beside.run(self._learnt)
        while True:
            for entry in await self._beside.run(self._ready):
                await self._read_file(entry, deliver)
            await deliver(())
            await asyncio.sleep(bounds.PLANT_LOOK_SECONDS)

    def _learnt(self) -> How:
        """How files are read: as the plant's model learnt it, where there is one."""
        own = self._settings.day_first
        spelling, names = Spelling(), cast("tuple[str, ...]", ())
        if self._around.model is not None:
            from tocsin.engine.plant.model_file import read_model  # noqa: PLC0415  only here, and large

            try:
                kept = read_model(self._around.model)
                spelling, names = kept.spelling, kept.model.names
            except OperatorError as error:
                self._tell(f"Its texts are read without the model's spelling. {error}")
        day_first = spelling.day_first if own is None else own
        if day_first is None:
            day_first = self._progress.day_first
        return replace(self._how, spelling=replace(spelling, day_first=day_first), known=names)

    def _ready(self) -> list[Entry]:
        """The files that may be read now, the one with the oldest rows first."""
        folder, files = self._settings.folder, self._progress.files
        try:
            entries = listing(folder)
        except OSError as error:
            raise SourceLost(f"the folder {folder} cannot be looked at: {error.strerror}") from error
        if len(entries) > bounds.PLANT_FILES:
            self._tell(
                f"{folder} holds {len(entries):,} files; the oldest of them are not looked at. Move them away."
            )
            entries = sorted(entries, key=lambda one: one.changed)[-bounds.PLANT_FILES :]
        names = {one.name for one in entries}
        for gone in [name for name in files if name not in names]:
            del files[gone]
        ready = self._watch.ready(entries, files, self._around.now())
        return ready if len(ready) < 2 else sorted(ready, key=self._first_instant)

    def _first_instant(self, entry: Entry) -> tuple[int, int, str]:
        try:
            with opened(self._settings.folder / entry.name) as file:
                part = part_of(file, replace_size(entry), None, rests=False)
                return (
                    (0, int(self._history(file, part, entry).readings.times[0]), entry.name)
                    if part
                    else (1, 0, "")
                )
        except (OperatorError, OSError):
            return 1, 0, entry.name

    async def _read_file(self, entry: Entry, deliver: Deliver) -> None:
        """Delivers what is new in one file."""
        progress = self._progress
        try:
            found = await self._beside.run(partial(self._opened, entry))
        except OSError as error:
            self._tell(f"{inert(entry.name)} cannot be read: {error.strerror}.")
            return
        except OperatorError as error:
            progress.files[entry.name] = Known(entry.size, entry.changed)
            self._tell(f"{inert(entry.name)} is left out until it changes. {error}")
            await deliver((), progress.mark())
            return
        if found is None:
            return
        part, history = found
        any_new = False
        for portion in _portions(history, progress.seen, self._bounds()):
            any_new = True
            for one in portion:
                progress.seen.note(one.tag, one.instant)
            await deliver(portion, progress.mark())
        if not any_new and part.whole and entry.name not in progress.files:
            self._tell(
                f"{inert(entry.name)} holds nothing newer than what was read of the same tags, and is left out."
            )
        if progress.files.get(entry.name) != part.known:
            progress.files[entry.name] = part.known
            await deliver((), progress.mark())

    def _bounds(self) -> tuple[int, int]:
        """Behind which instant readings are read, and up to which."""
        since = self._settings.since
        return (
            _NEVER if since is None else since - 1
        ), self._around.now() + bounds.PLANT_AHEAD_SECONDS * SECOND

    def _opened(self, entry: Entry) -> tuple[Part, History] | None:
        known = self._progress.files.get(entry.name)
        rests = self._watch.rests(entry, self._around.now())
        with opened(self._settings.folder / entry.name) as file:
            part = part_of(file, entry, known, rests=rests)
            if part is None:
                if rests and known is None:
                    self._tell(f"{inert(entry.name)} holds no row of readings so far.")
                return None
            history = self._history(file, part, entry)
        if int(history.readings.times[-1]) > self._bounds()[1]:
            self._tell(
                f"Rows of {inert(entry.name)} more than a day ahead of this host's clock are left out."
            )
        for notice in history.notices:
            if notice.meaning or (notice.lost and entry.name not in self._told):
                self._tell(notice.said)
        self._told.add(entry.name)
        self._learn_from(history)
        return part, history

    def _history(self, file: BinaryIO, part: Part, entry: Entry) -> History:
        reader = Reader(self._how)
        reader.read(cast("BinaryIO", io.BufferedReader(Cut(file, part.ranges))), inert(entry.name))
        return reader.history()

    def _learn_from(self, history: History) -> None:
        """Later files are read as this one: a tag of words stays one, a day that is first stays so."""
        found, how = history.spelling, self._how
        day_first = how.spelling.day_first if how.spelling.day_first is not None else found.day_first
        self._progress.day_first = day_first
        words = {**how.spelling.words, **found.words}
        self._how = replace(how, spelling=Spelling(words, day_first, how.spelling.units))

    def _tell(self, text: str) -> None:
        """Tells each sentence once."""
        if text not in self._told:
            if len(self._told) > _TOLD:
                self._told.clear()
            self._told.add(text)
            self._around.tell(text)


def replace_size(entry: Entry) -> Entry:
    """`entry` as if a text ended after its first lines, so that these tell when it begins."""
    return (
        entry
        if not entry.name.lower().endswith((".csv", ".tsv", ".txt"))
        else entry._replace(size=min(entry.size, _PEEKED))
    )


def _portions(history: History, seen: Seen, limits: tuple[int, int]) -> Iterator[list[Reading]]:
    """What of `history` is new, oldest first, in portions; texts as texts."""
    readings, words = history.readings, history.spelling.words
    least, most = limits
    newest = np.array(
        [max(least, _NEVER if (at := seen.newest(tag)) is None else at) for tag in readings.tags]
    )
    row = int(np.searchsorted(readings.times, newest.min(), side="right"))
    step = max(1, bounds.PLANT_PORTION // len(readings.tags))
    while row < len(readings):
        part = readings.rows(row, row + step)
        row += step
        new = (
            np.isfinite(part.values) & (part.times[:, None] > newest[None, :]) & (part.times <= most)[:, None]
        )
        rows, columns = np.nonzero(new)
        portion = []
        for at, column in zip(rows.tolist(), columns.tolist(), strict=True):
            tag, value = part.tags[column], float(part.values[at, column])
            said = words.get(tag, ())
            portion.append(Reading(tag, int(part.times[at]), said[int(value)] if said else value))
        if portion:
            yield portion
