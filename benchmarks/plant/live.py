"""How long a row takes live: from the request that completes it to the commit of what it shows, by the real service.

Each request brings one row of BATADAL's 43 tags (a row a minute, so that a run fits into the week that counts) and
completes the row before. The commit is seen from outside, in the state: which row was judged last.
"""

from __future__ import annotations

import http.client
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.running import Running, Site, awaited, new_site
from tocsin.detect.plant.learn import learn
from tocsin.engine.figures import read_figures
from tocsin.engine.plant.model_file import write_model
from tocsin.records.instants import MINUTE, SECOND
from tocsin.records.readings import Readings, Spelling

WARM = 20
"""Rows before the clock counts: a source's habit is known after eight."""

_STEP = 0.0002


def lived(learnt: Readings, shown: Readings, rows: int) -> dict[str, float]:
    """Milliseconds of `rows` of `shown`, judged live by a model of `learnt`, and the processor's."""
    with tempfile.TemporaryDirectory() as folder:
        site = new_site(Path(folder))
        write_model(site.folder / "plant.model", replace(learn(learnt, 0.1, 2), spacing=MINUTE), Spelling())
        settings = site.folder / "tocsin.toml"
        text = settings.read_text().replace("rules = []", "starter = false")
        settings.write_text(f'{text}\n[[run.plant]]\nname = "plant"\nmodel = "plant.model"\n')
        running = Running(site.folder)
        try:
            running.port()
            return _measured(site, running, list(_lines(shown, rows + WARM)))
        finally:
            running.kill()


def _measured(site: Site, running: Running, lines: list[bytes]) -> dict[str, float]:
    state = f"file:{site.data / 'state.sqlite'}?mode=ro"
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=10)
    took, answered = [], []
    with closing(connection), closing(sqlite3.connect(state, uri=True)) as database:
        for at, line in enumerate(lines):
            if at == WARM:
                used, began = _used(running.process.pid), time.perf_counter()
            start = time.perf_counter()
            connection.request(
                "POST",
                "/api/v2/write?bucket=plant&precision=s",
                line,
                {"Authorization": f"Token {site.token}"},
            )
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 204, answer.status
            answered.append(time.perf_counter() - start)
            while at >= WARM and _judged(database) < _instant(lines[at - 1]):
                time.sleep(_STEP)
            took.append(time.perf_counter() - start)
        used, whole = _used(running.process.pid) - used, time.perf_counter() - began
    awaited(lambda: _rows(site) >= len(lines) - 2 or None)
    ms, answers = 1_000 * np.array(took[WARM:]), 1_000 * np.array(answered[WARM:])
    return {
        "rows": len(ms), "median_ms": float(np.median(ms)), "p99_ms": float(np.quantile(ms, 0.99)), "most_ms": float(ms.max()),
        "answered_median_ms": float(np.median(answers)), "answered_p99_ms": float(np.quantile(answers, 0.99)),
        "judging_cpu_ms": 1_000 * used / len(ms), "seconds": whole, "load": os.getloadavg()[0],
    }  # fmt: skip


def _lines(readings: Readings, rows: int) -> Iterator[bytes]:
    """Rows that end a minute ago."""
    start = int(time.time()) - rows * 60 - 60
    for at, values in enumerate(readings.values[:rows].tolist()):
        shown = ",".join(f"{tag}={value!r}" for tag, value in zip(readings.tags, values, strict=True))
        yield f"plant {shown} {(start // 60 + at) * 60}".encode()


def _instant(line: bytes) -> int:
    return int(line.rpartition(b" ")[2]) * SECOND


def _judged(database: sqlite3.Connection) -> int:
    """The time of the row that the last commit judged last."""
    found = database.execute("SELECT body FROM detector_rows WHERE name = 'plant/known'").fetchone()
    return msgspec.msgpack.decode(found[0])["row"] or 0 if found else 0


def _rows(site: Site) -> int:
    figures = read_figures(site.data)
    return figures.plants["plant"].rows if figures is not None and "plant" in figures.plants else 0


def _used(process: int) -> float:
    """Seconds of processor time that `process` used, its children left out."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
