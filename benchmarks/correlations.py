"""How fast correlations run: a million hits over a hundred thousand groups. Prints JSON lines.

Run: `python benchmarks/correlations.py [HITS]`. CPU seconds are of this process; memory is its peak.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlation import Correlations
from tocsin.detect.sigma.correlation_parsing import parse_correlation
from tocsin.detect.sigma.correlation_plans import plan_correlations
from tocsin.detect.sigma.hit import Hit
from tocsin.records.event import EventId
from tocsin.records.finding import Evidence
from tocsin.records.instants import DAY, SECOND

GROUPS = 100_000
BATCH = 1_000
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


def hits(count: int, groups: int) -> list[Hit]:
    """Hits over a day, nearly in order: each up to a minute early or late."""
    dice = random.Random(1)
    step = DAY // count
    made = []
    for number in range(count):
        moment = number * step + dice.randrange(-60, 60) * SECOND
        evidence = Evidence(EventId("bench", number), "bench", number, moment, "none", "host", RAW)
        values = {"group": f"user{dice.randrange(groups)}", "value": dice.randrange(1_000)}
        made.append(Hit("abc"[number % 3], moment, moment, (evidence,), values))
    return made


def measure(name: str, rule: dict[str, object], given: list[Hit], timespan: str) -> dict[str, object]:
    section = {"group-by": ["group"], "timespan": timespan, **rule}
    plans, _ = plan_correlations(
        [parse_correlation({"title": name, "name": name, "correlation": section})],
        {one: one for one in "abc"},
    )
    real = Correlations(plans)
    used = [hit for hit in given if hit.rule in real.references()]
    before, matches = time.process_time(), 0
    for place in range(0, len(used), BATCH):
        for hit in used[place : place + BATCH]:
            real.add(hit)
        matches += len(real.advance(used[place].time - 120 * SECOND))
    matches += len(real.advance(END_OF_TIME))
    seconds = time.process_time() - before
    return {
        "kind": "correlation", "name": name, "hits": len(used), "timespan": timespan, "cpu_seconds": round(seconds, 2),
        "hits_per_second": round(len(used) / seconds), "matches": matches, "late": real.late,
        "judged_early": real.judged_early,
    }  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for groups, timespan in ((GROUPS, "1h"), (10, "10m")):
        given = hits(count, groups)
        for name, rule in RULES.items():
            print(json.dumps({"groups": groups, **measure(name, rule, given, timespan)}), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"kind": "summary", "hits": count, "peak_mib": peak}))


if __name__ == "__main__":
    main()
