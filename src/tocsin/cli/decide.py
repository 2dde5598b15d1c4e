"""`tocsin acknowledge`, `tocsin resolve`, `tocsin dismiss`: what an operator says of an incident, written into the store.

The service need not run; where it does, it takes that up within the minute.
"""

from __future__ import annotations

from pathlib import Path

import click

from tocsin.cli.bell import existing
from tocsin.cli.clock import now
from tocsin.cli.json_lines import emit
from tocsin.cli.options import JSON, with_options
from tocsin.cli.which_store import STORE, store_root
from tocsin.config import bounds
from tocsin.incidents.lifecycle import decision
from tocsin.records.errors import OperatorError
from tocsin.records.incident import Decided
from tocsin.records.instants import rfc3339
from tocsin.store.database import Database
from tocsin.store.decisions import Decisions
from tocsin.store.store import Store

_ID = click.argument("incident_id", metavar="ID")


@click.command()
@_ID
@STORE
@with_options(JSON)
@click.pass_context
def acknowledge(ctx: click.Context, incident_id: str, *, store: Path | None, as_json: bool) -> None:
    """Say that somebody looks after the incident ID: the bell stops ringing for it.

    What waits to be said of it is not said any more, by no channel. Should it become graver or come back, it rings again.
    """
    _decide(store_root(ctx, store), incident_id, "acknowledged", "", as_json=as_json)


@click.command()
@_ID
@STORE
@with_options(JSON)
@click.pass_context
def resolve(ctx: click.Context, incident_id: str, *, store: Path | None, as_json: bool) -> None:
    """Say that what the incident ID tells of was dealt with.

    It is listed no more. Whatever is found of it after that brings it back, and the bell rings again.
    """
    _decide(store_root(ctx, store), incident_id, "resolved", "", as_json=as_json)


@click.command()
@_ID
@click.option("--reason", required=True, help="Why it is none, for whoever asks later.")
@STORE
@with_options(JSON)
@click.pass_context
def dismiss(ctx: click.Context, incident_id: str, *, reason: str, store: Path | None, as_json: bool) -> None:
    """Say that the incident ID is a false alarm, and why.

    It is listed no more, and more of the same changes nothing. Where another rule tells of it, or it becomes graver, it
    comes back, and the bell rings again.
    """
    if not reason.strip() or len(reason) > bounds.REASON_CHARS:
        raise OperatorError(
            f"A reason has 1 to {bounds.REASON_CHARS:,} characters.",
            "Say in a sentence why it is no incident.",
        )
    _decide(store_root(ctx, store), incident_id, "dismissed", reason.strip(), as_json=as_json)


def _decide(root: Path, incident_id: str, said: Decided, reason: str, *, as_json: bool) -> None:
    moment = now()
    with Store.read_only(root) as kept:
        incident = kept.incident(incident_id)
    database = Database(existing(root), write=True)
    try:
        Decisions(database).decide(incident, decision(incident, said, moment, reason))
    finally:
        database.close()
    if as_json:
        emit({"kind": said, "incident": incident.id, "at": rfc3339(moment)})
        emit({"kind": "summary", said: 1})
    else:
        click.echo(f"{said.capitalize()} {incident.id}.")
