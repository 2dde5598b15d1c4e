"""The whole state of the correlations as bytes, and back.

MessagePack, checked against the types below when it is read: state from a disk is input like any other. Gauges are
not written; they are measured again from their windows. State of a correlation that meanwhile changed is let go.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from tocsin.detect.sigma.correlation_groups import Group, Pulse, Run
from tocsin.detect.sigma.correlation_plans import CorrelationPlan
from tocsin.detect.sigma.correlation_records import Ident, Record
from tocsin.detect.sigma.correlation_state import Lane
from tocsin.detect.sigma.hit import Hit
from tocsin.records.errors import PluginError

VERSION: Final = 1

_Ident = tuple[str, int, tuple[str, ...] | None]
_Proof = bytes | tuple[int, int, int]


class _Record(msgspec.Struct, array_like=True):
    time: int
    key: tuple[str, ...]
    member: int
    ident: _Ident
    shown: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    row: tuple[str | tuple[str, ...] | None, ...]
    proof: _Proof


class _Run(msgspec.Struct, array_like=True):
    ident: _Ident
    shown: tuple[str, ...]
    upto: int
    last_time: int
    items: list[tuple[int, _Proof]]
    taken: dict[int, int]
    last: tuple[int, _Proof] | None
    base: int
    nested: list[tuple[_Ident, int]]
    peak: float


class _Group(msgspec.Struct, array_like=True):
    key: tuple[str, ...]
    window: list[_Record]
    first: int
    judged: bool
    run: int | None


class _Lane(msgspec.Struct, array_like=True):
    ref: str
    shape: str
    watermark: int
    waiting: list[_Record]
    groups: list[_Group]


class State(msgspec.Struct, array_like=True):
    """All that `Correlations` keeps.

    Attributes:
        version: Of this format.
        judged_early: As in `Correlations`.
        late: As in `Correlations`.
        ready: Matches that are over and were not fetched: (plan, hit, figure).
        runs: Matches that go on, or that others refer to; what one refers to comes before it.
        lanes: One for each correlation.
    """

    version: int
    judged_early: int
    late: int
    ready: list[tuple[str, Hit, float]]
    runs: list[_Run]
    lanes: list[_Lane]


def encode(judged_early: int, late: int, ready: list[tuple[str, Hit, float]], lanes: Iterable[Lane]) -> bytes:
    """The state as bytes."""
    return msgspec.msgpack.encode(_Writer().state(judged_early, late, ready, lanes))


def decode(state: bytes) -> State:
    """What `encode` wrote.

    Raises:
        PluginError: it is no such state, or of another version.
    """
    try:
        version = msgspec.msgpack.decode(state, type=list)[0]
        if version == VERSION:
            return msgspec.msgpack.decode(state, type=State)
    except (msgspec.MsgspecError, IndexError) as error:
        raise PluginError("sigma-correlation", f"the saved state cannot be read: {error}") from error
    raise PluginError("sigma-correlation", f"the saved state is of version {version!r}, this reads {VERSION}")


def restore_lanes(state: State, lanes: Sequence[Lane]) -> tuple[str, ...]:
    """Fills the empty `lanes` from `state`; the correlations whose state was let go, because they changed or are gone.

    Raises:
        PluginError: the state contradicts itself.
    """
    try:
        runs: list[Run] = []
        for one in state.runs:
            runs.append(_run(one, runs))
        by_ref = {lane.plan.ref: lane for lane in lanes}
        gone = []
        for saved in state.lanes:
            lane = by_ref.get(saved.ref)
            if lane is None or saved.shape != _shape(lane.plan):
                gone.append(saved.ref)
            else:
                _fill(lane, saved, runs)
    except (IndexError, KeyError) as error:
        raise PluginError("sigma-correlation", f"the saved state contradicts itself: {error!r}") from error
    return tuple(gone)


def _shape(plan: CorrelationPlan) -> str:
    """What must be equal for state to fit: everything but words and what is reported."""
    aliases = sorted((alias, sorted(names.items())) for alias, names in plan.aliases.items())
    terms = [(term.wanted, sorted(term.unwanted)) for term in plan.terms]
    parts = (
        plan.type, plan.members, sorted(plan.nested), plan.span, plan.group_by, plan.fields, aliases,
        plan.bounds and plan.bounds.criteria, terms, plan.percentile,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


class _Writer:
    """Writes runs once, however many pulses refer to them."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._numbers: dict[int, int] = {}

    def state(
        self, judged_early: int, late: int, ready: list[tuple[str, Hit, float]], lanes: Iterable[Lane]
    ) -> State:
        written = [self._lane(lane) for lane in lanes]
        return State(VERSION, judged_early, late, ready, self._runs, written)

    def _lane(self, lane: Lane) -> _Lane:
        waiting = [self._record(record) for hits in lane.waiting.values() for record in hits]
        groups = [self._group(group) for group in lane.groups.values()]
        return _Lane(lane.plan.ref, _shape(lane.plan), lane.watermark, waiting, groups)

    def _group(self, group: Group) -> _Group:
        run = None if group.run is None else self._number(group.run)
        return _Group(group.key, [self._record(one) for one in group.window], group.first, group.judged, run)

    def _record(self, record: Record) -> _Record:
        time, key, member, ident, shown, texts, numbers, row, proof = record
        return _Record(time, key, member, _flat(ident), shown, texts, numbers, row, self._proof(proof))

    def _proof(self, proof: bytes | Pulse) -> _Proof:
        return proof if isinstance(proof, bytes) else (self._number(proof.run), proof.items, proof.hits)

    def _number(self, run: Run) -> int:
        number = self._numbers.get(id(run))
        if number is None:
            written = _Run(
                _flat(run.ident), run.shown, run.upto, run.last_time,
                [(member, self._proof(proof)) for member, proof in run.items], run.taken,
                run.last and (run.last[0], self._proof(run.last[1])),
                run.base, [(_flat(ident), hits) for ident, hits in run.nested.items()], run.peak,
            )  # fmt: skip
            number = self._numbers[id(run)] = len(self._runs)
            self._runs.append(written)
        return number


def _flat(ident: Ident) -> _Ident:
    return (ident[0], ident[1], ident[2] if len(ident) == 3 else None)


def _ident(saved: _Ident) -> Ident:
    return saved[:2] if saved[2] is None else (saved[0], saved[1], saved[2])


def _proof(saved: _Proof, runs: Sequence[Run]) -> bytes | Pulse:
    return saved if isinstance(saved, bytes) else Pulse(runs[saved[0]], saved[1], saved[2])


def _run(saved: _Run, runs: Sequence[Run]) -> Run:
    return Run(
        _ident(saved.ident), saved.shown, saved.upto, saved.last_time,
        [(member, _proof(proof, runs)) for member, proof in saved.items], saved.taken,
        saved.last and (saved.last[0], _proof(saved.last[1], runs)),
        saved.base, {_ident(ident): hits for ident, hits in saved.nested}, saved.peak,
    )  # fmt: skip


def _record(saved: _Record, runs: Sequence[Run]) -> Record:
    return Record(
        saved.time, saved.key, saved.member, _ident(saved.ident), saved.shown, saved.texts, saved.numbers,
        saved.row, _proof(saved.proof, runs),
    )  # fmt: skip


def _fill(lane: Lane, saved: _Lane, runs: Sequence[Run]) -> None:
    for one in saved.waiting:
        lane.add(_record(one, runs))
    lane.watermark = saved.watermark
    for group in saved.groups:
        made = lane.groups[group.key] = Group.of(lane.plan, group.key, lane.load)
        made.first, made.judged = group.first, group.judged or not group.window
        made.window.extend(_record(one, runs) for one in group.window)
        for record in made.window:
            lane.load.add(record.proof)
        for _, hits in groupby(made.window, key=attrgetter("time")):
            made.gauge.add(list(hits))
        if group.run is not None:
            made.run = runs[group.run]
            for _, proof in made.run.items:
                lane.load.add(proof)
        heapq.heappush(lane.dues, (made.due, group.key))
