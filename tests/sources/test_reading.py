"""The room's entry: whole recordings counted twice, streams named and finished, hostile files told, memory flat."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources.reads import NOW, everything

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions, read
from tocsin.sources.recognise import format_names

QUICK_BYTES = 150_000
"""Recordings up to this size (compressed) are read by the ordinary tests, all of them under `make soak`."""


def lines_in(path: Path) -> int:
    """Records of a recording, counted without any of our readers: non-blank lines of its members."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [
                name
                for name in archive.namelist()
                if not name.startswith("__MACOSX") and not name.endswith("/")
            ]
            return sum(bool(line.strip()) for name in names for line in io.BytesIO(archive.read(name)))
    with tarfile.open(path) as archive:
        files = [archive.extractfile(one) for one in archive if one.isfile()]
        return sum(bool(line.strip()) for file in files for line in file)


@pytest.mark.parametrize("most", [QUICK_BYTES, pytest.param(2**40, marks=pytest.mark.soak)])
def test_recordings_are_read_whole_from_their_archives(data, most):
    archives = sorted(path for path in (data / "otrf").rglob("*") if path.suffix in (".zip", ".gz"))
    assert len(archives) == 46
    some = [path for path in archives if path.stat().st_size <= most]
    assert len(some) >= 10
    for path in some:
        counts = ReadCounts()
        total = sum(len(batch) for batch in read([str(path)], ReadOptions(ingest=NOW), counts))
        assert (total, counts.set_aside, counts.records) == (lines_in(path), 0, total), path


def test_batches_are_bounded_and_nothing_is_lost_between_them(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes(
        b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * (n % 50)) for n in range(3000))
    )
    monkeypatch.setattr(bounds, "BATCH_BYTES", 20_000)
    batches = list(read([str(tmp_path)], ReadOptions(ingest=NOW)))
    assert all(len(batch) <= bounds.BATCH_EVENTS for batch in batches)
    assert all(sum(len(one.raw) for one in batch) <= 20_000 + 100 for batch in batches)
    assert [one.seq for batch in batches for one in batch] == list(range(3000))
    assert [one.fields["n"] for batch in batches for one in batch] == list(range(3000))


def test_events_carry_their_envelope(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"t_origin":"forged","time":"2025-10-09T08:53:20"}\nrubbish\n{"a":1}\n')
    os.utime(path, (1_700_000_000, 1_700_000_000))
    (first, second), (aside,) = everything(path, site="town", auth="token")
    assert (first.seq, second.seq, aside.record) == (0, 2, 1)
    assert (first.origin, first.fields["t_origin"]) == ("live", "forged")
    assert (first.site, first.auth, first.ingest, first.source) == ("town", "token", NOW, str(path))
    assert (first.time_known, first.time) == (True, 1_760_000_000_000_000)
    assert (second.time_known, second.time) == (False, 1_700_000_000_000_000)
    assert aside.offset == 51
    assert aside.raw == "rubbish"
    assert aside.reason.endswith(".")


class Remembers:
    """A `Streams` that writes down what it is asked and told."""

    measures = True

    def __init__(self):
        self.asked, self.told = [], []

    def resolve(self, head, member, open_again):
        with open_again() as again:
            parts = []
            while block := again.read(1 << 20):
                parts.append(block)
        self.asked.append((head, member, b"".join(parts)))
        return f"s{len(self.asked)}"

    def finished(self, stream, records, size, digest):
        self.told.append((stream, records, size, digest))


def test_streams_are_resolved_before_and_finished_after_their_events_were_taken(tmp_path):
    lines = b"".join(b'{"n":%d}\n' % n for n in range(1500))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(lines))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("m/x.json", lines + b"oops\n")
    streams = Remembers()
    batches = read([str(tmp_path)], ReadOptions(ingest=NOW, streams=streams))
    assert {one.stream for one in next(batches)} == {"s1"}
    assert not streams.told
    rest = list(batches)
    assert {one.stream for batch in rest for one in batch} == {"s1", "s2"}
    assert streams.asked == [(lines[:1024], "", lines), (lines[:1024], "m/x.json", lines + b"oops\n")]
    assert streams.told == [
        ("s1", 1500, len(lines), hashlib.sha256(lines).hexdigest()),
        ("s2", 1501, len(lines) + 5, hashlib.sha256(lines + b"oops\n").hexdigest()),
    ]


def test_streams_of_evtx_are_measured_by_their_records(data):
    path = min((data / "evtx").rglob("*.evtx"))
    streams = Remembers()
    total = sum(len(batch) for batch in read([str(path)], ReadOptions(ingest=NOW, streams=streams)))
    ((head, member, content),) = streams.asked
    assert streams.told == [("s1", total, len(content), hashlib.sha256(content).hexdigest())]
    assert (content[:4], content[:1024], member) == (b"**\0\0", head, "")


def test_a_reading_that_is_given_up_finishes_nothing(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"a":1}\n' * 5000)
    streams = Remembers()
    batches = read([str(tmp_path)], ReadOptions(ingest=NOW, streams=streams))
    next(batches)
    batches.close()
    assert not streams.told


def test_files_with_the_same_head_are_streams_of_their_own(tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_bytes(b'{"same":"head"}\n' * 200 + name.encode())
    events, _ = everything(tmp_path)
    assert len({(one.stream, one.seq) for one in events}) == 400


def test_folders_hidden_files_and_links(tmp_path):
    for name in ("b/2.json", "b/1.json", "a.json", ".hidden.json", ".git/x.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"name": name}))
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "b" / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    events, aside = everything(tmp_path)
    assert [one.fields["name"] for one in events] == ["a.json", "b/1.json", "b/2.json"]
    assert {Path(one.source).name for one in aside} == {"gone", "pipe"}
    (tmp_path / "empty").mkdir()
    assert "no files" in everything(tmp_path / "empty")[1][0].reason


def test_what_links_lead_to_twice_is_read_once(tmp_path):
    for folder in range(8):
        (tmp_path / f"d{folder}").mkdir()
        (tmp_path / f"d{folder}" / "x.json").write_text(json.dumps({"folder": folder}))
        for other in range(8):
            (tmp_path / f"d{folder}" / f"to{other}").symlink_to(tmp_path / f"d{other}")
    (tmp_path / "current.json").symlink_to(tmp_path / "d0" / "x.json")
    events, aside = everything(tmp_path)
    assert sorted(one.fields["folder"] for one in events) == list(range(8))
    assert aside == []


def test_folders_may_nest_deeper_than_python_calls(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1_500):
        Path("a").mkdir()
        os.chdir("a")
    Path("x.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    events, aside = everything("a")
    assert (len(events), aside) == (1, [])
    subprocess.run(["rm", "-rf", "a"], check=True)  # pytest's own removal calls itself for each folder


@pytest.mark.parametrize("path", ["/nonexistent/x.json", "a\0b", "/dev/null"])
def test_a_path_that_cannot_be_read_is_the_operators_to_mend(path):
    with pytest.raises(OperatorError):
        read([path], ReadOptions(ingest=NOW))


def test_a_format_that_does_not_exist_names_those_that_do(tmp_path):
    with pytest.raises(OperatorError, match="winlogbeat"):
        read([str(tmp_path)], ReadOptions(ingest=NOW, format="winlogbaet"))
    assert {"evtx", "json", "csv", "rfc3164", "m365", "windows-json"} <= set(format_names())


@pytest.mark.parametrize(
    ("name", "data", "format_"),
    [
        ("syslog.log", b'{"EventID":1,"Channel":"Security"}\n', "windows-json"),
        (
            "x.json",
            b"Oct  9 08:53:20 web1 sshd[7]: Failed password for root from 203.0.113.9 port 4711 ssh2\n" * 3,
            "rfc3164",
        ),
        ("utf16.txt", '{"EventID":1,"Channel":"Security"}\r\n'.encode("utf-16"), "windows-json"),
        ("x.log", b'cut off":1}\n{"EventID":1,"Channel":"Security"}\n', "windows-json"),
        ("apache", b"[Thu Jun 09 06:07:04 2005] [notice] LDAP: SSL support unavailable\n" * 3, "web_error"),
        ("x.evtx", b"<Events><Event><System><EventID>1</EventID></System></Event></Events>", "evtx"),
        ("array", b'\n [ {"EventID":1,"Channel":"Security"} ]', "windows-json"),
    ],
)
def test_formats_are_told_by_content(tmp_path, name, data, format_):
    (tmp_path / name).write_bytes(data)
    events, _ = everything(tmp_path)
    assert {one.format for one in events} == {format_}


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 40,
        b"\x7fELF" + bytes(4000),
        os.urandom(0) + b"\x89PNG\r\n\x1a\n" + bytes(range(200)),
    ],
)
def test_what_is_no_log_is_set_aside_whole(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    events, aside = everything(tmp_path)
    assert not events
    assert [one.record for one in aside] == [None]
    assert "--format" in aside[0].reason


def test_an_empty_file_is_a_source_without_records(tmp_path):
    (tmp_path / "x.json").write_bytes(b"")
    counts = ReadCounts()
    assert everything(tmp_path, counts=counts) == ([], [])
    assert counts.sources == 1


def test_too_many_fields_are_set_aside(tmp_path):
    (tmp_path / "x.json").write_text(
        json.dumps({str(n): n for n in range(bounds.FIELDS_PER_RECORD + 1)}) + '\n{"a":1}\n'
    )
    events, (aside,) = everything(tmp_path)
    assert len(events) == 1
    assert "fields" in aside.reason


def test_a_truncated_archive_keeps_its_records_and_says_so(tmp_path):
    data = b"".join(
        b'{"n":%d,"x":"%s"}\n' % (n, hashlib.sha256(b"%d" % n).hexdigest().encode()) for n in range(2000)
    )
    raw = gzip.compress(data)
    (tmp_path / "x.gz").write_bytes(raw[: len(raw) // 2])
    events, aside = everything(tmp_path)
    assert 500 < len(events) < 1500
    assert [one.fields["n"] for one in events] == list(range(len(events)))
    assert "truncated" in aside[-1].reason


SEEDS = [
    b'{"EventID":1,"Channel":"Security","TimeCreated":"2025-10-09T08:53:20Z"}\n', b'{"winlog":{"event_id":1,"channel":"x"}}', b"[", b"]", b"{", b"}",
    b'{"Event":{"System":{"EventID":1}}}', b"<Event><System><EventID>1</EventID></System></Event>", b"<Event>", b"ElfFile\0", b"ElfChnk\0", b"\x1f\x8b\x08\0",
    b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b"\0", b"\xff", b"Oct  9 08:53:20 h sshd[1]: x\n", b"#fields\tts\n", b"a,b\n", b'"',
    b'{"AuditData":"{}"}', b'{"Records":[', b"1760000000", b"type=SYSCALL msg=audit(1.2:3): a=b\n", b"CEF:0|a|b|c|d|e|5|k=v\n",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(SEEDS) | st.binary(max_size=12), max_size=12).map(b"".join),
    st.sampled_from([None, *(name for name in format_names() if name != "evtx")]),
)
@settings(max_examples=200)
def test_no_bytes_make_reading_raise_and_no_reader_fails(tmp_path_factory, data, format_):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    events, aside = everything(path, format=format_)
    ordinals = [one.seq for one in events] + [one.record for one in aside if one.record is not None]
    assert sorted(ordinals) == list(range(len(ordinals)))
    for one in events:
        one.raw.encode()
        json.dumps(dict(one.fields), default=str).encode()
    for one in aside:
        assert "reader failed" not in one.reason
        assert len(one.raw) <= bounds.SET_ASIDE_RAW_CHARS


MEASURE = """
import sys
from tocsin.sources.reading import read, ReadOptions
total = sum(len(batch) for batch in read(sys.argv[1:], ReadOptions(ingest=0)))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(total, int(peak.split()[1]) // 1024)
"""
"""VmHWM, because getrusage's peak is inherited from the process that started it."""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("shape", ["lines", "array in one line", "one giant line", "pretty"])
def test_memory_stays_flat(tmp_path, shape):
    """40 to 60 MB of JSON in each framing, read in a process of its own: the peak is far below the content."""
    record = json.dumps({"EventID": 1, "Channel": "Security", "CommandLine": "x" * 900})
    count = 40_000
    pretty = json.dumps(json.loads(record), indent=1)
    with gzip.open(tmp_path / "x.gz", "wt", compresslevel=1) as file:
        if shape == "lines":
            file.writelines([record + "\n"] * count)
        elif shape == "pretty":
            file.writelines([pretty + "\n"] * count)
        elif shape == "array in one line":
            file.write("[" + ",".join([record] * count) + "]")
        else:
            file.write('{"a":"' + "x" * 50_000_000 + '"}\n' + record)
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    total, peak = map(int, ran.stdout.split())
    assert total == (1 if shape == "one giant line" else count)
    assert peak < (200 if shape == "one giant line" else 60)


SYSLOG = "Mar  1 10:00:0{} h sshd[1]: Failed password for root from 192.0.2.9 port 5 ssh2\n"


def test_one_object_among_syslog_lines_makes_no_json_of_them(tmp_path):
    lines = [SYSLOG.format(second) for second in range(9)]
    (tmp_path / "a.log").write_text("".join([*lines[:3], '{"a":1}\n', *lines[3:]]))
    events, aside = everything(tmp_path)
    assert [one.format for one in events] == ["rfc3164"] * 9
    assert [one.record for one in aside] == [3]


def test_a_line_of_a_log_makes_no_log_of_a_text(tmp_path):
    (tmp_path / "notes.txt").write_text("What I saw today\n" * 30 + SYSLOG.format(1) + "And so on\n" * 10)
    events, aside = everything(tmp_path)
    assert ({one.format for one in events}, len(events), aside) == ({"text"}, 41, [])


def test_documents_in_a_folder_are_passed_over_and_counted_and_read_when_named(tmp_path):
    for name in ("README.md", "LICENSE", "rules/a.yml", "app.log", "notice.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("title: some words\nand more of them\n")
    (tmp_path / "syslog.conf").write_text(SYSLOG.format(1))  # what it holds counts for more than its name
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("README", "words\n")
    counts = ReadCounts()
    events, aside = everything(tmp_path, counts=counts)
    assert {Path(one.source).name for one in events} == {"app.log", "notice.log", "syslog.conf"}
    assert (counts.passed_over, aside) == (4, [])
    assert len(everything(tmp_path / "README.md")[0]) == 2
    assert len(everything(tmp_path / "rules", format="text")[0]) == 2
