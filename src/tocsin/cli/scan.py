"""`tocsin scan PATH…`: files or folders in, the few things that need somebody out."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tocsin.cli.options import FAIL_ON, OUTPUT_OPTIONS, READ_OPTIONS, RULE_OPTIONS, with_options
from tocsin.cli.read_choice import ReadChoice
from tocsin.cli.rule_choice import RuleChoice
from tocsin.cli.run import Output, run_scan


def _jobs() -> int:
    return min(2, os.cpu_count() or 1)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@with_options(RULE_OPTIONS)
@with_options(READ_OPTIONS)
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep what is read in this folder, each record once.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=_jobs,
    metavar="N",
    help="Processes that read files, and ranges of a large file of JSON lines, side by side, with the same output in the "
    "same order; two if not given, where there are two cores. With --store it is always one.",
)
@with_options(OUTPUT_OPTIONS)
@with_options(FAIL_ON)
def scan(
    paths: tuple[str, ...],
    rules: tuple[str, ...],
    *,
    starter: bool,
    placeholders: Path | None,
    format_name: str | None,
    zone: str,
    columns: Path | None,
    logsource: str | None,
    store: Path | None,
    jobs: int,
    as_json: bool,
    html: Path | None,
    fail_on: str | None,
) -> None:
    """Read log files or folders and tell the few things that need you.

    Reads EVTX, JSON (lines, arrays, pretty-printed), syslog, auditd, journald, Zeek, Suricata, CloudTrail,
    Microsoft 365 and Entra exports, web logs, CEF, LEEF, FortiGate, pfSense and CSV, plain or inside gz, zip, tar
    and zst. What cannot be read is set aside with its position and reason.
    """
    run_scan(
        paths,
        RuleChoice(rules, starter=starter, placeholders=placeholders),
        Output(as_json=as_json, html=html, fail_on=fail_on),
        ReadChoice(format_name, zone, columns, logsource),
        store=store,
        workers=jobs,
    )
