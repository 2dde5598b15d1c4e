"""A scan with a store: each record once, whatever happens in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tocsin.config import bounds
from tocsin.rehearse.townhall.on_disk import lay_out
from tocsin.rehearse.townhall.town import generate

BYTES_AN_EVENT = 1_500
"""Of the write-ahead log, on such a day, about."""


def acknowledged(store: Path) -> int:
    """Bytes in the write-ahead log."""
    return sum(path.stat().st_size for path in (store / "wal").glob("*")) if (store / "wal").is_dir() else 0


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("day")
    lay_out(generate(11), folder)
    return folder


@pytest.fixture(scope="module")
def whole(day: Path) -> list[dict[str, Any]]:
    """What one undisturbed scan without a store prints."""
    return tocsin("scan", day, cwd=day)[1]


def tocsin(*arguments: str | Path, cwd: Path) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", *map(str, arguments), "--json"],
        cwd=cwd,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def of_kind(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


def test_a_store_keeps_each_record_once_and_changes_nothing_that_is_told(
    day: Path, whole: list[dict[str, Any]], tmp_path: Path
) -> None:
    _code, first = tocsin("scan", day, "--store", "store", cwd=tmp_path)
    assert [line for line in first if line["kind"] != "summary"] == whole[:-1]
    _code, again = tocsin("scan", day, "--store", "store", cwd=tmp_path)
    assert (again[-1]["events"], again[-1]["findings"]) == (0, 0)
    assert of_kind(again, "incident") == of_kind(whole, "incident")

    _code, listed = tocsin("incidents", "--store", "store", cwd=tmp_path)
    assert of_kind(listed, "incident") == of_kind(whole, "incident")
    incident = of_kind(whole, "incident")[0]
    for name in (incident["id"], incident["id"][:8]):
        code, told = tocsin("explain", name, "--store", "store", cwd=tmp_path)
        assert (code, of_kind(told, "incident")) == (0, [incident])
        assert len(of_kind(told, "finding")) == incident["findings"]
    code, told = tocsin("explain", "inc-nothing", "--store", "store", cwd=tmp_path)
    assert (code, told) == (2, [])


def test_a_file_that_grew_adds_only_what_is_new(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    line = "Mar  3 10:00:{:02d} web01 sshd[1]: Failed password for root from 192.0.2.9 port 4711 ssh2\n"
    log.write_text("".join(line.format(second) for second in range(5)))
    assert tocsin("scan", log, "--store", "store", cwd=tmp_path)[1][-1]["events"] == 5
    with log.open("a") as more:
        more.write("".join(line.format(second) for second in range(5, 25)))
    code, lines = tocsin("scan", log, "--store", "store", cwd=tmp_path)
    assert (code, lines[-1]["events"]) == (0, 20)


@pytest.mark.parametrize("events", [1, 4_000, 12_000])
def test_a_scan_killed_half_way_is_finished_by_the_next(
    day: Path, whole: list[dict[str, Any]], tmp_path: Path, events: int
) -> None:
    """kill -9 once so much was acknowledged, then the same scan: together they find what one undisturbed scan finds."""
    victim = subprocess.Popen(
        [sys.executable, "-m", "tocsin", "scan", str(day), "--store", "store", "--json"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while victim.poll() is None and acknowledged(tmp_path / "store") < events * BYTES_AN_EVENT:
        time.sleep(0.005)
    victim.kill()
    assert victim.wait() == -signal.SIGKILL, "it was done before it could be killed"
    _code, rest = tocsin("scan", day, "--store", "store", cwd=tmp_path)
    assert rest[-1]["events"] == whole[-1]["events"]  # those left behind are judged too, none twice
    wanted = of_kind(whole, "incident")
    assert of_kind(rest, "incident") == wanted
    found = [
        line["id"]
        for incident in wanted
        for line in of_kind(tocsin("explain", incident["id"], "--store", "store", cwd=tmp_path)[1], "finding")
    ]
    assert len(found) == len(set(found))
    assert set(found) <= {line["id"] for line in of_kind(whole, "finding")}


def test_a_folder_that_is_no_store_is_refused_before_anything_is_read(day: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"jpg")
    code, lines = tocsin("scan", day, "--store", tmp_path / "photos", cwd=tmp_path)
    assert (code, lines) == (2, [])
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["holiday.jpg"]


def test_a_later_scan_into_a_store_is_judged_like_the_first(tmp_path: Path) -> None:
    """Counting rules too, whatever the order of the files: the first scan's end is not the end of the second's time."""
    failed = "Nov {:2d} 02:00:{:02d} vm1 sshd[7]: Failed password for ann from 203.0.113.81 port 4711 ssh2\n"
    worked = "Nov {:2d} 02:01:00 vm1 sshd[7]: Accepted password for ann from 203.0.113.81 port 4711 ssh2\n"
    for day, after in ((10, ""), (12, worked), (11, worked)):
        log = tmp_path / f"auth{day}.log"
        log.write_text("".join(failed.format(day, second) for second in range(40)) + after.format(day))
        alone = tocsin("scan", log, cwd=tmp_path)[1]
        kept = tocsin("scan", log, "--store", "store", cwd=tmp_path)[1]
        assert of_kind(kept, "finding") == of_kind(alone, "finding") != []
        assert kept[-1]["unjudged"] == []


def test_what_opening_a_store_mended_is_told(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("Nov  3 10:00:00 web01 sshd[1]: Failed password for root from 192.0.2.9 port 4711 ssh2\n")
    tocsin("scan", log, "--store", "store", cwd=tmp_path)
    begun = tmp_path / "store" / "wal" / "0000000002.wal"
    begun.write_bytes(b"TO")  # a power cut in the middle of a header
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", "scan", str(log), "--store", "store"],
        cwd=tmp_path, capture_output=True, check=True, timeout=60, text=True,
    )  # fmt: skip
    assert "tocsin: " in done.stderr
    assert begun.name in done.stderr


def test_a_rule_that_was_suspended_judges_again_once_it_is_mended(tmp_path: Path) -> None:
    """With the same id in the same store; until then it stays suspended."""
    rule = """
title: Slow
id: 00000000-0000-4000-8000-000000000001
logsource: {product: windows}
detection: {selection: {'CommandLine|re': '%s'}, condition: selection}
"""

    def scanned(name: str, pattern: str, *values: str) -> tuple[list[str], int]:
        event = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "SourceName": "x"}
        (tmp_path / "rule.yml").write_text(rule % pattern)
        (tmp_path / name).write_text(
            "".join(json.dumps(event | {"CommandLine": one}) + "\n" for one in values)
        )
        paths = (name, "--store", "store", "--no-starter", "--rules", "rule.yml")
        summary = tocsin("scan", *paths, cwd=tmp_path)[1][-1]
        return summary["suspended"], summary["findings"]

    slow, mended = r"(x+x+)+\d", r"x+\d"
    hard = [f"{number}-" + "x" * 5_000 for number in range(bounds.REGEX_TIMEOUTS)]
    for name, pattern, values, suspended, findings in (
        ("a.json", slow, hard, 1, 0),
        ("b.json", slow, ["xx1"], 1, 0),
        ("c.json", mended, ["xx2"], 0, 1),
    ):
        told = scanned(name, pattern, *values)
        assert (len(told[0]), told[1]) == (suspended, findings), name
