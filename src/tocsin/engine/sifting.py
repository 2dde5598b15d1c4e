"""Reading and judging in several processes: of many files, each worker reads whole ones and passes on what rules match.

1. The main process judges what is passed on once more, with the one detector that keeps windows and makes findings:
   what workers leave out is what no rule matches, so the findings are those of one process, in the same order.
2. What workers passed on is taken in the order of the files; those ahead wait, and a worker that is too far ahead stops.
3. A worker that dies takes only its file with it: the rest of that is set aside, and another worker goes on.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Self

from tocsin.config import bounds
from tocsin.detect.sigma.compiling.assembly import assemble
from tocsin.detect.sigma.compiling.encoding import decode, encode
from tocsin.detect.sigma.compiling.parsed import ParsedFile
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.records.event import EventBatch, SetAside
from tocsin.sources.projection import whole
from tocsin.sources.reading import ReadCounts, ReadOptions, read_files
from tocsin.sources.walk import Found, check, files


@dataclass(frozen=True, slots=True)
class _Part:
    """What a worker made of a part of a file.

    Attributes:
        batch: The events that rules match, all set-aside records, and how many events were left out.
        counts: What was counted in this part.
        timeouts: Rule id → how often its expressions ran out of time, in all that this worker judged.
        is_last: Whether the file ends here.
    """

    batch: EventBatch
    counts: ReadCounts
    timeouts: dict[str, int]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What workers are to do.

    Attributes:
        found: Files, and what was set aside while looking for them.
        options: How to read; its `needs` is not looked at.
        rules: What judges, each file's path and encoded form.
        workers: How many processes.
    """

    found: Sequence[Found | SetAside]
    options: ReadOptions
    rules: tuple[tuple[str, bytes], ...]
    workers: int


def planned_work(
    paths: Sequence[str], options: ReadOptions, rules: Iterable[ParsedFile], workers: int
) -> Work | None:
    """The work that reading and judging `paths` is, None where one process does as well.

    Raises:
        OperatorError: a path does not exist.
    """
    if workers < 2:
        return None
    check(paths)
    found = list(files(paths))
    sizes = [one.path.stat().st_size for one in found if isinstance(one, Found) and one.path.exists()]
    if len(sizes) < 2 or sum(sizes) < bounds.SIFTED_BYTES:
        return None
    try:
        encoded = tuple((one.path, encode(one)) for one in rules)
    except ValueError:  # a rule with half a surrogate pair in it, which no file format of ours can hold
        return None
    return Work(found, replace(options, needs=None), encoded, workers)


def sifted(work: Work, counts: ReadCounts, timeouts: dict[str, int]) -> Iterator[EventBatch]:
    """The events of all files that rules match, in the order of the files.

    Args:
        work: What to do.
        counts: Counted up as parts are taken.
        timeouts: Rule id → how often its expressions ran out of time; raised at the end to what any worker says: before,
            matches that a worker passed on would be lost on rules that it had to suspend later.
    """
    told: dict[str, int] = {}
    with _Pool(work) as pool:
        for part in pool.parts():
            counts.add(part.counts)
            _raise(told, part.timeouts)
            if part.batch.events or part.batch.set_aside or part.batch.passed:
                yield part.batch
    _raise(timeouts, told)


def _raise(timeouts: dict[str, int], told: Mapping[str, int]) -> None:
    for rule, count in told.items():
        timeouts[rule] = max(timeouts.get(rule, 0), count)


class _Pool:
    """The workers, what each reads, and what came from them too early."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._waiting: list[deque[_Part]] = [deque() for _ in work.found]
        self._next = 0
        self._ahead = 0
        self._workers = [_Worker(work) for _ in range(min(work.workers, len(work.found)))]

    def __enter__(self) -> Self:
        for worker in self._workers:
            self._give(worker)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def parts(self) -> Iterator[_Part]:
        """Every part of every file, in order."""
        for place, one in enumerate(self._work.found):
            is_last = False
            if isinstance(one, SetAside):
                counts = ReadCounts()
                for batch in read_files([one], self._work.options, counts):
                    yield _Part(batch, counts.taken(), {}, is_last=True)
                continue
            while not is_last:
                while not self._waiting[place]:
                    self._hear(place)
                part = self._waiting[place].popleft()
                self._ahead -= _weight(part)
                is_last = part.is_last
                yield part

    def _hear(self, place: int) -> None:
        """Takes what workers have to say; only from the one that reads `place` where too much waits already."""
        full = self._ahead > bounds.SIFTED_AHEAD_BYTES
        reading = [one for one in self._workers if one.place is not None and (not full or one.place == place)]
        ready = wait([one.connection for one in reading])
        for worker in reading:
            if worker.connection in ready:
                place, part = worker.take()
                self._waiting[place].append(part)
                self._ahead += _weight(part)
                if part.is_last:
                    self._give(worker)

    def _give(self, worker: _Worker) -> None:
        """Lets `worker`, or another one if it is gone, read the next file, if there is one."""
        found = self._work.found
        while self._next < len(found) and isinstance(found[self._next], SetAside):
            self._next += 1
        if self._next == len(found):
            worker.place = None
            return
        if not worker.process.is_alive():
            worker.stop()
            self._workers[self._workers.index(worker)] = worker = _Worker(self._work)
        worker.place = self._next
        self._next += 1
        with suppress(BrokenPipeError):  # it was killed a moment ago: what is heard of it next says so
            worker.connection.send(found[worker.place])


def _weight(part: _Part) -> int:
    return sum(len(event.raw) for event in part.batch.events)


class _Worker:
    """A worker process, and the place of the file that it reads."""

    def __init__(self, work: Work) -> None:
        self._found = work.found
        self.place: int | None = None
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks in whatever state
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, work.options, work.rules), daemon=True)
        self.process.start()
        theirs.close()

    def take(self) -> tuple[int, _Part]:
        """The next part of its file and that file's place; where the process is gone, the last: the rest set aside."""
        assert self.place is not None
        try:
            return self.place, self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            why = (
                f"The process that read it ended unexpectedly (exit code {self.process.exitcode}); "
                "the rest was not read."
            )
            aside = SetAside(self._found[self.place].source, None, None, why)
            return self.place, _Part(EventBatch((), (aside,)), ReadCounts(set_aside=1), {}, is_last=True)

    def stop(self) -> None:
        """Ends the process."""
        self.connection.close()
        self.process.terminate()
        self.process.join()


def _work(connection: Connection, options: ReadOptions, rules: tuple[tuple[str, bytes], ...]) -> None:
    """What a worker does: reads each file it is given, and sends of it what matters."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process hears it too, and ends its workers
    evaluator = PlannedEvaluator(assemble(decode(data, path) for path, data in rules).rules, whole=whole)
    options = replace(options, needs=evaluator.needs)
    while True:
        try:
            found: Found = connection.recv()
        except EOFError:
            return
        counts = ReadCounts()
        for batch in read_files([found], options, counts):
            connection.send(_Part(_kept(batch, evaluator), counts.taken(), evaluator.timeouts, is_last=False))
        connection.send(_Part(EventBatch(()), counts.taken(), evaluator.timeouts, is_last=True))


def _kept(batch: EventBatch, evaluator: PlannedEvaluator) -> EventBatch:
    answers = evaluator.match(batch.events)
    kept = tuple(whole(event) for event, matched in zip(batch.events, answers, strict=True) if matched)
    return EventBatch(kept, batch.set_aside, len(batch) - len(kept))
