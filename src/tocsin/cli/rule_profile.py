"""`tocsin rules profile`: which rules are dear, and which ask for fields that never come."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from tocsin.cli import clock
from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_DEGRADED
from tocsin.cli.options import JSON, READ_OPTIONS, RULE_OPTIONS, with_options
from tocsin.cli.progress import Progress
from tocsin.cli.read_choice import ReadChoice
from tocsin.cli.rule_choice import RuleChoice
from tocsin.config import bounds
from tocsin.detect.sigma.plans.account import RuleUse
from tocsin.engine.rule_profile import RuleProfile, profile
from tocsin.records.event import EventBatch
from tocsin.records.inert import inert

SHOWN: Final = 10
"""Rules in the terminal; `--json` gives every one."""


@click.command("profile")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@with_options(RULE_OPTIONS)
@with_options(READ_OPTIONS)
@with_options(JSON)
def profile_rules(
    paths: tuple[str, ...],
    rules: tuple[str, ...],
    *,
    starter: bool,
    placeholders: Path | None,
    format_name: str | None,
    zone: str,
    columns: Path | None,
    logsource: str | None,
    as_json: bool,
) -> None:
    """Tell what each rule costs on the logs at PATH.

    Judges them as a scan does, makes no finding, and lists the ten dearest rules (--json: every rule): `ms` spent on
    asking it, how often it was `asked`, its `hits`, the `events` that it might have matched, and the fields that it asks
    for and none of them had. Searching values is work that all rules share, and is told in one sum.
    Records that cannot be read are counted; `tocsin scan` tells why.
    """
    options = ReadChoice(format_name, zone, columns, logsource).options(clock.now())
    with Progress("reading the rules", quiet=as_json) as progress:
        loaded, account = RuleChoice(rules, starter=starter, placeholders=placeholders).load(progress)
        titles = {rule.id: rule.meta.title for rule in loaded.ruleset.rules}

        def on_batch(batch: EventBatch) -> None:
            progress.advance(len(batch))

        found = profile(paths, loaded, options, clock.processor, on_batch)
    if as_json:
        _print_json(found, titles, len(account.unreadable))
    else:
        _print_text(found, titles, len(account.unreadable))
    if found.set_aside or found.suspended or account.unreadable:
        sys.exit(EXIT_DEGRADED)


def _print_json(found: RuleProfile, titles: Mapping[str, str], unreadable: int) -> None:
    for use in sorted(found.uses, key=lambda use: (-use.seconds, -use.considered)):
        emit(_line(use, titles))
    emit(
        {"kind": "summary", "events": found.events, "rules": len(found.uses), "seconds": round(found.seconds, 6),
         "asking": round(sum(use.seconds for use in found.uses), 6), "set_aside": found.set_aside,
         "suspended": sorted(found.suspended), "unreadable": unreadable}
    )  # fmt: skip


def _line(use: RuleUse, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "kind": "rule",
        "id": use.rule,
        "title": titles[use.rule],
        "considered": use.considered,
        "hits": use.hits,
        "asked": use.asked,
        "seconds": round(use.seconds, 6),
        "unknown_fields": list(use.unknown_fields),
    }


def _print_text(found: RuleProfile, titles: Mapping[str, str], unreadable: int) -> None:
    asking = sum(use.seconds for use in found.uses)
    click.echo(
        f"{found.events:,} events judged by {len(found.uses):,} rules in {found.seconds:.2f} s; "
        f"{asking:.2f} s of it went into asking rules, the rest into finding out which to ask."
    )
    click.echo(f"{'ms':>9} {'asked':>9} {'hits':>7} {'events':>10}  rule")
    for use in found.dearest(SHOWN):
        title = inert(titles[use.rule])
        click.echo(f"{use.seconds * 1e3:9.1f} {use.asked:9,} {use.hits:7,} {use.considered:10,}  {title}")
        if use.unknown_fields:
            names = inert(", ".join(use.unknown_fields))
            click.echo(f"{'':39} asks for fields that no event had: {names}")
    blind = sum(bool(use.unknown_fields) for use in found.uses)
    click.echo(f"{blind:,} rules ask for a field that none of their events had; --json names each.")
    _print_left_out(found, titles, unreadable)


def _print_left_out(found: RuleProfile, titles: Mapping[str, str], unreadable: int) -> None:
    if found.set_aside:
        click.echo(
            f"Set aside, as they could not be read: {found.set_aside:,} records; `tocsin scan` tells why."
        )
    if unreadable:
        click.echo(f"Rule files that cannot be read: {unreadable:,}; `tocsin rules check` names them.")
    for rule in sorted(found.suspended):
        click.echo(
            f"Suspended, as its expression took longer than {bounds.REGEX_SECONDS} s on {bounds.REGEX_TIMEOUTS} events: "
            f"{inert(titles[rule])}"
        )
