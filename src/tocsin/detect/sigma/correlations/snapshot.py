"""Rows (`rows.py`) back into state, and all of them as one blob for who wants no rows.

State of a correlation that meanwhile changed is let go.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from tocsin.detect.sigma.correlations.groups import Group, instants
from tocsin.detect.sigma.correlations.records import Exhibit, Pulse, Record, Run
from tocsin.detect.sigma.correlations.rows import (
    VERSION,
    BlockRow,
    GroupRow,
    HitRow,
    LaneRow,
    MetaRow,
    Part,
    Ready,
    RunProof,
    RunRow,
    encode,
    ident_of,
)
from tocsin.detect.sigma.correlations.state import Lane
from tocsin.records.errors import PluginError

_T = TypeVar("_T")
_TIME: Final = attrgetter("time")
_EMPTY_1: Final[list[list[Any]]] = [[], []]


def pack(rows: Mapping[str, bytes]) -> bytes:
    """All `rows` as one blob."""
    return encode([VERSION, rows])


def unpack(state: bytes) -> dict[str, bytes]:
    """What `pack` was given. State of version 1 is read where it holds no hits, as every finished scan left it.

    Raises:
        PluginError: it is no such blob, or of another version.
    """
    try:
        saved = msgspec.msgpack.decode(state, type=list)
        if saved[0] == VERSION and len(saved) == 2:
            return msgspec.convert(saved[1], dict[str, bytes])
        if saved[0] == 1 and len(saved) == 6:
            return _of_version_1(saved)
    except (msgspec.MsgspecError, IndexError, TypeError) as error:
        raise _unreadable(error) from error
    raise PluginError(
        "sigma-correlation", f"the saved state is of version {saved[0]!r}, this reads {VERSION}"
    )


def _of_version_1(saved: list[Any]) -> dict[str, bytes]:
    _, judged_early, late, ready, runs, lanes = saved
    if ready or runs or any(lane[3:] != _EMPTY_1 for lane in lanes):
        raise PluginError(
            "sigma-correlation",
            f"the saved state is of version 1 and in the middle of a run, this reads {VERSION}; "
            "end that run with the release that began it",
        )
    return {"meta": encode(MetaRow(VERSION, judged_early, late, -(2**62), 0))}


def _unreadable(error: Exception) -> PluginError:
    return PluginError("sigma-correlation", f"the saved state cannot be read: {error}")


@dataclass(frozen=True, slots=True)
class Restored:
    """What the rows say beside the lanes: counts, matches to be fetched, and the correlations that changed."""

    meta: MetaRow
    ready: Ready
    gone: tuple[str, ...]


def restore(rows: Mapping[str, bytes], lanes: Sequence[Lane], tags: Sequence[str]) -> Restored:
    """Fills the empty `lanes`, whose digests are `tags`, from `rows`.

    Raises:
        PluginError: the rows cannot be read, are of another version, or contradict themselves.
    """
    try:
        meta = _read(rows["meta"], MetaRow)
        if meta.version != VERSION:
            raise PluginError(
                "sigma-correlation", f"the saved rows are of version {meta.version}, this reads {VERSION}"
            )
        reader = _Reader(rows, lanes, tags)
        gone = reader.lanes(meta.watermark)
        reader.runs()
        reader.groups()
        reader.hits()
        reader.close()
        ready = _read(rows["ready"], Ready) if "ready" in rows else []
    except (KeyError, IndexError, AttributeError) as error:
        raise PluginError("sigma-correlation", f"the saved state contradicts itself: {error!r}") from error
    except msgspec.MsgspecError as error:
        raise _unreadable(error) from error
    return Restored(meta, ready, gone)


def _read(row: bytes, kind: type[_T]) -> _T:
    return msgspec.msgpack.decode(row, type=kind)


class _Reader:
    """Reads rows, kind by kind."""

    def __init__(self, rows: Mapping[str, bytes], lanes: Sequence[Lane], tags: Sequence[str]) -> None:
        self._rows = rows
        self._lanes = dict(zip(tags, lanes, strict=True))
        self._runs: dict[int, Run] = {}
        self._windows: dict[int, tuple[Lane, Group, list[Record]]] = {}

    def _named(self, kind: str) -> list[str]:
        return sorted(name for name in self._rows if name.startswith(kind))

    def lanes(self, watermark: int) -> tuple[str, ...]:
        """How far each lane has judged; the references of those that are no more."""
        gone = []
        for name in self._named("lane/"):
            row = _read(self._rows[name], LaneRow)
            lane = self._lanes.get(name.removeprefix("lane/"))
            if lane is None:
                gone.append((row.number, row.ref))
            else:
                lane.watermark = max(row.watermark, watermark - lane.lag)
        return tuple(ref for _, ref in sorted(gone))

    def runs(self) -> None:
        """All matches: first each, then what they rest on, because one may rest on another."""
        saved = {
            int(name[4:]): _read(self._rows[name], RunRow)
            for name in self._named("run/")
            if name.count("/") == 1
        }
        for number, row in saved.items():
            self._runs[number] = Run(
                number, ident_of(row.ident), row.shown, row.last_time, taken=row.taken, base=row.base,
                nested={ident_of(ident): hits for ident, hits in row.nested}, peak=row.peak,
            )  # fmt: skip
        for number, row in saved.items():
            run = self._runs[number]
            for part in range(row.parts):
                items = _read(self._rows[f"run/{number}/{part}"], Part)
                run.items.extend((member, self._proof(proof)) for member, proof in items)
            if len(run.items) != sum(row.taken.values()):
                raise KeyError(f"run/{number} lacks evidence")
            run.last = None if row.last is None else (row.last[0], self._proof(row.last[1]))

    def _proof(self, saved: RunProof) -> Exhibit | Pulse:
        if isinstance(saved, bytes):
            return Exhibit(saved)
        return Pulse(self._runs[saved[0]], saved[1], saved[2])

    def groups(self) -> None:
        """Groups that had a match, or whose window was judged."""
        for name in self._named("group/"):
            row = _read(self._rows[name], GroupRow)
            lane = self._lanes.get(row.lane)
            if lane is None:
                continue
            group = lane.open(row.key)
            group.judged = row.judged
            if row.run is not None:
                group.run = self._runs[row.run]
            self._windows[id(group)] = lane, group, []

    def hits(self) -> None:
        """Hits that can still be in a window."""
        for name in self._named("hits/"):
            block = _read(self._rows[name], BlockRow)
            events = [Exhibit(proof) for proof in block.events]
            for row in block.hits:
                lane = self._lanes.get(block.lanes[row.lane])
                if lane is not None and row.time >= lane.watermark - lane.plan.span:
                    self._take(lane, self._record(row, events))

    def _record(self, row: HitRow, events: Sequence[Exhibit]) -> Record:
        proof = events[row.proof] if isinstance(row.proof, int) else self._proof(row.proof)
        shown = row.key if row.shown is None else row.shown
        return Record(
            row.time,
            row.key,
            row.member,
            ident_of(row.ident),
            shown,
            row.texts,
            row.numbers,
            row.row,
            proof,
            0,
        )

    def _take(self, lane: Lane, record: Record) -> None:
        record.long = record.length()
        held = lane.groups.get(record.key)
        known = self._windows.get(id(held))
        if known is not None and record.time < lane.watermark:
            record.key = known[1].key
            lane.load.take(record)
            known[2].append(record)
        else:
            lane.admit(record)

    def close(self) -> None:
        """Measures the windows again."""
        for lane, group, hits in self._windows.values():
            hits.sort(key=_TIME)
            for batch in instants(hits, lane.load):
                group.window.extend(batch)
                group.gauge.add(batch)
            if group.run is not None:
                for _, proof in group.run.items:
                    lane.load.cite(proof)
            _ = group.window[0]
            group.queued = True
            heapq.heappush(lane.dues, (group.due, group.key))
