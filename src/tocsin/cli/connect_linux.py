"""`tocsin connect rsyslog|journald|firewall|webserver|folder`: each plans its connection; the way to its test event is shared."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import click

from tocsin.cli.connecting import CONNECT_OPTIONS, Choice, run_connection
from tocsin.cli.host import host_names
from tocsin.cli.options import with_options
from tocsin.engine.connecting import firewall as plan_firewall
from tocsin.engine.connecting import followed as followed_files
from tocsin.engine.connecting import journald as plan_journald
from tocsin.engine.connecting import rsyslog as plan_rsyslog

_PLACES = plan_rsyslog.Places()


@click.command()
@click.option(
    "--to", metavar="NAME", help="For another host: the name or address by which it reaches this one."
)
@click.option(
    "--main",
    type=click.Path(path_type=Path),
    default=_PLACES.main,
    show_default=True,
    help="rsyslog's main file.",
)
@click.option(
    "--conf-dir",
    type=click.Path(path_type=Path),
    default=_PLACES.folder,
    show_default=True,
    help="Its folder of further files.",
)
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    default=_PLACES.socket,
    show_default=True,
    help="Where it listens.",
)
@with_options(CONNECT_OPTIONS)
@click.pass_context
def rsyslog(
    ctx: click.Context, *, to: str | None, main: Path, conf_dir: Path, socket: Path, apply: bool, undo: bool,
    wait: float | None, as_json: bool,
) -> None:  # fmt: skip
    """Connect a Linux host's system log, sent by rsyslog.

    Without --to it is this host's own, over TCP within this host. With --to it is another one's, over TLS: what is to
    be put there is shown.
    """
    places = plan_rsyslog.Places(main.absolute(), conf_dir.absolute(), socket.absolute())
    run_connection(
        ctx,
        lambda service: plan_rsyslog.elsewhere(service, to) if to else plan_rsyslog.here(service, places),
        Choice(apply, undo, wait, as_json),
        plan_rsyslog.NAME,
    )


@click.command()
@click.option(
    "--log", type=click.Path(path_type=Path), help="The access log, where it is not at a usual place."
)
@click.option(
    "--url", default="http://127.0.0.1/", show_default=True, help="Where on this host the server listens."
)
@with_options(CONNECT_OPTIONS)
@click.pass_context
def webserver(
    ctx: click.Context, *, log: Path | None, url: str, apply: bool, undo: bool, wait: float | None, as_json: bool
) -> None:  # fmt: skip
    """Connect the access log of nginx or Apache on this host. Its test event is a request to the server."""
    run_connection(
        ctx,
        lambda service: followed_files.webserver(service, log.absolute() if log else None, url),
        Choice(apply, undo, wait, as_json),
        "webserver",
    )


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@with_options(CONNECT_OPTIONS)
@click.pass_context
def folder(
    ctx: click.Context, path: Path, *, apply: bool, undo: bool, wait: float | None, as_json: bool
) -> None:
    """Connect a folder of log files that grow.

    Its test event is a file of its own in the folder, which goes once it was seen.
    """
    run_connection(
        ctx,
        lambda service: followed_files.folder(service, path.absolute()),
        Choice(apply, undo, wait, as_json),
        followed_files.name_of(path.absolute()),
    )


@click.command()
@with_options(CONNECT_OPTIONS)
@click.pass_context
def journald(ctx: click.Context, *, apply: bool, undo: bool, wait: float | None, as_json: bool) -> None:
    """Connect this host's journal, where there is no rsyslog."""
    run_connection(ctx, plan_journald.journald, Choice(apply, undo, wait, as_json), plan_journald.NAME)


@click.command()
@click.option("--from", "sender", metavar="ADDRESS", required=True, help="The box's IP address.")
@click.option(
    "--kind",
    type=click.Choice(list(plan_firewall.BOXES)),
    default="other",
    show_default=True,
    help="Which box it is.",
)
@click.option(
    "--transport", type=click.Choice(["udp", "tcp"]), default="udp", show_default=True, help="How it sends."
)
@with_options(CONNECT_OPTIONS)
@click.pass_context
def firewall(
    ctx: click.Context, *, sender: str, kind: str, transport: plan_firewall.Transport, apply: bool, undo: bool,
    wait: float | None, as_json: bool,
) -> None:  # fmt: skip
    """Connect a firewall or another box that sends syslog: what to type into it, and its first message.

    Nothing is written on this host; --apply waits until something came from the box.
    """
    own = [name for name in host_names() if _is_address(name)]
    run_connection(
        ctx,
        lambda service: plan_firewall.firewall(service, sender, kind, transport, own),
        Choice(apply, undo, wait, as_json),
        plan_firewall.NAME,
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
