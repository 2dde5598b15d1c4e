"""A file that is read in ranges gives what one reading of it gives: events, batches, set-aside records, counts, streams."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.engine.sifting import Taking, Work
from tocsin.engine.sifting_worker import Answer, Part, kept, parts, range_part
from tocsin.records.event import EventBatch, Logsource, SetAside
from tocsin.sources.content import Content
from tocsin.sources.fingerprint import OpenAgain, PlainStreams
from tocsin.sources.projection import whole
from tocsin.sources.range_reading import Rest
from tocsin.sources.ranges import FileRange, ranges
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions, read
from tocsin.sources.walk import Found

RULES = """
title: Odd numbers
id: 5a6b1b54-6a9f-4c8b-8a5e-5d0f8f1f3c01
logsource: {product: windows}
detection:
  odd: {EventID: [1, 3]}
  condition: odd
---
title: Anything else
id: 5a6b1b54-6a9f-4c8b-8a5e-5d0f8f1f3c02
logsource: {product: other}
detection:
  marks: ['*']
  condition: marks
---
title: Connections
id: 5a6b1b54-6a9f-4c8b-8a5e-5d0f8f1f3c03
logsource: {product: zeek}
detection:
  named: {uid: C*}
  condition: named
"""

SMALL = {
    "SPLIT_FROM_BYTES": 0,
    "SNIFF_BYTES": 96,
    "READ_BLOCK_BYTES": 256,
    "BATCH_EVENTS": 3,
    "BATCH_BYTES": 600,
}


class Noted(PlainStreams):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[Any, ...]] = []

    def resolve(self, head: bytes, member: str, open_again: OpenAgain | None) -> str:
        name = super().resolve(head, member, open_again)
        self.told.append((head, member, name))
        return name

    def finished(self, stream: str, records: int, size: int, digest: str) -> None:
        self.told.append((stream, records, size, digest))


class InTurn:
    """Does the tasks one after the other, as they are asked for."""

    def __init__(self, work: Work, evaluator: PlannedEvaluator) -> None:
        self._work = work
        self._evaluator = evaluator
        self._going: tuple[int, Iterator[Part]] = -1, iter(())
        self._dropped_from = len(work.tasks)
        self.rests = self.taken = 0

    def is_dropped(self, place: int) -> bool:
        return place >= self._dropped_from

    def next(self, place: int) -> Answer:
        task = self._work.tasks[place]
        options = replace(self._work.options, needs=self._evaluator.needs)
        if self._going[0] == place:
            return next(self._going[1])
        assert isinstance(task, FileRange)
        self.taken += 1
        return range_part(task, options, self._evaluator)

    def resume(self, place: int, rest: Rest) -> None:
        options = replace(self._work.options, needs=self._evaluator.needs)
        self._going = place, parts(rest, options, self._evaluator)
        self._dropped_from = place + 1
        self.rests += 1


Told = tuple[list[EventBatch], ReadCounts, list[tuple[Any, ...]]]


def evaluator() -> PlannedEvaluator:
    ruleset = load_rules([RuleText("rules.yml", RULES)])
    assert not ruleset.problems
    return PlannedEvaluator(ruleset.rules, whole=whole)


def in_one(path: Path, options: ReadOptions) -> Told:
    judge, counts, streams = evaluator(), ReadCounts(), Noted()
    options = replace(options, streams=streams, needs=judge.needs, by_file=True)
    return [kept(batch, judge) for batch in read([str(path)], options, counts)], counts, streams.told


def in_ranges(path: Path, options: ReadOptions) -> tuple[Told, int, int]:
    """What is told, of how many ranges, and whether the rest of the file was read whole."""
    counts, streams = ReadCounts(), Noted()
    tasks = ranges(Found(path, str(path), named=True), options)
    work = Work(tasks, replace(options, streams=streams), (), 2)
    answers = InTurn(work, evaluator())
    batches = list(Taking(work, answers, counts, {}).batches())
    return (batches, counts, streams.told), len(tasks), answers.rests


LINES = [
    b'{"EventID": 1, "Channel": "Security", "TimeCreated": "2026-03-01T10:00:00Z", "a": "\xc3\xa4"}',
    b'{"EventID": 2, "Channel": "Security", "x": 12345678901234567890123}',
    b'  {"EventID": 3, "Channel": "Security", "Hostname": "h"},',
    b'{"ts": 1700000000.5, "uid": "C1", "id.orig_h": "10.0.0.1", "_path": "conn"}',
    b'{"id": 7, "note": "mark"}',
    b'{"EventID": "none", "Channel": "Security"}',
    b"",
    b"\0\0",
]
ODD = [
    b'{"ts": 1, "uid": "C1", "event_type": "dns", "flow_id": 3}',  # Zeek's and Suricata's: as the one before
    b'{"event_type": "dns", "flow_id": 3, "src_ip": "10.0.0.1"}',
    b'{"EventID": 1, "Channel"',
    b'{"a":',
    b"1",
    b"}",
    b"[",
    b"]",
    b"{",
    b"  {",
    b'"b": 2, "mark": [',
    b'{"Records": [{"a": "mark"},',
    b'{"value": [{"b": 2}, {"c": 3}], "other": 4}',
    b'{"value": [{"b": 2}, {"c": 3}], "count": 44}',
    b'{"a": 1} {"b": "mark"}',
    b"Record 12",
    b"mark, and no JSON at all",
    b'"text"',
    b'{"a": "\xff\xfe mark"}',
    b"\xef\xbb\xbf{}",
    b'{"a": 1e999, "b": NaN, "c": "\\ud800 mark"}',
    b'{"deep": ' + b'{"a":' * 70 + b"1" + b"}" * 71,
    b'{"long": "' + b"m" * 400 + b'"}',
]  # fmt: skip
LINE = (
    st.integers(0, 40)
    .map(lambda number: LINES[number % len(LINES)] if number < 36 else b"")
    .flatmap(lambda line: st.just(line) if line else st.sampled_from([*LINES, *ODD]))
)


@contextmanager
def small(split: int, block: int = 100) -> Iterator[None]:
    """Bounds under which a few lines are many ranges, batches and blocks."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in SMALL.items():
            patched.setattr(bounds, name, value)
        patched.setattr(bounds, "SPLIT_BYTES", split)
        patched.setattr(Content.read, "__defaults__", (block,))
        yield


OPTIONS = ReadOptions(10**15, logsource=Logsource("other"))


@settings(max_examples=300)
@given(
    lines=st.lists(LINE, min_size=12, max_size=60),
    ends=st.sampled_from([(b"\n", b"\n"), (b"\n", b""), (b"\r\n", b"\r\n"), (b"\r\n", b"")]),
    cut=st.tuples(st.integers(1, 700), st.integers(1, 300)),
    form=st.sampled_from([None, "windows-json", "json"]),
)
def test_any_lines_give_what_one_reading_gives(tmp_path_factory, lines, ends, cut, form):
    path, end = tmp_path_factory.getbasetemp() / "lines.json", ends[0]
    path.write_bytes(LINES[0] + end + LINES[4] + end + end.join(lines) + ends[1])
    options = replace(OPTIONS, format=form)
    with small(*cut):
        told, count, _ = in_ranges(path, options)
        if count:
            assert told == in_one(path, options)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_whatever_stands_in_the_middle_is_read_as_by_one(tmp_path, odd):
    path = tmp_path / "lines.json"
    for block in (1, 50, 97):
        path.write_bytes(b"\n".join([*LINES * 6, odd, *LINES * 6]))
        with small(150, block):
            told, count, rests = in_ranges(path, OPTIONS)
            assert told == in_one(path, OPTIONS)
        assert count > 12
        assert rests <= 1


def test_which_of_two_shapes_a_record_has_is_that_of_the_one_before(tmp_path):
    path, (two_shapes, suricata, broken) = tmp_path / "lines.json", ODD[:3]
    zeek = LINES[3]
    for first, last in ((suricata, zeek), (zeek, suricata)):
        for middle in ([], [broken]):
            lines = [first, *[two_shapes] * 20, *middle, *[two_shapes] * 20, last, *[two_shapes] * 20]
            path.write_bytes(b"\n".join(lines))
            for split in (100, 200, 300):
                with small(split):
                    told, count, rests = in_ranges(path, OPTIONS)
                    assert told == in_one(path, OPTIONS)
                assert (count > 5, rests) == (True, 1)


def test_lines_alone_need_no_second_reading(tmp_path):
    path = tmp_path / "lines.json"
    path.write_bytes(b"\r\n".join(LINES * 20))
    with small(300):
        told, count, rests = in_ranges(path, OPTIONS)
        assert told == in_one(path, OPTIONS)
    assert count > 20
    assert not rests


@pytest.mark.parametrize(
    "start",
    [
        b"[" + b",\n".join(LINES[:5] * 20) + b"]",
        b'{"a":\n1}\n' + b"\n".join(LINES * 20),
        b"\n".join(LINES[:3] * 20).decode().encode("utf-16"),
        gzip.compress(b"\n".join(LINES * 20), 0),
        b"Mar  1 10:00:00 host sshd[1]: a line\n" * 100,
        b'{"only": "one line"}',
    ],
    ids=["array", "pretty-printed", "utf-16", "gzip", "syslog", "one line"],
)
def test_what_does_not_start_with_lines_of_json_is_not_cut(tmp_path, start):
    path = tmp_path / "file"
    path.write_bytes(start)
    with small(100):
        assert not ranges(Found(path, str(path), named=True), OPTIONS)


def changed(path: Path, change: Callable[[], object]) -> list[EventBatch]:
    """The batches of a file that `change` changes once three of its ranges were taken."""
    counts, batches = ReadCounts(), []
    tasks = ranges(Found(path, str(path), named=True), OPTIONS)
    work = Work(tasks, OPTIONS, (), 2)
    answers = InTurn(work, evaluator())
    for batch in Taking(work, answers, counts, {}).batches():
        batches.append(batch)
        if answers.taken == 3:
            answers.taken += 1
            change()
    assert answers.taken > 3
    assert counts.set_aside == sum(len(batch.set_aside) for batch in batches)
    return batches


def seqs(batches: list[EventBatch]) -> list[int]:
    return [event.seq for batch in batches for event in batch]


def asides(batches: list[EventBatch]) -> list[SetAside]:
    return [aside for batch in batches for aside in batch.set_aside]


ODD_NUMBER = b'{"EventID": 1, "Channel": "Security"}\n'


def test_a_file_that_grows_is_read_to_its_new_end(tmp_path):
    path = tmp_path / "lines.json"
    path.write_bytes(ODD_NUMBER * 50)
    with small(200):
        batches = changed(path, lambda: path.write_bytes(path.read_bytes() + ODD_NUMBER * 30))
    assert (seqs(batches), asides(batches)) == (list(range(80)), [])


def test_a_file_that_becomes_shorter_is_told(tmp_path):
    path = tmp_path / "lines.json"
    path.write_bytes(ODD_NUMBER * 50)
    with small(200):
        batches = changed(path, lambda: os.truncate(path, 40 * len(ODD_NUMBER)))
    (aside,) = asides(batches)
    assert "became shorter while it was read; the rest was not read" in aside.reason
    assert aside.offset == len(ODD_NUMBER) * (seqs(batches)[-1] + 1)
    assert seqs(batches) == list(range(len(seqs(batches))))


def test_a_file_that_another_one_replaces_is_told(tmp_path):
    path, other = tmp_path / "lines.json", tmp_path / "other.json"
    path.write_bytes(ODD_NUMBER * 50)
    other.write_bytes(ODD_NUMBER * 90)
    with small(200):
        batches = changed(path, lambda: other.replace(path))
    (aside,) = asides(batches)
    assert "replaced" in aside.reason
    assert seqs(batches) == list(range(len(seqs(batches)))) != list(range(50))
