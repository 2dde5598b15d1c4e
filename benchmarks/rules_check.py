"""What can fire with which Windows setting, as JSON lines: `python -m benchmarks.rules_check RULES_FOLDER`."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from time import perf_counter

from benchmarks.telling import tell
from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.detect.sigma.coverage import firing, for_sources, judge
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleSet
from tocsin.engine.rule_files import rule_texts
from tocsin.records.event import Logsource

SELECTIONS = (
    ("windows-default",),
    ("windows-process",),
    ("windows-cmdline",),
    ("windows-sysmon",),
    ("windows-cmdline", "windows-scriptblock"),
    ("windows-sysmon", "windows-scriptblock", "windows-modulelog", "windows-audit"),
)


def part(rules: RuleSet, wanted: Logsource) -> RuleSet:
    """The rules of `rules` that look at `wanted`."""
    return replace(
        rules, rules=tuple(r for r in rules.rules if r.logsource.satisfies(wanted)), correlations=()
    )


def main(folder: str) -> None:
    started = perf_counter()
    rules = load_rules(rule_texts([folder]).texts)
    loaded = perf_counter()
    verdicts = Counter(verdict.status for verdict in judge(rules))
    judged = perf_counter()
    tell(
        figure="all", loaded=len(rules.rules) + len(rules.correlations), active=verdicts["active"],
        no_field=verdicts["no-field"], unsupported=len(rules.problems),
        load_seconds=round(loaded - started, 2), judge_seconds=round(judged - loaded, 2),
    )  # fmt: skip
    windows = part(rules, Logsource("windows"))
    for selection in SELECTIONS:
        active = len(firing(windows, CATALOGUE, selection))
        share = round(active / max(len(windows.rules), 1), 3)
        tell(figure="windows", sources=selection, rules=len(windows.rules), active=active, share=share)
    processes = part(rules, Logsource("windows", "process_creation"))
    without = len(firing(processes, CATALOGUE, ["windows-process"]))
    tell(figure="windows process rules", rules=len(processes.rules), without_command_line=without)
    for gain in for_sources(rules, ["windows-default"]).gains:
        tell(figure="gain over windows-default", switch=gain.switch.name, rules=len(gain.rules))


if __name__ == "__main__":
    main(sys.argv[1])
