"""Every starter rule on raw records: it fires on its hits and not on its near misses, through reader and evaluator."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from tests.starter.records import write

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations.plans import silenced
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.engine.rule_files import starter_texts
from tocsin.records.attack import TACTICS, technique_name
from tocsin.records.instants import from_datetime
from tocsin.sources.reading import ReadOptions, read

CASES = Path(__file__).parent / "cases"
DOCS = Path(__file__).parents[2] / "docs"
TEXTS = {Path(text.path).stem: text for text in starter_texts().texts}
RULES = load_rules(TEXTS.values())
QUIET = silenced([one.plan for one in RULES.correlations])
TOLD = [rule.meta for rule in (*RULES.rules, *RULES.correlations) if rule.id not in QUIET]


def told_by(stem: str) -> list[str]:
    """Titles of the rules of a file that report, in its order."""
    titles = {meta.title for meta in TOLD if Path(meta.path).stem == stem}
    documents = yaml.safe_load_all(TEXTS[stem].text)
    return [document["title"] for document in documents if document["title"] in titles]


def found(stem: str, events: object, folder: Path) -> set[str]:
    """Titles of what the file's rules find in `events`."""
    return found_by([TEXTS[stem]], events, folder)


def found_by(texts: list[RuleText], events: object, folder: Path) -> set[str]:
    """Titles of what `texts` find in `events`."""
    detector = SigmaDetector(load_rules(texts))
    options = ReadOptions(ingest=from_datetime(datetime(2026, 11, 24, tzinfo=UTC)))
    findings = []
    for batch in read([str(path) for path in write(events, folder)], options):
        assert not batch.set_aside, batch.set_aside
        findings += detector.process(batch)
    findings += detector.advance(END_OF_TIME)
    return {finding.rule_title for finding in findings}


def cases() -> Iterator[object]:
    for path in sorted(CASES.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for part in (content, *content.get("also", ())):
            rule = part.get("rule")
            for kind in ("hit", "miss"):
                for number, events in enumerate(part[kind]):
                    yield pytest.param(
                        path.stem, rule, events, kind == "hit", id=f"{path.stem}-{kind}{number}-{rule}"
                    )


@pytest.mark.parametrize(("stem", "rule", "events", "fires"), list(cases()))
def test_case(stem, rule, events, fires, tmp_path):
    wanted = rule or told_by(stem)[-1]
    assert wanted in told_by(stem)
    assert (wanted in found(stem, events, tmp_path)) is fires


def test_every_rule_that_reports_has_a_hit_and_a_near_miss():
    tested = set()
    for path in CASES.glob("*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for part in (content, *content.get("also", ())):
            assert part["hit"]
            assert part["miss"]
            tested.add(part.get("rule") or told_by(path.stem)[-1])
    assert tested == {meta.title for meta in TOLD}


def test_the_set_loads_whole():
    assert not RULES.problems
    assert len(TOLD) >= 60


@pytest.mark.parametrize("stem", sorted(TEXTS))
def test_what_a_rule_says_of_itself(stem):
    for document in yaml.safe_load_all(TEXTS[stem].text):
        assert UUID(document["id"]).version == 4
        assert document["author"] == "The Tocsin authors"
        assert document["status"] == "test"
        assert document["description"].endswith(".")
    for meta in (m for m in TOLD if Path(m.path).stem == stem):
        assert meta.falsepositives
        assert meta.techniques
        assert set(meta.tactics) <= set(TACTICS)
        named = {technique for technique in meta.techniques if technique_name(technique) == technique}
        assert all(technique.startswith("T0") for technique in named)  # ICS techniques are not in the table
        assert meta.level != "informational"


def test_titles_and_ids_are_the_rules_own():
    assert len({meta.title for meta in TOLD}) == len(TOLD)


def test_the_pages_are_in_step():
    spec = importlib.util.spec_from_file_location("generate_rule_pages", DOCS / "generate_rule_pages.py")
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    assert (DOCS / "starter-rules.md").read_text(encoding="utf-8") == pages.starter_page()
    assert (DOCS / "field-catalogue.md").read_text(encoding="utf-8") == pages.catalogue_page()


def test_the_filter_of_the_page_silences_the_named_stations(tmp_path):
    page = (DOCS / "starter-rules.md").read_text(encoding="utf-8")
    example = RuleText("filter.yml", page.partition("```yaml\n")[2].partition("```")[0])
    named = {"zeek": {"log": "modbus", "id.orig_h": "10.1.1.20", "func": "WRITE_SINGLE_COIL"}}
    other = {"zeek": {"log": "modbus", "id.orig_h": "10.1.1.99", "func": "WRITE_SINGLE_COIL"}}
    texts = [*TEXTS.values(), example]
    assert "Host Wrote to a Controller (Modbus)" not in found_by(texts, named, tmp_path)
    assert "Host Wrote to a Controller (Modbus)" in found_by(texts, other, tmp_path)
