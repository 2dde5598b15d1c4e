"""`tocsin backup TO` and `tocsin restore FROM INTO`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from tocsin.cli.backup_key import key_line, make_key
from tocsin.cli.clock import now
from tocsin.cli.defaults import settings_file, state_folder
from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_DEGRADED
from tocsin.cli.options import JSON, with_options
from tocsin.config import bounds
from tocsin.config.recovery import FILE_NAME as KEYS_NAME
from tocsin.config.recovery import read_recovery_keys
from tocsin.config.service import Service, load_service
from tocsin.engine.backing_up import BackedUp, BackupRequest, SettingsFile, back_up
from tocsin.engine.restored import Restored
from tocsin.engine.restoring import check
from tocsin.engine.restoring import restore as restore_backup
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import rfc3339

_RULES: Final = {".yml", ".yaml", ".zip"}
_KEY_BYTES: Final = 64 * 1024


@click.command()
@click.argument("to", required=False, type=click.Path(path_type=Path))
@click.option("--recipient", "recipients", multiple=True, metavar="AGE1...", help="A public recovery key instead of those kept beside tocsin.toml; may be repeated.")  # fmt: skip
@click.option(
    "--keep", type=click.IntRange(1, 10_000), help="Of the backups in the folder TO, keep the newest so many."
)
@click.option(
    "--secrets", is_flag=True, help="Take the private TLS key, its certificate and the bell's secrets too."
)
@click.option("--verify", is_flag=True, help="Read it back from the disk before it takes its name.")
@click.option("--new-key", is_flag=True, help="Make a recovery key, and show its secret half this once.")
@with_options(JSON)
@click.pass_context
def backup(
    ctx: click.Context,
    to: Path | None,
    *,
    recipients: tuple[str, ...],
    keep: int | None,
    secrets: bool,
    verify: bool,
    new_key: bool,
    as_json: bool,
) -> None:
    """Back up the store and its settings to TO, encrypted, while the service runs or not.

    TO is a file to make, or a folder in which one named by the time is made. Only the secret half of a recovery key opens
    it, and that is not kept on this host: make one with --new-key, print it, and store it away. The exit code is 3 where
    something could not be taken along.
    """
    service = _service(ctx)
    folder = service.file.absolute().parent
    if new_key:
        _make_key(folder, as_json=as_json)
    elif to is None:
        raise OperatorError("There is nothing to back up to.", "Name a file or a folder.")
    if to is None:
        if as_json:
            emit({"kind": "summary", "keys": len(read_recovery_keys(folder))})
        return
    files, over = _settings(service, folder, secrets=secrets)
    done = back_up(
        BackupRequest(
            service.data, to, recipients or read_recovery_keys(folder), now(), files,
            {"data": _data(service, folder), "settings": str(service.file.absolute()), "kept": str(service.data)},
            keep, verify,
        )
    )  # fmt: skip
    done.left_out += over
    _tell_backup(done, as_json=as_json)
    if done.damaged or done.left_out:
        ctx.exit(EXIT_DEGRADED)


@click.command()
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("into", required=False, type=click.Path(path_type=Path))
@click.option("--key", metavar="FILE", help="File with the secret half of a recovery key; - reads it from standard input, and without it you are asked.")  # fmt: skip
@click.option("--check", "only_check", is_flag=True, help="Only check that it can be restored; needs room for it beside INTO, or here.")  # fmt: skip
@with_options(JSON)
def restore(source: Path, into: Path | None, *, key: str | None, only_check: bool, as_json: bool) -> None:
    """Restore the backup FROM into the folder INTO, which must be new or empty.

    Everything is checked before the folder takes its name; start the service with the settings in it, and it goes on
    where the backup ends.
    """
    if into is None and not only_check:
        raise OperatorError("There is no folder to restore into.", "Name a new or empty one, or use --check.")
    secret = _secret(key)
    if only_check:
        done = check(source, Path.cwd() if into is None else into.absolute().parent, secret)
    else:
        assert into is not None
        done = restore_backup(source, into, secret)
    _tell_restored(done, source, into, as_json=as_json)


def _make_key(folder: Path, *, as_json: bool) -> None:
    key = make_key(folder)
    if as_json:
        emit(key_line(key))
        return
    click.echo(key.secret)
    click.echo(
        inert(
            f"This is the recovery key. It is not shown again: print it, and keep it away from this host. Without it no "
            f"backup can be read. Its public half {key.public} was added to {key.file}."
        ),
        err=True,
    )


def _service(ctx: click.Context) -> Service:
    file = settings_file(ctx.find_root().params.get("config"))
    if file is None:
        raise OperatorError("There are no settings for the service.", "Make them with `tocsin init`.")
    return load_service(file, state_folder())


def _data(service: Service, folder: Path) -> str:
    """Where the store belongs in what is restored: where it is from the settings, if they go along."""
    data = Path(os.path.abspath(service.data))  # noqa: PTH100
    return str(data.relative_to(folder)) if data.is_relative_to(folder) and data != folder else "data"


def _settings(service: Service, folder: Path, *, secrets: bool) -> tuple[list[SettingsFile], list[str]]:
    """The files of the settings, and what of them is too much to take along."""
    paths = [service.file.absolute(), service.http.tokens]
    tls = (service.http.tls, service.syslog.tls_files)
    paths += [one.client_ca for one in tls if one is not None and one.client_ca is not None]
    if (folder / KEYS_NAME).exists():
        paths.append(folder / KEYS_NAME)
    if secrets:
        paths += [path for one in tls if one is not None for path in (one.certificate, one.key)]
        targets = [*(channel.target for channel in service.bell.channels)]
        targets += [service.bell.heartbeat.target] if service.bell.heartbeat is not None else []
        paths += [one.secret for one in targets if one.secret is not None]
    paths += [one.model for one in service.plants]
    paths += _of_sources(service, secrets=secrets)
    paths += [path for one in service.rules for path in _rule_files(one)]
    known = {Path(os.path.abspath(path)): None for path in paths}  # noqa: PTH100
    files = [
        SettingsFile(_name(path, folder), path)
        for path in known
        if path == service.file.absolute() or path.exists()
    ]
    over = files[bounds.BACKUP_SETTINGS_FILES :]
    return files[: bounds.BACKUP_SETTINGS_FILES], [f"{len(over)} more files of rules"] if over else []


def _of_sources(service: Service, *, secrets: bool) -> list[Path]:
    """What the sources of plants name: certificates, and where `secrets`, keys and passwords; never where readings are."""
    open_ = ("authority", "certificate", "server_certificate")
    wanted = (*open_, "key", "password", "password_file") if secrets else open_
    named = [getattr(one.settings, key, None) for one in service.plant_sources for key in wanted]
    return [one for one in named if isinstance(one, Path)]


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else f"elsewhere{path}"


def _rule_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (one for one in sorted(path.rglob("*")) if one.suffix.lower() in _RULES and one.is_file())
    elif path.exists():
        yield path


def _secret(key: str | None) -> str:
    if key is None:
        return str(click.prompt("Recovery key", hide_input=True, err=True))
    try:
        if key == "-":
            return sys.stdin.read(_KEY_BYTES)
        with Path(key).open("rb") as file:
            return file.read(_KEY_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise OperatorError(
            f"The key file {key} cannot be read: {error.strerror}.", "Check --key."
        ) from error


def _tell_backup(done: BackedUp, *, as_json: bool) -> None:
    if as_json:
        for kind in ("dropped", "damaged", "left_out"):
            for one in getattr(done, kind):
                emit({"kind": kind, "what": one})
        for path in done.removed:
            emit({"kind": "removed", "path": str(path)})
        emit(
            {
                "kind": "summary", "path": str(done.path), "bytes": done.bytes, "files": done.files,
                "segments": done.segments, "damaged": len(done.damaged), "removed": len(done.removed),
            }
        )  # fmt: skip
        return
    for damaged in done.damaged:
        click.echo(inert(f"Damaged, and not in the backup: {damaged}"), err=True)
    for left in done.left_out:
        click.echo(inert(f"Not in the backup: {left}"), err=True)
    for path in done.removed:
        click.echo(inert(f"Removed the old backup {path}"), err=True)
    click.echo(inert(f"{done.path}: {done.bytes:,} bytes, {done.files:,} files of events."))


def _tell_restored(done: Restored, source: Path, into: Path | None, *, as_json: bool) -> None:
    made, last = str(done.about.get("made", "")), rfc3339(done.last) if done.last else None
    if as_json:
        emit(
            {
                "kind": "summary", "made": made, "last_event": last, "files": done.files, "events": done.events,
                "findings": done.findings, "incidents": done.incidents, "damaged": len(done.damaged),
                "store": None if done.store is None else str(done.store),
            }
        )  # fmt: skip
        return
    click.echo(
        inert(
            f"{source}, made {made}: {done.events:,} sealed events, {done.findings:,} findings, {done.incidents:,} incidents."
        )
    )
    for path in done.damaged:
        click.echo(inert(f"Damaged before the backup, and not in it: {path}"), err=True)
    since = f"after {last}, when the last event in it arrived" if last else "since"
    click.echo(
        inert(
            f"What came in {since}, is not in it; senders that kept what they could not deliver send it again."
        )
    )
    if done.store is None:
        click.echo("It can be restored.")
        return
    assert into is not None
    settings, kept = into / "tocsin.toml", str(done.about.get("kept", ""))
    click.echo(inert(f"Restored into {into}. Settings: {settings}; store: {done.store}."))
    if done.about.get("data") == "data" and kept and not kept.endswith(str(Path(str(done.about["data"])))):
        click.echo(
            inert(
                f"The settings name {kept} as the data folder: move {done.store} there, or change [run] data."
            )
        )
    if not any((into / "tls").glob("*")):
        click.echo(inert(f"Keys are not in it. `tocsin init {into}` makes what is missing."))
