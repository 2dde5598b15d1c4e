"""The command line as a user meets it: real processes, exit codes, JSON lines, settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LOG = "Mar  3 10:00:{:02d} web01 sshd[411]: Failed password for root from 192.0.2.9 port 4711 ssh2\n"
RULE = """\
title: Somebody Types Secrets
id: 11111111-2222-4333-8444-555555555555
logsource: {product: linux}
detection:
  words: [Failed password]
  condition: words
level: low
tags: [attack.credential-access, attack.t1110.001]
"""
FINDING_KEYS = [
    "kind", "id", "detector", "rule_id", "rule_title", "level", "techniques", "event_ids", "records", "source",
    "record", "time", "host", "subject",
]  # fmt: skip
INCIDENT_KEYS = [
    "kind", "id", "rank", "title", "severity", "status", "first", "last", "hosts", "users", "techniques", "findings", "story",
    "steps",
]  # fmt: skip


def tocsin(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    folders = {"DATA": "data", "CONFIG": "config", "CACHE": "cache", "STATE": "state"}
    home = {f"XDG_{name}_HOME": str(cwd / folder) for name, folder in folders.items()}
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", *arguments],
        cwd=cwd, env={**os.environ, **home, **environment}, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "auth.log").write_text("".join(LOG.format(second) for second in range(3)))
    (tmp_path / "rule.yml").write_text(RULE)
    return tmp_path


def test_the_json_contract_of_scan(place: Path) -> None:
    done = tocsin("scan", "auth.log", "--rules", "rule.yml", "--no-starter", "--json", cwd=place)
    *findings, summary = lines(done)
    assert done.returncode == 0
    assert [list(finding) for finding in findings] == [FINDING_KEYS] * 3
    assert [finding["record"] for finding in findings] == [0, 1, 2]
    first = findings[0]
    assert first["records"] == [{"source": "auth.log", "record": 0}]
    assert (first["rule_id"], first["level"]) == ("11111111-2222-4333-8444-555555555555", "low")
    assert (first["techniques"], first["host"], first["detector"]) == (["T1110.001"], "web01", "sigma")
    assert first["time"].endswith("-03-03T10:00:00Z")
    assert first["event_ids"][0].endswith(":0")
    wanted = {"kind": "summary", "sources": 1, "events": 3, "set_aside": 0, "findings": 3, "incidents": 0}
    assert wanted.items() <= summary.items()
    assert summary["rules"] == {"loaded": 1, "active": 1, "unsupported": 0}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["scan", "auth.log", "--rules", "rule.yml", "--fail-on", "low"], 1),
        (["scan", "auth.log", "--rules", "rule.yml", "--fail-on", "medium"], 0),
        (["scan", "auth.log", "rubbish.evtx", "--rules", "rule.yml", "--fail-on", "low"], 3),
        (["scan", "absent.log"], 2),
        (["scan", "auth.log", "--format", "morse"], 2),
        (["scan", "auth.log", "--zone", "Atlantis/Capital"], 2),
        (["scan", "auth.log", "--rules", "absent"], 2),
        (["scan", "auth.log", "--html", "absent/page.html"], 2),
        (["scan"], 2),
        (["incidents", "--store", "absent"], 2),
        (["rules", "remove", "absent"], 2),
        (["rules", "check", "--for", "crystal-ball"], 2),
    ],
)
def test_exit_codes(place: Path, arguments: list[str], code: int) -> None:
    (place / "rubbish.evtx").write_bytes(b"ElfFile\x00" + bytes(range(256)) * 40)
    done = tocsin(*arguments, cwd=place)
    assert done.returncode == code, done.stderr
    assert code != 2 or done.stderr.strip()


def test_settings_are_the_lowest_then_the_environment_then_flags(place: Path) -> None:
    (place / "tocsin.toml").write_text('[scan]\nrules = ["rule.yml"]\nfail-on = "low"\n')
    assert tocsin("scan", "auth.log", cwd=place).returncode == 1
    assert tocsin("scan", "auth.log", cwd=place, TOCSIN_SCAN_FAIL_ON="high").returncode == 0
    assert (
        tocsin("scan", "auth.log", "--fail-on", "low", cwd=place, TOCSIN_SCAN_FAIL_ON="high").returncode == 1
    )


@pytest.mark.parametrize(
    "settings", ["[scan]\nruls = []\n", "[scna]\n", "scan = 3\n", "[scan\n", "[rules]\nx = 1\n"]
)
def test_a_typing_mistake_in_the_settings_is_no_silent_default(place: Path, settings: str) -> None:
    (place / "tocsin.toml").write_text(settings)
    done = tocsin(
        "rules" if "[rules]" in settings else "scan",
        *(["list"] if "[rules]" in settings else ["auth.log"]),
        cwd=place,
    )
    assert done.returncode == 2
    assert "tocsin.toml" in done.stderr


def test_a_csv_with_a_mapping_is_judged_as_what_the_operator_says_it_is(place: Path) -> None:
    (place / "x.csv").write_text(
        "When;Machine;Who;What\n2026-07-01 10:00:00;PC1;anna;Failed password for root\n"
    )
    (place / "columns.yml").write_text("When: time\nMachine: host\nWho: user\nWhat: message\n")
    options = [
        "--columns",
        "columns.yml",
        "--zone",
        "Europe/Berlin",
        "--rules",
        "rule.yml",
        "--no-starter",
        "--json",
    ]
    assert lines(tocsin("scan", "x.csv", *options, cwd=place))[-1]["findings"] == 0
    finding, _summary = lines(tocsin("scan", "x.csv", *options, "--logsource", "linux//auth", cwd=place))
    assert (finding["host"], finding["time"], finding["record"]) == ("PC1", "2026-07-01T08:00:00Z", 0)


def test_rules_check_accounts_for_every_rule(place: Path) -> None:
    (place / "set").mkdir()
    (place / "set" / "good.yml").write_text(RULE)
    (place / "set" / "idle.yml").write_text(
        RULE.replace("1111-", "2222-")
        .replace("[Failed password]", "{NoSuchField: x}")
        .replace("product: linux", "product: windows, category: process_creation")
    )
    (place / "set" / "broken.yml").write_text(
        RULE.replace("1111-", "3333-").replace("condition: words", "condition: wrods")
    )
    *rules, summary = lines(tocsin("rules", "check", "set", "--json", cwd=place))
    status = {rule["id"][:8]: rule["status"] for rule in rules}
    assert status == {"11111111": "active", "11112222": "no-field", "11113333": "unsupported"}
    assert all(rule["why"] for rule in rules)
    assert summary["rules"] == {"loaded": 2, "active": 1, "unsupported": 1}


def test_what_switching_one_thing_on_would_add(place: Path) -> None:
    done = tocsin("rules", "check", "--for", "windows-default", "--json", cwd=place)
    gains = [line for line in lines(done) if line["kind"] == "gain"]
    assert done.returncode == 0
    assert [gain["rules"] for gain in gains] == sorted((gain["rules"] for gain in gains), reverse=True)
    assert {"m365-audit", "linux-auth"} <= {gain["source"] for gain in gains}


def test_added_rules_are_used_by_every_later_scan(place: Path) -> None:
    assert tocsin("rules", "add", "rule.yml", cwd=place).returncode == 0
    assert "rule" in tocsin("rules", "list", cwd=place).stdout
    found = lines(tocsin("scan", "auth.log", "--no-starter", "--json", cwd=place))
    assert found[-1]["findings"] == 3
    assert tocsin("rules", "remove", "rule", cwd=place).returncode == 0
    assert tocsin("scan", "auth.log", "--no-starter", "--json", cwd=place).returncode == 0


def test_the_demo_tells_one_intrusion_and_writes_its_page(tmp_path: Path) -> None:
    done = tocsin("demo", "--seed", "3", cwd=tmp_path)
    assert done.returncode == 0
    headline = done.stdout.splitlines()[0]
    assert "needs you" in headline or "need you" in headline
    assert "events were ordinary." in headline
    page = (tmp_path / "tocsin-demo.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    told = lines(tocsin("demo", "--seed", "3", "--json", cwd=tmp_path))
    incidents = [line for line in told if line["kind"] == "incident"]
    assert list(incidents[0]) == INCIDENT_KEYS
    assert incidents[0]["rank"] == 1
    assert len(incidents[0]["steps"]) == 3
    assert 18_000 <= told[-1]["events"] <= 22_000


def test_help_is_quick_because_commands_are_imported_when_called(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tocsin", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not loaded & {
        "sigma",
        "duckdb",
        "pyarrow",
        "rich.console",
        "evtx",
        "jinja2",
        "yaml",
        "cryptography",
        "ssl",
        "tocsin.engine",
    }
