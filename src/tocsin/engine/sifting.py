"""Reading and judging in several processes: each worker reads whole files, or ranges of a large one (`sources.ranges`).

1. The main process judges what is passed on once more, with the one detector that keeps windows and makes findings:
   what workers leave out is what no rule matches, so the findings are those of one process, in the same order.
2. What workers passed on is taken in the order of the files; those ahead wait, and a worker that is too far ahead stops.
3. A range that turns out to be no plain lines of JSON counts for nothing: its worker waits until it is its turn, and then
   reads on to the end of the file, as one process does.
4. A worker that dies takes only its file or range with it: the rest of that is set aside, and another worker goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from typing import Protocol, Self

from tocsin.config import bounds
from tocsin.detect.sigma.compiling.encoding import encode
from tocsin.detect.sigma.compiling.parsed import ParsedFile
from tocsin.detect.sigma.plans.account import Clock
from tocsin.engine.joining import Joined
from tocsin.engine.sifting_worker import Answer, Died, Irregular, Part, RangePart, Rules, Task, Worker
from tocsin.records.event import EventBatch, SetAside
from tocsin.sources.containers import printable
from tocsin.sources.range_reading import Rest
from tocsin.sources.ranges import FileRange, ranges
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions, read_files
from tocsin.sources.walk import Found, check, files


@dataclass(frozen=True, slots=True)
class Work:
    """What workers are to do.

    Attributes:
        tasks: Files, ranges of files (all of one file, in order), and what was set aside while looking for them.
        options: How to read; its `needs` is not looked at.
        rules: What judges.
        workers: How many processes.
        clock: As `PlannedEvaluator`'s; a function that another process finds by its name.
    """

    tasks: Sequence[Found | FileRange | SetAside]
    options: ReadOptions
    rules: Rules
    workers: int
    clock: Clock | None = None


def planned_work(
    paths: Sequence[str],
    options: ReadOptions,
    rules: Iterable[ParsedFile],
    workers: int,
    clock: Clock | None = None,
) -> Work | None:
    """The work that reading and judging `paths` is, None where one process does as well.

    Raises:
        OperatorError: a path does not exist.
    """
    if workers < 2 or options.streams.measures:
        return None
    check(paths)
    found = list(files(paths))
    sizes = [one.path.stat().st_size for one in found if isinstance(one, Found) and one.path.exists()]
    if sum(sizes) < bounds.SIFTED_BYTES:
        return None
    tasks = [task for one in found for task in _tasks(one, options)]
    if sum(not isinstance(task, SetAside) for task in tasks) < 2:
        return None
    try:
        encoded = tuple((one.path, encode(one)) for one in rules)
    except ValueError:  # a rule with half a surrogate pair in it, which no file format of ours can hold
        return None
    return Work(tasks, replace(options, needs=None), encoded, workers, clock)


def _tasks(found: Found | SetAside, options: ReadOptions) -> Sequence[Found | FileRange | SetAside]:
    return (found,) if isinstance(found, SetAside) else ranges(found, options) or (found,)


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
        yield from Taking(work, pool, counts, told).batches()
    _keep_most(timeouts, told)


def _keep_most(timeouts: dict[str, int], told: Mapping[str, int]) -> None:
    """Each rule's count becomes the highest that any worker told."""
    for rule, count in told.items():
        timeouts[rule] = max(timeouts.get(rule, 0), count)


class Answers(Protocol):
    """What was made of each task, to be asked for in the order of the tasks."""

    def is_dropped(self, place: int) -> bool:
        """Whether nobody reads the task at `place`, as another one reads it with its own."""

    def next(self, place: int) -> Answer:
        """The next answer to the task at `place`."""

    def resume(self, place: int, rest: Rest) -> None:
        """Has `rest` read as the task at `place`, the answer to which was `Irregular`."""


class Taking:
    """Takes the answers to all tasks in order.

    Args:
        work: The tasks.
        answers: What is made of them.
        counts: As for `sifted`.
        timeouts: Raised to what any worker says.
    """

    def __init__(self, work: Work, answers: Answers, counts: ReadCounts, timeouts: dict[str, int]) -> None:
        self._work = work
        self._answers = answers
        self._counts = counts
        self._timeouts = timeouts

    def batches(self) -> Iterator[EventBatch]:
        """The events of all files that rules match."""
        joined: Joined | None = None
        for place, task in enumerate(self._work.tasks):
            if joined is not None and not (isinstance(task, FileRange) and task.start):
                yield from joined.finish()
                joined = None
            if isinstance(task, SetAside):
                yield from read_files([task], self._work.options, self._counts)
                continue
            joined = joined or Joined(self._work.options.streams)
            if not self._answers.is_dropped(place):
                yield from self._taken(place, task, joined)
        if joined is not None:
            yield from joined.finish()

    def _taken(self, place: int, task: Found | FileRange, joined: Joined) -> Iterator[EventBatch]:
        """The batches that become full with what `task` gives."""
        is_range, is_last = isinstance(task, FileRange), False
        while not is_last:
            answer = self._answers.next(place)
            if isinstance(answer, Irregular):
                assert isinstance(task, FileRange)
                self._answers.resume(place, joined.rest(task))
                is_range = False
            elif isinstance(answer, Died):
                is_last = True
                self._lose(task, answer, joined, is_range=is_range)
            else:
                self._count(answer)
                is_last = is_range or (isinstance(answer, Part) and answer.is_last)
                yield from joined.range(answer) if isinstance(answer, RangePart) else joined.part(answer)

    def _lose(self, task: Found | FileRange, died: Died, joined: Joined, *, is_range: bool) -> None:
        """Sets aside what a worker that died was to read: a range, or the rest of a file."""
        why = f"The process that read it ended unexpectedly (exit code {died.exit_code}); "
        if isinstance(task, Found) or not is_range:
            found = task if isinstance(task, Found) else task.found
            joined.lose(SetAside(printable(found.source), None, None, why + "the rest was not read."))
        else:
            stop = task.stop if task.stop is not None else task.version.size
            why += f"bytes {task.start:,} to {stop:,} were not read."
            joined.lose(SetAside(printable(task.found.source), None, task.start, why), task)
            self._counts.sources += task.start == 0
        self._counts.set_aside += 1

    def _count(self, answer: Part | RangePart) -> None:
        self._counts.add(answer.counts)
        _keep_most(self._timeouts, answer.timeouts)


class _Pool:
    """The workers, what each reads, and what came from them too early."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._waiting: list[deque[Answer]] = [deque() for _ in work.tasks]
        self._dropped: set[int] = set()
        self._next = 0
        self._ahead = 0
        self._workers = [self._started() for _ in range(min(work.workers, len(work.tasks)))]

    def __enter__(self) -> Self:
        for worker in list(self._workers):
            self._give(worker)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def _started(self) -> Worker:
        return Worker(self._work.options, self._work.rules, self._work.clock)

    def is_dropped(self, place: int) -> bool:
        """As `Answers` has it."""
        return place in self._dropped

    def next(self, place: int) -> Answer:
        """As `Answers` has it."""
        while not self._waiting[place]:
            self._hear(place)
        answer = self._waiting[place].popleft()
        self._ahead -= _weight(answer)
        return answer

    def resume(self, place: int, rest: Rest) -> None:
        """Lets the worker that waits at `place` do it."""
        worker = next(one for one in self._workers if one.place == place)
        self._send(worker, place, rest)

    def _hear(self, place: int) -> None:
        """Takes what workers have to say; only from the one that reads `place` where too much waits already."""
        full = self._ahead > bounds.SIFTED_AHEAD_BYTES
        reading = [one for one in self._workers if one.place is not None and not one.waits]
        here = [one for one in reading if one.place == place]
        reading = here if full and here else reading
        ready = wait([one.connection for one in reading])
        for worker in reading:
            if worker.connection in ready:
                self._take(worker)

    def _take(self, worker: Worker) -> None:
        place, answer = worker.place, worker.take()
        assert place is not None
        if place not in self._dropped:
            self._waiting[place].append(answer)
            self._ahead += _weight(answer)
            if isinstance(answer, Irregular):
                worker.waits = True
                self._drop_behind(place)
                return
        if not isinstance(answer, Part) or answer.is_last:
            self._give(worker)

    def _drop_behind(self, place: int) -> None:
        """Gives up the ranges of the same file behind that at `place`."""
        tasks = self._work.tasks
        for behind in range(place + 1, len(tasks)):
            task = tasks[behind]
            if not (isinstance(task, FileRange) and task.start):
                return
            self._dropped.add(behind)
            self._ahead -= sum(map(_weight, self._waiting[behind]))
            self._waiting[behind].clear()
            for worker in [one for one in self._workers if one.waits and one.place == behind]:
                self._give(worker)

    def _give(self, worker: Worker) -> None:
        """Lets `worker` do the next task, if there is one."""
        tasks = self._work.tasks
        while self._next < len(tasks) and (
            isinstance(tasks[self._next], SetAside) or self._next in self._dropped
        ):
            self._next += 1
        if self._next == len(tasks):
            worker.place, worker.waits = None, False
            return
        place, self._next = self._next, self._next + 1
        task = tasks[place]
        assert not isinstance(task, SetAside)
        self._send(worker, place, task)

    def _send(self, worker: Worker, place: int, task: Task) -> None:
        """Lets `worker`, or another one if it is gone, do `task`."""
        if not worker.process.is_alive():
            worker.stop()
            self._workers[self._workers.index(worker)] = worker = self._started()
        worker.place, worker.waits = place, False
        with suppress(BrokenPipeError):  # it was killed a moment ago: what is heard of it next says so
            worker.connection.send(task)


def _weight(answer: Answer) -> int:
    if isinstance(answer, Part):
        return sum(len(event.raw) for event in answer.batch.events)
    return sum(len(event.raw) for event in answer.events) if isinstance(answer, RangePart) else 0
