"""`tocsin connect --detect`: what on this host is worth connecting."""

from __future__ import annotations

import shlex

import click

from tocsin.cli.json_lines import emit
from tocsin.cli.which_store import service_settings
from tocsin.engine.connecting.detecting import Proposal, detect
from tocsin.records.inert import inert


def show_detected(ctx: click.Context, *, as_json: bool) -> None:
    """Prints what was found, the most worthwhile first, each with the command that shows what connecting it takes.

    Raises:
        OperatorError: there is no service.
    """
    config = ctx.find_root().params.get("config")
    found = detect(service_settings(config))
    start = ["tocsin", *(["--config", config] if config else []), "connect"]
    for number, one in enumerate(found.proposals, 1):
        command = shlex.join([*start, one.source, *one.arguments])
        if as_json:
            _emit(one, command)
        else:
            click.echo(
                inert(f"{number}. {one.source}{' (connected already)' if one.connected else ''}: {one.gives}")
            )
            click.echo(inert(f"   {one.found}"))
            click.echo(f"   {inert(command)}\n")
    for trouble in found.troubles:
        click.echo(inert(trouble), err=True)
    if as_json:
        emit({"kind": "summary", "proposals": len(found.proposals), "troubles": found.troubles})
        return
    if not found.proposals:
        click.echo("Nothing was found on this host that Tocsin knows how to connect.")
    click.echo(
        "What runs on other computers cannot be seen from here: `tocsin connect windows` for Windows computers,"
    )
    click.echo(
        "`tocsin connect rsyslog --to NAME` for other Linux hosts. Each of these only shows what is to be done."
    )


def _emit(one: Proposal, command: str) -> None:
    emit(
        {
            "kind": "proposal",
            "source": one.source,
            "arguments": list(one.arguments),
            "gives": one.gives,
            "found": one.found,
            "connected": one.connected,
            "command": command,
        }
    )
