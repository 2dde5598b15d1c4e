"""`tocsin token add|list|remove`: the tokens by which the service knows its senders."""

from __future__ import annotations

from pathlib import Path

import click

from tocsin.cli.clock import now
from tocsin.cli.json_lines import emit
from tocsin.cli.options import JSON, with_options
from tocsin.cli.which_store import service_settings
from tocsin.config.tokens import add_token, read_tokens, remove_token
from tocsin.records.inert import inert
from tocsin.records.instants import rfc3339


@click.group()
def token() -> None:
    """Add, list and remove the tokens that senders show.

    A token's text is shown once, when it is made; only a digest of it is kept.
    """


@token.command()
@click.argument("name")
@with_options(JSON)
@click.pass_context
def add(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Make a token for the sender NAME and show it, this once.

    Give each sender one of its own: what it sends bears this name, and it can be shut out without the others.
    """
    path = _tokens_file(ctx)
    made = now()
    text = add_token(path, name, made)
    if as_json:
        emit({"kind": "token", "name": name, "made": rfc3339(made), "token": text})
        emit({"kind": "summary", "tokens": len(read_tokens(path))})
        return
    click.echo(text)
    click.echo(
        f"This is the token of {name}. It is not shown again: put it into the sender now. A service that runs lets it in once it is "
        "reloaded (SIGHUP).",
        err=True,
    )


@token.command("list")
@with_options(JSON)
@click.pass_context
def list_tokens(ctx: click.Context, *, as_json: bool) -> None:
    """List the names of the tokens, and when each was made."""
    tokens = read_tokens(_tokens_file(ctx))
    for one in tokens:
        if as_json:
            emit({"kind": "token", "name": one.name, "made": rfc3339(one.made)})
        else:
            click.echo(f"{one.name}  (made {rfc3339(one.made)})")
    if as_json:
        emit({"kind": "summary", "tokens": len(tokens)})
    elif not tokens:
        click.echo("There are none. `tocsin token add NAME` makes one.", err=True)


@token.command()
@click.argument("name")
@with_options(JSON)
@click.pass_context
def remove(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Remove the token NAME: who shows it is heard no more."""
    path = _tokens_file(ctx)
    remove_token(path, name)
    if as_json:
        emit({"kind": "summary", "tokens": len(read_tokens(path))})
    else:
        click.echo(f"Removed {inert(name)}.")


def _tokens_file(ctx: click.Context) -> Path:
    return service_settings(ctx.find_root().params.get("config")).http.tokens
