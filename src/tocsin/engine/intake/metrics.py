"""The figures in Prometheus' text form (exposition format 0.0.4), for `/metrics`.

Written by hand: the client library keeps its own counters, threads and registry, while these come from another process
and from `Counters`; what is left is the twenty lines below. Its parser reads them in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tocsin.engine.figures import Figures
from tocsin.engine.intake.counters import Counters
from tocsin.records.instants import SECOND

CONTENT: Final = b"text/plain; version=0.0.4; charset=utf-8"


def metrics(counters: Counters, figures: Figures | None, now: int) -> bytes:
    """All figures.

    Args:
        counters: Of the process that takes events in.
        figures: Of the one that judges; None where it wrote none yet.
        now: The present instant.
    """
    lines = [*_intake(counters), *(_judging(figures, now) if figures is not None else ())]
    return "".join(line + "\n" for line in lines).encode()


def _intake(counters: Counters) -> Iterator[str]:
    yield from _one("bodies_total", "Bodies acknowledged.", counters.bodies)
    yield from _one("records_total", "Records in them.", counters.records)
    yield from _one("bytes_total", "Their bytes, decompressed.", counters.bytes)
    yield from _one("repeats_total", "Bodies acknowledged that were stored already.", counters.repeats)
    yield from _one("groups_total", "Syncs that acknowledged something.", counters.groups)
    yield from _one("udp_dropped_total", "Datagrams dropped, too fast for the disk.", counters.udp_dropped)
    yield from _one("syslog_cut_total", "Syslog messages over the bound on their length.", counters.cut)
    refused = dict(sorted(counters.refused.items()))
    yield from _by("refused_total", "Bodies, connections and log-ins refused.", "reason", refused)


def _judging(figures: Figures, now: int) -> Iterator[str]:
    yield from _one("started_seconds", "When the service was started, since 1970.", figures.started / SECOND)
    age = max(0.0, (now - figures.written) / SECOND)
    yield from _one("figures_age_seconds", "How old the figures of judging are.", age)
    yield from _one("backlog_bytes", "Bytes of the log not judged yet.", figures.backlog_bytes)
    waits = figures.backlog_seconds + (age if figures.backlog_bytes else 0.0)
    yield from _one("backlog_seconds", "How long the oldest event waits to be judged.", waits)
    yield from _one("events_total", "Events judged.", figures.events)
    yield from _one("findings_total", "Findings made.", figures.findings)
    yield from _one("set_aside_total", "Records that could not be read.", figures.set_aside)
    yield from _one("rules", "Rules that were loaded.", figures.rules)
    yield from _one("rules_suspended", "Rules stopped as too slow.", len(figures.suspended))
    yield from _one("sealed_segment", "The last segment of the log that became Parquet.", figures.sealed)
    yield from _one("stored_bytes", "Bytes of Parquet.", figures.stored)
    yield from _one("disk_free_bytes", "Room on the disk of the store.", figures.free)
    yield from _one("disk_size_bytes", "Size of that disk.", figures.size)
    heard = {name: one.last / SECOND for name, one in sorted(figures.sources.items())}
    yield from _by("source_heard_seconds", "When a source was heard last, since 1970.", "source", heard)


def _one(name: str, told: str, value: float) -> Iterator[str]:
    yield from _head(name, told)
    yield f"tocsin_{name} {value}"


def _by(name: str, told: str, label: str, values: Mapping[str, float]) -> Iterator[str]:
    yield from _head(name, told)
    for which, value in values.items():
        text = which.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        yield f'tocsin_{name}{{{label}="{text}"}} {value}'


def _head(name: str, told: str) -> Iterator[str]:
    yield f"# HELP tocsin_{name} {told}"
    yield f"# TYPE tocsin_{name} {'counter' if name.endswith('_total') else 'gauge'}"
