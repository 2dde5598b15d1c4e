"""The generated day: repeatable, of the promised size, in order, labelled, harmless."""

from __future__ import annotations

import base64
import ipaddress
import re
import time
from collections import Counter
from datetime import UTC, date, datetime
from functools import cache

import orjson
import pytest

from tocsin.records.instants import parse_rfc3339
from tocsin.rehearse.townhall.town import GeneratedDay, generate

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
    """The records of a file as its format frames them; JSON arrays are written one record a line."""
    if name.endswith(".json"):
        return [orjson.dumps(item) for item in orjson.loads(content)]
    return content.splitlines()


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
    rows = orjson.loads(day(0).files["microsoft365/audit.json"])
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


@pytest.mark.parametrize("seed", SEEDS)
def test_every_address_is_private_or_for_documentation(seed):
    text = b"\n".join(day(seed).files.values()).decode()
    quads = set(re.findall(r"(?<![\d./\\])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])(?!\")", text))
    quads = {
        quad for quad in quads if not re.search(rf"(?:rv:|Chrome/|Edg/|Version |\(){re.escape(quad)}", text)
    }
    assert len(quads) > 200
    for quad in quads:
        assert any(ipaddress.ip_address(quad) in net for net in ALLOWED), quad


@pytest.mark.parametrize("seed", SEEDS)
def test_every_domain_is_an_example(seed):
    made = day(seed)
    assert made.scene.town.domain.endswith(".example")
    text = b"\n".join(made.files.values()).decode()
    hosts = set(re.findall(r"https?://([a-z0-9.-]+)", text)) | set(
        re.findall(r"[\w.]+@([a-z0-9-]+\.[a-z0-9.-]+[a-z])", text)
    )
    strange = {host for host in hosts if not host.endswith(".example") and host != "unq.gbl.spaces"}
    assert not strange


@pytest.mark.parametrize("seed", SEEDS)
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
