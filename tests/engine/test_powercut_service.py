"""After a power cut at any step of the real service, what was acknowledged is there; and each sync is needed for that.

`tests/traced_life.py` lives a service's life under strace; here its disk is rebuilt as each power cut could leave it, and
Tocsin is started on it.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from tests.power_cut import LostError, digest, lay_out
from tests.traced_disk import Call, TracedDisk, calls, data_of, to_file, to_port
from tests.traced_life import LINE, MARK, RULE, Life, Output, lived, migrated

from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import RuleText
from tocsin.engine.rule_files import RuleTexts
from tocsin.engine.rule_sets import load
from tocsin.engine.service import Service
from tocsin.engine.serving import reads
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.errors import OperatorError
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.disk import SITES, Disk
from tocsin.store.segment import Position
from tocsin.store.store import Store
from tocsin.store.write_ahead import WriteAhead

LOADED, _ = load(RuleTexts((RuleText("t.yml", RULE.format("two")),)), {})
READ = reads(ReceivedOptions())
SYNCS = (*SITES, "state.log", "state.file")
"""All syncs of the service's own, and those of SQLite's log and file."""

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is missing")


class Nobody:
    """Is told, and does nothing of it."""

    def on_finding(self, finding: Finding) -> None: ...
    def on_set_aside(self, record: SetAside) -> None: ...
    def on_batch(self, batch: EventBatch) -> None: ...


@dataclass(frozen=True, slots=True)
class Promised:
    """What the outside was told so far."""

    marks: frozenset[str] = frozenset()
    findings: frozenset[str] = frozenset()
    messages: frozenset[str] = frozenset()


def moments(life: Life, disk: TracedDisk) -> Iterator[Promised]:
    """What was promised at each moment of a life, in order; `disk` stands as it was then."""
    marks, findings = set(life.marks), set(life.findings)
    for trace in life.traces:
        disk.begin_run()
        output = Output()
        for call in called(trace):
            before = len(marks) + len(findings)
            if call.result is None and to_file(call) == str(life.folder / "out"):
                findings |= output.findings(data_of(call.words))
            marks |= answered(life, call)
            if disk.step(call) or len(marks) + len(findings) > before:
                marks = kept(life, marks, call.at)
                rung = frozenset(ident for at, ident in life.rung if at < call.at)
                yield Promised(frozenset(marks), frozenset(findings), rung)
        if disk._without is None:
            disk.complete(life.after(trace))


def answered(life: Life, call: Call) -> set[str]:
    """The marks that a sender is told of by `call` that they are kept."""
    if call.result is None and data_of(call.words).startswith(b"HTTP/1.1 200"):
        return set(life.by_port.get(to_port(call) or 0, ()))
    return set()


@cache
def called(trace: Path) -> tuple[Call, ...]:
    """The calls of a trace."""
    with trace.open() as lines:
        return tuple(calls(lines))


def kept(life: Life, marks: set[str], at: float) -> set[str]:
    """Those of `marks` that retention has not been let at by then."""
    gone = tuple(start for since, start in life.gone if since <= at)
    return {mark for mark in marks if not mark.startswith(gone)} if gone else marks


def demand(left: Path, life: Life, promised: Promised) -> None:
    """Starts Tocsin on what a power cut left, and judges it to its end.

    Raises:
        LostError: something is missing, or there twice.
    """
    end = [Position(0, 0)]
    try:
        with Store.follow(left / "data", lambda: end[0], READ) as store:
            log = WriteAhead(left / "data" / "wal", store.position, store.sealed, Disk())
            end[0] = log.end
            log.close()
            service = Service(store, [SigmaDetector(LOADED.ruleset)], IncidentDesk(), Nobody())
            while service.turn():
                pass
            events = store.events_between(-(2**62), 2**62)
            findings = [one.id for one in store.findings()]
            messages = {row[0] for row in store._database.all("SELECT id FROM outbox")}
            ends = [mark.end for mark in store.file_marks()]
    except OperatorError as error:
        raise LostError(str(error)) from error
    marks = Counter(mark for event in events for mark in MARK.findall(event.raw))
    if lost := promised.marks - marks.keys():
        raise LostError(f"events {sorted(lost)}")
    if lost := promised.findings - set(findings):
        raise LostError(f"findings {sorted(lost)}")
    if lost := promised.messages - messages:
        raise LostError(f"messages {sorted(lost)}")
    if len(set(findings)) != len(findings) or any(count > 1 for count in marks.values()):
        raise LostError("something is there twice")
    lines = sorted(int(mark.split("-")[2]) for mark in marks if mark.startswith("mark-file"))
    if ends and lines and ends != [len(LINE.format(0)) * (lines[-1] + 1)]:
        raise LostError(f"the file was read to {ends}, and its last line here is {lines[-1]}")
    if lines != list(range(lines[0] if lines else 0, lines[-1] + 1 if lines else 0)):
        raise LostError(f"lines {lines}")


@dataclass
class Cuts:
    """Power cuts of one life, and the disks that they left, each tried once."""

    folder: Path
    life: Life
    tried: set[int] = field(default_factory=set)

    def try_all(
        self, without: str | None = None, known: frozenset[int] = frozenset(), every: int = 1
    ) -> TracedDisk:
        """Cuts the power after each step in each way.

        Args:
            without: A class of syncs that is left out.
            known: Keys of what need not be tried.
            every: Only at each so-manieth step.
        """
        disk = TracedDisk(self.life.root, without, self.life.base)
        for number, promised in enumerate(moments(self.life, disk)):
            for image in disk.tree.images() if number % every == 0 else ():
                key = hash((digest(image), promised))
                if key not in self.tried and key not in known:
                    self.tried.add(key)
                    demand(lay_out(image, self.folder / "left"), self.life, promised)
        return disk


@cache
def keys_of(folder: Path) -> frozenset[int]:
    """The keys of all images of the life in `folder`, no sync left out."""
    life: Life = pickle.loads((folder / "life.pickle").read_bytes())
    disk = TracedDisk(life.root, None, life.base)
    return frozenset(
        hash((digest(image), promised)) for promised in moments(life, disk) for image in disk.tree.images()
    )


def shared(factory: pytest.TempPathFactory, name: str, live: Callable[[Path], Life]) -> Life:
    """A life, lived once for all processes that run these tests."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = folder / "life.pickle"
        if not kept.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            kept.write_bytes(pickle.dumps(live(folder)))
        return pickle.loads(kept.read_bytes())


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return shared(tmp_path_factory, "traced-life", lived)


@pytest.fixture(scope="session")
def migration(tmp_path_factory: pytest.TempPathFactory, life: Life) -> Life:
    return shared(tmp_path_factory, "traced-migration", lambda folder: migrated(folder, life.store))


SAMPLED = pytest.mark.parametrize("every", [40, pytest.param(1, marks=pytest.mark.soak)])


@SAMPLED
def test_nothing_acknowledged_is_lost(life: Life, tmp_path: Path, every: int) -> None:
    cuts = Cuts(tmp_path, life)
    disk = cuts.try_all(every=every)
    assert set(SYNCS) <= disk.sites, "the life passes every sync"
    every_mark = {mark for marks in life.by_port.values() for mark in marks} - set(life.unanswered)
    assert every_mark == acknowledged(life)
    assert len(keys_of(life.folder)) >= 200 * 5
    assert len(cuts.tried) >= (50 if every > 1 else len(keys_of(life.folder)))


@SAMPLED
def test_nothing_is_lost_while_the_schema_is_migrated(migration: Life, tmp_path: Path, every: int) -> None:
    cuts = Cuts(tmp_path, migration)
    cuts.try_all(every=every)
    assert len(migration.marks) > 10
    assert len(migration.findings) > 5
    assert len(cuts.tried) >= (10 if every > 1 else 200)


@pytest.mark.parametrize("site", SYNCS)
def test_without_any_one_sync_it_would_be(life: Life, tmp_path: Path, site: str) -> None:
    with pytest.raises(LostError):
        Cuts(tmp_path, life).try_all(without=site, known=keys_of(life.folder))


def test_what_nobody_acknowledges_is_kept_where_nothing_fails(life: Life, tmp_path: Path) -> None:
    """Syslog and files, that is."""
    left = shutil.copytree(
        life.after(life.traces[0]), tmp_path / "left"
    )  # a reader leaves files beside the state
    with Store.read_only(left / "data", READ) as store:
        marks = {mark for event in store.events_between(-(2**62), 2**62) for mark in MARK.findall(event.raw)}
    assert {"mark-tcp-7-0", "mark-udp-7-0", "mark-file-010-0"} <= marks


def acknowledged(life: Life) -> set[str]:
    """The marks of all bodies that a 200 went out for."""
    return {mark for trace in life.traces for call in called(trace) for mark in answered(life, call)}
