"""Writers that are killed: each appends, commits and seals without end, and says on stdout what was acknowledged.

A writer is killed at a random moment *after its first acknowledgement*, however busy the machine is; every fourth at any
moment at all, so that opening and mending are killed too.

usage: store_writer.py STORE KILLS. One line each: `a SEQ` (acknowledged up to SEQ), `f ID` (a finding was committed).
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from pathlib import Path

from store_events import batch, event, finding

from tocsin.config import bounds
from tocsin.store.entries import Events
from tocsin.store.store import Store

_PATIENCE = 60.0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def judge(store: Store, position, events) -> None:
    found = [finding(event(one.seq, "live")) for one in events if one.seq % 5 == 0]
    for ident in store.commit(position, found):
        say(f"f {ident}")


def write(root: Path, rng: random.Random, started: int | None) -> None:
    bounds.WAL_SEGMENT_BYTES = 20_000  # type: ignore[misc]  so that sealing happens often
    with Store.open(root) as store:
        for position, entry in store.pending():
            if isinstance(entry, Events):
                judge(store, position, entry.batch)
        start = 1 + max((one.seq for one in store.events_between(-(2**62), 2**62)), default=-1)
        while True:
            count = rng.randint(1, 20)
            appended = store.append(batch(range(start, start + count), "live"))
            start += count
            say(f"a {start - 1}")
            if started is not None:
                os.write(started, b"a")
                started = None
            if rng.random() < 0.7:
                judge(store, appended.position, pending_events(store))
            if rng.random() < 0.2:
                store.seal(all_of_it=rng.random() < 0.5)


def pending_events(store: Store) -> list:
    return [one for _, entry in store.pending() if isinstance(entry, Events) for one in entry.batch]


def main() -> None:
    rng = random.Random(7)
    for number in range(int(sys.argv[2])):
        told, started = os.pipe()
        writer = os.fork()
        if not writer:
            write(Path(sys.argv[1]), random.Random(number), started)
        if number % 4 and not select.select([told], [], [], _PATIENCE)[0]:
            sys.exit(f"writer {number} acknowledged nothing within {_PATIENCE:g} seconds")
        time.sleep(rng.uniform(0, 0.2))
        os.kill(writer, signal.SIGKILL)
        _, status = os.waitpid(writer, 0)
        os.close(told)
        os.close(started)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(f"writer {number} ended by itself")


if __name__ == "__main__":
    main()
