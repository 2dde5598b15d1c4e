"""`tocsin incidents` and `tocsin explain ID`: what a store holds, in the words of `scan`."""

from __future__ import annotations

from pathlib import Path

import click

from tocsin.advise.tell import tell
from tocsin.cli.json_lines import emit, finding_line, incident_line
from tocsin.cli.options import JSON, with_options
from tocsin.cli.which_store import STORE, store_root
from tocsin.incidents.lifecycle import is_done
from tocsin.incidents.ranking import needs_you
from tocsin.store.store import Store


@click.command()
@STORE
@click.option("--all", "every", is_flag=True, help="Those that were resolved or dismissed too.")
@with_options(JSON)
@click.pass_context
def incidents(ctx: click.Context, *, store: Path | None, every: bool, as_json: bool) -> None:
    """List the incidents in a store that need somebody, most urgent first."""
    with Store.read_only(store_root(ctx, store)) as kept:
        told = [tell(one) for one in kept.incidents() if needs_you(one) and (every or not is_done(one))]
    if as_json:
        for one in told:
            emit(incident_line(one))
        emit({"kind": "summary", "incidents": len(told)})
        return
    from tocsin.cli import terminal

    terminal.list_incidents(told)


@click.command()
@click.argument("incident_id", metavar="ID")
@STORE
@with_options(JSON)
@click.pass_context
def explain(ctx: click.Context, incident_id: str, *, store: Path | None, as_json: bool) -> None:
    """Tell one incident whole: what happened, whose word that is, the records that prove it, and what to do next.

    ID is an incident's id, the start of one that no other shares, or the id of an incident that was merged into it.
    """
    with Store.read_only(store_root(ctx, store)) as kept:
        told = tell(kept.incident(incident_id))
    if as_json:
        for finding in told.incident.findings:
            emit(finding_line(finding))
        emit(incident_line(told))
        emit({"kind": "summary", "incidents": 1, "findings": len(told.incident.findings)})
        return
    from tocsin.cli import terminal

    terminal.explain(told)
