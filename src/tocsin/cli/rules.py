"""`tocsin rules check|profile|add|list|remove`: what runs, what does not and exactly why, and what it costs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from tocsin.cli.json_lines import emit
from tocsin.cli.options import JSON, with_options
from tocsin.cli.progress import Progress
from tocsin.cli.rule_choice import RuleChoice, rule_library
from tocsin.cli.rule_profile import profile_rules
from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.detect.sigma.coverage import Coverage
from tocsin.engine.rule_sets import RuleAccount, coverage
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert

WHY_SHOWN = 20
"""Reasons listed in the terminal before the rest is summed up; `--json` gives every rule."""


@click.group()
def rules() -> None:
    """Check, profile, add, list and remove Sigma rules."""


rules.add_command(profile_rules)


@rules.command()
@click.argument("paths", nargs=-1, metavar="[DIR]…")
@click.option(
    "--for",
    "collected",
    metavar="SOURCES",
    help="What you collect, comma-separated; `list` names what there is.",
)
@click.option(
    "--placeholders", type=click.Path(path_type=Path), help="A YAML file of values for rules with |expand."
)
@with_options(JSON)
def check(paths: tuple[str, ...], *, collected: str | None, placeholders: Path | None, as_json: bool) -> None:
    """Tell which rules can fire, and why others cannot.

    For each rule: it can fire, or it asks for what no source gives, or it cannot be loaded, and exactly why.
    Without DIR: the starter rules and those added. With --for: how many can fire with what you collect, and what
    switching on one more thing would add.
    """
    if collected == "list":
        _list_sources(as_json=as_json)
        return
    sources = collected_sources(collected)
    choice = RuleChoice(paths, starter=not paths, added=not paths, placeholders=placeholders)
    with Progress("reading the rules", quiet=as_json) as progress:
        loaded, account = choice.load(progress, sources)
    gains = coverage(loaded, sources) if sources is not None else None
    if as_json:
        _print_json(account, gains)
    else:
        _print_text(account, gains)


@rules.command()
@click.argument("path", type=click.Path(path_type=Path))
def add(path: Path) -> None:
    """Keep a set of rules for every later scan.

    PATH is a file, a folder or a release zip. A set of the same name is replaced.
    """
    target, found = rule_library().add(path)
    click.echo(
        f"Added {len(found.texts)} rule files as {target.name}. `tocsin rules check` tells what they can do."
    )
    for file in found.unreadable:
        click.echo(f"Left out: {inert(file.path)}: {file.why}", err=True)


@rules.command("list")
@with_options(JSON)
def list_sets(*, as_json: bool) -> None:
    """List the rule sets that every scan uses."""
    sets = [("starter", "ships with Tocsin"), *((p.name, "added") for p in rule_library().paths())]
    for name, origin in sets:
        if as_json:
            emit({"kind": "rule-set", "name": name, "origin": origin})
        else:
            click.echo(f"{inert(name)}  ({origin})")
    if as_json:
        emit({"kind": "summary", "sets": len(sets)})


@rules.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove the added rule set called NAME."""
    rule_library().remove(name)
    click.echo(f"Removed {inert(name)}.")


def collected_sources(collected: str | None) -> tuple[str, ...] | None:
    """The names of sources in what was given to `--for`, None where nothing was.

    Raises:
        OperatorError: there is no such source.
    """
    if collected is None:
        return None
    names = tuple(name.strip() for name in collected.split(",") if name.strip())
    unknown = [name for name in names if CATALOGUE.switch(name) is None]
    if unknown or not names:
        raise OperatorError(
            f"--for knows no source {', '.join(unknown) or '(none given)'}.",
            "`tocsin rules check --for list` names them.",
        )
    return names


def _list_sources(*, as_json: bool) -> None:
    for switch in CATALOGUE:
        if as_json:
            emit(
                {
                    "kind": "source",
                    "name": switch.name,
                    "title": switch.title,
                    "how": switch.how,
                    "read": switch.read,
                }
            )
        else:
            click.echo(f"{switch.name:28} {switch.title}{'' if switch.read else ' (not read yet)'}")
    if as_json:
        emit({"kind": "summary", "sources": len(CATALOGUE.switches)})


def _print_json(account: RuleAccount, gains: Coverage | None) -> None:
    for verdict in account.verdicts:
        emit(
            {
                "kind": "rule",
                "id": verdict.key,
                "title": verdict.title,
                "status": verdict.status,
                "why": verdict.why,
            }
        )
    for problem in account.problems:
        emit(
            {"kind": "rule", "id": problem.rule, "title": problem.title, "status": "unsupported",
             "why": problem.why, "path": problem.path}
        )  # fmt: skip
    for file in account.unreadable:
        emit({"kind": "rule", "id": None, "title": file.path, "status": "unsupported", "why": file.why})
    for gain in gains.gains if gains is not None else ():
        emit(
            {"kind": "gain", "source": gain.switch.name, "title": gain.switch.title, "how": gain.switch.how,
             "rules": len(gain.rules)}
        )  # fmt: skip
    emit({"kind": "summary", "rules": account.counts()})


def _print_text(account: RuleAccount, gains: Coverage | None) -> None:
    counts = account.counts()
    idle = [verdict for verdict in account.verdicts if verdict.status == "no-field"]
    click.echo(
        f"{counts['loaded']} rules loaded: {counts['active']} can fire, {len(idle)} cannot on what "
        f"{'Tocsin reads' if gains is None else 'you collect'}; {counts['unsupported']} cannot be loaded."
    )
    for problem in account.problems:
        click.echo(f"  cannot be loaded: {inert(problem.title or problem.path)}: {inert(problem.why)}")
    for file in account.unreadable:
        click.echo(f"  cannot be read: {inert(file.path)}: {file.why}")
    reasons = Counter(verdict.why for verdict in idle).most_common()
    for why, count in reasons[:WHY_SHOWN]:
        click.echo(f"  {count:5} {inert(why)}")
    if len(reasons) > WHY_SHOWN:
        click.echo(f"  … and {len(reasons) - WHY_SHOWN} more reasons; --json tells each rule's.")
    for gain in gains.gains if gains is not None else ():
        click.echo(f"  +{len(gain.rules):4} with {gain.switch.name}: {gain.switch.how}")
