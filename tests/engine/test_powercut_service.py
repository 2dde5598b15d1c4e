"""After a power cut at any step of the service, what was acknowledged to senders is there; and each sync is needed for that.

Both processes' work is done here in one, on a disk that knows what of it is synced (`tests/store/store_powercut.py`).
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import shutil
from pathlib import Path

import pytest
from tests.store.store_powercut import Image, Killed, RecordingDisk, lay_out

from tocsin.config import bounds
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import RuleText
from tocsin.engine.intake.commit import GroupCommit, Unwritable
from tocsin.engine.intake.counters import Counters
from tocsin.engine.rule_files import RuleTexts
from tocsin.engine.rule_sets import load
from tocsin.engine.service import Service
from tocsin.engine.serving import reads
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.errors import OperatorError
from tocsin.records.event import EventBatch, EventId, SetAside
from tocsin.records.finding import Finding
from tocsin.records.instants import HOUR, SECOND
from tocsin.records.received import Received
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.disk import SITES, Site
from tocsin.store.entries import encode
from tocsin.store.segment import Position
from tocsin.store.store import Store
from tocsin.store.write_ahead import WriteAhead

NOON = 1_700_000_000 * SECOND
RULE = "title: t\nid: t\nlevel: high\nlogsource: {product: windows}\ndetection: {s: {EventID: 1102}, condition: s}\n"
LOADED, _ = load(RuleTexts((RuleText("t.yml", RULE),)), {})
READ = reads(ReceivedOptions())


class LostError(Exception):
    """A power cut broke a promise."""


class FillingDisk(RecordingDisk):
    """One that is full for a while."""

    full = False

    def sync_data(self, descriptor: int, site: Site) -> None:
        if self.full and site == "wal.frames":
            self.full = False
            raise OSError(errno.ENOSPC, "No space left on device")
        super().sync_data(descriptor, site)


class Nobody:
    """Is told, and does nothing of it."""

    def on_finding(self, finding: Finding) -> None: ...
    def on_set_aside(self, record: SetAside) -> None: ...
    def on_batch(self, batch: EventBatch) -> None: ...


def body(number: int, count: int = 3) -> Received:
    """Events of which the first is found."""
    texts = [
        f'{{"event":{{"Channel":"Security","EventID":{1102 if part == 0 else 4624},"n":"{number}-{part}"}}}}'
        for part in range(count)
    ]
    at = NOON + number * SECOND
    return Received(
        f"s{number}", 0, count, at, "hec-event", "ws", "127.0.0.1", "token", "".join(texts).encode()
    )


class Life:
    """A service's life on one disk, whose power is cut after each step.

    Args:
        folder: For the disk and for what is left of it.
        without: A sync that is left out.
    """

    def __init__(self, folder: Path, without: Site | None = None) -> None:
        self.folder, self.root = folder, folder / "disk" / "store"
        (folder / "disk").mkdir(parents=True)
        self.disk = FillingDisk(folder / "disk", without, self.cut)
        self.events: set[EventId] = set()
        self.findings: set[str] = set()
        self.tried: set[bytes] = set()
        self.broken: list[LostError] = []

    def cut(self) -> None:
        """Demands what was promised of every disk that a power cut could leave at this moment; once broken is enough."""
        if self.broken:
            return
        state = {
            path.name: path.read_bytes()
            for path in self.root.glob("state.sqlite*")
            if not path.name.endswith("-shm")
        }
        for image in self.disk.images():
            parts = [*sorted(image.items()), *sorted(state.items()), len(self.events), len(self.findings)]
            key = hashlib.sha256(repr(parts).encode()).digest()
            if key not in self.tried:
                self.tried.add(key)
                self._demand_all(image, state)

    def _demand_all(self, image: Image, state: dict[str, bytes]) -> None:
        """Starts Tocsin on what is left."""
        left = self.folder / "left"
        shutil.rmtree(left, ignore_errors=True)
        left.mkdir()
        lay_out(image, left)
        if (left / "store").is_dir():
            for name, content in state.items():
                (left / "store" / name).write_bytes(content)
        try:
            events, findings = started(left / "store")
        except OperatorError as error:
            self.broken.append(LostError(str(error)))
            return
        if not self.events <= set(events):
            self.broken.append(LostError(f"events {sorted(self.events - set(events))}"))
        if not self.findings <= set(findings):
            self.broken.append(LostError("findings"))
        if len(set(events)) != len(events) or len(set(findings)) != len(findings):
            self.broken.append(LostError("something is there twice"))

    async def live(self) -> None:
        """Bodies come, are judged and sealed; the disk fills up; the process is killed with frames unsynced; on it goes."""
        end = [Position(0, 0)]
        with Store.follow(self.root, lambda: end[0], READ, self.disk) as store:
            service = Service(store, [SigmaDetector(LOADED.ruleset)], IncidentDesk(), Nobody())
            now = [NOON]
            log = WriteAhead(self.root / "wal", store.position, store.sealed, self.disk)
            commit = GroupCommit(
                log,
                self.disk,
                lambda: now[0],
                lambda position: end.__setitem__(0, position),
                lambda _: None,
                Counters(),
            )
            try:
                await self._taking(store, service, commit, now)
            finally:
                await commit.close()
        self.killed()
        with Store.follow(self.root, lambda: end[0], READ, self.disk) as store:
            log = WriteAhead(self.root / "wal", store.position, store.sealed, self.disk)
            end[0] = log.end
            self.judge(store, Service(store, [SigmaDetector(LOADED.ruleset)], IncidentDesk(), Nobody()))
            log.append(list(encode(body(7))))
            end[0] = log.end
            self.promise(body(7))
            log.close()

    async def _taking(self, store: Store, service: Service, commit: GroupCommit, now: list[int]) -> None:
        await asyncio.gather(*(self.take(commit, body(number)) for number in range(3)))
        self.judge(store, service)
        self.disk.full = True
        with pytest.raises(Unwritable):
            await self.take(commit, body(3))
        await taken_again(commit)
        await self.take(commit, body(4))
        now[0] += 2 * HOUR  # the segment is left; once it is judged it is sealed
        await self.take(commit, body(5))
        self.judge(store, service)

    async def take(self, commit: GroupCommit, received: Received) -> None:
        await commit.acknowledge(received)
        self.promise(received)

    def promise(self, received: Received) -> None:
        self.events |= {EventId(received.stream, seq) for seq in range(received.count)}
        self.cut()
        self._raise()

    def judge(self, store: Store, service: Service) -> None:
        while service.turn():
            self.cut()
        store.seal()
        self.findings = {finding.id for finding in store.findings()}
        self.cut()
        self._raise()

    def _raise(self) -> None:
        if self.broken:
            raise self.broken[0]

    def killed(self) -> None:
        """The intake process dies with a frame written and not synced."""
        with Store.read_only(self.root) as store:
            position, sealed = store.state.position(), store._catalogue.sealed()
        log = WriteAhead(self.root / "wal", position, sealed, self.disk)
        self.disk.die_before = "wal.frames"
        with pytest.raises(Killed):
            log.append(list(encode(body(6))))


async def taken_again(commit: GroupCommit) -> None:
    """Waits until the log takes bodies again after the disk was full."""
    for _ in range(500):
        if not commit.refusing:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(commit.refusing)


def started(root: Path) -> tuple[list[EventId], list[str]]:
    """The events and findings of a store that a service is started on, judged to its end."""
    end = [Position(0, 0)]
    with Store.follow(root, lambda: end[0], READ) as store:
        log = WriteAhead(root / "wal", store.position, store.sealed, store._disk)
        end[0] = log.end
        log.close()
        service = Service(store, [SigmaDetector(LOADED.ruleset)], IncidentDesk(), Nobody())
        while service.turn():
            pass
        events = [one.id for one in store.events_between(-(2**62), 2**62)]
        return events, [one.id for one in store.findings()]


def lived(folder: Path, without: Site | None = None) -> Life:
    life = Life(folder, without)
    asyncio.run(life.live())
    return life


@pytest.fixture(autouse=True)
def _no_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "DISK_RETRY_SECONDS", 0.01)


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    life = lived(tmp_path)
    assert life.disk.sites == set(SITES), "the run passes every sync"
    assert len(life.events) == 3 * 6
    assert len(life.tried) > 60


@pytest.mark.parametrize("site", SITES)
def test_without_any_one_sync_it_would_be(tmp_path: Path, site: Site) -> None:
    with pytest.raises(LostError):
        lived(tmp_path, without=site)
