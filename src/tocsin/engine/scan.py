"""One scan: paths and rules in, findings as they come, at the end the few incidents in words. The demo takes this path too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from tocsin.advise.tell import tell
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.account import Clock
from tocsin.engine.flow import Listener, Tally, Wiring, flow
from tocsin.engine.rule_sets import LoadedRules
from tocsin.engine.sifting import planned_work, sifted
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.event import EventBatch, EventId
from tocsin.records.finding import Finding
from tocsin.records.incident import Incident, Told
from tocsin.sources.fingerprint import PlainStreams
from tocsin.sources.projection import whole
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions, read

if TYPE_CHECKING:
    from tocsin.engine.journal import StoreJournal


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan and how.

    Attributes:
        paths: Files and folders, as the user gave them.
        rules: What judges.
        reading: How to read; its `streams`, `needs` and `by_file` are not looked at.
        store: Folder of the store that keeps what is read; None: nothing is kept, nothing is de-duplicated.
        origin: `live`, or `simulated:<drill>`.
        workers: Processes that read and judge many files side by side, where there is no store.
        clock: Processor time in seconds, which bounds what a rule's expressions take on one event; None: on one value.
    """

    paths: Sequence[str]
    rules: LoadedRules
    reading: ReadOptions
    store: Path | None = None
    origin: str = "live"
    workers: int = 1
    clock: Clock | None = None


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan gave.

    Attributes:
        tally: Events, set-aside records and findings of this scan.
        told: The incidents that need somebody, most urgent first, in words.
        quiet: Groups of findings that need nobody.
        ordinary: Events of this scan that no told incident rests on.
        sources: Files and archive members that were read.
        suspended: Rules that were stopped while running, and why.
        unjudged: What correlations could not judge, or not whole, in sentences.
        notices: What opening the store mended or noticed, and what was passed over, in sentences.
    """

    tally: Tally
    told: tuple[Told, ...]
    quiet: int
    ordinary: int
    sources: int
    suspended: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def scan(request: ScanRequest, listener: Listener, counts: ReadCounts | None = None) -> ScanResult:
    """Reads and judges everything that `request` names.

    Args:
        request: What to do.
        listener: Told of findings, set-aside records and batches as they happen.
        counts: Where the reader counts as it goes, for a progress bar.

    Raises:
        OperatorError: a path does not exist, or the store cannot be opened; nothing was kept then.
    """
    counts = counts if counts is not None else ReadCounts()
    evaluator = PlannedEvaluator(request.rules.ruleset.rules, clock=request.clock, whole=whole)
    detector, desk = SigmaDetector(request.rules.ruleset, evaluator, whole), IncidentDesk()
    cited = _Cited(listener)
    with _journal(request, detector, desk) as journal:
        before = _Missed.by(detector)
        streams = journal.streams if journal is not None else PlainStreams()
        options = replace(request.reading, streams=streams, needs=None, by_file=False)
        batches = _batches(request, options, evaluator, counts)
        tally = flow(batches, Wiring([detector], desk, cited, journal), request.origin)
    incidents = desk.incidents()
    return ScanResult(
        tally,
        tuple(tell(incident) for incident in incidents),
        len(desk.quiet()),
        tally.events - len(cited.events & _rested_on(incidents)),
        counts.sources,
        tuple(f"{one.title or one.path}: {one.why}" for one in detector.suspended),
        _Missed.by(detector).since(before),
        (*(journal.notices if journal is not None else ()), *_passed_over(counts)),
    )


def _batches(
    request: ScanRequest, options: ReadOptions, evaluator: PlannedEvaluator, counts: ReadCounts
) -> Iterator[EventBatch]:
    """What there is to judge. A store keeps every event whole; without one, only what rules need is read, and sifted."""
    if request.store is not None:
        return read(request.paths, options, counts)
    work = planned_work(request.paths, options, request.rules.files, request.workers, request.clock)
    if work is not None:
        return sifted(work, counts, evaluator.timeouts)
    return read(request.paths, replace(options, needs=evaluator.needs, by_file=True), counts)


def _journal(
    request: ScanRequest, detector: SigmaDetector, desk: IncidentDesk
) -> AbstractContextManager[StoreJournal | None]:
    if request.store is None:
        return nullcontext()
    from tocsin.engine.journal import open_journal  # noqa: PLC0415  DuckDB is heavy, and the lock needs POSIX

    return open_journal(request.store, [detector], desk, request.rules.note)


class _Missed(NamedTuple):
    """How many hits correlations judged too early and not at all; a store's detector counts on from earlier scans."""

    early: int
    late: int

    @classmethod
    def by(cls, detector: SigmaDetector) -> Self:
        return cls(detector.correlations.judged_early, detector.correlations.late)

    def since(self, before: Self) -> tuple[str, ...]:
        """What has been missed since `before`, in sentences."""
        early, late = self.early - before.early, self.late - before.late
        told = []
        if early:
            told.append(
                f"Rules that count or order events had to judge {early:,} matches before later ones were read, for want "
                "of memory: scan less at once, or files in order of time."
            )
        if late:
            told.append(
                f"Rules that count or order events could not judge {late:,} matches, because they are older than what "
                "was already judged: scan their files again without --store."
            )
        return tuple(told)


def _passed_over(counts: ReadCounts) -> Iterator[str]:
    if counts.passed_over:
        yield (
            f"Documents and settings among the logs, passed over: {counts.passed_over:,} (first: "
            f"{counts.passed_over_first}). To have one read, name the file itself."
        )


def _rested_on(incidents: Iterable[Incident]) -> set[EventId]:
    return {
        piece.event_id
        for incident in incidents
        for finding in incident.findings
        for piece in finding.evidence
    }


class _Cited:
    """Passes everything on to a listener, and notes which events this run's findings cite."""

    def __init__(self, listener: Listener) -> None:
        self.events: set[EventId] = set()
        self._listener = listener
        self.on_set_aside, self.on_batch = listener.on_set_aside, listener.on_batch

    def on_finding(self, finding: Finding) -> None:
        self.events.update(piece.event_id for piece in finding.evidence)
        self._listener.on_finding(finding)
