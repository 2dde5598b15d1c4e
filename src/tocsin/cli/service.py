"""`tocsin run`: the service, until it is told to stop."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click

from tocsin.cli import clock
from tocsin.cli.defaults import SYSTEM_FOLDER, settings_file, state_folder, user_folder
from tocsin.cli.json_lines import emit, finding_line, set_aside_line
from tocsin.cli.options import JSON, with_options
from tocsin.cli.progress import Progress
from tocsin.cli.rule_choice import RuleChoice
from tocsin.config.addresses import Address
from tocsin.config.service import Service, Tls, load_service
from tocsin.config.settings import FILE_NAME
from tocsin.config.tokens import read_tokens
from tocsin.engine.expecting import awaited
from tocsin.engine.intake import settings as intake
from tocsin.engine.plant.collectors.settings import CollectSettings
from tocsin.engine.plant.live_plants import plants_of
from tocsin.engine.serve_request import Reloaded, ServeRequest, Wishes
from tocsin.engine.serving import serve
from tocsin.notify.changes import Ringing
from tocsin.records.errors import OperatorError
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.records.inert import inert
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.sources.listened.sourcetypes import LINE_FORMATS, format_of


@click.command()
@with_options(JSON)
@click.pass_context
def run(ctx: click.Context, *, as_json: bool) -> None:
    """Listen, judge what comes, and keep it, until stopped.

    Where to listen, what to keep and which rules judge stands in tocsin.toml, which `tocsin init` makes. An event is
    acknowledged once it would survive a power cut. SIGTERM or Ctrl-C stops: what was acknowledged is judged first.
    SIGHUP reads all settings anew; what cannot be used changes nothing.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    file = settings_file(ctx.find_root().params.get("config"))
    if file is None:
        raise OperatorError("There are no settings for the service.", "Make them with `tocsin init`.")
    service = load_service(file, state_folder())
    with Progress("reading the rules", quiet=as_json) as progress:
        request, sentences = requested(service, progress)
    attendant = Attendant(as_json=as_json)
    for sentence in sentences:
        attendant.on_notice(sentence)

    def reread() -> tuple[ServeRequest, Sequence[str]]:
        return requested(load_service(file, state_folder()), Progress("", quiet=True))

    stops, reloads = signals()
    tally = serve(request, attendant, Wishes(stops, reloads, reread))
    if as_json:
        emit(
            {
                "kind": "summary",
                "events": tally.events,
                "findings": tally.findings,
                "set_aside": tally.set_aside,
            }
        )
    else:
        click.echo(
            f"Stopped. {tally.events:,} events were judged, {tally.findings:,} findings made.", err=True
        )


def requested(service: Service, progress: Progress) -> tuple[ServeRequest, Sequence[str]]:
    """What is to run, as the settings say, and sentences about what of it an operator should know.

    Raises:
        OperatorError: rules, tokens or a plant's model cannot be read.
    """
    loaded, account = RuleChoice(tuple(map(str, service.rules)), starter=service.starter).load(progress)
    http, syslog = service.http, service.syslog
    listeners = (
        *(listening("http", address, http.tls) for address in http.listen),
        *(listening("syslog-udp", address, None) for address in syslog.udp),
        *(listening("syslog-tcp", address, None) for address in syslog.tcp),
        *(listening("syslog-tcp", address, syslog.tls_files) for address in syslog.tls),
    )
    tokens = {token.name: bytes.fromhex(token.digest) for token in read_tokens(http.tokens)}
    reading = ReceivedOptions(service.zone, site=service.site)
    unreadable = frozenset(one.path for one in account.unreadable)
    watched = plants_of(service.plants)
    collected = CollectSettings(
        service.data, service.plant_sources, {one.name: one.model for one in service.plants},
        {one.name: one.digest for one in watched},
    )  # fmt: skip
    request = ServeRequest(
        service.data, loaded, listeners, tokens, reading, clock.processor, clock.now, unreadable,
        Ringing(service.bell, service.zone, command(service.file)), followed(service), service.retention,
        awaited(service, loaded.ruleset), tuple(plant.name for plant in service.plants), watched, collected,
    )  # fmt: skip
    return request, (*account.sentences(), *service.bell.warnings())


def command(file: Path) -> str:
    """How Tocsin is called on this host by those who are to ask for what the settings `file` says."""
    usual = (user_folder() / FILE_NAME, SYSTEM_FOLDER / FILE_NAME)
    return "tocsin" if file in usual else f"tocsin --config {shlex.quote(os.path.abspath(file))}"  # noqa: PTH100


def followed(service: Service) -> intake.Files:
    """The files to follow, as intake is told of them.

    Raises:
        OperatorError: a format has no such name.
    """
    for path, name in service.files.formats.items():
        if format_of(name) is None and name != "json":
            raise OperatorError(
                f"{service.file}: [run.files.formats] {path!a} names no format of lines: {name!a}.",
                f"Write one of: json, {', '.join(LINE_FORMATS)}.",
            )
    paths = tuple(os.path.abspath(path) for path in service.files.paths)  # noqa: PTH100  `resolve` would follow links
    formats = {os.path.abspath(path): name for path, name in service.files.formats.items()}  # noqa: PTH100
    return intake.Files(paths, formats)


def listening(kind: Any, address: Address, tls: Tls | None) -> intake.Listening:
    """A listener as intake is told of it."""
    return intake.Listening(kind, address.host, address.port, tls)


def signals() -> tuple[Callable[[], bool], Callable[[], bool]]:
    """Whether a signal asked to stop (a second one ends the process at once), and whether SIGHUP asked to reload."""
    asked: list[int] = []
    reload: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        if asked:
            sys.exit(128 + number)
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    signal.signal(signal.SIGHUP, lambda number, _: reload.append(number))

    def reloads() -> bool:
        wanted = bool(reload)
        reload.clear()
        return wanted

    return lambda: bool(asked), reloads


class Attendant:
    """Tells on stdout what is found, on stderr what the operator should know."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def on_ready(self, ports: tuple[int, ...]) -> None:
        """The listeners listen."""
        if self._as_json:
            emit({"kind": "ready", "ports": list(ports)})
        click.echo(f"Listening on port {', '.join(map(str, ports))}.", err=True)

    def on_notice(self, text: str) -> None:
        """Something that an operator should know."""
        click.echo(inert(text), err=True)

    def on_reloaded(self, reloaded: Reloaded) -> None:
        """All was read anew."""
        if self._as_json:
            emit({"kind": "reloaded", "rules": reloaded.rules, "tokens": reloaded.tokens})
        click.echo(
            f"Reloaded. From now on: rules that judge {reloaded.rules:,}, tokens that are let in {reloaded.tokens:,}.",
            err=True,
        )

    def on_finding(self, finding: Finding) -> None:
        """A finding was stored."""
        if self._as_json:
            emit(finding_line(finding))
        else:
            click.echo(inert(f"{finding.level}: {finding.rule_title}"))

    def on_set_aside(self, record: SetAside) -> None:
        """A record could not be read."""
        if self._as_json:
            emit(set_aside_line(record))

    def on_batch(self, batch: EventBatch) -> None:
        """A portion was judged."""
