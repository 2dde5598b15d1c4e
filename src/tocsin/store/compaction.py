"""Small Parquet files become few: a quiet site's segment covers days, and has a file for each hour and kind in it.

Rules:

1. What is merged is over: files of one kind within an ingest hour or day after which something was taken in already.
2. A day's files of one kind become one in a folder of the day, `events/<day>/<kind>/`, where that stays below
   `bounds.MERGED_BYTES`; else hours stay apart, for retention by the hour, and each hour's small files become few.
   While the day goes on, an hour's are merged only from `bounds.MERGE_FROM` files on.
3. The merged file is written and synced as a sealed one is, under a name that says which files it stands for. Then the
   catalogue lists it in their place, in one transaction; only then they are unlinked. After a crash between two steps
   what the catalogue does not list counts for nothing, and `retention.sweep` unlinks it.
4. A reader that listed the old files and finds one gone asks the catalogue again: it sees all of the old or all of the new.
5. Where a file was dropped meanwhile, because it was too old, or events in it were forgotten, its merged one is thrown
   away: nothing comes back.
6. Rows are copied group by group, never a whole file at once: memory is bounded by `bounds.MERGE_GROUP_BYTES`.
"""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.store.catalogue import Catalogue, SmallFile
from tocsin.store.disk import Disk
from tocsin.store.sealing import TEMPORARY, parquet_options, synced_file

MERGED: Final = "merged-"
"""Before the name of a merged file."""

_DAY_CHARS: Final = 10
_BUFFER_BYTES: Final = 1 << 20


class Group(NamedTuple):
    """Files to merge, the oldest first: the hour or day that they will be in, their kind's folder, their paths."""

    unit: str
    slug: str
    paths: tuple[str, ...]


class Merged(NamedTuple):
    """A file of `rows` events that was written in place of `parts`, and is not listed yet. `size` is in bytes."""

    path: str
    size: int
    rows: int
    parts: tuple[str, ...]


def groups(catalogue: Catalogue, without: Container[Group] = ()) -> list[Group]:
    """What is to be merged next, the oldest first; at most `bounds.MERGED_BYTES` of it, and one group at the least.

    Args:
        catalogue: Lists the files that count.
        without: What could not be merged before.

    Raises:
        OperatorError: the catalogue cannot be read.
    """
    newest = catalogue.newest_hour()
    if newest is None:
        return []
    chosen: list[Group] = []
    size = 0
    for group, total in _groups(catalogue.small_files(bounds.MERGED_BYTES // 2), newest):
        if group in without:
            continue
        if chosen and size + total > bounds.MERGED_BYTES:
            break
        chosen.append(group)
        size += total
    return chosen


def _groups(files: Iterable[SmallFile], newest: str) -> Iterator[tuple[Group, int]]:
    by_day: dict[tuple[str, str], list[SmallFile]] = defaultdict(list)
    for file in files:
        by_day[file.unit[:_DAY_CHARS], file.slug].append(file)
    for (day, slug), of_day in sorted(by_day.items()):
        over = day < newest[:_DAY_CHARS]
        total = sum(file.bytes for file in of_day)
        if over and len(of_day) > 1 and total <= bounds.MERGED_BYTES:
            yield Group(day, slug, tuple(file.path for file in of_day)), total
        elif not over or total > bounds.MERGED_BYTES:
            yield from _of_hours(of_day, newest, 2 if over else bounds.MERGE_FROM)


def _of_hours(files: Sequence[SmallFile], newest: str, least: int) -> Iterator[tuple[Group, int]]:
    by_hour: dict[str, list[SmallFile]] = defaultdict(list)
    for file in files:
        by_hour[file.unit].append(file)
    for unit, of_hour in sorted(by_hour.items()):
        if unit >= newest or len(of_hour) < least:
            continue
        taken, total = [], 0
        for file in of_hour:
            if total + file.bytes > bounds.MERGED_BYTES:
                break
            taken.append(file.path)
            total += file.bytes
        yield Group(unit, of_hour[0].slug, tuple(taken)), total


def merge(group: Group, root: Path, disk: Disk) -> Merged:
    """Writes the rows of the group's files, in their order, as one file, to be listed by `Catalogue.replace`.

    Raises:
        OSError: the disk refused, or a file is gone.
        OperatorError: a file is damaged.
    """
    pa.set_memory_pool(pa.system_memory_pool())  # as sealing does
    folder = Path("events") / group.unit / group.slug
    disk.make_directory(root / "events" / group.unit)
    disk.make_directory(root / folder)
    for parent in (root / "events", root / "events" / group.unit):
        disk.sync_directory(parent, "sealed.parents")
    digest = hashlib.sha256("\n".join(group.paths).encode()).hexdigest()
    path = folder / f"{MERGED}{digest[:20]}.parquet"
    disk.unlink((root / path).with_name(path.name + TEMPORARY))
    with synced_file(root / path, disk) as descriptor:
        sink = _Sink(disk, descriptor)
        try:
            with io.BufferedWriter(sink, _BUFFER_BYTES) as buffered:
                rows = _copy([root / one for one in group.paths], buffered)
        except pa.ArrowException as error:
            raise OperatorError(
                f"Files of the store in events/{group.unit}/{group.slug} cannot be merged: {error}",
                "Restore the store from a backup if searches fail too; else nothing is lost.",
            ) from error
    disk.sync_directory(root / folder, "sealed.directory")
    return Merged(path.as_posix(), sink.written, rows, group.paths)


def _copy(paths: Sequence[Path], sink: Any) -> int:
    """Copies all rows; gives how many they are."""
    rows = 0
    schema = pa.unify_schemas([pq.read_schema(path) for path in paths])
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, **parquet_options(schema)) as writer:
        held: list[pa.Table] = []
        for path in paths:
            with pq.ParquetFile(path) as file:
                rows += file.metadata.num_rows
                for number in range(file.num_row_groups):
                    held.append(file.read_row_group(number))
                    if sum(table.nbytes for table in held) >= bounds.MERGE_GROUP_BYTES:
                        _write(writer, held, schema)
        _write(writer, held, schema)
    return rows


def _write(writer: pq.ParquetWriter, held: list[pa.Table], schema: pa.Schema) -> None:
    if held:
        writer.write_table(pa.concat_tables([schema.empty_table(), *held], promote_options="default"))
        held.clear()


class _Sink(io.RawIOBase):
    """Writes to `descriptor` of `disk`."""

    def __init__(self, disk: Disk, descriptor: int) -> None:
        self._disk, self._descriptor = disk, descriptor
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        done = self._disk.write(self._descriptor, [data])
        self.written += done
        return done

    def tell(self) -> int:
        return self.written
