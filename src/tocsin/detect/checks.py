"""The suite that every detector passes, ours and a plug-in's: the rules of `detect/interface.py`, tried on events.

`check_detector` raises at the first rule that is broken and names it; tests call it, and so does whoever writes a
plug-in. The events should make the detector find something, or little is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from tocsin.detect.interface import END_OF_TIME, Detector, KeepsRows
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch
from tocsin.records.finding import Finding

Make = Callable[[], Detector]
"""Gives a new detector without state, the same each time."""

_ODD_VALUES: Final[tuple[object, ...]] = (
    None, "", "\x00\x1b[2J", "9" * 400, -1, 2**70, 0.5, True, [], [None, "a", [1]], {}, {"a": {"b": [1]}},
)  # fmt: skip


def check_detector(make: Make, events: Sequence[Event]) -> tuple[Finding, ...]:
    """Tries every rule of the contract on `events`; the findings, for the caller to look at.

    Raises:
        PluginError: a rule is broken; says which and where.
    """
    whole = _run(make(), [events])
    _check_evidence(make().name, whole, events)
    _check_same(make, whole, [events], "the same events twice do not give the same findings")
    for cuts in _splits(len(events)):
        batches = [events[begin:end] for begin, end in pairwise([0, *cuts, len(events)])]
        _check_same(make, whole, batches, f"batches cut at {_brief(cuts)} do not give the same findings")
    for cut in sorted({0, len(events) // 3, len(events) // 2, len(events)}):
        _check_snapshot(make, whole, events, cut)
        _check_rows(make, whole, events, cut)
    _check_odd_fields(make, events)
    return tuple(whole)


def _run(detector: Detector, batches: Sequence[Sequence[Event]]) -> list[Finding]:
    """What `detector` finds in `batches` until the end of time; it is asked for its state's size on the way."""
    found: list[Finding] = []
    for batch in batches:
        found += detector.process(EventBatch.of(batch))
        size = len(detector.snapshot())
        if size > detector.memory_bound:
            raise PluginError(
                detector.name, f"its state is {size} bytes, over its bound of {detector.memory_bound}"
            )
    found += detector.advance(END_OF_TIME)
    return found


def _check_same(
    make: Make, expected: Sequence[Finding], batches: Sequence[Sequence[Event]], why: str
) -> None:
    detector = make()
    if _by_id(_run(detector, batches)) != _by_id(expected):
        raise PluginError(detector.name, why)


def _check_snapshot(make: Make, expected: Sequence[Finding], events: Sequence[Event], cut: int) -> None:
    """A detector that takes up a snapshot goes on as the one that wrote it would have."""
    first, second = make(), make()
    found = list(first.process(EventBatch.of(events[:cut])))
    second.restore(first.snapshot(), first.version)
    if second.snapshot() != first.snapshot():
        raise PluginError(first.name, f"a snapshot after {cut} events, restored, gives another snapshot")
    found += _run(second, [events[cut:]])
    if _by_id(found) != _by_id(expected):
        raise PluginError(
            first.name, f"restored from its snapshot after {cut} events it finds something else"
        )


def _check_rows(make: Make, expected: Sequence[Finding], events: Sequence[Event], cut: int) -> None:
    """A detector that takes up the rows which another told bit by bit goes on as that one would have."""
    first, second = make(), make()
    if not isinstance(first, KeepsRows) or not isinstance(second, KeepsRows):
        return
    rows: dict[str, bytes] = {}
    found: list[Finding] = []
    for event in events[:cut]:
        found += first.process(EventBatch.of([event]))
        first.changes().fold_into(rows)
    first.changes().fold_into(rows)
    second.restore_rows(rows, first.version)
    found += _run(second, [events[cut:]])
    if _by_id(found) != _by_id(expected):
        raise PluginError(first.name, f"restored from its rows after {cut} events it finds something else")


def _check_evidence(name: str, findings: Sequence[Finding], events: Sequence[Event]) -> None:
    """Every piece of evidence is an event that was given, as it was given."""
    given = {event.id: event for event in events}
    for finding in findings:
        if not finding.evidence:
            raise PluginError(name, f"finding {finding.id} cites no evidence")
        for piece in finding.evidence:
            event = given.get(piece.event_id)
            if event is None:
                raise PluginError(
                    name, f"finding {finding.id} cites {piece.event_id}, which it was never given"
                )
            told = (piece.source, piece.record, piece.time, piece.auth, piece.host)
            if told != (event.source, event.seq, event.time, event.auth, event.host):
                raise PluginError(name, f"finding {finding.id} cites {piece.event_id} otherwise than it was")
            if not event.raw.startswith(piece.raw):
                raise PluginError(
                    name, f"finding {finding.id} cites a raw text of {piece.event_id} that it has not"
                )
        cited = {piece.event_id for piece in finding.evidence}
        if any(not cited.issuperset(claim.evidence) for claim in finding.claims):
            raise PluginError(name, f"finding {finding.id} makes a claim on an event that it does not cite")


def _check_odd_fields(make: Make, events: Sequence[Event]) -> None:
    """Missing, unknown and misshapen fields are no error."""
    detector = make()
    for event in events[:50]:
        for fields in _odd(event):
            _run(detector, [[replace(event, fields=fields)]])
        _run(detector, [[replace(event, fields={}, logsources=frozenset(), host=None, user=None, raw="")]])


def _odd(event: Event) -> Iterator[dict[str, object]]:
    yield {}
    yield {**event.fields, "t_origin": "live", "no such field": 1, "": ""}
    for value in _ODD_VALUES:
        yield dict.fromkeys(event.fields, value)


def _splits(count: int) -> Iterator[list[int]]:
    """Places to cut `count` events: everywhere, in halves and thirds, and around the ends."""
    yield list(range(1, count))
    for cuts in ([count // 2], [count // 3, 2 * count // 3], [1], [count - 1], [0], [count]):
        yield [cut for cut in cuts if 0 <= cut <= count]


def _by_id(findings: Sequence[Finding]) -> dict[str, Finding]:
    return {finding.id: finding for finding in findings}


def _brief(cuts: Sequence[int]) -> str:
    return "every event" if len(cuts) > 3 else ", ".join(map(str, cuts))
