"""Figures by source and day: bounded, carried over a restart, and counted anew each day."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from tocsin.config import bounds
from tocsin.detect.sigma.ruleset import RuleSet
from tocsin.engine.figures import read_figures
from tocsin.engine.figuring import Figuring
from tocsin.engine.flow import Tally
from tocsin.engine.intake.counters import Counters
from tocsin.engine.live_rules import LiveDetector
from tocsin.engine.rule_sets import LoadedRules
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.records.instants import DAY, HOUR, SECOND, parse_rfc3339
from tocsin.store.entries import RuleSet as RuleSetNote
from tocsin.store.store import Store

NOON = parse_rfc3339("2026-11-23T12:00:00Z")


class Quiet:
    """Who is told, and forgets."""

    def on_finding(self, finding: Finding) -> None:
        """Nothing."""

    def on_set_aside(self, record: SetAside) -> None:
        """Nothing."""

    def on_batch(self, batch: EventBatch) -> None:
        """Nothing."""


def event(source: str, arrived: int, delay: float = 1.0, *, known: bool = True) -> Event:
    time = arrived - round(delay * SECOND)
    return Event("s", 0, time, arrived, frozenset(), {}, "{}", source, "json", time_known=known)


def test_sources_are_counted_by_day_within_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SOURCES_SHOWN", 3)
    clock = [NOON]
    with Store.open(tmp_path / "store") as store:

        def begun() -> Figuring:
            rules = LiveDetector(LoadedRules(RuleSet(), RuleSetNote("", 0)))
            return Figuring(store, Quiet(), rules, UTC, lambda: clock[0])

        one = begun()
        one.tick(Tally(), Counters())
        one.on_batch(
            EventBatch.of([event("a", NOON, 2.0), event("a", NOON, -3.0), event("b", NOON, known=False)])
        )
        one.on_set_aside(SetAside("c", 0, None, "No."))
        one.on_batch(EventBatch.of([event(f"forged{number}", NOON) for number in range(50)]))
        one.tick(Tally(53, 1, 0), Counters(bodies=4))
        assert read_figures(store.root).events == 0, "not each time"
        clock[0] += 2 * SECOND
        one.tick(Tally(53, 1, 0), Counters(bodies=4))
        told = read_figures(store.root)
        assert (told.events, told.intake.bodies, told.others, told.day) == (53, 4, 50, "2026-11-23")
        assert {name: (of.today, of.set_aside, of.untimed, of.delay) for name, of in told.sources.items()} == {
            "a": (2, 0, 0, -3.0), "b": (1, 0, 1, None), "c": (0, 1, 0, None),
        }  # fmt: skip
        assert told.free > 0
        again = begun()
        assert again.figures.sources["a"].today == 2
        clock[0] += 13 * HOUR
        again.tick(Tally(), Counters(), stopped=True)
        told = read_figures(store.root)
        assert (told.stopped, told.day, told.others) == (True, "2026-11-24", 0)
        assert {name: (of.today, of.last) for name, of in told.sources.items()} == dict.fromkeys(
            "abc", (0, NOON)
        )
        clock[0] += 91 * DAY
        again.tick(Tally(), Counters(), stopped=True)
        assert read_figures(store.root).sources == {}
