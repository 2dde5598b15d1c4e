"""`tocsin rules profile` tells what rules cost, and what its figures leave out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tocsin.cli.main import EXIT_DEGRADED, EXIT_DONE, EXIT_USAGE, main, tocsin
from tocsin.config import bounds

_RULE = """
title: {title}
id: 00000000-0000-4000-8000-{number:012}
logsource: {{product: windows}}
detection: {{s: {{CommandLine{test}}}, condition: s}}
"""
_EVENT = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "SourceName": "x"}


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    rules = [
        _RULE.format(title="Exploding", number=1, test="|re: '(x+x+)+y'"),
        _RULE.format(title="Plain", number=2, test="|contains: needle"),
        _RULE.format(title="Blind", number=3, test=": needle, Nowhere: x"),
    ]
    (tmp_path / "rules.yml").write_text("---".join(rules))
    values = [*(f"{number}" + "x" * 5_000 for number in range(bounds.REGEX_TIMEOUTS + 1)), "a needle"]
    lines = [json.dumps(_EVENT | {"CommandLine": value}) for value in values]
    (tmp_path / "log.json").write_text("\n".join([*lines, '{"EventID": 1, "Cha']) + "\n")
    return [
        "rules",
        "profile",
        str(tmp_path / "log.json"),
        "--no-starter",
        "--rules",
        str(tmp_path / "rules.yml"),
    ]


def test_every_rule_and_what_was_left_out(arguments):
    result = CliRunner().invoke(tocsin, [*arguments, "--json"])
    assert result.exit_code == EXIT_DEGRADED, result.output
    *rules, summary = map(json.loads, result.stdout.splitlines())
    by_title = {rule["title"]: rule for rule in rules}
    assert rules[0] is by_title["Exploding"]
    assert rules[0]["seconds"] >= bounds.REGEX_TIMEOUTS * bounds.REGEX_SECONDS
    assert [by_title[title]["hits"] for title in ("Exploding", "Plain", "Blind")] == [0, 1, 0]
    assert {rule["considered"] for rule in rules} == {5}
    assert by_title["Blind"]["unknown_fields"] == ["Nowhere"]
    assert (summary["events"], summary["rules"], summary["set_aside"]) == (5, 3, 1)
    assert summary["suspended"] == [by_title["Exploding"]["id"]]


@pytest.fixture
def table(arguments: list[str], tmp_path: Path) -> list[str]:
    """The same of a table, which only options say how to read."""
    (tmp_path / "log.csv").write_text("What\na needle\nhay\n")
    (tmp_path / "columns.yml").write_text("What: CommandLine\n")
    arguments[2] = str(tmp_path / "log.csv")
    return [*arguments, "--json"]


def test_a_table_is_read_as_the_options_say(table, tmp_path):
    options = ["--format", "csv", "--columns", str(tmp_path / "columns.yml"), "--logsource", "windows"]
    for more, expected in (([], (0, 0)), (options, (2, 1))):
        result = CliRunner().invoke(tocsin, [*table, *more])
        assert result.exit_code == EXIT_DONE, result.output
        told = [json.loads(line) for line in result.stdout.splitlines()]
        (plain,) = [line for line in told if line.get("title") == "Plain"]
        assert (plain["considered"], plain["hits"]) == expected


def test_options_that_mean_nothing_are_refused(table, monkeypatch, capsys):
    for more, told in ((["--zone", "Nowhere/Land"], "no time zone"), (["--columns", "none.yml"], "none.yml")):
        monkeypatch.setattr("sys.argv", ["tocsin", *table, *more])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == EXIT_USAGE
        assert told in capsys.readouterr().err


def test_a_rule_file_that_cannot_be_read_is_counted(table, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "broken.yml").write_bytes(b"\xff\xfe\xfa not utf-8")
    (tmp_path / "more" / "whole.yml").write_text(_RULE.format(title="Whole", number=4, test=": x"))
    more = ["--rules", str(tmp_path / "more")]
    result = CliRunner().invoke(tocsin, [*table, *more])
    assert result.exit_code == EXIT_DEGRADED, result.output
    assert json.loads(result.stdout.splitlines()[-1])["unreadable"] == 1
    result = CliRunner().invoke(tocsin, [*table[:-1], *more])
    assert "Rule files that cannot be read: 1;" in result.stdout


def test_the_dearest_in_words(arguments):
    result = CliRunner().invoke(tocsin, arguments)
    assert result.exit_code == EXIT_DEGRADED, result.output
    assert "1 rules ask for a field that none of their events had" in result.stdout
    assert "Set aside, as they could not be read: 1 records" in result.stdout
    assert "Suspended, as its expression took longer than 0.05 s on 3 events: Exploding" in result.stdout
