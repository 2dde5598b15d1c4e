"""The engine's benchmarks measure what they say: nothing comes twice, draws are nested, digests tell answers apart."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

import orjson
import pytest
from benchmarks.engine.chart import Axis, Line, Panel, chart, marks
from benchmarks.engine.hostile import _exploding, _literals
from benchmarks.engine.hostile_inputs import event, rule
from benchmarks.engine.inputs import batches, drawn
from benchmarks.engine.judging import Answers, disagreements, judged
from benchmarks.engine.unique_events import write_unique_log

from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.records.event import EventBatch

FEW = {"Channel", "EventID", "SourceName", "EventType", "Protocol", "Initiated", "IntegrityLevel"}
"""What an event is: said by few words."""


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("unique") / "unique.jsonl"
    write_unique_log(path, 500)
    return path


def test_no_value_of_the_unique_log_comes_twice(log):
    records = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    values = Counter((name, value) for record in records for name, value in record.items() if name not in FEW)
    assert len(records) == 500
    assert [one for one, count in values.items() if count > 1] == []
    assert len({record["EventID"] for record in records}) == 6


def test_the_unique_log_is_the_same_for_the_same_seed(log, tmp_path):
    for name, seed in (("same", 3), ("other", 4)):
        write_unique_log(tmp_path / name, 500, seed)
    assert (tmp_path / "same").read_bytes() == log.read_bytes() != (tmp_path / "other").read_bytes()


def test_the_unique_log_is_read_as_windows_events_and_judged_as_the_oracle_judges_it(log):
    rules = load_rules(
        [rule("exe", "|contains", "'.exe'"), rule("never", "|contains", "'no such text'")]
    ).rules
    found = judged(PlannedEvaluator(rules), batches([str(log)]))
    kinds = {event.kind for batch in batches([str(log)]) for event in batch}
    assert (found.events, len(kinds)) == (500, 6)
    assert 0 < found.matches < 500
    assert disagreements(PlannedEvaluator(rules), rules, batches([str(log)]), 1) == (500, 0)


def test_a_digest_tells_other_answers_apart_and_not_another_order():
    first, second = load_rules([rule("a", "|contains", "x"), rule("b", "|contains", "x")]).rules
    events = [event(0, "x")]

    def digest(*matched):
        told = Answers()
        told.add(events, [matched])
        return told.digest

    assert digest(first, second) == digest(second, first)
    assert len({digest(), digest(first), digest(second), digest(first, second)}) == 4


def test_smaller_draws_of_rules_are_part_of_larger_ones_and_in_order():
    rules = load_rules(rule(f"r{number}", "|contains", f"x{number}") for number in range(50)).rules
    few, more = drawn(rules, 5), drawn(rules, 20)
    assert (len(few), len(more), drawn(rules, 50)) == (5, 20, rules)
    assert set(few) < set(more)
    assert [rules.index(one) for one in more] == sorted(rules.index(one) for one in more)


def test_judging_counts_what_it_judged():
    rules = load_rules([rule("a", "|contains", "x")]).rules
    stream = [EventBatch.of([event(0, "x"), event(1, "y")], ()), EventBatch.of([event(2, "x")], ())]
    found = judged(PlannedEvaluator(rules), stream)
    assert (found.events, found.matches) == (3, 2)
    assert found.plans > 0 < found.judging < found.whole


def test_the_small_hostile_figures_stay_within_their_bounds():
    figures = [*_exploding(), *_literals(5_000)]
    assert [figure for figure in figures if figure.value > figure.most and "seconds" not in figure.name] == []


def test_a_chart_is_one_well_formed_drawing_whose_points_lie_in_it():
    across, up = (
        Axis("rules", [(100, "100"), (1_000, "1,000")], logarithmic=True),
        Axis("µs <CPU>", marks(7.3)),
    )
    panel = Panel(
        across,
        up,
        [Line("a & b", [(100, 1), (316, 4), (1_000, 7.3)])],
        [Line("limit", [(100, 5), (1_000, 5)])],
    )
    tree = ET.fromstring(chart("Title", "What it tells", [panel, panel]))
    width, height = (float(tree.attrib[name]) for name in ("width", "height"))
    dots = [node for node in tree.iter() if node.tag.endswith("circle")]
    assert len(dots) == 6
    assert all(0 < float(dot.attrib["cx"]) < width and 0 <= float(dot.attrib["cy"]) < height for dot in dots)
    assert float(dots[1].attrib["cx"]) == pytest.approx(
        (float(dots[0].attrib["cx"]) + float(dots[2].attrib["cx"])) / 2, abs=1
    )
    assert {"a & b", "limit", "µs <CPU>"} <= {node.text for node in tree.iter()}


@pytest.mark.parametrize("most", [0.07, 1, 7.3, 10, 999, 3_752])
def test_marks_are_round_reach_over_the_most_and_are_few(most):
    found = [value for value, _ in marks(most)]
    assert found[0] == 0
    assert most <= found[-1] < 2 * most
    assert 3 <= len(found) <= 7
