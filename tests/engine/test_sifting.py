"""Several processes give what one gives, in the same order; one that dies takes only its file with it."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import zipfile
from dataclasses import fields
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from click.testing import CliRunner

from tocsin.cli.main import tocsin
from tocsin.config import bounds
from tocsin.detect.sigma.loading import RuleText
from tocsin.engine.rule_files import RuleTexts, starter_texts
from tocsin.engine.rule_sets import LoadedRules, load
from tocsin.engine.scan import ScanRequest, ScanResult, scan
from tocsin.engine.sifting import planned_work, sifted
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.rehearse.townhall.on_disk import lay_out
from tocsin.rehearse.townhall.town import generate
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions


@pytest.fixture(scope="module")
def rules() -> LoadedRules:
    return load(starter_texts(), {})[0]


@pytest.fixture(autouse=True)
def small_folders_are_worth_it(monkeypatch):
    monkeypatch.setattr(bounds, "SIFTED_BYTES", 0)


class Heard:
    """Everything that a scan tells, in order."""

    def __init__(self) -> None:
        self.told: list[Finding | SetAside] = []
        self.events = 0

    def on_finding(self, finding: Finding) -> None:
        self.told.append(finding)

    def on_set_aside(self, record: SetAside) -> None:
        self.told.append(record)

    def on_batch(self, batch: EventBatch) -> None:
        self.events += len(batch) + batch.passed


def scanned(paths: list[str], rules: LoadedRules, workers: int) -> tuple[ScanResult, Heard, ReadCounts]:
    heard, counts = Heard(), ReadCounts()
    result = scan(ScanRequest(paths, rules, ReadOptions(10**15), workers=workers), heard, counts)
    return result, heard, counts


def test_two_processes_give_what_one_gives(tmp_path, rules):
    day = generate(8_000)
    lay_out(day, tmp_path / "day")
    (tmp_path / "day" / "broken.json").write_text(
        '{"EventID": 1, "Channel"\n{"EventID": 4624}\n', encoding="utf-8"
    )
    (tmp_path / "day" / "empty").mkdir()
    (tmp_path / "day" / "readme.docx").write_bytes(b"PK\x03\x04 no archive")
    paths = [str(tmp_path / "day"), str(tmp_path / "day" / "empty")]
    one, two = (scanned(paths, rules, workers) for workers in (1, 3))
    assert one[1].told == two[1].told
    assert any(isinstance(told, Finding) for told in two[1].told)
    assert any(isinstance(told, SetAside) for told in two[1].told)
    assert (one[1].events, one[2]) == (two[1].events, two[2])
    assert one[0] == two[0]


def test_a_worker_that_dies_takes_only_its_file_with_it(tmp_path, rules):
    line = (
        json.dumps({"EventID": 1102, "Channel": "Security", "SourceName": "x", "Message": "m" * 2_000}) + "\n"
    )
    for number in range(6):
        (tmp_path / f"{number}.json").write_text(line * 3_000, encoding="utf-8")
    counts, read = ReadCounts(), ReadOptions(0)
    work = planned_work([str(tmp_path)], read, rules.files, 2)
    assert work is not None
    batches = sifted(work, counts, {})
    taken = [next(batches)]
    victim = multiprocessing.active_children()[0]
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    taken += batches
    (aside,) = [aside for batch in taken for aside in batch.set_aside]
    assert "ended unexpectedly (exit code -9)" in aside.reason
    whole = {Path(event.source).name for batch in taken for event in batch} - {Path(aside.source).name}
    assert len(whole) == 5
    events = [event for batch in taken for event in batch if event.source != aside.source]
    assert [(event.source, event.seq) for event in events] == [
        (str(tmp_path / name), seq) for name in sorted(whole) for seq in range(3_000)
    ]
    assert not multiprocessing.active_children(), "no process is left behind"


def test_a_worker_that_is_killed_as_it_is_given_a_file_does_not_end_the_scan(tmp_path, rules, monkeypatch):
    for number in range(6):
        (tmp_path / f"{number}.json").write_text('{"EventID": 1, "Channel": "Security"}\n')
    alive, asked = BaseProcess.is_alive, list[int]()

    def alive_for_the_last_time(process: BaseProcess) -> bool:
        answer = alive(process)
        asked.append(process.pid or 0)
        if len(asked) == 4:
            os.kill(asked[-1], signal.SIGKILL)
            os.waitid(os.P_PID, asked[-1], os.WEXITED | os.WNOWAIT)
        return answer

    monkeypatch.setattr(BaseProcess, "is_alive", alive_for_the_last_time)
    result, heard, _ = scanned([str(tmp_path)], rules, 2)
    (aside,) = [told for told in heard.told if isinstance(told, SetAside)]
    assert "ended unexpectedly (exit code -9)" in aside.reason
    assert (result.tally.events, len(asked) > 4) == (5, True)


def test_what_matched_before_its_rule_was_suspended_is_told(tmp_path):
    """A worker tells of time-outs together with matches that stand before them."""
    rule = (
        "title: Exploding\nlogsource: {product: windows}\n"
        "detection: {s: {CommandLine|re: '(x+x+)+y'}, condition: s}"
    )
    rules = load(RuleTexts((RuleText("r.yml", rule),)), {})[0]
    head = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "SourceName": "x"}
    values = ["xxy", *(f"{number}" + "x" * 5_000 for number in range(3)), "xxxy"]
    lines = "".join(json.dumps({**head, "CommandLine": value}) + "\n" for value in values)
    (tmp_path / "a.json").write_text(lines)
    (tmp_path / "b.json").write_text('{"EventID": 1, "Channel": "Security"}\n')
    for workers in (1, 2):
        result, heard, _ = scanned([str(tmp_path)], rules, workers)
        assert len(result.suspended) == 1
        assert [told.evidence[0].event_id.seq for told in heard.told if isinstance(told, Finding)] == [0]


def test_files_that_start_alike_are_told_apart_as_by_one(tmp_path, rules):
    line = json.dumps({"EventID": 1102, "Channel": "Security", "SourceName": "x"}) + "\n"
    for name in ("a.json", "b.json", "c.json"):
        (tmp_path / name).write_text(line * 200, encoding="utf-8")
    one, two = (scanned([str(tmp_path)], rules, workers) for workers in (1, 2))
    assert one[1].told == two[1].told
    streams = {
        piece.event_id.stream for told in two[1].told if isinstance(told, Finding) for piece in told.evidence
    }
    assert len(streams) == 3


@pytest.fixture
def cut(monkeypatch):
    """Files are cut into ranges of 64 KiB."""
    monkeypatch.setattr(bounds, "SPLIT_FROM_BYTES", 1)
    monkeypatch.setattr(bounds, "SPLIT_BYTES", 64 * 1024)


LINE = json.dumps({"EventID": 1102, "Channel": "Security", "SourceName": "x", "Message": "m" * 2_000}) + "\n"


@pytest.mark.usefixtures("cut")
def test_a_large_file_gives_what_one_process_gives(tmp_path, rules):
    (tmp_path / "a.json").write_text(LINE * 900, encoding="utf-8")
    (tmp_path / "b.json").write_text(
        LINE * 300 + '{"EventID": 1,\n"Channel": 4}\n' + LINE * 300, encoding="utf-8"
    )
    (tmp_path / "c.json").write_text(LINE * 500 + '{"EventID": 1, "Ch', encoding="utf-8")
    (tmp_path / "d.json").write_text(LINE * 5, encoding="utf-8")
    one, two = (scanned([str(tmp_path)], rules, workers) for workers in (1, 3))
    assert one[1].told == two[1].told
    assert (one[1].events, one[2]) == (two[1].events, two[2])
    assert one[0] == two[0]
    assert two[0].tally.events == 900 + 601 + 500 + 5


@pytest.mark.usefixtures("cut")
def test_a_worker_that_dies_takes_only_its_range_with_it(tmp_path, rules):
    path = tmp_path / "a.json"
    path.write_text(LINE * 9_000, encoding="utf-8")
    for _ in range(10):
        counts = ReadCounts()
        work = planned_work([str(path)], ReadOptions(0), rules.files, 2)
        assert work is not None
        batches = sifted(work, counts, {})
        taken = [next(batches)]
        victim = multiprocessing.active_children()[0]
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        taken += batches
        if counts.set_aside:
            break
        assert counts.records == 9_000, "killed between two ranges, it takes none with it"
    (aside,) = [aside for batch in taken for aside in batch.set_aside]
    told = re.search(r"exit code -9\); bytes ([\d,]+) to ([\d,]+) were not read", aside.reason)
    assert told is not None
    start, stop = (int(number.replace(",", "")) for number in told.groups())
    lost = range(start // len(LINE), stop // len(LINE))
    assert 0 < len(lost) < 100
    assert [event.seq for batch in taken for event in batch] == [
        seq for seq in range(9_000) if seq not in lost
    ]
    assert (counts.records, counts.set_aside, counts.sources) == (9_000 - len(lost), 1, 1)
    assert not multiprocessing.active_children(), "no process is left behind"


def test_a_real_recording_is_told_word_for_word(tmp_path, data, monkeypatch):
    monkeypatch.setattr(bounds, "SPLIT_FROM_BYTES", 1)
    monkeypatch.setattr(bounds, "SPLIT_BYTES", 2 * bounds.MiB)
    path = tmp_path / "recording.json"
    recordings = sorted((data / "otrf" / "compound").rglob("*.zip"))
    with zipfile.ZipFile(recordings[0]) as archive, path.open("wb") as file:
        (name,) = [name for name in archive.namelist() if name.endswith(".json")]
        with archive.open(name) as recording:
            file.write(recording.read(20 * bounds.MiB))
    work = planned_work([str(path)], ReadOptions(0), (), 2)
    assert work is not None
    assert len(work.tasks) > 5
    told = [CliRunner().invoke(tocsin, ["scan", str(path), "--json", "--jobs", jobs]) for jobs in ("1", "2")]
    one, two = (re.sub(r'"seconds":[\d.]+', "", result.stdout) for result in told)
    assert one == two
    assert '"kind":"finding"' in two.replace(" ", "")


def test_one_process_is_enough_for_little_or_one(tmp_path, rules, monkeypatch):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text('{"EventID": 1, "Channel": "Security"}\n', encoding="utf-8")
    read, both = ReadOptions(0), [str(tmp_path)]
    assert planned_work(both, read, rules.files, 2) is not None
    assert planned_work(both, read, rules.files, 1) is None
    assert planned_work([str(tmp_path / "a.json")], read, rules.files, 2) is None
    monkeypatch.setattr(bounds, "SIFTED_BYTES", 1_000)
    assert planned_work(both, read, rules.files, 2) is None


def test_every_count_is_taken_and_added():
    whole = ReadCounts(1, 2, 3, 4, 5, 6, "first")
    taken = whole.taken()
    assert whole == ReadCounts()
    whole.add(taken)
    whole.add(ReadCounts(passed_over_first="second"))
    assert whole == taken == ReadCounts(1, 2, 3, 4, 5, 6, "first")
    assert len(fields(ReadCounts)) == 7, "a new count must be added up too"
