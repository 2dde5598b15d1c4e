"""`tocsin ring`, `tocsin outbound`: try the bell; see what left this host, to the byte."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import click

from tocsin.cli.clock import now
from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_DEGRADED
from tocsin.cli.options import JSON, with_options
from tocsin.cli.which_store import STORE, service_settings, store_root
from tocsin.notify.trial import try_channels
from tocsin.outbound.gate import Gate
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert, inert_lines
from tocsin.records.instants import rfc3339
from tocsin.store.database import Database
from tocsin.store.outbox import Outbox
from tocsin.store.outgoing import Left, Outgoing


@click.command()
@with_options(JSON)
@click.pass_context
def ring(ctx: click.Context, *, as_json: bool) -> None:
    """Send a trial message through every channel of the bell, now, and say what came of it.

    It leaves through the same gate as a real one. The exit code is 3 where a channel did not take it, or there is none.
    """
    service = service_settings(ctx.find_root().params.get("config"))
    for sentence in service.bell.warnings():
        click.echo(inert(sentence), err=True)
    database = Database(existing(service.data), write=True)
    try:
        tried = try_channels(service.bell, Gate(service.bell.allowed, Outgoing(database), now), now())
    finally:
        database.close()
    for one in tried:
        if as_json:
            emit({"kind": "channel", "name": one.channel, "id": one.ident, "outcome": one.trouble or "sent"})
        else:
            click.echo(inert(f"{one.channel}: {one.trouble or 'sent. See whether it arrived.'}"))
    failed = sum(one.trouble is not None for one in tried)
    if as_json:
        emit({"kind": "summary", "channels": len(tried), "failed": failed})
    if failed or not tried:
        ctx.exit(EXIT_DEGRADED)


@click.command()
@STORE
@with_options(JSON)
@click.pass_context
def outbound(ctx: click.Context, *, store: Path | None, as_json: bool) -> None:
    """List what left this host and what was refused to leave, each body to the byte, the newest last.

    Nothing leaves but to what [run.outbound] allow lists.
    """
    database = Database(existing(store_root(ctx, store)), write=False)
    try:
        several = 0
        for left in Outgoing(database).all():
            several += 1
            if as_json:
                emit(_line(left))
            else:
                click.echo(_shown(left))
        counts = Outbox(database).counts()
    finally:
        database.close()
    if as_json:
        emit({"kind": "summary", "bodies": several, "messages": counts})
    elif not several:
        click.echo("Nothing left this host, and nothing tried to.", err=True)


def _line(left: Left) -> dict[str, Any]:
    try:
        body: dict[str, Any] = {"body": left.body.decode()}
    except UnicodeDecodeError:
        body = {"body": None}
    return {
        "kind": "outbound",
        "purpose": left.purpose,
        "id": left.ident,
        "destination": left.destination,
        "first": rfc3339(left.first),
        "last": rfc3339(left.last),
        "times": left.times,
        "unsure": left.unsure,
        "outcome": left.outcome,
        **body,
        "body_base64": base64.b64encode(left.body).decode(),
    }


def _shown(left: Left) -> str:
    often = "" if left.times == 1 else f", {left.times} times since {rfc3339(left.first)}"
    unsure = f", {left.unsure} of them cut off before the answer" if left.unsure else ""
    head = f"{rfc3339(left.last)}  {left.purpose} {left.ident} to {left.destination}{often}{unsure}: {left.outcome}"
    body = inert_lines(left.body.decode("utf-8", "backslashreplace"))
    return "\n".join([inert(head), *(f"    {line}" for line in body.split("\n") if left.body)])


def existing(root: Path) -> Path:
    """The state of the store in `root`.

    Raises:
        OperatorError: there is none.
    """
    if not (root / "state.sqlite").is_file():
        raise OperatorError(f"{root} is no store.", "Start the service once with `tocsin run`.")
    return root / "state.sqlite"
