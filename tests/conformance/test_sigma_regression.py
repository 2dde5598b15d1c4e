"""SigmaHQ's rules against the events that SigmaHQ says they fire on.

The recordings are read here by a few lines of our own and judged by rule, so that what fails is the evaluator and not
the reading of logs; that the product's reader and logsources lead to the same is tested beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import evtx
import pytest

from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.loading import RuleSet
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.records.event import Event
from tocsin.sources.reading import ReadOptions, read

NOW = 1_795_000_000_000_000  # 2026-11-18


def flattened(record: dict[str, Any]) -> dict[str, Any]:
    """System and EventData of a Windows event as Sigma names them: attributes joined with an underscore."""
    event = record["Event"]
    fields: dict[str, Any] = {}
    for name, value in event["System"].items():
        attributes = value.get("#attributes", {}) if isinstance(value, dict) else {}
        fields |= {f"{name}_{attribute}": text for attribute, text in attributes.items()}
        fields[name] = value.get("#text") if isinstance(value, dict) else value
    data = event.get("EventData") or next(iter((event.get("UserData") or {"": {}}).values()))
    return fields | {name: value for name, value in (data or {}).items() if name != "#attributes"}


def recorded(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a recording, EVTX or JSON."""
    if path.suffix == ".evtx":
        records = [json.loads(record["data"]) for record in evtx.PyEvtxParser(str(path)).records_json()]
    else:
        records = list(values(path.read_text(encoding="utf-8-sig")))
    for record in records:
        for one in record if isinstance(record, list) else [record]:
            yield flattened(one)


def values(text: str) -> Iterator[Any]:
    """The JSON values of a text, one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while (at := at + len(text[at:]) - len(text[at:].lstrip())) < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value


def fires(rule: CompiledRule, path: Path) -> bool:
    """Whether some event of the recording matches."""
    return any(rule.matches(EventView(fields)) for fields in recorded(path))


def test_every_public_rule_is_accounted_for(sigma_hq: RuleSet) -> None:
    assert sigma_hq.documents == len(sigma_hq.rules) + len(sigma_hq.problems)
    assert len(sigma_hq.rules) >= 0.995 * sigma_hq.documents
    assert all("placeholder" in problem.why for problem in sigma_hq.problems)


@pytest.mark.parametrize("suffix", [".evtx", ".json"])
def test_every_rule_with_a_recording_fires_on_it(sigma_hq: RuleSet, data: Path, suffix: str) -> None:
    rules = {rule.id: rule for rule in sigma_hq.rules}
    recordings = sorted((data / "sigma-regression").rglob(f"*{suffix}"))
    assert len(recordings) == 91
    assert [path.stem for path in recordings if not fires(rules[path.stem], path)] == []


def test_the_keyword_rule_fires_on_its_raw_line(sigma_hq: RuleSet, data: Path) -> None:
    rules = {rule.id: rule for rule in sigma_hq.rules}
    (path,) = (data / "sigma-regression").rglob("*.raw")
    line = path.read_text(encoding="utf-8").strip()
    assert rules[path.stem].matches(EventView({"message": line}))
    assert not rules[path.stem].matches(EventView({"message": line.replace("no access", "access")}))


def test_the_products_own_readers_lead_every_rule_to_its_recordings(sigma_hq: RuleSet, data: Path) -> None:
    """What `tocsin scan` does: files found, formats told, logsources given, rules asked."""
    folder = data / "sigma-regression"
    detector = SigmaDetector(sigma_hq)
    fired = {
        (finding.rule_id, finding.evidence[-1].source)
        for batch in read([str(folder)], ReadOptions(ingest=NOW))
        for finding in detector.process(batch)
    }
    wanted = [path for path in folder.rglob("*") if path.suffix in {".evtx", ".json", ".jsoncls", ".raw"}]
    assert len(wanted) == 184
    assert [str(path) for path in sorted(wanted) if (path.stem, str(path)) not in fired] == []


def test_the_detector_finds_what_each_rule_matches(sigma_hq: RuleSet, data: Path) -> None:
    """The index by logsource neither loses a rule nor adds one."""
    detector = SigmaDetector(sigma_hq)
    by_logsource: dict[Any, list[CompiledRule]] = {}
    for rule in sigma_hq.rules:
        by_logsource.setdefault(rule.logsource, []).append(rule)
    rules = {rule.id: rule for rule in sigma_hq.rules}
    for path in sorted((data / "sigma-regression").rglob("*.json"))[::6]:
        wanted = rules[path.stem].logsource
        for seq, fields in enumerate(recorded(path)):
            event = Event("s", seq, 0, 0, frozenset({wanted}), fields, "", str(path), "json")
            plainly = {
                rule.id
                for logsource, group in by_logsource.items()
                if wanted.satisfies(logsource)
                for rule in group
                if rule.matches(EventView(fields))
            }
            assert {rule.id for rule in detector.evaluate(event)} == plainly
    assert detector.suspended == ()
