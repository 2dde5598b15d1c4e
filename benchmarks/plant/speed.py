"""How long learning and judging take: a year by the hour, and a month by the second, as a user gives them.

Learning is `tocsin plant learn` in a process of its own, from reading the files to the model on disk. The month is
made here: 80 tags, one Parquet file a day, slow and quick modes behind all tags, a sixth of them pumps.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.signal import lfilter

from benchmarks.data import DATA
from tocsin.detect.plant.watch import Watcher
from tocsin.engine.plant.model_file import read_model
from tocsin.records.instants import DAY, SECOND
from tocsin.records.readings import Readings

Told = Callable[..., None]
DAY_ROWS = 86_400
BEGINS = 20_000 * DAY
"""Microseconds; some day."""

SLOWNESS = (60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 43_200.0)
"""Seconds in which each mode of the made plant forgets."""

JUDGED = 100_000
"""Rows of a measurement of judging by the hour."""


def speed(year: Readings, days: int, tags: int, told: Told) -> None:
    """Prints how long `year` (BATADAL's, by the hour) and `days` by the second take to learn, and rows judged a second."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        model = made / "year.model"
        told(
            kind="learnt",
            what="BATADAL",
            rows=len(year),
            **_learnt(DATA / "batadal" / "dataset03.csv", model),
        )
        told(kind="judged", what="BATADAL", **_judged(model, _repeated(year, JUDGED)))
        month, model = made / "month", made / "month.model"
        month.mkdir()
        for day, shown in enumerate(plant(7, days + 1, tags)):
            if day < days:
                _write(month / f"{day:02}.parquet", shown)
        told(kind="learnt", what="seconds", rows=days * DAY_ROWS, tags=tags, **_learnt(month, model))
        told(kind="judged", what="seconds", **_judged(model, shown))


def plant(seed: int, days: int, tags: int) -> Iterator[Readings]:
    """Each day of a plant, 86,400 rows."""
    chance, names = np.random.default_rng(seed), tuple(f"T{at:02}" for at in range(tags))
    mixed = chance.normal(size=(len(SLOWNESS) + 1, tags))
    kept = np.exp(-1 / np.array(SLOWNESS))
    held = np.zeros((len(kept), 1))
    for day in range(days):
        rows = day * DAY_ROWS + np.arange(DAY_ROWS)
        modes = np.empty((DAY_ROWS, len(kept) + 1))
        modes[:, -1] = np.sin(2 * np.pi * rows / DAY_ROWS)
        for at, one in enumerate(kept):
            pushed = chance.standard_normal(DAY_ROWS) * np.sqrt(1 - one**2)
            modes[:, at], held[at] = lfilter([1.0], [1.0, -one], pushed, zi=held[at])
        values = np.round(50 + 5 * modes @ mixed + 0.2 * chance.standard_normal((DAY_ROWS, tags)), 1)
        pumps = range(0, tags, 6)
        values[:, pumps] = modes[:, 4:5] + 0.1 * mixed[:1, pumps] > 0
        yield Readings(names, BEGINS + rows * SECOND, values)


def _write(path: Path, shown: Readings) -> None:
    columns = dict(zip(shown.tags, shown.values.T, strict=True))
    pq.write_table(pa.table({"time": pa.array(shown.times, pa.timestamp("us", "UTC")), **columns}), path)


def _learnt(files: Path, model: Path) -> dict[str, float]:
    """Seconds by the clock and of processors, and the most memory, of learning `files`."""
    command = [sys.executable, "-m", "tocsin", "plant", "learn", str(files), "--model", str(model)]
    began = time.perf_counter()
    with subprocess.Popen([*command, "--budget", "0.1"], stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "seconds": time.perf_counter() - began, "cpu_s": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024,
    }  # fmt: skip


def _judged(path: Path, shown: Readings) -> dict[str, float]:
    """Rows a second by the clock and of one processor; the middle of five runs. Reading files is not in it."""
    model = read_model(path).model
    took, used = [], []
    for _ in range(5):
        watcher, began, before = Watcher(model), time.perf_counter(), time.process_time()
        watcher.judge(shown)
        took.append(time.perf_counter() - began)
        used.append(time.process_time() - before)
    rows = len(shown)
    return {
        "tags": len(shown.tags),
        "rows": rows,
        "rows_a_second": rows / median(took),
        "rows_a_cpu_second": rows / median(used),
    }


def _repeated(shown: Readings, rows: int) -> Readings:
    """`shown` again and again, in time's order; with noise, or each time but the first would be told as a recording."""
    times = shown.times[0] + np.arange(rows) * (shown.times[1] - shown.times[0])
    values = np.resize(shown.values, (rows, len(shown.tags)))
    moving = np.array([len(np.unique(column)) > 10 for column in shown.values.T])
    noise = np.random.default_rng(0).normal(0, 0.01, (rows, int(moving.sum())))
    values[:, moving] += noise * shown.values[:, moving].std(axis=0)
    return Readings(shown.tags, times, values)
