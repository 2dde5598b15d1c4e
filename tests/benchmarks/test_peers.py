"""What engines of columns are asked says what the rule says: DuckDB, Polars and the plain evaluator agree."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.plain import PlainEvaluator
from tocsin.detect.sigma.ruleset import CompiledRule, RuleText
from tocsin.records.event import Event, Logsource

LOGSOURCE = Logsource("windows", "process_creation")

CONDITIONS = {
    "equals": "{a: Whoami}",
    "equals any": "{a: [whoami, 'net', 'ÄRGER']}",
    "equals cased": "{a|cased: Whoami}",
    "quote": '{a: "it\'s"}',
    "startswith": "{a|startswith: who}",
    "startswith cased": "{a|startswith|cased: Who}",
    "endswith": "{a|endswith: [AMI, '.exe']}",
    "contains": "{a|contains: hoa}",
    "contains any": "{a|contains: [hoa, '50%', 'a_b', '\\\\']}",
    "contains all": "{a|contains|all: [who, ami]}",
    "glob many": "{a: 'w*m?'}",
    "glob of like's own signs": "{a: '5?%*_*'}",
    "glob over lines": "{a: 'one*two'}",
    "regex": "{a|re: '^W[ho]+'}",
    "regex with flags": "{a|re|i|s: 'ONE.two'}",
    "regex dot": "{a|re: 'one.two'}",
    "cidr": "{b|cidr: [10.0.0.0/8, 'fe80::/10']}",
    "number": "{b: 10}",
    "number of decimals": "{b: 1.5}",
    "greater": "{b|gt: 10}",
    "less or equal": "{b|lte: 10}",
    "not equal": "{b|neq: 10}",
    "null": "{a: null}",
    "exists": "{a|exists: true}",
    "exists not": "{a|exists: false}",
    "fieldref": "{a|fieldref: b}",
    "fieldref endswith": "{a|fieldref|endswith: b}",
    "fieldref contains": "{a|fieldref|contains: b}",
    "two fields": "{a: whoami, b|contains: x}",
}
VALUES: Sequence[Any] = (
    None, "", "whoami", "Whoami", "WHOAMI.exe", "net", "it's", "ärger", "Ärger", "50% off", "5x%__", "a_b", "axb", "C:\\x",
    "one\ntwo", "one two", "10", 10, 10.0, "10.0", 1.5, "11", 11, -3, "0x0a", " 10", "10.1.2.3", "::ffff:10.1.2.3", "fe80::1",
    "11.1.2.3", "10.300.1.1", True, False, "true", ["whoami", "x"],
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _importable() -> None:
    root = str(Path(__file__).parents[2])
    if root not in sys.path:
        sys.path.append(root)


def module(name: str) -> Any:
    return importlib.import_module(f"benchmarks.peers.{name}")


def rule(detection: str, condition: str) -> CompiledRule:
    text = (
        f"title: t\nlogsource: {{product: windows, category: process_creation}}\n"
        f"detection:\n  one: {detection}\n  two: {{c: here}}\n  condition: {condition}\n"
    )
    loaded = load_rules([RuleText("r.yml", text)])
    assert not loaded.problems
    return loaded.rules[0]


def events() -> list[dict[str, Any]]:
    """Every value in either field, beside some values in the other, and with and without `c`."""
    flat = module("workload").flat
    made = [
        {"a": one, "b": other} for one in VALUES for other in (None, "x", "AMI", 10, "10.9.9.9", "Whoami")
    ]
    made += [{"a": one, "b": other} for one in (None, "whoami") for other in VALUES]
    return [flat(fields | ({"c": "here"} if place % 3 else {})) for place, fields in enumerate(made)]


def truth(one: CompiledRule, flat: Sequence[dict[str, Any]]) -> list[int]:
    made = [
        Event("s", row, 0, 0, frozenset({LOGSOURCE}), fields, "", "s", "test")
        for row, fields in enumerate(flat)
    ]
    return [row for row, hits in enumerate(PlainEvaluator([one]).match(made)) if hits]


def by_duckdb(one: CompiledRule, flat: Sequence[dict[str, Any]]) -> list[int]:
    peer, columns = module("duckdb"), module("columns").Columns.of([one.condition])
    with peer.connected() as database:
        database.register("ready", columns.table(flat, range(len(flat))))
        lower = "".join(f", lower({text}) AS {name}" for text, name in columns.lowered_columns())
        database.execute(f"CREATE TABLE judged AS SELECT *{lower} FROM ready")
        asked = f"SELECT row FROM judged WHERE {module('sql').condition(one.condition, columns)} ORDER BY row"
        return [row for (row,) in database.execute(asked).fetchall()]


def by_polars(one: CompiledRule, flat: Sequence[dict[str, Any]]) -> list[int]:
    pytest.importorskip("polars", reason="Polars is no dependency: pip install polars")
    peer, columns = module("polars"), module("columns").Columns.of([one.condition])
    ready = peer.lowered(columns, peer.frame(columns, flat, range(len(flat)), []))
    expression = module("expressions").condition(one.condition, columns)
    return list(ready.filter(expression)["row"])


@pytest.mark.parametrize("ask", [by_duckdb, by_polars])
@pytest.mark.parametrize("detection", CONDITIONS.values(), ids=CONDITIONS)
def test_an_expression_says_what_the_rule_says(
    ask: Callable[[CompiledRule, Sequence[dict[str, Any]]], list[int]], detection: str
) -> None:
    flat = events()
    for condition in ("one", "not one", "two and not one", "one or two", "not (one and two)"):
        one = rule(detection, condition)
        right = truth(one, flat)
        assert ask(one, flat) == right, condition
        assert 0 < len(right) < len(flat), f"{condition} tells nothing apart"


@pytest.mark.parametrize("kind", ["sql", "expressions"])
def test_what_columns_cannot_say_is_refused(kind: str) -> None:
    if kind == "expressions":
        pytest.importorskip("polars", reason="Polars is no dependency: pip install polars")
    keywords = load_rules(
        [RuleText("k.yml", "title: t\nlogsource: {product: windows}\ndetection: {k: [one], condition: k}\n")]
    ).rules[0]
    cannot = module("peer").CannotExpressError
    for one in (keywords, rule("{a|hour: 3}", "one")):
        with pytest.raises(cannot):
            module(kind).condition(one.condition, module("columns").Columns.of([one.condition]))


def workload(folder: Path, detections: dict[str, str], flat: Sequence[dict[str, Any]]) -> Any:
    kind = module("workload").Workload
    texts, rules = {}, []
    for name, detection in detections.items():
        text = (
            f"title: {name}\nid: {name}\nlogsource: {{product: windows, category: process_creation}}\n"
            f"detection:\n  one: {detection}\n  condition: one\n"
        )
        texts[name] = text
        rules += load_rules([RuleText(f"{name}.yml", text)]).rules
    lines = folder / "events.jsonl"
    made = tuple(
        Event(
            "s",
            row,
            0,
            0,
            frozenset({LOGSOURCE if row % 2 else Logsource("windows")}),
            fields,
            "",
            "s",
            "test",
        )
        for row, fields in enumerate(flat)
    )
    module("workload").write_lines(lines, made, range(len(made)))
    return kind(folder, lines, made, tuple(rules), texts)


@pytest.mark.parametrize("batch", [None, 7])
@pytest.mark.parametrize("name", ["DuckDb", "Polars"])
def test_a_run_reports_the_oracle_s_hits(tmp_path: Path, name: str, batch: int | None) -> None:
    if name == "Polars":
        pytest.importorskip("polars", reason="Polars is no dependency: pip install polars")
    base = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational"}
    flat = [base | fields for fields in events()]
    some = {"x": CONDITIONS["contains any"], "y": CONDITIONS["null"], "z": "{a|re: '(?=who)w'}"}
    given = workload(tmp_path, some, flat)
    peer = getattr(module(name.lower()), name)(batch)
    assert list(peer.refused(given)) == ["z"]
    taken = given.only({"x", "y"})
    ours = module("tocsin").Tocsin("plain").run(taken)
    theirs = peer.run(taken)
    assert dict(theirs.hits) == dict(ours.hits)
    assert set(ours.hits) == {"x", "y"}
    assert theirs.reading > 0


@pytest.mark.parametrize("way", ["stream", "sorted"])
def test_tenzir_reports_the_oracle_s_hits(tmp_path: Path, way: str) -> None:
    peer = module("tenzir").Tenzir(os.environ.get("TENZIR"), way)
    if why := peer.unavailable():
        pytest.skip(f"Tenzir {why}")
    base = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational"}
    flat = [
        base | {"a": one, "BenchmarkRow": row} for row, one in enumerate(("whoami", "WHO", "x", "who knows"))
    ]
    given = workload(tmp_path, {"x": "{a|startswith: who}"}, flat)
    assert peer.refused(given) == {}
    run = peer.run(given)
    assert (
        dict(run.hits) == {"x": frozenset({1, 3})} == dict(module("tocsin").Tocsin("plain").run(given).hits)
    )
    assert run.start > 0


@pytest.mark.parametrize("name", ["Zircolite", "Hayabusa", "Chainsaw"])
def test_a_program_that_is_not_there_is_skipped_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    arguments = (None, None) if name == "Chainsaw" else (None,)
    assert "not installed" in getattr(module(name.lower()), name)(*arguments).unavailable()


def test_differences_are_told_by_rule_and_class(tmp_path: Path) -> None:
    given = workload(tmp_path, {"x": "{a|re: w}", "y": "{a: w}"}, [{"a": "w"}, {"a": "w"}])
    same = {"x": frozenset({1}), "y": frozenset({1})}
    compare = module("comparison")
    assert compare.differences(given, same, same) == []
    (found,) = compare.differences(given, same, {"x": frozenset({0, 1}), "y": frozenset({1})})
    assert (found.rule, found.classes, found.only_ours, found.only_theirs) == ("x", ("regex",), 0, 1)


def test_a_command_that_fails_says_so(tmp_path: Path) -> None:
    processes = module("processes")
    done = processes.run([sys.executable, "-c", "print(sum(range(10**6)))"], tmp_path)
    assert done.output.strip() == "499999500000"
    assert done.seconds > 0
    with pytest.raises(processes.FailedError, match="no such"):
        processes.run([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path)
