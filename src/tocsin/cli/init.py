"""`tocsin init [FOLDER]`: sets the service up, and says what to do next."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from tocsin.cli.backup_key import NewKey, key_line, make_key
from tocsin.cli.clock import now
from tocsin.cli.defaults import SYSTEM_FOLDER, state_folder, user_folder
from tocsin.cli.json_lines import emit
from tocsin.cli.options import JSON, with_options
from tocsin.cli.set_up import FIRST_TOKEN, SetUp, Wanted, set_up
from tocsin.config.addresses import Address, parse_address, plain_name
from tocsin.config.recovery import read_recovery_keys
from tocsin.config.service import HTTP_PORT
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import DAY, rfc3339

_SOON = 30 * DAY
_WHAT = {
    "settings": "settings", "data": "data folder", "key": "private key", "certificate": "certificate", "tokens": "tokens",
}  # fmt: skip
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  what a host calls itself when it listens everywhere


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS",
    help=f"Where to hear HTTP; 127.0.0.1:{HTTP_PORT}, this host alone, if not given; may be repeated.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="A name or address for the certificate, beside those of this host; may be repeated.",
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Where data is to be kept.")
@with_options(JSON)
def init(
    folder: Path | None, *, listen: tuple[str, ...], names: tuple[str, ...], data: Path | None, as_json: bool
) -> None:
    """Set the service up in FOLDER.

    Makes tocsin.toml, a private data folder, a certificate for TLS, a first token for senders, and a recovery key for
    backups. Without FOLDER: your
    own settings folder, or as root /etc/tocsin, with the data where such data belongs. What is there stays as it is:
    running it again makes what is missing and tells what is there.
    """
    wanted = _wanted(folder, listen, names, data)
    moment = now()
    done = set_up(wanted, state_folder(), moment)
    recovery = make_key(wanted.folder) if not read_recovery_keys(wanted.folder) else None
    try_it = _curl(done)
    if as_json:
        _print_json(done, recovery, try_it, moment)
    else:
        _print_text(done, recovery, try_it, folder)
    for note in _notes(wanted, done, listen, data, moment):
        click.echo(inert(note), err=True)


def _wanted(
    folder: Path | None, listen: tuple[str, ...], names: tuple[str, ...], data: Path | None
) -> Wanted:
    usual = SYSTEM_FOLDER if os.geteuid() == 0 else user_folder()
    kept = Path("data") if folder is not None else state_folder()
    for one in listen:
        _address(one)
    return Wanted(
        Path(os.path.abspath(folder or usual)),  # noqa: PTH100  `resolve` would follow links
        Path(os.path.abspath(data)) if data is not None else kept,  # noqa: PTH100
        listen or (f"127.0.0.1:{HTTP_PORT}",),
        tuple(plain_name(name) for name in names),
    )


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise OperatorError(
            f"--listen {text!a} {error}.", "Write one such as 127.0.0.1:8088 or 0.0.0.0:8088."
        ) from error


def _notes(wanted: Wanted, done: SetUp, listen: tuple[str, ...], data: Path | None, moment: int) -> list[str]:
    """What was asked for in vain, because it is there already in another form, and what will soon not do any more."""
    notes = []
    file = done.service.file
    if listen and {_address(one) for one in listen} != set(done.service.http.listen):
        notes.append(
            f"{file} was there and stays as it is; --listen is of no effect. Change [run.http] listen there."
        )
    if data is not None and wanted.data != done.service.data:
        notes.append(f"{file} was there and stays as it is; --data is of no effect. Change [run] data there.")
    if done.certificate is not None:
        missing = [name for name in wanted.names if name not in done.certificate.names]
        again = "move certificate and key away and run this again, then give senders the new one."
        if missing:
            notes.append(f"The certificate was there and is not for {', '.join(missing)}: {again}")
        if done.certificate.ends < moment + _SOON:
            notes.append(f"The certificate is good until {rfc3339(done.certificate.ends)} only: {again}")
    return notes


def _curl(done: SetUp) -> str | None:
    """A line that sends one event, to be copied; None where HTTP is off."""
    http = done.service.http
    if not http.listen:
        return None
    first = next((address for address in http.listen if address.loopback), http.listen[0])
    address = Address(_EVERYWHERE.get(first.host, first.host), first.port)
    trust = ["--cacert", str(http.tls.certificate)] if http.tls else []
    return shlex.join(
        [
            "curl",
            *trust,
            f"{'https' if http.tls else 'http'}://{address}/services/collector/event",
            "-H",
            f"Authorization: Splunk {done.token or 'TOKEN'}",
            "-d",
            '{"host": "here", "event": "hello"}',
        ]
    )


def _print_json(done: SetUp, recovery: NewKey | None, try_it: str | None, moment: int) -> None:
    for one in done.made:
        emit({"kind": "file", "what": one.what, "path": str(one.path), "new": one.new})
    seen = done.certificate
    if seen is not None:
        emit(
            {
                "kind": "certificate",
                "fingerprint": seen.fingerprint,
                "names": list(seen.names),
                "ends": rfc3339(seen.ends),
            }
        )
    if done.token is not None:
        emit({"kind": "token", "name": FIRST_TOKEN, "made": rfc3339(moment), "token": done.token})
    if recovery is not None:
        emit(key_line(recovery))
    emit({"kind": "summary", "new": sum(one.new for one in done.made), "try": try_it})


def _print_text(done: SetUp, recovery: NewKey | None, try_it: str | None, folder: Path | None) -> None:
    for one in done.made:
        click.echo(f"{'made' if one.new else 'there'}  {_WHAT[one.what]:<12} {inert(str(one.path))}")
    seen = done.certificate
    if seen is not None:
        click.echo(
            f"\nThe certificate is good until {rfc3339(seen.ends)} for {inert(', '.join(seen.names))}."
        )
        click.echo(f"Its SHA-256 fingerprint: {seen.fingerprint}")
    if done.token is not None:
        click.echo(f"\nThe token of your first sender, shown this once:\n\n  {done.token}")
    else:
        click.echo("\nTokens are shown once, when made: `tocsin token add NAME` makes another.")
    if recovery is not None:
        click.echo(
            "\nThe recovery key, shown this once. Print it and keep it away from this host: without it no backup can be "
            f"read.\n\n  {recovery.secret}"
        )
    named = "" if folder is None else f" --config {shlex.quote(str(done.service.file))}"
    click.echo(f"\nNext: start the service\n\n  tocsin{inert(named)} run")
    if try_it is not None:
        click.echo(f"\nand, in another window, send it an event:\n\n  {inert(try_it)}")
    if not done.service.bell.channels:
        click.echo(
            "\nNobody is told of anything yet: name a channel in [run.bell] of tocsin.toml, and try it:"
        )
        click.echo(f"\n  tocsin{inert(named)} ring")
