"""After a power cut at any step, all that was acknowledged is there; and each sync is needed for that.

A kill -9 test alone would pass with every sync removed, because the page cache outlives the process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from store_events import batch, event, finding
from tests.power_cut import Image, Killed, LostError, RecordingDisk, digest, lay_out

from tocsin.records.errors import OperatorError
from tocsin.records.event import EventBatch, EventId
from tocsin.records.instants import HOUR
from tocsin.store.disk import SITES, Site
from tocsin.store.store import Store


@dataclass
class Promise:
    """What the store said was safe so far."""

    events: set[EventId] = field(default_factory=set)
    findings: set[str] = field(default_factory=set)


class PowerCuts:
    """Cuts the power after each step of a run, and sees what is left."""

    def __init__(self, folder: Path, without: Site | None = None) -> None:
        self.folder = folder
        self.promise = Promise()
        self.tried: set[int] = set()
        (folder / "disk").mkdir(parents=True)
        self.root = folder / "disk" / "store"
        self.disk = RecordingDisk(folder / "disk", without, self.cut)

    def cut(self) -> None:
        """Opens the store that each power cut at this moment could leave."""
        state = {
            path.name: path.read_bytes()
            for path in self.root.glob("state.sqlite*")
            if not path.name.endswith("-shm")
        }
        for image in self.disk.tree.images():
            key = hash(
                (digest(image), digest({**state}), len(self.promise.events), len(self.promise.findings))
            )
            if key not in self.tried:
                self.tried.add(key)
                self._demand_all(image, state)

    def _demand_all(self, image: Image, state: dict[str, bytes]) -> None:
        left = lay_out(image, self.folder / "left")
        if (left / "store").is_dir():
            for name, content in state.items():
                (left / "store" / name).write_bytes(content)
        try:
            with Store.open(left / "store") as store:
                events = [one.id for one in store.events_between(-(2**62), 2**62)]
                findings = {one.id for one in store.findings()}
        except OperatorError as error:
            raise LostError(str(error)) from error
        if not self.promise.events <= set(events):
            raise LostError(f"events {sorted(self.promise.events - set(events))}")
        if not self.promise.findings <= findings:
            raise LostError("findings")
        assert len(events) == len(set(events)), "an event is there twice"


def live(cuts: PowerCuts) -> None:
    """A store's life: scans, commits, two kills, sealing, and on again."""
    with Store.open(cuts.root, cuts.disk) as store:
        acknowledge(cuts, store, batch(range(3)), judged=True)
        acknowledge(cuts, store, batch(range(3, 6)))
    kill(cuts, "wal.frames", batch(range(6, 9)))  # written, not synced: the next writer may judge it
    with Store.open(cuts.root, cuts.disk) as store:
        for position, entry in store.pending():
            store.commit(position)
            cuts.promise.events |= {one.id for one in getattr(entry, "batch", ())}
        cuts.cut()
        store.seal(all_of_it=True)
        acknowledge(cuts, store, batch(range(9, 11), kind="Security/4688"), judged=True)
    tear(cuts)
    with Store.open(cuts.root, cuts.disk) as store:
        assert store.notices
        store.seal(all_of_it=True)
        acknowledge(cuts, store, EventBatch.of([event(20, ingest=490_001 * HOUR)]), judged=True)
        store.seal(all_of_it=True)
        acknowledge(cuts, store, batch(range(30, 32)))


def acknowledge(cuts: PowerCuts, store: Store, events: EventBatch, *, judged: bool = False) -> None:
    appended = store.append(events)
    cuts.promise.events |= {one.id for one in events}
    cuts.cut()
    if judged:
        found = finding(events[0])
        store.commit(appended.position, [found])
        cuts.promise.findings.add(found.id)
        cuts.cut()


def kill(cuts: PowerCuts, before: Site, events: EventBatch) -> None:
    store = Store.open(cuts.root, cuts.disk)
    cuts.disk.die_before = before
    with pytest.raises(Killed):
        store.append(events)
    store._database.close()
    store._lock.release()


def tear(cuts: PowerCuts) -> None:
    """A kill in the middle of a write."""
    path = max((cuts.root / "wal").iterdir())
    descriptor = cuts.disk.reopen(path)
    cuts.disk.write(descriptor, [b"half a frame"])
    cuts.disk.close(descriptor)


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    cuts = PowerCuts(tmp_path)
    live(cuts)
    assert cuts.disk.sites == set(SITES), "the run passes every sync"
    assert len(cuts.tried) > 60


@pytest.mark.parametrize("site", SITES)
def test_without_any_one_sync_it_would_be(tmp_path: Path, site: Site) -> None:
    with pytest.raises(LostError):
        live(PowerCuts(tmp_path, without=site))
