"""The generated day: repeatable, of the promised size, in order, labelled, harmless."""

from __future__ import annotations

import base64
import ipaddress
import re
import time
from collections import Counter
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import orjson
import pytest

from tocsin.records.instants import parse_rfc3339
from tocsin.rehearse.townhall.on_disk import lay_out, read_at
from tocsin.rehearse.townhall.town import GeneratedDay, generate
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions, read

WHEN = date(2026, 3, 12)
SEEDS = range(10)
FAMILIES = {"microsoft365", "windows", "linux", "firewall", "web"}
ALLOWED = [
    ipaddress.ip_network(net)
    for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8", "127.0.0.0/8")
]


@cache
def day(seed: int) -> GeneratedDay:
    return generate(seed, WHEN)


def records(name: str, content: bytes) -> list[bytes]:
    """The records of a file; the JSON array has one on each line between its brackets."""
    lines = content.splitlines()
    return [line.removesuffix(b",") for line in lines[1:-1]] if name.endswith(".json") else lines


def claimed(name: str, record: bytes) -> datetime:
    """The time that a record claims, to the second."""
    text = record.decode()
    if name.startswith("microsoft365/"):
        return datetime.fromisoformat(orjson.loads(record)["CreationTime"]).replace(tzinfo=UTC)
    if name.startswith("windows/"):
        instant = parse_rfc3339(orjson.loads(record)["@timestamp"])
        assert instant is not None
        return datetime.fromtimestamp(instant // 1_000_000, UTC)
    if name.startswith("firewall/"):
        found = re.match(r"date=(\S+) time=(\S+) ", text)
        assert found
        return datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
    if name.startswith("linux/"):
        return datetime.strptime(f"{WHEN.year} {text[:15]}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC)
    found = re.search(r"\[([^]]+)\]", text)
    assert found
    return datetime.strptime(found[1], "%d/%b/%Y:%H:%M:%S %z")


def test_the_same_seed_gives_the_same_bytes():
    again = generate(3, WHEN)
    assert dict(again.files) == dict(day(3).files)
    assert again.labels == day(3).labels


def test_another_seed_or_date_gives_another_day():
    assert day(3).files["web/access.log"] != day(4).files["web/access.log"]
    assert day(3).files["web/access.log"] != generate(3, date(2026, 3, 13)).files["web/access.log"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_has_about_twenty_thousand_events_of_five_families(seed):
    counts = Counter()
    for name, content in day(seed).files.items():
        counts[name.partition("/")[0]] += len(records(name, content))
    assert set(counts) == FAMILIES
    assert all(count > 1_000 for count in counts.values())
    assert counts.total() == day(seed).events
    assert 18_000 <= day(seed).events <= 22_000


def test_a_day_is_made_within_three_seconds():
    start = time.perf_counter()
    generate(11, WHEN)
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_times_lie_in_the_day_and_each_product_keeps_its_order(seed):
    for name, content in day(seed).files.items():
        times = [claimed(name, record) for record in records(name, content)]
        assert {moment.date() for moment in times} == {WHEN}, name
        if not name.startswith("microsoft365/"):
            assert times == sorted(times), name


def test_audit_records_come_in_pieces_like_the_audit_service_publishes_them():
    content = day(0).files["microsoft365/audit.json"]
    rows = orjson.loads(content)
    assert rows == [orjson.loads(record) for record in records("audit.json", content)]
    by_workload: dict[str, list[str]] = {}
    for row in rows:
        by_workload.setdefault(row["Workload"], []).append(row["CreationTime"])
    assert all(times == sorted(times) for times in by_workload.values())
    times = [row["CreationTime"] for row in rows]
    assert times != sorted(times)


def test_windows_records_are_numbered_one_by_one():
    for name, content in day(1).files.items():
        if not name.startswith("windows/"):
            continue
        last: dict[tuple[str, str], int] = {}
        for line in content.splitlines():
            log = orjson.loads(line)["winlog"]
            key = (log["computer_name"], log["channel"])
            assert log["record_id"] == last.get(key, log["record_id"] - 1) + 1
            last[key] = log["record_id"]


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_labels_point_at_records_of_their_stage(seed):
    made = day(seed)
    lines = {name: records(name, content) for name, content in made.files.items()}
    names = {stage.name for stage in made.intrusion.stages}
    assert {label.stage for label in made.labels} == names
    assert len(made.labels) == len(made.intrusion.entries)
    left = Counter(
        (
            entry.file,
            entry.stage,
            orjson.dumps(entry.body) if isinstance(entry.body, dict) else entry.body.encode(),
        )
        for entry in made.intrusion.entries
    )
    found = Counter((label.source, label.stage, lines[label.source][label.record]) for label in made.labels)
    assert found == left


VERSION = re.compile(
    r"(?:rv:|Chrome/|Edg/|Version |EdgeUpdate\\\\|Version\":\"|Version:\\t\\t)\d+(?:\.\d+){3}"
)
"""Numbers of programs, which look like addresses."""

QUAD = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_every_address_is_private_or_for_documentation(seed):
    quads = set()
    for content in day(seed).files.values():
        quads.update(QUAD.findall(VERSION.sub("", content.decode())))
    assert len(quads) > 400
    assert not [quad for quad in quads if not any(ipaddress.ip_address(quad) in net for net in ALLOWED)]


URL_HOST = re.compile(r"https?://([a-z0-9.-]+)")
MAIL_HOST = re.compile(r"\w@([a-z0-9-]+\.[a-z0-9.-]+[a-z])")


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_every_domain_is_an_example(seed):
    made = day(seed)
    assert made.scene.town.domain.endswith(".example")
    hosts = set()
    for content in made.files.values():
        text = content.decode()
        hosts.update(URL_HOST.findall(text), MAIL_HOST.findall(text))
    assert len(hosts) >= 4
    assert not {host for host in hosts if not host.endswith(".example") and host != "unq.gbl.spaces"}


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_nothing_in_it_can_be_run(seed):
    """The only script body and the only encoded command are the inert placeholder, and passwords are placeholders."""
    text = b"\n".join(day(seed).files.values()).decode()
    for encoded in re.findall(r"EncodedCommand ([A-Za-z0-9+/=]+)", text):
        assert base64.b64decode(encoded).decode("utf-16-le") == "Write-Output 'inert placeholder'"
    assert not re.search(r"net user \S+ (?!PLACEHOLDER|/domain)\S+ /add", text)
    assert not re.search(r"(?i)invoke-expression|downloadstring|frombase64string|\biex\b|<\?php", text)


def test_files_decode_and_hold_one_record_a_line():
    for name, content in day(2).files.items():
        text = content.decode("utf-8")
        assert text.endswith("\n")
        assert "\x00" not in text
        if name.endswith(".log"):
            assert all(line.strip() for line in text.splitlines())


READ_AS = {
    "firewall/fortigate.log": "fortigate",
    "linux/nas01-auth.log": "rfc3164",
    "linux/nas01-syslog.log": "rfc3164",
    "linux/web01-auth.log": "rfc3164",
    "linux/web01-syslog.log": "rfc3164",
    "microsoft365/audit.json": "m365",
    "web/access.log": "web_access",
    "windows/dc01.ndjson": "winlogbeat",
    "windows/fs01.ndjson": "winlogbeat",
    "windows/workstations.ndjson": "winlogbeat",
}


def test_the_readers_know_every_file_and_set_nothing_aside(tmp_path):
    made = day(0)
    lay_out(made, tmp_path)
    counts, formats = ReadCounts(), set()
    for batch in read([str(tmp_path)], ReadOptions(ingest=read_at(made)), counts):
        assert batch.set_aside == ()
        for event in batch:
            formats.add((str(Path(event.source).relative_to(tmp_path)), event.format))
            assert event.time_known
            assert made.scene.day.start <= event.time < made.scene.day.end
    assert formats == set(READ_AS.items())
    assert counts.events == made.events
    assert counts.set_aside == 0
