"""How well a plant is watched. Prints JSON lines.

usage: python -m benchmarks.plant [--batadal] [--promise] [--attacks] [--live] [--speed] [--rows 1000] [--of water|grids|both] [--budget 0.1] [--plants N] [--first SEED]

--batadal   learn dataset03, watch dataset04 (TOCSIN_TEST_DATA), ours beside other models, same protocol
--promise   N simulated plants, a year learnt and a year watched, both with upkeep: interruptions kept against promised
--attacks   N simulated plants, a year learnt, a year with every kind of attack twice: recall, delay, false alarms
--live      learn dataset03, let `tocsin run` watch dataset04 row by row: from the request to the commit
--speed     learn dataset03 as a user does, and --days of 80 tags by the second; rows judged a second by both models
--of        which plants --promise and --attacks take: water networks, electricity grids, or N of each (as it is without it)
Needs the extra tocsin[plant], wntr and pandapower. A full run of 30 plants takes hours on two cores; --plants 4 gives a sample.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.data import DATA
from benchmarks.plant import live, measures, simulated, speed
from benchmarks.plant.families import FAMILIES
from benchmarks.plant.peers import PEERS, scores_of
from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.watch import Watcher
from tocsin.records.readings import Readings

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - BATADAL's times have no zone


def told(**figures: object) -> None:
    rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}
    sys.stdout.write(json.dumps(rounded) + "\n")
    sys.stdout.flush()


def read_batadal(path: Path) -> tuple[Readings, measures.Flags]:
    with path.open(newline="") as file:
        lines = [[cell.strip() for cell in line] for line in csv.reader(file)]
    head, rows = lines[0], [line for line in lines[1:] if line]
    times = [int((datetime.strptime(row[0], "%d/%m/%y %H") - EPOCH).total_seconds()) * 10**6 for row in rows]  # noqa: DTZ007
    values = np.array([[float(cell) for cell in row[1:]] for row in rows])
    return Readings(tuple(head[1:-1]), np.array(times, np.int64), values[:, :-1]), values[:, -1] == 1


def batadal(budget: float) -> None:
    train, _ = read_batadal(DATA / "batadal" / "dataset03.csv")
    test, labels = read_batadal(DATA / "batadal" / "dataset04.csv")
    started = time.perf_counter()
    ours = Watcher(learn(train, budget, 2)).judge(test).scores
    report("tocsin", budget, labels, ours, time.perf_counter() - started)
    for name, fit in PEERS.items():
        started = time.perf_counter()
        report(
            name,
            budget,
            labels,
            scores_of(fit, train.times, train.values, test.values, budget),
            time.perf_counter() - started,
        )


def report(name: str, budget: float, labels: measures.Flags, scores: np.ndarray, seconds: float) -> None:
    alarms = scores > 1.0
    quiet = measures.quiet_rows(labels)
    told(
        kind="batadal", model=name, budget=budget, **measures.batadal(labels, alarms),
        delays=[int(np.flatnonzero(alarms[a:b])[0]) if alarms[a:b].any() else None for a, b in measures.spans(labels)],
        false_alarms_a_week=measures.interruptions(alarms, labels) / (quiet.sum() / 168),
        false_alarm_hours_a_week=float(alarms[quiet].mean() * 168),
        vus_pr=measures.vus_pr(labels, scores, 24), seconds=seconds,
    )  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("batadal", "promise", "attacks", "live", "speed"):
        arguments.add_argument(f"--{name}", action="store_true")
    arguments.add_argument("--of", choices=[*FAMILIES, "both"], default="both")
    arguments.add_argument("--budget", type=float, default=0.1)
    arguments.add_argument("--plants", type=int, default=30)
    arguments.add_argument("--first", type=int, default=1000)
    arguments.add_argument("--days", type=int, default=30)
    arguments.add_argument("--rows", type=int, default=1000)
    options = arguments.parse_args()
    if options.batadal:
        batadal(options.budget)
    if options.live:
        train, _ = read_batadal(DATA / "batadal" / "dataset03.csv")
        shown, _ = read_batadal(DATA / "batadal" / "dataset04.csv")
        told(kind="live", tags=len(train.tags), **live.lived(train, shown, options.rows))
    if options.speed:
        year, _ = read_batadal(DATA / "batadal" / "dataset03.csv")
        speed.speed(year, options.days, 80, told)
    for family in FAMILIES.values():
        if options.of not in {family.name, "both"}:
            continue
        if options.promise:
            simulated.promise(family, options.plants, options.first, options.budget, told)
        if options.attacks:
            simulated.attacks(family, options.plants, options.first + 500, options.budget, told)


if __name__ == "__main__":
    main()
