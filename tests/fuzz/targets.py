"""What is fuzzed: a name, what to do with the bytes, and where to start from.

A target returns nothing where all is well; whatever it raises is a defect. Starts are made here from parts that other
tests have (lines of each format, records that fire the starter rules); further ones are files in `seeds/<name>/`.
"""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import yaml
import zstandard
from rich.console import Console
from tests.fuzz import endpoints, historian, kept_rules, listened, plant_messages
from tests.fuzz.evtx_writer import evtx_file
from tests.fuzz.invariants import NOW, in_time, read_whole
from tests.hostile import assert_inert_page, assert_inert_text, json_lines
from tests.sources.text.seeds import SEEDS as LINES
from tests.starter import records

from tocsin.cli import json_lines as contract
from tocsin.cli import terminal
from tocsin.cli.read_choice import _columns
from tocsin.config.settings import load_settings
from tocsin.console.page import render_page
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.engine.rule_files import RuleTexts, placeholder_values, rule_texts, starter_texts
from tocsin.engine.rule_sets import LoadedRules, load
from tocsin.engine.scan import ScanRequest, scan
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.records.inert import inert
from tocsin.sources.reading import ReadOptions
from tocsin.sources.text import FORMATS
from tocsin.store import entries
from tocsin.store.disk import Disk
from tocsin.store.segment import Position, frame, header
from tocsin.store.write_ahead import WriteAhead

SEEDS = Path(__file__).parent / "seeds"


@dataclass(frozen=True)
class Target:
    """One thing that is fuzzed.

    Attributes:
        run: Does it with the bytes; raises where an invariant is broken.
        starts: Inputs to begin with, beside the files in `seeds/<name>/`.
        most_bytes: How long an input the fuzzer makes.
    """

    name: str
    run: Callable[[bytes], object]
    starts: Callable[[], Iterable[bytes]] = tuple
    most_bytes: int = 4096

    def seeds(self) -> list[Path]:
        """The kept inputs."""
        return sorted(path for path in (SEEDS / self.name).glob("*") if path.suffix != ".recipe")


@cache
def _folder() -> Path:
    memory = Path("/dev/shm")  # thousands of small files a second
    kept = tempfile.TemporaryDirectory(prefix="tocsin-fuzz-", dir=memory if memory.is_dir() else None)
    _KEPT.append(kept)
    return Path(kept.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def _file(data: bytes, name: str = "input") -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def _reads(data: bytes, **options: object) -> None:
    read_whole(_file(data), **options)


def _case_files(*, only: str = "") -> Iterable[bytes]:
    """The files of the starter rules' test cases that make them fire."""
    cases = Path(records.__file__).parent / "cases"
    for path in sorted(cases.glob(f"{only}*.yml")):
        hits = yaml.safe_load(path.read_text(encoding="utf-8"))["hit"]
        for hit in hits[:1] if isinstance(hits, list) else [hits]:
            with tempfile.TemporaryDirectory() as folder:
                small = [hit | {"times": 1}] if isinstance(hit, dict) else hit
                yield from (one.read_bytes() for one in records.write(small, Path(folder)))


def _archives() -> Iterable[bytes]:
    lines = b'{"n":1}\n{"n":2}\n'
    yield gzip.compress(lines, mtime=0)
    yield zstandard.ZstdCompressor().compress(lines)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(zipfile.ZipInfo("a/b.json"), lines)
        zipped.writestr(zipfile.ZipInfo("../c.gz"), gzip.compress(lines, mtime=0))
    yield held.getvalue()
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode="w", format=form) as tarred:
            for name in ("a.json", "n" * 120):
                info = tarfile.TarInfo(name)
                info.size = len(lines)
                tarred.addfile(info, io.BytesIO(lines))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tarred.addfile(link)
        yield held.getvalue()[:4096]
        yield gzip.compress(held.getvalue(), mtime=0)


def _rules(data: bytes) -> None:
    """Loads the rules in `data` and judges events with them."""
    with in_time():
        loaded = load_rules([RuleText("a.yml", data.decode("utf-8", "replace"))], {"admins": ("anna", "it*")})
    assert all(problem.why for problem in loaded.problems)
    detector = SigmaDetector(loaded)
    with in_time():
        findings = [*detector.process(_some_events()), *detector.advance(END_OF_TIME)]
        state = detector.snapshot()
    assert all(finding.evidence for finding in findings)
    SigmaDetector(loaded).restore(state, detector.version)


@cache
def _some_events() -> EventBatch:
    """One event of each sort that the starter rules' cases are made of."""
    events: dict[str, Event] = {}
    for data in _case_files():
        for event in read_whole(_file(data))[0]:
            events.setdefault(event.kind, event)
    return EventBatch.of(events.values())


def _coverage(data: bytes) -> None:
    texts = RuleTexts((RuleText("a.yml", data.decode("utf-8", "replace")),))
    with in_time():
        _, account = load(texts, {})
    assert all(verdict.why or verdict.status == "active" for verdict in account.verdicts)
    assert_inert_text("".join(map(inert, account.sentences())))


def _rule_zip(data: bytes) -> None:
    try:
        rule_texts([_file(data, "rules.zip")])
    except OperatorError:
        return


def _operators_file(reader: Callable[[Path], object], data: bytes) -> None:
    with in_time():
        try:
            reader(_file(data, "operator.file"))
        except OperatorError as error:
            assert error.next_step  # noqa: PT017  an input may also be sound


def _log(data: bytes) -> None:
    """`data` behind a whole segment header, as the log's last segment, opened for writing and read to its end."""
    folder = _folder() / "log"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    marker = b"markmark"
    (folder / "0000000001.wal").write_bytes(header(1, marker) + data)
    try:
        log = WriteAhead(folder, Position(0, 0), 0, Disk())
        try:
            list(log.read(Position(0, 0), log.end))
        finally:
            log.close()
    except OperatorError:
        return


def _log_of_rubbish(data: bytes) -> None:
    folder = _folder() / "rubbish"
    folder.mkdir(exist_ok=True)
    (folder / "0000000001.wal").write_bytes(data)
    try:
        WriteAhead(folder, Position(0, 0), 0, Disk()).close()
    except OperatorError:
        return


def _entry(data: bytes) -> None:
    """The payload of a frame whose checksum is right."""
    if not data:
        return
    _log(b"".join(frame(b"markmark", data[0] % 8, data[1:], 0)))


def _entry_starts() -> Iterable[bytes]:
    events, _ = read_whole(_file(b'{"a":1,"b":[null,true]}\n'))
    asides = (SetAside("a", 3, 4, "Why.", "raw"),)
    for entry in (
        entries.Events(EventBatch(tuple(events), asides)),
        entries.RuleSet("v", 3),
        entries.Watermark(7),
        entries.StreamBegun("s", "f", 1, 2, "d"),
        entries.StreamEnded("s", 1, 2, "d"),
    ):
        yield from (bytes([kind]) + payload for kind, payload in entries.encode(entry))


class _Heard:
    """Hears a scan and keeps what it heard."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.aside: list[SetAside] = []

    def on_finding(self, finding: Finding) -> None:
        self.findings.append(finding)

    def on_set_aside(self, record: SetAside) -> None:
        self.aside.append(record)

    def on_batch(self, batch: EventBatch) -> None: ...


_EVERYTHING = """
title: Everything of {0}
id: 00000000-0000-4000-8000-0000000000{1:02x}
status: test
level: high
tags: [attack.t1059.001, attack.execution]
logsource: {{{0}}}
detection:
  any: {{no_such_field|exists: false}}
  condition: any
"""
_SORTS = (
    "product: windows", "product: linux", "product: m365", "product: azure", "product: aws", "product: zeek",
    "product: suricata", "category: webserver", "category: firewall", "product: fortigate", "product: synology",
)  # fmt: skip


@cache
def _judges() -> LoadedRules:
    """The starter rules, and one for each sort of log that fires on everything."""
    all_of = tuple(RuleText(sort, _EVERYTHING.format(sort, at)) for at, sort in enumerate(_SORTS))
    return load(RuleTexts((*starter_texts().texts, *all_of)), {})[0]


def _flow(data: bytes) -> None:
    """The whole way: read, judged, grouped, told in the terminal, on the page and in JSON; inert everywhere."""
    path = _file(data)
    heard = _Heard()
    with in_time():
        result = scan(ScanRequest((str(path),), _judges(), ReadOptions(NOW)), heard)
    summary = {
        "kind": "summary",
        "events": result.tally.events,
        "set_aside": result.tally.set_aside,
        "ordinary": result.ordinary,
        "quiet": result.quiet,
    }
    assert result.tally.set_aside == len(heard.aside)
    assert result.ordinary >= 0
    drawn = io.StringIO()
    console = Console(file=drawn, width=80, highlight=False, markup=False, emoji=False)
    terminal.show(result.told, summary, heard.aside, console=console)
    terminal.list_incidents(result.told, console)
    for told in result.told:
        assert len(told.steps) == 3
        terminal.explain(told, console)
    assert_inert_text(drawn.getvalue())
    assert_inert_page(render_page(result.told, summary, heard.aside, NOW))
    stdout = sys.stdout
    sys.stdout = printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        for finding in heard.findings:
            contract.emit(contract.finding_line(finding))
        for one in heard.aside:
            contract.emit(contract.set_aside_line(one))
        for told in result.told:
            contract.emit(contract.incident_line(told))
        contract.emit(summary)
    finally:
        sys.stdout = stdout
    printed.buffer.seek(0)
    json_lines(printed.buffer.read())


def _evtx_starts() -> Iterable[bytes]:
    yield evtx_file(
        [{"Image": r"C:\Windows\System32\cmd.exe", "CommandLine": f"cmd /c {n}"} for n in range(5)]
    )


TARGETS: tuple[Target, ...] = (
    *(
        Target(f"text-{one.name}", partial(_reads, format=one.name), partial(lambda name: ["\n".join(LINES[name]).encode()], one.name))
        for one in FORMATS
    ),
    Target("csv-mapped", partial(_reads, format="csv", columns={"When": "time", "Who": "user", "What": "logsource", "Text": "Message"})),
    Target("json", partial(_reads, format="json"), partial(_case_files, only="m365_app")),
    Target("xml", partial(_reads, format="windows-xml")),
    Target("any", _reads, lambda: [*_case_files(), *_evtx_starts()]),
    Target("archive", _reads, _archives, most_bytes=8192),
    Target("flow", _flow, _case_files),
    Target("rules", _rules, lambda: [one.text.encode() for one in starter_texts().texts[::7]]),
    Target("rules-coverage", _coverage, lambda: [path.read_bytes() for path in target("rules").seeds()]),
    Target("rules-kept", kept_rules.one_file, kept_rules.file_starts),
    Target("rules-cache", lambda data: kept_rules.whole_cache(_folder(), data), kept_rules.cache_starts),
    Target("rules-zip", _rule_zip),
    Target("settings", partial(_operators_file, load_settings)),
    Target("placeholders", partial(_operators_file, placeholder_values)),
    Target("columns", partial(_operators_file, _columns)),
    Target("sparkplug", plant_messages.sparkplug, plant_messages.sparkplug_starts),
    Target("mqtt-packets", plant_messages.packets, plant_messages.packet_starts),
    Target("mqtt-payloads", plant_messages.payloads, plant_messages.payload_starts),
    Target("log", _log, lambda: [b"".join(frame(b"markmark", one[0], one[1:], 0)) for one in _entry_starts()]),
    Target("log-rubbish", _log_of_rubbish, lambda: [header(1, b"markmark")]),
    Target("log-entry", _entry, _entry_starts),
    Target("hec-event", listened.hec_event, listened.hec_starts, most_bytes=8192),
    Target("hec-raw", listened.hec_raw, listened.raw_starts),
    Target("bulk", listened.bulk, listened.bulk_starts, most_bytes=8192),
    Target("otlp-protobuf", listened.otlp_protobuf, listened.otlp_protobuf_starts, most_bytes=8192),
    Target("otlp-json", listened.otlp_json, listened.otlp_json_starts, most_bytes=8192),
    Target("plant-lines", listened.plant_lines, listened.plant_starts),
    Target("file-part", listened.file_part, listened.file_starts, most_bytes=8192),
    Target("coded-body", endpoints.coded_body, endpoints.coded_starts),
    Target("request", endpoints.request, endpoints.request_starts, most_bytes=8192),
    Target("hec-array", endpoints.hec_array, lambda: [b'{"event":{"a":[{},{"b":1}]}},{"event":"},{"}', b'{"event":1} , {"event":2}']),
    Target("syslog-stream", listened.syslog_stream, listened.syslog_starts),
    Target("historian", historian.table, historian.starts, most_bytes=8192),
)  # fmt: skip


def target(name: str) -> Target:
    """The target called `name`."""
    return next(one for one in TARGETS if one.name == name)
