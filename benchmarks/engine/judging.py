"""Judging a stream: what making plans costs, what judging costs, and what the answers were.

Events are read, judged and dropped batch by batch, for a hundred thousand live dicts make everything slower, and only the
judging stands between the clock's two readings.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tocsin.detect.sigma.evaluation import Matches
from tocsin.detect.sigma.plain import PlainEvaluator
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.shapes import Fields
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.records.event import Event, EventBatch, Logsource

_Sort = tuple[frozenset[Logsource], object, object, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What one evaluator made of one stream.

    Attributes:
        events: Their number.
        plans: CPU seconds for making plans.
        judging: CPU seconds for all else.
        whole: CPU seconds, those for reading and those of this benchmark in them.
        matches: Pairs of rule and event that match.
        digest: Of all of them.
    """

    events: int
    plans: float
    judging: float
    whole: float
    matches: int
    digest: str

    @property
    def rate(self) -> float:
        """Events per CPU second of judging."""
        return self.events / self.judging

    @property
    def rate_with_plans(self) -> float:
        """Events per CPU second, the making of plans in it."""
        return self.events / (self.plans + self.judging)


class Answers:
    """Counts matches, and digests them without regard to the order within an event."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, events: Sequence[Event], answers: Sequence[Matches]) -> None:
        """Takes the answers on `events`."""
        for event, matched in zip(events, answers, strict=True):
            if matched:
                self.count += len(matched)
                rules = sorted(rule.id for rule in matched)
                self._digest.update(f"{event.stream}:{event.seq} {rules}\n".encode())

    def add_text(self, text: str) -> None:
        """Takes one answer in words."""
        self.count += 1
        self._digest.update(f"{text}\n".encode("utf-8", "surrogatepass"))

    @property
    def digest(self) -> str:
        """The digest so far."""
        return self._digest.hexdigest()


def judged(evaluator: PlannedEvaluator, stream: Iterable[EventBatch]) -> Judged:
    """Judges `stream` to its end."""
    told, events, plans, judging, start = Answers(), 0, 0.0, 0.0, time.process_time()
    known: set[_Sort] = set()
    for batch in stream:
        new = _new_sorts(batch, known)
        began = time.process_time()
        evaluator.prepare(new)
        planned = time.process_time()
        answers = evaluator.match(batch.events)
        ended = time.process_time()
        plans += planned - began
        judging += ended - planned
        events += len(batch)
        told.add(batch.events, answers)
    return Judged(events, plans, judging, time.process_time() - start, told.count, told.digest)


def _new_sorts(batch: EventBatch, known: set[_Sort]) -> list[Event]:
    """An event of each sort that has not been met: what plans are made for."""
    found = []
    for event in batch:
        sort = (
            event.logsources,
            _key(event.fields, "Channel"),
            _key(event.fields, "EventID"),
            tuple(event.fields),
        )
        if sort not in known:
            known.add(sort)
            found.append(event)
    return found


def _key(fields: Fields, name: str) -> object:
    value = fields.get(name)
    return value if isinstance(value, str | int | None) else repr(value)


def disagreements(
    evaluator: PlannedEvaluator, rules: Sequence[CompiledRule], stream: Iterable[EventBatch], every: int
) -> tuple[int, int]:
    """(events compared, events on which the plain evaluator says something else): every `every`th event of `stream`."""
    oracle = PlainEvaluator(rules)
    compared = different = 0
    for batch in stream:
        answers = evaluator.match(batch.events)
        chosen = batch.events[::every]
        compared += len(chosen)
        for mine, true in zip(answers[::every], oracle.match(chosen), strict=True):
            different += {rule.id for rule in mine} != {rule.id for rule in true}
    return compared, different
