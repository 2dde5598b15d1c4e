"""A worker process of `sifting`: reads the files and ranges it is given, judges, and passes on what rules match."""

from __future__ import annotations

import multiprocessing
import signal
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from tocsin.detect.sigma.compiling.assembly import assemble
from tocsin.detect.sigma.compiling.encoding import decode
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.account import Clock
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.sources.fingerprint import OpenAgain
from tocsin.sources.projection import whole
from tocsin.sources.range_reading import RangeReading, Rest, rest_batches
from tocsin.sources.ranges import FileRange
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions, read_files
from tocsin.sources.walk import Found

Rules = tuple[tuple[str, bytes], ...]
"""Each file's path and encoded form."""

Task = Found | FileRange | Rest


@dataclass(frozen=True, slots=True)
class Head:
    """What names a stream: the arguments of `Streams.resolve`."""

    head: bytes
    member: str


@dataclass(frozen=True, slots=True)
class End:
    """That a stream was read to its end: the arguments of `Streams.finished`, and which of the task's streams it was."""

    stream: str
    records: int
    size: int


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker made of a part of a file, or of all of a range that is not regular: nothing.

    Attributes:
        batch: The events that rules match, all set-aside records, and how many events were left out. The streams are
            numbered, as nobody but the main process knows which others have been met; "" is that of a `Rest`.
        counts: What was counted in this part.
        timeouts: Rule id → how often its expressions ran out of time, in all that this worker judged.
        is_last: Whether the file ends here.
        streams: Which streams were met and which were finished since the part before, in order.
    """

    batch: EventBatch
    counts: ReadCounts
    timeouts: dict[str, int]
    is_last: bool
    streams: tuple[Head | End, ...] = ()


@dataclass(frozen=True, slots=True)
class RangePart:
    """What a worker made of a regular range: `seq` and `record` count from its start.

    Attributes:
        events: Those that rules match; their stream is "".
        set_aside: All set-aside records.
        sizes: The length of each record's raw text, in order: with them it is known where batches end.
        shape: As `RangeReading.shape`.
        head: As `RangeReading.head`.
        counts: What was counted.
        timeouts: As `Part.timeouts`.
    """

    events: tuple[Event, ...]
    set_aside: tuple[SetAside, ...]
    sizes: array[int]
    shape: str
    head: bytes
    counts: ReadCounts
    timeouts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Irregular:
    """That a range is not regular; the worker waits to be told what else to read."""


@dataclass(frozen=True, slots=True)
class Died:
    """That the worker's process is gone."""

    exit_code: int | None


Answer = Part | RangePart | Irregular | Died


class Worker:
    """A worker process as the main one sees it.

    Attributes:
        place: Of the task that it reads, among all; None where it has nothing to do.
        waits: Whether its task is a range that is not regular, and it may be given the rest of the file.
    """

    def __init__(self, options: ReadOptions, rules: Rules, clock: Clock | None) -> None:
        self.place: int | None = None
        self.waits = False
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks in whatever state
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, options, rules, clock), daemon=True)
        self.process.start()
        theirs.close()

    def take(self) -> Answer:
        """What it says next."""
        try:
            answer: Answer = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            return Died(self.process.exitcode)
        return answer

    def stop(self) -> None:
        """Ends the process."""
        self.connection.close()
        self.process.terminate()
        self.process.join()


class _Told:
    """Notes what a reading says of streams, for the main process."""

    measures = False

    def __init__(self) -> None:
        self._count = 0
        self._streams: list[Head | End] = []

    def resolve(self, head: bytes, member: str, open_again: OpenAgain | None) -> str:
        del open_again
        self._streams.append(Head(head, member))
        self._count += 1
        return str(self._count - 1)

    def finished(self, stream: str, records: int, size: int, digest: str) -> None:
        del digest
        self._streams.append(End(stream, records, size))

    def taken(self) -> tuple[Head | End, ...]:
        """What was noted since the last call."""
        noted, self._streams = tuple(self._streams), []
        return noted


def _work(connection: Connection, options: ReadOptions, rules: Rules, clock: Clock | None) -> None:
    """What a worker does: reads what it is given, and sends of it what matters."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process hears it too, and ends its workers
    ruleset = assemble(decode(data, path) for path, data in rules)
    evaluator = PlannedEvaluator(ruleset.rules, clock=clock, whole=whole)
    options = replace(options, needs=evaluator.needs)
    while True:
        try:
            task: Task = connection.recv()
        except EOFError:
            return
        if isinstance(task, FileRange):
            connection.send(range_part(task, options, evaluator))
        else:
            for part in parts(task, options, evaluator):
                connection.send(part)


def parts(task: Found | Rest, options: ReadOptions, evaluator: PlannedEvaluator) -> Iterator[Part]:
    """What is made of a whole file, or of the rest of one."""
    counts, told = ReadCounts(), _Told()
    options = replace(options, streams=told)
    batches = (
        rest_batches(task, options, counts) if isinstance(task, Rest) else read_files([task], options, counts)
    )
    for batch in batches:
        matched = kept(batch, evaluator)
        yield Part(matched, counts.taken(), evaluator.timeouts, is_last=False, streams=told.taken())
    yield Part(EventBatch(()), counts.taken(), evaluator.timeouts, is_last=True, streams=told.taken())


def range_part(task: FileRange, options: ReadOptions, evaluator: PlannedEvaluator) -> RangePart | Irregular:
    """What is made of a range."""
    counts, before = ReadCounts(), dict(evaluator.timeouts)
    reading = RangeReading(task, options, counts)
    events: list[Event] = []
    set_aside: list[SetAside] = []
    for batch in reading.batches():
        matched = kept(batch, evaluator)
        events += matched.events
        set_aside += matched.set_aside
    if not reading.regular:
        evaluator.timeouts.clear()  # what was judged in vain will be judged again
        evaluator.timeouts.update(before)
        return Irregular()
    return RangePart(
        tuple(events),
        tuple(set_aside),
        reading.sizes,
        reading.shape,
        reading.head,
        counts,
        evaluator.timeouts,
    )


def kept(batch: EventBatch, evaluator: PlannedEvaluator) -> EventBatch:
    """What of `batch` is passed on: events that rules match, whole, and all that was set aside."""
    answers = evaluator.match(batch.events)
    events = tuple(whole(event) for event, matched in zip(batch.events, answers, strict=True) if matched)
    return EventBatch(events, batch.set_aside, len(batch) - len(events))
