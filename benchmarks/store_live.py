"""The store while the service lives: commits beside a hunting reader, and starting with much stored. Prints JSON lines.

usage: python -m benchmarks.store_live [--events N] [--stored N] [--data FOLDER]. `hunting`: what a commit takes while nobody,
then while another process asks one question after the other of N stored events. `restart`: a store of about --stored events
(sealed files and their rows in the catalogue, copied to other hours), from the start of `tocsin run` until `/healthz` answers;
with nothing to judge, and with what comes in a minute.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
import urllib.request
from itertools import islice
from multiprocessing.synchronize import Event as Flag
from pathlib import Path

from benchmarks.data import DATA
from benchmarks.running import Running, new_site
from benchmarks.store import INGEST, batches, merge_all, report
from tocsin.records.event import EventBatch
from tocsin.records.instants import HOUR, rfc3339
from tocsin.records.received import Received
from tocsin.store.database import Database
from tocsin.store.disk import Disk
from tocsin.store.entries import encode
from tocsin.store.store import Store
from tocsin.store.write_ahead import WriteAhead

SEED = 100_000
COMMITS = 400


def hunt(root: Path, stop: Flag, asked: multiprocessing.Value) -> None:  # type: ignore[valid-type]
    """Asks until it is to stop."""
    with Store.read_only(root) as reader:
        while not stop.is_set():
            reader.counts_between(INGEST, INGEST + HOUR, "host")
            reader.counts_between(INGEST, INGEST + HOUR, "kind", "powershell")
            asked.value += 2


def commits(store: Store, data: Path, turn: int) -> dict[str, float]:
    """What `COMMITS` appends with their commits take."""
    took = []
    for number, one in enumerate(islice(batches(data, 100 * COMMITS), COMMITS)):
        part = EventBatch(tuple(one.events[:20]))
        for place, event in enumerate(part.events):
            event.stream, event.seq = f"live-{turn}", number * 20 + place
        position = store.append(part).position
        began = time.perf_counter()
        store.commit(position)
        took.append(time.perf_counter() - began)
        time.sleep(0.005)
    took.sort()
    return {
        "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[len(took) * 99 // 100] * 1e3,
        "most_ms": took[-1] * 1e3,
    }


def filled(root: Path, data: Path, count: int) -> None:
    """A store of `count` events, sealed and merged."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with Store.open(root) as store:
        for batch in batches(data, count):
            store.commit(store.append(batch).position)
            store.seal()
        store.seal(all_of_it=True)
        merge_all(store)


def hunting(folder: Path, data: Path, count: int) -> None:
    """Commits without and with a reader, in turns."""
    root = folder / "store"
    filled(root, data, count)
    context = multiprocessing.get_context("spawn")
    with Store.open(root) as store:
        for turn in range(4):
            stop, asked = context.Event(), context.Value("i", 0)
            reader = context.Process(target=hunt, args=(root, stop, asked))
            if turn % 2:
                reader.start()
                while not asked.value:
                    time.sleep(0.01)
            before = asked.value
            figures = commits(store, data, turn)
            report(
                "commits, a reader hunts" if turn % 2 else "commits, alone",
                asked=asked.value - before,
                **figures,
            )
            stop.set()
            if turn % 2:
                reader.join()


def multiplied(root: Path, times: int) -> None:
    """Copies all sealed files to as many other hours, and lists them."""
    database = Database(root / "state.sqlite", write=True)
    listed = database.all("SELECT id, path, slug, segment, rows, bytes, first, last FROM files ORDER BY id")
    for turn in range(1, times):
        shift = turn * 24 * HOUR
        with database.transaction():
            for number, path, slug, segment, rows, size, first, last in listed:
                unit, kind, name = path.removeprefix("events/").split("/")
                instant = INGEST - shift
                there = f"events/{rfc3339(instant)[: len(unit)]}/{kind}/{turn}-{name}"
                (root / there).parent.mkdir(parents=True, exist_ok=True)
                os.link(root / path, root / there)
                database.put(
                    "INSERT INTO files (path, slug, segment, rows, bytes, first, last) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    there, slug, segment, rows, size, first - shift, last - shift,
                )  # fmt: skip
                database.put(
                    "INSERT INTO file_streams SELECT stream || ?, last_insert_rowid(), low, high FROM file_streams"
                    " WHERE file = ?", f"-{turn}", number,
                )  # fmt: skip
    database.close()


def left_behind(root: Path, data: Path, count: int) -> None:
    """Adds `count` events to the log as the process does that takes events in, `BATCH` in a body."""
    with Store.open(root) as store:
        position, sealed = store.position, store.sealed
    log = WriteAhead(root / "wal", position, sealed, Disk())
    mark = time.time_ns()
    for number, batch in enumerate(batches(data, count)):
        body = "\n".join('{"event":' + event.raw + "}" for event in batch).encode()
        arrived = mark // 1_000 + number
        one = Received(
            f"{mark}-{number}".ljust(64, "0"), 0, len(batch), arrived, "hec-event", "w", "::1", "token", body
        )
        log.append(list(encode(one)))
    log.close()


def restart(folder: Path, data: Path, stored: int, rules: Path) -> None:
    """From starting the service until it answers that it is well."""
    site = new_site(folder / "site", (rules,))
    filled(site.data, data, SEED)
    multiplied(site.data, max(1, stored // SEED))
    files = sum(1 for _ in site.data.rglob("*.parquet"))
    for behind in (0, 0, 0, 60_000, 60_000):
        if behind:
            left_behind(site.data, data, behind)
        began = time.perf_counter()
        running = Running(site.folder)
        while not well(site.http):
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        report("restart", stored=stored, files=files, behind=behind, healthz_seconds=seconds)
        running.line("ready")
        running.stop()


def well(port: int) -> bool:
    """Whether `/healthz` answers 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def main() -> None:
    """Prints the lines."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--stored", type=int, default=10_000_000)
    arguments.add_argument("--data", type=Path, default=DATA / "otrf")
    arguments.add_argument("--rules", type=Path, default=DATA / "sigma")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hunting(Path(folder, "hunting"), options.data, options.events)
        restart(Path(folder, "restart"), options.data, options.stored, options.rules)


if __name__ == "__main__":
    main()
