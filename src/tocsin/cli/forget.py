"""`tocsin forget SUBJECT`: what is stored of a person, host or address goes; a receipt stays."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from tocsin.cli.clock import now
from tocsin.cli.defaults import settings_file, state_folder
from tocsin.cli.json_lines import emit
from tocsin.cli.options import JSON, with_options
from tocsin.config.service import Service, load_service
from tocsin.engine.forgetting import forget_stored
from tocsin.engine.serving import reads
from tocsin.records.errors import OperatorError
from tocsin.records.event import EventBatch
from tocsin.records.forgetting import KINDS, Subject
from tocsin.records.inert import inert
from tocsin.records.instants import rfc3339
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.database import Database
from tocsin.store.forgetting import Receipt, Receipts, named_in
from tocsin.store.lock import is_held
from tocsin.store.read_store import Reads
from tocsin.store.store import Store

_LOOK_SECONDS: Final = 0.3
_BACKUPS: Final = "Backups that were made before still hold it until they are removed; so do files that Tocsin read it from."


@click.command()
@click.argument("subject", required=False, metavar="KIND:ID")
@click.option("--site", help="The place that they belong to; that of the settings if not given.")
@click.option("--dry-run", is_flag=True, help="Only count what names them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Leave it to the running service, and do not wait for it.")
@click.option(
    "--receipts", is_flag=True, help="List what was forgotten; with KIND:ID, only whether they were."
)
@click.option("--store", type=click.Path(path_type=Path, file_okay=False), help="The folder of the store; without it the data folder that tocsin.toml names.")  # fmt: skip
@with_options(JSON)
@click.pass_context
def forget(
    ctx: click.Context,
    subject: str | None,
    *,
    site: str | None,
    dry_run: bool,
    yes: bool,
    no_wait: bool,
    receipts: bool,
    store: Path | None,
    as_json: bool,
) -> None:
    """Forget a person, host or address in everything that is stored: user:anna, host:ws-1 or address:192.0.2.7.

    Events that name them go whole. Findings and incidents stay, and say without them what is left to say. The service may
    run: it does it then between two turns. What comes in afterwards is kept again. This cannot be undone.
    """
    root, zone, home = _place(ctx, store)
    if receipts:
        _list_receipts(root, None if subject is None else _subject(subject, site or home), as_json=as_json)
        return
    if subject is None:
        raise OperatorError("Nobody is named.", "Write user:ID, host:ID or address:ID.")
    whom = _subject(subject, site or home)
    counts = _counts(root, zone, whom)
    if dry_run:
        _tell_counts(counts, whom, as_json=as_json)
        return
    if not yes:
        click.echo(inert(f"{_words(counts)} name {whom.kind} {whom.id} (site {whom.site})."), err=True)
        click.confirm("Forget them? This cannot be undone", abort=True, err=True)
    wish = _ask(root, whom)
    if not is_held(root / "lock"):
        forget_stored(root, zone, now)
    elif no_wait:
        _tell_receipt(wish, as_json=as_json)
        return
    _tell_receipt(_awaited(root, wish), as_json=as_json)


def _place(ctx: click.Context, store: Path | None) -> tuple[Path, Reads, str]:
    """The store, what reads what came in there, and the site of the settings."""
    file = settings_file(ctx.find_root().params.get("config"))
    service: Service | None = load_service(file, state_folder()) if file is not None else None
    if service is None and store is None:
        raise OperatorError("There are no settings for the service.", "Name the store with --store.")
    root = store or (service.data if service is not None else Path())
    if not (root / "state.sqlite").is_file():
        raise OperatorError(f"{root} is no store.", "Start the service once with `tocsin run`.")
    reading = ReceivedOptions() if service is None else ReceivedOptions(service.zone, site=service.site)
    return root, reads(reading), "local" if service is None else service.site


def _subject(text: str, site: str) -> Subject:
    kind, _, ident = text.partition(":")
    try:
        return Subject(site, kind, ident)
    except ValueError as error:
        raise OperatorError(
            f"{text!a} names nobody to forget: {error}.", f"Write KIND:ID, KIND being {', '.join(KINDS)}."
        ) from error


def _counts(root: Path, read: Reads, whom: Subject) -> dict[str, int]:
    with Store.read_only(root, read) as kept:

        def logged() -> Iterator[EventBatch]:
            yield EventBatch(tuple(kept.logged()))

        return named_in(root, kept.database, logged, whom)


def _ask(root: Path, whom: Subject) -> Receipt:
    database = Database(root / "state.sqlite", write=True)
    try:
        return Receipts(database).ask(whom, _who(), now())
    finally:
        database.close()


def _who() -> str:
    """Who is at the keyboard, as far as the system knows."""
    given = os.environ.get("SUDO_USER")  # noqa: TID251  this is cli
    try:
        return given or getpass.getuser()
    except (OSError, KeyError):
        return f"user {os.getuid()}"


def _awaited(root: Path, wish: Receipt) -> Receipt:
    while True:
        database = Database(root / "state.sqlite", write=False)
        try:
            one = Receipts(database).get(wish.id)
        finally:
            database.close()
        if one.state == "done":
            return one
        if not is_held(root / "lock"):
            raise OperatorError(
                "The service ended before it was done.",
                "Start it again: it goes on with it, or run this again.",
            )
        time.sleep(_LOOK_SECONDS)


def _tell_counts(counts: Mapping[str, int], whom: Subject, *, as_json: bool) -> None:
    if as_json:
        emit({"kind": "summary", "dry_run": True, **counts})
        return
    click.echo(inert(f"{_words(counts)} name {whom.kind} {whom.id} (site {whom.site}). Nothing was changed."))


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{counts.get(name, 0):,} {name}" for name in ("events", "findings", "incidents", "messages")
    )


def _tell_receipt(one: Receipt, *, as_json: bool) -> None:
    if as_json:
        emit(_line(one))
        emit({"kind": "summary", "receipts": 1})
        return
    click.echo(inert(_said(one)))
    click.echo(_BACKUPS, err=True)


def _said(one: Receipt) -> str:
    removed = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in one.counts.items())
    if one.done is None:
        return f"{one.id}: {one.kind}, asked {rfc3339(one.asked)} by {one.by}; waits for the service."
    return (
        f"{one.id}: {one.kind}, asked {rfc3339(one.asked)} by {one.by}, forgotten {rfc3339(one.done)}: "
        f"{removed or 'nothing named them'}. Digest {one.digest}."
    )


def _line(one: Receipt) -> dict[str, Any]:
    return {
        "kind": "receipt", "id": one.id, "subject_kind": one.kind, "site": one.site, "asked": rfc3339(one.asked),
        "by": one.by, "state": one.state, "done": None if one.done is None else rfc3339(one.done),
        "digest": one.digest, "counts": dict(one.counts),
    }  # fmt: skip


def _list_receipts(root: Path, whom: Subject | None, *, as_json: bool) -> None:
    database = Database(root / "state.sqlite", write=False)
    try:
        known = Receipts(database)
        digest = None if whom is None else known.digest(whom)
        found = [one for one in known.all() if digest in (None, one.digest)]
    finally:
        database.close()
    for one in found:
        if as_json:
            emit(_line(one))
        else:
            click.echo(inert(_said(one)))
    if as_json:
        emit({"kind": "summary", "receipts": len(found)})
    elif not found:
        click.echo("Nobody was forgotten." if whom is None else "They were not forgotten.", err=True)
