"""A closed, judged segment becomes Parquet: `events/<ingest hour>/<kind>/<segment>.parquet`, zstd.

Rules:

1. A file is written under a temporary name, synced, renamed, and its folder and the folders above are synced.
2. Then the catalogue lists all files of the segment in one transaction; only then the segment goes.
3. A crash at any point leaves the segment as the truth; sealing again overwrites what it left.

Hour and kind are in the path because retention is an unlink (by *ingest* hour: event time is the attacker's) and
because rows of one kind share their columns.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tocsin.config import bounds
from tocsin.records.columns import Plan, to_table
from tocsin.records.event import Event, EventBatch
from tocsin.records.instants import HOUR, rfc3339
from tocsin.store.catalogue import Catalogue, SealedFile
from tocsin.store.disk import Disk

TEMPORARY: Final = ".tmp"
"""Ends the name of a file that is being written."""

OVERFLOW: Final = "overflow"
"""The folder that kinds beyond the bound share."""

_LEVEL: Final = 3
_PAGE_BYTES: Final = 4 << 20
_MEASURED: Final = ["t_time", "t_ingest", "t_stream", "t_seq"]
"""Columns whose least and greatest value each file's footer holds; over long texts they would outweigh small files."""

_Group = tuple[str, str]  # ingest hour, kind slug


class Sealed(NamedTuple):
    """A segment whose files are written and not listed yet: the files, and the columns that their kinds have by now."""

    number: int
    files: list[SealedFile]
    columns: list[tuple[str, Sequence[str]]]


def seal(number: int, batches: Iterable[EventBatch], root: Path, catalogue: Catalogue, disk: Disk) -> Sealed:
    """Writes the events of segment `number` as Parquet under `root`, to be listed by `Catalogue.add_sealed`.

    Only reads the catalogue, so it may run in a process of its own; of one store one at a time.

    Events are held as rows up to `bounds.SEAL_ROWS` or `bounds.SEAL_BYTES`, then as columns.

    Raises:
        OSError: the disk refused.
        OperatorError: the catalogue could not be read.
    """
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own would keep a segment's memory for good
    columns = _Columns(catalogue)
    for batch in batches:
        for event in batch:
            columns.add(event)
    columns.flush()
    files = _write_files(number, columns, root, disk)
    return Sealed(number, files, [(slug, plan.names) for slug, plan in columns.plans.items()])


def slug_of(kind: str) -> str:
    """A folder's name for `kind`: readable, lower case, and different for each kind."""
    text = re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-")[:60]
    return f"{text}-{hashlib.sha256(kind.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


class _Columns:
    """The tables of one segment while they grow."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.plans: dict[str, Plan] = {}
        self.tables: dict[_Group, list[pa.Table]] = defaultdict(list)
        self._catalogue = catalogue
        self._slugs: dict[str, str] = {}
        self._rows: dict[_Group, list[Event]] = defaultdict(list)
        self._held_rows = self._held_bytes = 0

    def add(self, event: Event) -> None:
        self._rows[rfc3339(event.ingest - event.ingest % HOUR)[:13], self._slug(event.kind)].append(event)
        self._held_rows += 1
        self._held_bytes += len(event.raw)
        if self._held_rows >= bounds.SEAL_ROWS or self._held_bytes >= bounds.SEAL_BYTES:
            self.flush()

    def flush(self) -> None:
        """Turns the rows held into columns."""
        for group, events in self._rows.items():
            plan = self._plan(group[1])
            plan.admit(events)
            self.tables[group].append(to_table(events, plan))
        self._rows.clear()
        self._held_rows = self._held_bytes = 0

    def _slug(self, kind: str) -> str:
        """The kind's folder; one for all kinds beyond the bound, so that no source can make files without end."""
        if kind not in self._slugs:
            self._slugs[kind] = slug_of(kind) if len(self._slugs) < bounds.KINDS_PER_SEGMENT else OVERFLOW
        return self._slugs[kind]

    def _plan(self, name: str) -> Plan:
        if name not in self.plans:
            self.plans[name] = Plan(bounds.COLUMNS_PER_KIND, self._catalogue.columns(name))
        return self.plans[name]


def _write_files(number: int, columns: _Columns, root: Path, disk: Disk) -> list[SealedFile]:
    folders: set[Path] = set()
    for hour, name in columns.tables:
        disk.make_directory(root / "events" / hour)
        disk.make_directory(root / "events" / hour / name)
        folders |= {root / "events", root / "events" / hour}
    for folder in sorted(folders):
        disk.sync_directory(folder, "sealed.parents")
    files = []
    for hour, name in list(columns.tables):
        path = Path("events") / hour / name / f"{number:010d}.parquet"
        files.append(_write_file(path, columns.tables.pop((hour, name)), root, disk))
    for file in files:
        disk.sync_directory((root / file.path).parent, "sealed.directory")
    return files


def _write_file(path: Path, tables: list[pa.Table], root: Path, disk: Disk) -> SealedFile:
    return write_table(path, pa.concat_tables(tables, promote_options="default"), root, disk)


def write_table(path: Path, table: pa.Table, root: Path, disk: Disk) -> SealedFile:
    """Writes `table` as the file `path` (relative to `root`), synced, in one step; its folder is not synced.

    Raises:
        OSError: the disk refused; what had that name is unchanged.
    """
    body = _parquet(table)
    with synced_file(root / path, disk) as descriptor:
        disk.write(descriptor, [body])
    return described(path, table, len(body))


@contextmanager
def synced_file(final: Path, disk: Disk) -> Iterator[int]:
    """A descriptor of a new file, which is synced and gets the name `final` once all was written.

    Raises:
        OSError: the disk refused.
    """
    temporary = final.with_name(final.name + TEMPORARY)
    disk.unlink(temporary)
    descriptor = disk.create(temporary)
    try:
        yield descriptor
        disk.sync_data(descriptor, "sealed.file")
    finally:
        disk.close(descriptor)
    disk.rename(temporary, final)


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How files of the store are written."""
    return {
        "compression": "zstd",
        "compression_level": _LEVEL,
        "use_dictionary": [name for name in schema.names if name not in {"t_raw", "t_event", "t_seq"}],
        "write_statistics": _MEASURED,
        "data_page_size": _PAGE_BYTES,
        "store_schema": False,  # it would add kilobytes to every small file and says nothing that we need
    }


def _parquet(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **parquet_options(table.schema))
    return memoryview(sink.getvalue())


def described(path: Path, table: pa.Table, size: int) -> SealedFile:
    """What the catalogue says of the file `path`, which holds `table` in `size` bytes.

    A merged file stands for several segments; `segment` is 0 then.
    """
    times = table["t_time"].cast(pa.int64())
    streams = table.select(["t_stream", "t_seq"]).group_by("t_stream")
    ranges = streams.aggregate([("t_seq", "min"), ("t_seq", "max")])
    if ranges.num_rows > bounds.STREAMS_LISTED:
        ranges = ranges.slice(0, 0)
    return SealedFile(
        path.as_posix(), path.parent.name, int(path.stem) if path.stem.isdecimal() else 0, table.num_rows, size,
        pc.min(times).as_py(), pc.max(times).as_py(),
        tuple((row["t_stream"], row["t_seq_min"], row["t_seq_max"]) for row in ranges.to_pylist()),
    )  # fmt: skip
