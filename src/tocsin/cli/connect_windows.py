"""`tocsin connect windows [FOLDER]`: the script for Windows computers and its settings, until a first event of one was seen."""

from __future__ import annotations

from pathlib import Path

import click

from tocsin.cli.connecting import CONNECT_OPTIONS, Choice, run_connection
from tocsin.cli.host import host_names
from tocsin.cli.options import with_options
from tocsin.engine.connecting import windows as plan
from tocsin.records.errors import OperatorError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--to",
    metavar="NAME",
    help="The name or address by which the computers reach this host; else its own address.",
)
@click.option("--name", default=plan.NAME, show_default=True, help="Of the token that these computers show.")
@with_options(CONNECT_OPTIONS)
@click.pass_context
def windows(
    ctx: click.Context, folder: Path, *, to: str | None, name: str, apply: bool, undo: bool, wait: float | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Connect Windows computers, by one readable PowerShell script.

    Script and settings are put into FOLDER (the current one if not given), from where you carry them to the computers.
    --apply then waits until the test event of one of them was seen. --undo takes back the token and the files here;
    on each computer the script's own -Undo puts everything back, and should come first.
    """
    address = plan.usual_address(host_names()) if to is None else to
    if address is None:
        raise OperatorError(
            "This host has no address that other computers could use.", "Say with --to how they reach it."
        )
    run_connection(
        ctx,
        lambda service: plan.windows(service, plan.Wanted(folder.absolute(), address, name)),
        Choice(apply, undo, wait, as_json),
        name,
    )
