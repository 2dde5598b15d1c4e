"""What the store costs: bytes an event, appending, sealing, merging, an hour's queries, dropping a day. Prints JSON lines.

usage: python -m benchmarks.store [--events N] [--an-hour N] [--data FOLDER]. Events are those of the recorded campaigns in the zip
archives of the folder (JSON lines), repeated with other times until there are N of them.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks.data import DATA
from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.instants import HOUR, parse_rfc3339
from tocsin.store.compaction import merge
from tocsin.store.disk import Disk
from tocsin.store.read_store import ReadStore
from tocsin.store.store import Store

BATCH = 1_000
INGEST = 490_000 * HOUR
EVENTS_PER_HOUR = 40_000
WINDOWS = frozenset({Logsource("windows")})


def recorded(data: Path) -> Iterator[tuple[str, str]]:
    """(archive, record text) of every record, in order."""
    for archive in sorted(data.rglob("*.zip")):
        with zipfile.ZipFile(archive) as opened:
            for member in filter(lambda name: name.endswith(".json"), opened.namelist()):
                with opened.open(member) as content:
                    for line in content:
                        text = line.decode("utf-8", "replace").strip()
                        if text.startswith("{") and text.endswith("}"):
                            yield archive.name, text


def events(data: Path, count: int, an_hour: int = EVENTS_PER_HOUR) -> Iterator[Event]:
    """`count` events, a new stream for each archive and round; event time runs on with the ordinal."""
    made = 0
    turn = 0
    while made < count:
        turn += 1
        for seq, (archive, raw) in enumerate(islice(recorded(data), count - made)):
            fields = json.loads(raw)
            kind = f"{fields.get('Channel')}/{fields.get('EventID')}"
            hour = made // an_hour
            claimed = parse_rfc3339(str(fields.get("@timestamp", ""))) or INGEST
            moment = INGEST + hour * HOUR + (claimed + made) % HOUR
            yield Event(
                f"{archive}-{turn}".ljust(64, "0"), seq, moment, INGEST + hour * HOUR, WINDOWS, fields, raw, archive,
                "otrf", fields.get("Hostname"), None, kind,
            )  # fmt: skip
            made += 1


def batches(data: Path, count: int, an_hour: int = EVENTS_PER_HOUR) -> Iterator[EventBatch]:
    """The events in batches of `BATCH`."""
    source = events(data, count, an_hour)
    while chunk := tuple(islice(source, BATCH)):
        yield EventBatch(chunk)


def report(name: str, **figures: float) -> None:
    rounded = {key: round(value, 3) for key, value in figures.items()}
    sys.stdout.write(json.dumps({"kind": "benchmark", "name": name, **rounded}) + "\n")


def bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def fill(store: Store, root: Path, data: Path, count: int, an_hour: int) -> int:
    """Appends, commits and seals `count` events; gives the raw bytes."""
    raw = append_seconds = seal_cpu = logged = 0.0
    for batch in batches(data, count, an_hour):
        raw += sum(len(event.raw) for event in batch)
        before = time.perf_counter()
        position = store.append(batch).position
        append_seconds += time.perf_counter() - before
        store.commit(position)
        if len(list((root / "wal").iterdir())) > 1:
            logged += bytes_below(root / "wal")
            seal_cpu += sealing(store)
    logged += bytes_below(root / "wal")
    seal_cpu += sealing(store, all_of_it=True)
    report("append", events_per_second=count / append_seconds, logged_bytes_per_event=logged / count)
    report("seal", cpu_microseconds_per_event=seal_cpu / count * 1e6)
    return int(raw)


def sealing(store: Store, *, all_of_it: bool = False) -> float:
    before = time.process_time()
    store.seal(all_of_it=all_of_it)
    return time.process_time() - before


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--an-hour", type=int, default=EVENTS_PER_HOUR)
    arguments.add_argument("--data", type=Path, default=DATA / "otrf")
    options = arguments.parse_args()
    count = options.events
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        with Store.open(root) as store:
            raw = fill(store, root, options.data, count, options.an_hour)
            kept = bytes_below(root / "events")
            state = bytes_below(root) - kept
            files = sum(1 for path in (root / "events").rglob("*.parquet"))
            report(
                "kept",
                bytes_per_event=kept / count,
                state_bytes_per_event=state / count,
                raw_bytes_per_event=raw / count,
                files=files,
            )
        report("memory of writing", peak_mebibytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        hour = min(count, options.an_hour)
        with Store.read_only(root) as reader:
            ask(reader, "as sealed", hour)
        with Store.open(root) as store:
            merge_all(store)
        with Store.read_only(root) as reader:
            ask(reader, "merged", hour)
        with Store.open(root) as store:
            drop_all(store)


KIND = "Microsoft-Windows-Sysmon/Operational/1"


def ask(reader: ReadStore, state: str, hour: int) -> None:
    """What people ask of an hour of `hour` events: rows of one kind, counts, a text in raw records, one event by its id."""
    span = (INGEST, INGEST + HOUR)
    questions: dict[str, Callable[[], int]] = {
        "one kind, whole events": lambda: len(reader.events_between(*span, KIND)),
        "one kind, counted by host": lambda: sum(reader.counts_between(*span, "host", kind=KIND).values()),
        "all kinds, counted by kind": lambda: sum(reader.counts_between(*span, "kind").values()),
        "all kinds, counted by host": lambda: sum(reader.counts_between(*span, "host").values()),
        "a text in raw records": lambda: sum(reader.counts_between(*span, "kind", "mimikatz").values()),
    }
    for name, question in questions.items():
        took = []
        for _ in range(5):
            began, cpu = time.perf_counter(), time.process_time()
            events = question()
            took.append(((time.perf_counter() - began) * 1e3, (time.process_time() - cpu) * 1e3))
        again, busy = median(one[0] for one in took[1:]), median(one[1] for one in took[1:])
        report(
            f"an hour, {state}: {name}", events=events, first_ms=took[0][0], again_ms=again,
            again_ms_per_million=again / hour * 1e6, cpu_ms_per_million=busy / hour * 1e6,
        )  # fmt: skip
    found = reader.events_between(INGEST, INGEST + HOUR // 60, KIND)
    if found:
        with timed(f"{state}: one event by its id"):
            reader.events([found[len(found) // 2].id])


def merge_all(store: Store) -> None:
    """As the service does once the day is over: an event of two days later says that it is."""
    last = Event(
        "later".ljust(64, "0"), 0, INGEST + 999 * HOUR, INGEST + 999 * HOUR, WINDOWS, {}, "{}", "a", "otrf"
    )
    store.commit(store.append(EventBatch((last,))).position)
    store.seal(all_of_it=True)
    before, cpu, made, waits = bytes_below(store.root / "events"), time.process_time(), 0, [0.0]
    while groups := store.upkeep.mergeable():
        for group in groups:
            written = merge(group, store.root, Disk())
            began = time.perf_counter()
            store.upkeep.merged(written)
            waits.append(time.perf_counter() - began)
            made += 1
    files = sum(1 for _ in (store.root / "events").rglob("*.parquet"))
    report(
        "merge", files=files, made=made, bytes_ratio=bytes_below(store.root / "events") / before,
        cpu_seconds=time.process_time() - cpu, longest_pause_ms=max(waits) * 1e3,
    )  # fmt: skip


def drop_all(store: Store) -> None:
    """The oldest day, or as much of one as there is."""
    before, hours, began = bytes_below(store.root / "events"), 0, time.perf_counter()
    while hours < 24 and store.upkeep.expire(1, 1 << 60, INGEST + 900 * HOUR) is not None:
        hours += 1
    seconds = time.perf_counter() - began
    report("drop a day", seconds=seconds, given_back_bytes=before - bytes_below(store.root / "events"))


@contextmanager
def timed(name: str) -> Iterator[dict[str, float]]:
    """Reports how long the block took, with the figures that it adds."""
    figures: dict[str, float] = {}
    before = time.perf_counter()
    yield figures
    report(name, milliseconds=(time.perf_counter() - before) * 1e3, **figures)


if __name__ == "__main__":
    main()
