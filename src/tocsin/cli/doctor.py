"""`tocsin doctor`: looks at everything that the service rests on, and says what to do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import click

from tocsin.cli import clock
from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_DEGRADED
from tocsin.cli.options import JSON, with_options
from tocsin.cli.progress import Progress
from tocsin.cli.rule_choice import RuleChoice
from tocsin.cli.rules import collected_sources
from tocsin.cli.status import stands
from tocsin.cli.which_store import service_settings
from tocsin.config.service import TABLE, Service
from tocsin.config.settings import load_settings
from tocsin.engine.examining import (
    Item,
    State,
    examine_absence,
    examine_backup,
    examine_clocks,
    examine_collected,
    examine_disk,
    examine_gains,
    examine_heard,
    examine_rules,
    examine_service,
    examine_set_aside,
    examine_sources,
    examine_tls,
    examine_tokens,
)
from tocsin.engine.examining_bell import examine_bell, examine_messages, examine_reload
from tocsin.engine.heard_switches import heard_switches
from tocsin.engine.plant.examining import examine_models, examine_plants
from tocsin.engine.rule_sets import coverage
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import DAY, rfc3339
from tocsin.store.store import Store

_MARKS: Final[Mapping[State, str]] = {"ok": "ok    ", "look": "look  ", "broken": "broken"}


@click.command()
@click.option(
    "--for",
    "collected",
    metavar="NAMES",
    help="What you collect, as for `tocsin rules check --for`; else it is read from what is stored.",
)
@with_options(JSON)
@click.pass_context
def doctor(ctx: click.Context, *, collected: str | None, as_json: bool) -> None:
    """Look at settings, disk, clocks, certificate, tokens, bell, sources, rules and what could not be read.

    Each thing is ok, to be looked at, or broken, with what to do; which rules can fire, and what one more log would add, is
    told by what came in within a week. Exits with 3 where something is broken. Changes nothing.
    """
    service = service_settings(ctx.find_root().params.get("config"))
    items = tuple(_items(service, collected))
    broken = sum(item.state == "broken" for item in items)
    if as_json:
        for item in items:
            emit(
                {
                    "kind": "item",
                    "about": item.about,
                    "state": item.state,
                    "said": item.said,
                    "todo": item.todo,
                }
            )
        counts: dict[str, int] = {state: sum(item.state == state for item in items) for state in _MARKS}
        emit({"kind": "summary", **counts})
    else:
        for item in items:
            todo = f" {item.todo}" if item.todo else ""
            click.echo(inert(f"{_MARKS[item.state]} {item.about}: {item.said}{todo}"))
    if broken:
        ctx.exit(EXIT_DEGRADED)


def _items(service: Service, collected: str | None) -> Iterator[Item]:
    now = clock.now()
    yield from effective(service)
    try:
        one = stands(service, now)
    except OperatorError as error:
        yield Item("store", "broken", error.what, error.next_step)
    else:
        yield from examine_service(one)
        if one.running != "never":
            yield from examine_disk(one)
            yield from examine_backup(service.data, now)
            yield from examine_sources(one.figures, now)
            yield from examine_collected(one.figures)
            yield from examine_absence(one.absence)
            yield from examine_clocks(one.figures)
            yield from examine_plants(one.figures)
            if one.figures is not None and one.running in {"runs", "hangs"}:
                yield from examine_reload(one.figures.reload)
            with Store.read_only(service.data) as store:
                yield from examine_set_aside(store.set_aside(), one.aside_dropped)
                yield from examine_messages(store.outbox.counts())
    yield from examine_models(service.plants)
    yield from examine_tls(service.http.tls, now)
    yield from examine_tokens(service)
    yield from examine_bell(service.bell)
    yield from _rules(service, collected)


def _rules(service: Service, collected: str | None) -> Iterator[Item]:
    sources = collected_sources(collected)
    choice = RuleChoice(tuple(map(str, service.rules)), starter=service.starter)
    try:
        loaded, account = choice.load(Progress("reading the rules", quiet=True), sources)
    except OperatorError as error:
        yield Item("rules", "broken", error.what, error.next_step)
        return
    yield from examine_rules(account)
    if sources is None and (sources := _heard(service)):
        yield from examine_heard(sources, coverage(loaded, sources))
    if sources:
        yield from examine_gains(coverage(loaded, sources))


def _heard(service: Service) -> tuple[str, ...]:
    """Names of the catalogue's switches that the store shows to be on."""
    try:
        with Store.read_only(service.data) as store:
            return heard_switches(store.kinds(rfc3339(clock.now() - 7 * DAY)[:13]))
    except OperatorError:  # said above
        return ()


def effective(service: Service) -> Iterator[Item]:
    """The settings that hold, and where each came from."""
    said = load_settings(service.file).get(TABLE, {})
    given = os.environ.get("STATE_DIRECTORY")  # noqa: TID251  this is cli
    http, syslog, keep = service.http, service.syslog, service.retention
    values: tuple[tuple[str, str, object], ...] = (
        ("", "data", service.data), ("", "rules", _list(service.rules)), ("", "starter", service.starter),
        ("", "zone", service.zone), ("", "site", service.site), ("http", "listen", _list(http.listen)),
        ("http", "certificate", http.tls.certificate if http.tls else "none"), ("http", "tokens", http.tokens),
        ("syslog", "udp", _list(syslog.udp)), ("syslog", "tcp", _list(syslog.tcp)), ("syslog", "tls", _list(syslog.tls)),
        ("retention", "days", keep.days), ("retention", "bytes", keep.bytes),
    )  # fmt: skip
    for table, key, value in values:
        origin = str(service.file) if key in _table(said, table) else "not given"
        if key == "data" and origin == "not given" and given:
            origin = "STATE_DIRECTORY"
        name = ".".join(part for part in (TABLE, table) if part)
        yield Item("settings", "ok", f"[{name}] {key} is {value} ({origin}).")


def _table(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name, {}) if name else said
    return found if isinstance(found, Mapping) else {}


def _list(values: Iterable[object]) -> str:
    return ", ".join(map(str, values)) or "none"
