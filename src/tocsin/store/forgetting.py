"""What a store remembers of somebody goes: from Parquet, from findings and incidents, messages, and detectors' state.

Rules:

1. A wish is stored with the subject's name until it is fulfilled; then a receipt stays, with a keyed digest in its place.
2. Parquet first, file by file: the rest of a file takes its name in one step, and is then listed; doing it again changes
   nothing. Then one transaction clears the state. Then the state's file is written anew, without free pages.
3. A crash anywhere leaves the wish, and it is begun anew; what is gone stays gone.
4. What the log holds must have been sealed before. What comes in after the wish is not meant by it.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.records.forgetting import Subject, finding_without, incident_without
from tocsin.records.incident import Incident
from tocsin.store import bodies
from tocsin.store.catalogue import Catalogue, SealedFile
from tocsin.store.clearing import StateWithout, clear
from tocsin.store.compaction import MERGED
from tocsin.store.database import Database
from tocsin.store.disk import Disk
from tocsin.store.named_rows import rows_of, without
from tocsin.store.sealing import described, write_table
from tocsin.store.snapshot import remove_copy

_MARK: Final = "forgotten-"


class Receipt(NamedTuple):
    """A wish, or what came of it.

    Attributes:
        id: Random, 16 hexadecimal digits.
        asked: When (instant).
        by: Who asked.
        subject: Whom to forget; None once they are forgotten.
        digest: HMAC-SHA-256 of site, kind and id, keyed with a key of this store.
        state: `wanted`, `cleared` or `done`.
        done: When it was fulfilled (instant).
        counts: How much was removed, by what it was.
    """

    id: str
    asked: int
    by: str
    site: str
    kind: str
    subject: str | None
    digest: str
    state: str
    done: int | None
    counts: Mapping[str, int]

    def whom(self) -> Subject:
        """The subject of a wish."""
        assert self.subject is not None
        return Subject(self.site, self.kind, self.subject, _MARK + self.id)


class Receipts:
    """Wishes and receipts in `database`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ask(self, subject: Subject, by: str, now: int) -> Receipt:
        """Stores the wish to forget `subject`; the one that is stored already where it is wanted already."""
        digest = self.digest(subject)
        for known in self.all():
            if known.digest == digest and known.state == "wanted":
                return known
        ident = secrets.token_hex(8)
        with self._db.transaction():
            self._db.put(
                "INSERT INTO forgotten (id, asked, by, site, kind, subject, digest, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'wanted')",
                ident, now, by, subject.site, subject.kind, subject.id, digest,
            )  # fmt: skip
        return self.get(ident)

    def digest(self, subject: Subject) -> str:
        """What receipts hold in place of `subject`."""
        ((key,),) = self._db.all("SELECT key FROM forgotten_key")
        text = f"{subject.site}\0{subject.kind}\0{subject.id.casefold()}"
        return hmac.digest(key, text.encode("utf-8", "replace"), "sha256").hex()

    def get(self, ident: str) -> Receipt:
        """The one with this id."""
        return next(one for one in self.all() if one.id == ident)

    def all(self) -> list[Receipt]:
        """All, the oldest first."""
        rows = self._db.all(
            "SELECT id, asked, by, site, kind, subject, digest, state, done, counts FROM forgotten ORDER BY asked, id"
        )
        return [Receipt._make((*row[:9], json.loads(row[9]))) for row in rows]

    def open(self) -> Receipt | None:
        """The oldest that is not fulfilled."""
        return next((one for one in self.all() if one.state != "done"), None)

    def count(self, receipt: Receipt, counts: Mapping[str, int]) -> None:
        """Notes how much was removed so far."""
        with self._db.transaction():
            self._db.put("UPDATE forgotten SET counts = ? WHERE id = ?", json.dumps(dict(counts)), receipt.id)

    def withdraw(self, ident: str) -> None:
        """Takes a wish back that nothing was done for."""
        with self._db.transaction():
            self._db.put("DELETE FROM forgotten WHERE id = ? AND state = 'wanted'", ident)


@dataclass(frozen=True, slots=True)
class Forgetter:
    """Forgets in one store.

    Attributes:
        root: Its folder.
        database: Its state.
        catalogue: Of its files.
        disk: What writes and syncs.
    """

    root: Path
    database: Database
    catalogue: Catalogue
    disk: Disk

    @property
    def receipts(self) -> Receipts:
        """Wishes and receipts."""
        return Receipts(self.database)

    def paths(self) -> list[str]:
        """The Parquet files to go through, the oldest hour first."""
        return sorted(self.catalogue.paths())

    def forget_in(self, path: str, subject: Subject) -> int:
        """Removes the events of the Parquet file `path` that name `subject`; gives how many they were.

        Raises:
            OSError: the disk refused; the file is as it was.
            OperatorError: it is damaged, or the catalogue could not be written.
        """
        file = self.root / path
        listed = self.catalogue.rows(path)
        if listed is None or not file.is_file():
            return 0  # dropped meanwhile
        table = rows_of(file)
        left = without(table, subject)
        if left.num_rows == table.num_rows:
            if left.num_rows != listed:  # a crash came before it was listed
                self.catalogue.relist(path, described(Path(path), table, file.stat().st_size))
            return 0
        self._replace(path, left)
        return table.num_rows - left.num_rows

    def _replace(self, path: str, left: pa.Table) -> None:
        if left.num_rows == 0:
            self.catalogue.relist(path, None)
            self.disk.unlink(self.root / path)
            folder = (self.root / path).parent
            if not any(folder.iterdir()):
                self.disk.remove_directory(folder)
            return
        sealed: SealedFile = write_table(Path(path), left, self.root, self.disk)
        self.disk.sync_directory((self.root / path).parent, "sealed.directory")
        self.catalogue.relist(path, sealed)

    def forget_state(
        self, receipt: Receipt, counts: Mapping[str, int], states: Mapping[str, StateWithout]
    ) -> None:
        """Clears all that the state says of the subject, and their name in the wish, in one transaction.

        Args:
            receipt: The wish.
            counts: What was removed so far.
            states: By the names of detectors.

        Raises:
            OperatorError: the disk refused; nothing was changed.
            PluginError: a detector cannot read its state.
        """
        subject, found = receipt.whom(), Counter(counts)
        with self.database.transaction():
            found.update(clear(self.database, subject, states))
            self.database.put(
                "UPDATE forgotten SET subject = NULL, state = 'cleared', counts = ? WHERE id = ?",
                json.dumps({name: number for name, number in sorted(found.items()) if number}),
                receipt.id,
            )

    def finish(self, receipt: Receipt, now: int) -> bool:
        """Leaves no byte in free pages, nor in copies of the state; False: a reader is in the way yet.

        Call it while the store is `held_still` and nothing is merged.

        Raises:
            OperatorError: there is no room for a copy of the state.
            OSError: a copy of an earlier form could not be removed.
        """
        for copy in self.root.glob("state.sqlite.v*"):
            self.disk.unlink(copy)
        remove_copy(self.root)
        self._clear_strays()
        if not self.database.compact():
            return False
        with self.database.transaction():
            self.database.put("UPDATE forgotten SET state = 'done', done = ? WHERE id = ?", now, receipt.id)
        return True

    def _clear_strays(self) -> None:
        """Removes what a crash left of files that are listed no more; never what is being sealed just now."""
        listed, sealed = set(self.paths()), self.catalogue.sealed()
        for file in (self.root / "events").glob("*/*/*"):
            number = file.name.partition(".")[0]
            stray = file.relative_to(self.root).as_posix() not in listed
            over = number.startswith(MERGED) or (number.isdecimal() and int(number) <= sealed)
            if stray and over:
                self.disk.unlink(file)
                if not any(file.parent.iterdir()):
                    self.disk.remove_directory(file.parent)


# --- what would go ----------------------------------------------------------------------------------------


def named_in(root: Path, database: Database, logged: Callable[[], Any], subject: Subject) -> dict[str, int]:
    """How much of a store names `subject`; changes nothing.

    Args:
        root: The store.
        database: Its state.
        logged: The batches of events that are not sealed.
        subject: Whom.
    """
    counts: Counter[str] = Counter()
    for path in Catalogue(database).paths():
        if (root / path).is_file():
            table = rows_of(root / path)
            counts["events"] += table.num_rows - without(table, subject).num_rows
    batch: EventBatch
    for batch in logged():
        counts["events"] += sum(map(subject.in_event, batch.events))
    for (body,) in database.all("SELECT body FROM findings"):
        finding = bodies.unpack(body, Finding)
        counts["findings"] += finding_without(finding, subject) is not finding
    for (body,) in database.all("SELECT body FROM incidents"):
        incident = bodies.unpack(body, Incident)
        counts["incidents"] += incident_without(incident, subject) != incident
    for title, text in database.all("SELECT title, text FROM outbox"):
        counts["messages"] += subject.in_text(title) or subject.in_text(text)
    for (body,) in database.all("SELECT body FROM set_aside"):
        counts["set_aside"] += subject.in_set_aside(bodies.unpack(body, SetAside))
    return dict(counts)
