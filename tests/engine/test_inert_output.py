"""Text that an attacker wrote is inert wherever somebody looks: the terminal, the page, the JSON lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.command import JUDGE, call, scan
from tests.hostile import assert_inert_page, assert_inert_text, json_lines

NASTY = (
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31m\x90q\x9c",
    "safe\rWIPED\x08\x08",
    "cat\u202egnp.exe\u2066\u2069\u200e",
    "a\u200bb\u2060c\ufeffd\u00ade\u3164",
    "line\nnew\u2028line\u2029\x85\x0b\x0c",
    "\ud800\udfff lone",
    "\x00nul\x7f",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(1)>' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "[bold red]markup[/] [link=http://evil.example]x[/link] :warning:",
    "=cmd|' /C calc'!A0",
    "Z" + "\u0335\u0336\u0337\u0338" * 30,
    "\U000e0041\U000e0042 tags",
    "]]>--></style></title></pre><base href=//evil.example>",
)
"""What terminals, browsers, templates, markup and spreadsheets would obey."""


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings and no added rules of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.chdir(home)


def windows(text: str) -> bytes:
    """A process start in which `text` stands wherever a Windows event has room for it."""
    data = {
        "Image": text,
        "CommandLine": text,
        "User": text,
        "ParentImage": text,
        "TargetFilename": text,
        text: text,
    }
    event = {
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Hostname": text,
        "Computer": text,
        **data,
    }
    return json.dumps(event).encode() + b"\n"


def unified_audit(text: str) -> bytes:
    record = {
        "CreationTime": "2026-03-01T03:14:07", "Operation": text, "Workload": "Exchange", "RecordType": 1, "UserId": text,
        "ClientIP": text, "ObjectId": text, "Parameters": [{"Name": text, "Value": text}],
    }  # fmt: skip
    return json.dumps(record).encode() + b"\n"


def syslog(text: str) -> bytes:
    line = (
        f"Mar  1 03:14:07 {text} sshd[1]: Failed password for invalid user {text} from {text} port 1 ssh2\n"
    )
    return line.encode("utf-8", "surrogatepass")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Logs with every nasty text in every field, broken records and odd names, and rules with nasty words about them."""
    logs, rules = tmp_path / "logs", tmp_path / "rules"
    logs.mkdir()
    rules.mkdir()
    for number, text in enumerate(NASTY):
        (logs / f"w{number}.json").write_bytes(
            windows(text) + windows(text)[: 60 + number] + b"\n" + windows("sound")
        )
        (logs / f"m{number}.json").write_bytes(unified_audit(text))
        (logs / f"s{number}.log").write_bytes(syslog(text) * 3)
    (logs / "a\x1b]0;name\x07\u202e<script>.json").write_bytes(windows("x") + b'{"broken')
    for number, (title, logsource) in enumerate(
        (
            ("\x1b[31m\u202e<script>alert(1)</script>", "product: windows"),
            ("[bold]m[/]\x07", "product: m365"),
            ("\x9b2J", "product: linux"),
        )
    ):
        rule = (
            JUDGE.format(logsource=logsource)
            .replace("Anything at all", json.dumps(title))
            .replace("000001", f"00000{number}")
        )
        tagged = rule.replace(
            "level: high", f"level: high\ntags: [attack.t1059.001, {json.dumps('attack.' + title)}]"
        )
        (rules / f"{number}.yml").write_text(
            tagged + f"\ndescription: {json.dumps(title)}\nauthor: {json.dumps(title)}\n"
        )
    (rules / "broken\x1b[31m.yml").write_text(
        "title: " + json.dumps("\x1b]0;x\x07 broken") + "\nlogsource: {}\n"
    )
    return tmp_path


def test_the_terminal(place: Path) -> None:
    store = place / "store"
    done = call("scan", place / "logs", "--no-starter", "--rules", place / "rules", "--store", store)
    assert done.code == 3
    assert_inert_text(done.text)
    assert "\\x1b" in done.text
    listed = call("incidents", "--store", store)
    assert_inert_text(listed.text)
    ids = [one["id"] for one in call("incidents", "--store", store, "--json").lines("incident")]
    assert ids
    for one in ids:
        told = call("explain", one, "--store", store)
        assert_inert_text(told.text)
        assert told.text.count("Do these three things now") == 1


def test_the_rules_commands(place: Path) -> None:
    done = call("rules", "check", place / "rules")
    assert_inert_text(done.text)
    assert_inert_text(call("rules", "add", place / "rules").text)
    assert_inert_text(call("rules", "list").text)
    titles = [one["title"] for one in call("rules", "check", place / "rules", "--json").lines("rule")]
    assert any("<script>" in title for title in titles)


def test_errors_on_stderr(place: Path) -> None:
    """What an error quotes (a path, a file's first words) is as inert as a result."""
    settings, columns = place / "t.toml", place / "c\x1b[31m.yml"
    settings.write_text('["\\u001b[31m\\u202e"]\n')
    columns.write_text('"\\e[31m": {}\n')
    for arguments in (
        ["scan", str(place / "absent\x1b]0;x\x07\u202e")],
        ["scan", str(place / "logs"), "--columns", str(columns)],
        ["--config", str(settings), "scan", str(place / "logs")],
        ["scan", str(place / "logs"), "--zone", "\x1b[31m"],
        ["scan", str(place / "logs"), "--format", "\x1b[31m"],
        ["scan", str(place / "logs"), "--rules", str(place / "none\x1b[31m")],
        ["incidents", "--store", str(place / "s\x1b[31m")],
        ["rules", "remove", "\x1b[31m"],
        ["rules", "check", "--for", "\x1b[31m"],
    ):
        done = subprocess.run([sys.executable, "-m", "tocsin", *arguments], capture_output=True, check=False)
        assert done.returncode == 2, arguments
        assert_inert_text(done.stderr.decode())
        assert b"Traceback" not in done.stderr


def test_the_page(place: Path) -> None:
    page = place / "page.html"
    done = scan(place / "logs", more=("--rules", place / "rules", "--html", page))
    assert done.code == 3
    text = assert_inert_page(page.read_text(encoding="utf-8"))
    assert "<script>alert(1)</script>" in text
    assert "49" not in text.split("{{ 7*7 }}")[0][-20:]
    assert "{{ 7*7 }}" in text


def test_the_json_lines(place: Path) -> None:
    done = scan(place / "logs", more=("--rules", place / "rules"))
    found = json_lines(done.out)
    assert len(found) == done.out.count(b"\n")
    assert b"\x1b" not in done.out
    assert {one["kind"] for one in found} == {"finding", "set_aside", "incident", "summary"}
    assert done.summary["events"] >= 3 * len(NASTY)


def test_a_terminal_that_speaks_no_unicode_gets_its_answer(place: Path) -> None:
    """A bare system's locale (POSIX, ASCII) must not turn a hostile letter into a crash."""
    environment = {
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "PATH": "/usr/bin:/bin",
        "HOME": str(place),
    }
    for more in ([], ["--json"]):
        command = [
            sys.executable,
            "-m",
            "tocsin",
            "scan",
            str(place / "logs"),
            "--no-starter",
            "--rules",
            str(place / "rules"),
            *more,
        ]
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
        assert done.returncode == 3, done.stderr.decode()[-2000:]
        assert b"Traceback" not in done.stderr
