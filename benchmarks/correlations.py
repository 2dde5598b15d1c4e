"""How fast correlations run, what waiting hits weigh, what keeping their state costs. Prints JSON lines.

Run: `python -m benchmarks.correlations [HITS] [--full]`: HITS hits (a million) over a day in each of a thousand and a
hundred thousand groups, and in ten. `--full` adds four million hits, of three million groups in turn, in a stream far
longer than the window, and what a commit costs. CPU seconds are of this process; memory is resident.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations.correlations import Correlations
from tocsin.detect.sigma.correlations.parsing import parse_correlation
from tocsin.detect.sigma.correlations.plans import plan_correlations
from tocsin.detect.sigma.hit import Hit
from tocsin.records.event import EventId
from tocsin.records.finding import Evidence
from tocsin.records.instants import DAY, SECOND

BATCH = 1_000
STREAM_GROUPS = 3_000_000
STREAM_HITS = 4_000_000
RAW = "Nov 23 06:00:00 host sshd[1234]: Failed password for invalid user admin from 10.0.0.1 port 51234 ssh2"
RULES: dict[str, dict[str, object]] = {
    "event_count": {"type": "event_count", "rules": ["a", "b", "c"], "condition": {"gte": 5}},
    "event_count_range": {"type": "event_count", "rules": ["a", "b", "c"], "condition": {"gte": 5, "lte": 9}},
    "value_count": {"type": "value_count", "rules": ["a", "b", "c"], "condition": {"field": "value", "gte": 5}},
    "temporal": {"type": "temporal", "rules": ["a", "b", "c"]},
    "temporal_ordered": {"type": "temporal_ordered", "rules": ["a", "b", "c"]},
    "value_sum": {"type": "value_sum", "rules": ["a", "b", "c"], "condition": {"field": "value", "gte": 4_000}},
    "value_percentile": {
        "type": "value_percentile", "rules": ["a", "b", "c"], "condition": {"field": "value", "gte": 950, "percentile": 90},
    },
}  # fmt: skip


def hit(number: int, moment: int, group: str, value: int) -> Hit:
    """A hit of one of three rules on an event of its own."""
    evidence = Evidence(EventId("bench", number), "bench", number, moment, "none", "host", RAW)
    return Hit("abc"[number % 3], moment, moment, (evidence,), {"group": group, "value": value})


def hits(count: int, groups: int) -> list[Hit]:
    """Hits over a day, nearly in order: each up to a minute early or late."""
    dice = random.Random(1)
    step = DAY // count
    made = []
    for number in range(count):
        moment = number * step + dice.randrange(-60, 60) * SECOND
        made.append(hit(number, moment, f"user{dice.randrange(groups)}", dice.randrange(1_000)))
    return made


def correlations(name: str, rule: dict[str, object], timespan: str) -> Correlations:
    """One rule, ready to run."""
    section = {"group-by": ["group"], "timespan": timespan, **rule}
    rules = [parse_correlation({"title": name, "name": name, "correlation": section})]
    plans, _ = plan_correlations(rules, {one: one for one in "abc"})
    return Correlations(plans)


def measure(name: str, rule: dict[str, object], given: list[Hit], timespan: str) -> dict[str, object]:
    """Hits in batches, the watermark two minutes behind."""
    real = correlations(name, rule, timespan)
    before, matches = time.process_time(), 0
    for place in range(0, len(given), BATCH):
        for one in given[place : place + BATCH]:
            real.add(one)
        matches += len(real.advance(given[place].time - 120 * SECOND))
    matches += len(real.advance(END_OF_TIME))
    seconds = time.process_time() - before
    return {
        "kind": "correlation", "name": name, "hits": len(given), "timespan": timespan, "cpu_seconds": round(seconds, 2),
        "hits_per_second": round(len(given) / seconds), "matches": matches, "late": real.late,
        "judged_early": real.judged_early,
    }  # fmt: skip


def weight(name: str, groups: int, count: int = 150_000) -> dict[str, object]:
    """Resident bytes of hits that wait, and of the same hits in windows; their evidence is 133 bytes each."""
    real = correlations(name, RULES[name], "1d")
    gc.collect()
    before = resident()
    for number in range(count):
        real.add(hit(number, number * SECOND // 10, f"user{number % groups}", number))
    gc.collect()
    held = resident() - before
    real.advance(count * SECOND // 10)
    gc.collect()
    judged = resident() - before
    return {
        "kind": "weight", "name": name, "groups": groups, "hits": count, "bytes_per_hit": round(held / count),
        "bytes_per_judged_hit": round(judged / count),
        "accounted": round(real.held[1] / count),
    }  # fmt: skip


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def streamed(count: int, groups: int, step: int) -> Iterator[tuple[int, str]]:
    """Instants and groups: every group in turn, each hit up to a minute late."""
    dice = random.Random(2)
    for number in range(count):
        yield number * step - dice.randrange(60) * SECOND, f"user{number % groups}"


def stream(name: str, count: int, groups: int) -> dict[str, object]:
    """A stream far longer than the window of ten minutes: 200 hits a second, the watermark a minute behind."""
    real = correlations(name, RULES[name], "10m")
    step = SECOND // 200
    marks, most, spent = [], 0, 0.0
    batch: list[Hit] = []
    for number, (moment, group) in enumerate(streamed(count, groups, step)):
        batch.append(hit(number, moment, group, number % 1_000))
        if len(batch) < BATCH:
            continue
        began = time.process_time()
        for one in batch:
            real.add(one)
        real.advance(number * step - 60 * SECOND)
        spent += time.process_time() - began
        batch = []
        most = max(most, real.held[0])
        if number % (count // 10) == count // 10 - 1:
            marks.append(resident() // 2**20)
    return {
        "kind": "stream", "name": name, "hits": count, "groups": groups, "cpu_seconds": round(spent, 1),
        "hits_per_second": round(count / spent), "most_held": most, "late": real.late,
        "judged_early": real.judged_early, "resident_mib": marks,
    }  # fmt: skip


def commits(name: str, count: int = 400_000) -> dict[str, object]:
    """What writing state costs: changes with each batch, and everything at once."""
    real = correlations(name, RULES[name], "1h")
    rows: dict[str, bytes] = {}
    costs, sizes = [], []
    for number in range(count):
        real.add(hit(number, number * SECOND // 50, f"user{number % 20_000}", number % 1_000))
        if number % BATCH == BATCH - 1:
            real.advance(number * SECOND // 50 - 60 * SECOND)
            began = time.process_time()
            changes = real.changes()
            costs.append(time.process_time() - began)
            sizes.append(sum(map(len, changes.put.values())))
            changes.fold_into(rows)
    began = time.process_time()
    blob = real.snapshot()
    whole = time.process_time() - began
    began = time.process_time()
    correlations(name, RULES[name], "1h").restore_rows(rows)
    return {
        "kind": "state", "name": name, "held": real.held[0], "batch": BATCH,
        "changes_ms": round(1_000 * sorted(costs)[len(costs) // 2], 2), "changes_bytes": sorted(sizes)[len(sizes) // 2],
        "rows": len(rows), "rows_bytes": sum(map(len, rows.values())), "snapshot_ms": round(1_000 * whole),
        "snapshot_bytes": len(blob), "restore_ms": round(1_000 * (time.process_time() - began)),
    }  # fmt: skip


def main() -> None:
    """Prints one line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hits", nargs="?", type=int, default=1_000_000)
    parser.add_argument(
        "--full", action="store_true", help="Also three million groups, and what commits cost."
    )
    chosen = parser.parse_args()
    for groups, timespan in ((1_000, "1h"), (100_000, "1h"), (10, "10m")):
        given = hits(chosen.hits, groups)
        gc.freeze()  # in service no hit is kept, and nothing has to walk them
        for name, rule in RULES.items():
            print(json.dumps({"groups": groups, **measure(name, rule, given, timespan)}), flush=True)
        gc.unfreeze()
        del given
    for name, groups in (("event_count", 150_000), ("event_count", 40_000), ("value_count", 40_000)):
        print(json.dumps(weight(name, groups)), flush=True)
    if chosen.full:
        print(json.dumps(stream("event_count", STREAM_HITS, STREAM_GROUPS)), flush=True)
        for name in ("event_count", "value_count"):
            print(json.dumps(commits(name)), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"kind": "summary", "hits": chosen.hits, "peak_mib": peak}))


if __name__ == "__main__":
    main()
