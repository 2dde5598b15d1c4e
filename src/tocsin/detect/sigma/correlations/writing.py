"""Which rows of the correlations' state (`rows.py`) are to be written, and which are gone."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tocsin.detect.sigma.correlations.groups import Group
from tocsin.detect.sigma.correlations.records import NEVER, Exhibit, Key, Pulse, Record, Run
from tocsin.detect.sigma.correlations.rows import (
    BlockRow,
    FlatProof,
    GroupRow,
    HitRow,
    LaneRow,
    MetaRow,
    Ready,
    RunProof,
    RunRow,
    encode,
    flat_ident,
    group_name,
)
from tocsin.detect.sigma.correlations.state import Lane
from tocsin.records.instants import SECOND


@dataclass(slots=True)
class RowWriter:
    """Writes the rows of `lanes`, and knows which it wrote.

    Attributes:
        tags: The digest of each lane.
    """

    lanes: Sequence[Lane]
    tags: Sequence[str]
    put: dict[str, bytes] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    _writings: int = 0
    _blocks: list[tuple[int, str]] = field(default_factory=list)
    _lane_marks: dict[int, int] = field(default_factory=dict)
    _groups: dict[str, int | None] = field(default_factory=dict)
    _parts: dict[int, list[int]] = field(default_factory=dict)
    _over: dict[int, None] = field(default_factory=dict)
    _ready: bool = False

    def write(
        self,
        meta: MetaRow,
        ready: Ready,
        admitted: Iterable[tuple[int, Record]],
        touched: Iterable[tuple[int, Key]],
    ) -> None:
        """Puts what is new: hits `admitted`, groups `touched`, and drops what is past."""
        self._write_lanes(meta.watermark)
        self._write_blocks(meta.watermark, admitted)
        for number, key in touched:
            self._write_group(number, key)
        self._drop_blocks(meta.watermark)
        self._drop_runs()
        if ready:
            self.put["ready"] = encode(ready)
        elif self._ready:
            self.gone.append("ready")
        self._ready = bool(ready)
        self.put["meta"] = encode(meta)

    def taken(self) -> tuple[dict[str, bytes], list[str]]:
        """What was put and what is gone since the last time."""
        put, gone = self.put, [name for name in self.gone if name not in self.put]
        self.put, self.gone = {}, []
        return put, gone

    def _write_lanes(self, watermark: int) -> None:
        for lane, tag in zip(self.lanes, self.tags, strict=True):
            mark = lane.watermark if lane.watermark > watermark - lane.lag else NEVER
            if self._lane_marks.get(lane.number) != mark:
                self._lane_marks[lane.number] = mark
                self.put[f"lane/{tag}"] = encode(LaneRow(lane.number, lane.plan.ref, mark))

    # --- hits ---------------------------------------------------------------------------------------------
    def _write_blocks(self, watermark: int, admitted: Iterable[tuple[int, Record]]) -> None:
        """One block for the hits that are held about equally long."""
        blocks: dict[int, _Block] = {}
        for number, record in admitted:
            lane = self.lanes[number]
            until = record.time + lane.plan.span + lane.lag
            if record.time < lane.watermark - lane.plan.span:
                continue
            more = (max(0, until - max(watermark, 0)) // SECOND).bit_length()
            block = blocks.get(more)
            if block is None:
                block = blocks[more] = _Block()
            block.until = max(block.until, until)
            block.add(self.tags[number], record, self._proof)
        for more, block in blocks.items():
            name = f"hits/{self._writings:012}/{more}"
            self.put[name] = encode(block.row)
            heapq.heappush(self._blocks, (block.until, name))
        self._writings += 1

    def _drop_blocks(self, watermark: int) -> None:
        while self._blocks and self._blocks[0][0] < watermark:
            self.gone.append(heapq.heappop(self._blocks)[1])

    def _proof(self, pulse: Pulse) -> tuple[int, int, int]:
        self._write_run(pulse.run)
        return pulse.run.number, pulse.items, pulse.hits

    # --- groups and runs ----------------------------------------------------------------------------------
    def _write_group(self, number: int, key: Key) -> None:
        lane, tag = self.lanes[number], self.tags[number]
        name = group_name(tag, key)
        group = lane.groups.get(key)
        before = self._groups.get(name)
        if type(group) is Group and group.window and (group.run or (group.judged and not lane.grows)):
            after = None if group.run is None else group.run.number
            if group.run is not None:
                self._write_run(group.run, again=True)
            self.put[name] = encode(GroupRow(tag, group.key, group.judged, after))
            self._groups[name] = after
        else:
            after = None
            if name in self._groups:
                del self._groups[name]
                self.put.pop(name, None)
                self.gone.append(name)
        if before is not None and before != after:
            self._over[before] = None

    def _write_run(self, run: Run, *, again: bool = False) -> None:
        """Writes what of `run` was not; `again`: its sums may have changed."""
        known = self._parts.get(run.number)
        if known is None:
            known = self._parts[run.number] = [0, 0]
            again = True
        parts, items = known
        if len(run.items) > items:
            part = [self._cited(one) for one in run.items[items:]]
            self.put[f"run/{run.number}/{parts}"] = encode(part)
            known[:] = parts + 1, len(run.items)
            again = True
        if again:
            self.put[f"run/{run.number}"] = encode(
                RunRow(
                    flat_ident(run.ident), run.shown, run.last_time, known[0], run.taken,
                    run.last and self._cited(run.last), run.base,
                    [(flat_ident(ident), hits) for ident, hits in run.nested.items()], run.peak,
                )
            )  # fmt: skip

    def _cited(self, item: tuple[int, Exhibit | Pulse]) -> tuple[int, RunProof]:
        member, proof = item
        return (member, proof.proof) if isinstance(proof, Exhibit) else (member, self._proof(proof))

    def _drop_runs(self) -> None:
        """Drops runs that are over, but for those that a correlation further out still refers to."""
        dropped = list(self._over)
        self._over = {}
        if any(lane.plan.nested for lane in self.lanes):
            over = self._parts.keys() - set(self._groups.values())
            dropped = list(over - set(_referred(self.lanes))) if over else []
        for number in dropped:
            parts, _ = self._parts.pop(number)
            for name in (f"run/{number}", *(f"run/{number}/{part}" for part in range(parts))):
                self.put.pop(name, None)
                self.gone.append(name)


class _Block:
    """A block being put together."""

    def __init__(self) -> None:
        self.row = BlockRow([], [], [])
        self.until = NEVER
        self._lanes: dict[str, int] = {}
        self._events: dict[int, int] = {}

    def add(self, tag: str, record: Record, pulse_of: Callable[[Pulse], tuple[int, int, int]]) -> None:
        lane = self._lanes.setdefault(tag, len(self._lanes))
        if lane == len(self.row.lanes):
            self.row.lanes.append(tag)
        proof = record.proof
        if isinstance(proof, Exhibit):
            flat: FlatProof = self._events.setdefault(id(proof), len(self._events))
            if flat == len(self.row.events):
                self.row.events.append(proof.proof)
        else:
            flat = pulse_of(proof)
        self.row.hits.append(
            HitRow(
                lane, record.time, record.key, record.member, flat_ident(record.ident),
                None if record.shown == record.key else record.shown, record.texts, record.numbers, record.row, flat,
            )
        )  # fmt: skip


def _referred(lanes: Sequence[Lane]) -> Iterator[int]:
    """The runs that hits and matches of correlations further out refer to, all the way in."""
    waiting: list[Run] = []
    for lane in lanes:
        if not lane.plan.nested:
            continue
        waiting.extend(one.proof.run for one in lane.records() if isinstance(one.proof, Pulse))
        waiting.extend(held.run for held in lane.groups.values() if type(held) is Group and held.run)
    seen: set[int] = set()
    while waiting:
        run = waiting.pop()
        if run.number in seen:
            continue
        seen.add(run.number)
        yield run.number
        waiting.extend(proof.run for _, proof in run.items if isinstance(proof, Pulse))
        if run.last is not None and isinstance(run.last[1], Pulse):
            waiting.append(run.last[1].run)
