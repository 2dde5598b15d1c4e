"""What `scan` and `demo` share: one scan run, and its result shown as text, JSON lines or a page."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from tocsin.cli import clock
from tocsin.cli.json_lines import emit, finding_line, incident_line, set_aside_line
from tocsin.cli.main import EXIT_DEGRADED, EXIT_DONE, EXIT_FINDINGS
from tocsin.cli.page_file import write_page
from tocsin.cli.progress import Progress
from tocsin.cli.read_choice import ReadChoice
from tocsin.cli.rule_choice import RuleChoice
from tocsin.config import bounds
from tocsin.engine.rule_sets import RuleAccount
from tocsin.engine.scan import ScanRequest, ScanResult, scan
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import LEVELS, Finding
from tocsin.records.inert import inert


@dataclass(frozen=True, slots=True)
class Output:
    """How the user wants to be told."""

    as_json: bool = False
    html: Path | None = None
    fail_on: str | None = None


@dataclass(slots=True)
class Reporter:
    """Hears the scan: JSON lines go out at once; for people only the worst level and the set-aside records are kept."""

    as_json: bool
    progress: Progress
    worst: int = -1
    set_aside: list[SetAside] = field(default_factory=list)

    def on_finding(self, finding: Finding) -> None:
        """Notes the level, and prints the finding where JSON is wanted."""
        self.worst = max(self.worst, LEVELS.index(finding.level))
        if self.as_json:
            emit(finding_line(finding))

    def on_set_aside(self, record: SetAside) -> None:
        """Keeps the record for the account at the end."""
        if self.as_json:
            emit(set_aside_line(record))
        if len(self.set_aside) < bounds.SET_ASIDE_KEPT:
            self.set_aside.append(record)

    def on_batch(self, batch: EventBatch) -> None:
        """Moves the progress bar."""
        self.progress.advance(len(batch) + batch.passed)


def run_scan(
    paths: tuple[str, ...],
    choice: RuleChoice,
    output: Output,
    reading: ReadChoice = ReadChoice(),  # noqa: B008  frozen
    *,
    store: Path | None = None,
    ingest: int | None = None,
    origin: str = "live",
    workers: int = 1,
) -> None:
    """Scans, tells, and exits with the code that the result deserves.

    Raises:
        OperatorError: a path, a rule file, the zone or the store cannot be used.
    """
    began = clock.stopwatch()
    options = reading.options(ingest or clock.now())
    with Progress("reading the rules", quiet=output.as_json) as progress:
        loaded, account = choice.load(progress)
        progress.describe("reading the logs")
        request = ScanRequest(paths, loaded, options, store, origin, workers, clock.processor)
        reporter = Reporter(output.as_json, progress)
        result = scan(request, reporter)
    seconds = clock.stopwatch() - began
    _show(result, account, reporter, output, seconds)
    sys.exit(_exit_code(result, reporter, account, output))


def _show(
    result: ScanResult, account: RuleAccount, reporter: Reporter, output: Output, seconds: float
) -> None:
    summary = summary_line(result, account, seconds)
    for notice in result.notices:
        click.echo(f"tocsin: {inert(notice)}", err=True)
    if output.html is not None:
        _write_page(output.html, result, reporter, summary)
    if output.as_json:
        for told in result.told:
            emit(incident_line(told))
        emit(summary)
        return
    from tocsin.cli import terminal

    terminal.show(result.told, summary, reporter.set_aside, account.sentences())
    if output.html is not None:
        click.echo(f"The page: {output.html}", err=True)


def summary_line(result: ScanResult, account: RuleAccount, seconds: float) -> dict[str, Any]:
    """The last line of the JSON contract, with what the headline needs beside it."""
    return {
        "kind": "summary",
        "sources": result.sources,
        "events": result.tally.events,
        "set_aside": result.tally.set_aside,
        "findings": result.tally.findings,
        "incidents": len(result.told),
        "quiet": result.quiet,
        "ordinary": result.ordinary,
        "rules": account.counts(),
        "suspended": list(result.suspended),
        "unjudged": list(result.unjudged),
        "seconds": round(seconds, 3),
    }


def _write_page(path: Path, result: ScanResult, reporter: Reporter, summary: Mapping[str, Any]) -> None:
    from tocsin.console.page import render_page

    write_page(path, render_page(result.told, summary, reporter.set_aside, clock.now()), "--html")


def _exit_code(result: ScanResult, reporter: Reporter, account: RuleAccount, output: Output) -> int:
    if result.tally.set_aside or result.suspended or result.unjudged or account.unreadable:
        return EXIT_DEGRADED
    if output.fail_on is not None and reporter.worst >= LEVELS.index(output.fail_on):
        return EXIT_FINDINGS
    return EXIT_DONE
