"""What the commands of `tocsin connect` share: their options, and the way from a `Connection` to its test event."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from tocsin.cli import clock
from tocsin.cli.connect_words import told
from tocsin.cli.json_lines import emit
from tocsin.cli.main import EXIT_DEGRADED
from tocsin.cli.options import JSON, Decorator
from tocsin.cli.status import stands
from tocsin.cli.which_store import service_settings
from tocsin.config import bounds
from tocsin.config.service import Service
from tocsin.config.tokens import add_token, remove_token
from tocsin.engine.connecting.applying import Applied, Hands
from tocsin.engine.connecting.arrival import Arrival, Watch
from tocsin.engine.connecting.connection import (
    CommandStep,
    Connection,
    FileStep,
    SettingsStep,
    Step,
    Trial,
    WordsStep,
)
from tocsin.engine.connecting.host import signalled
from tocsin.engine.connecting.missing import missing
from tocsin.engine.figures import read_figures
from tocsin.engine.serving import reads
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert, inert_lines
from tocsin.sources.listened.received import ReceivedOptions

CONNECT_OPTIONS: Sequence[Decorator] = (
    click.option("--apply", is_flag=True, help="Do it; without this everything is only shown."),
    click.option("--undo", is_flag=True, help="Take back what --apply did, and nothing else."),
    click.option(
        "--wait",
        type=click.FloatRange(1, 86_400),
        metavar="SECONDS",
        help="How long to wait for the test event.",
    ),
    *JSON,
)
"""Give each source's command these: `@with_options(CONNECT_OPTIONS)`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the shared options said; `wait` is in seconds."""

    apply: bool
    undo: bool
    wait: float | None
    as_json: bool


def run_connection(
    ctx: click.Context, connected: Callable[[Service], Connection], choice: Choice, name: str
) -> None:
    """Shows, applies or undoes what `connected` plans for the service; after applying, waits for the test event.

    Exits with 0 where it was shown, undone or seen to work, else with 3.

    Args:
        ctx: Of the command.
        connected: Plans the connection for the service's settings.
        choice: The shared options.
        name: Of the connection; undo needs no plan.

    Raises:
        OperatorError: there is no service, or a step cannot be done.
    """
    service = service_settings(ctx.find_root().params.get("config"))
    if choice.undo:
        _undo(ctx, Applied(service.data, name, _hands(service)), choice)
        return
    connection = connected(service)
    if not choice.apply:
        _show(connection, service, choice)
        return
    if _apply(connection, service, choice) and _tried(connection, service, choice):
        _end(choice, "connected")
        return
    _end(choice, "not connected")
    ctx.exit(EXIT_DEGRADED)


# --- showing -----------------------------------------------------------------------------------------------


def _show(connection: Connection, service: Service, choice: Choice) -> None:
    _say(choice, connection.gives, None)
    for step in connection.steps:
        _tell(choice, step, "there" if isinstance(step, SettingsStep) and step.there else "to do", service)
    _say(choice, f"Then a test event: {connection.trial.words}", None)
    _say(choice, "Nothing was changed. --apply does it.", None)
    _end(choice, "shown")


def _tell(choice: Choice, step: Step, state: str, service: Service, sudo: str = "") -> None:
    line, text = told(step, service)
    if choice.as_json:
        emit({"kind": "step", "state": state, **line, "run": sudo})
        return
    click.echo(f"\n[{state}] {inert(text)}")
    for shown in (line.get("text"), line.get("command")):
        if shown:
            click.echo("\n".join(f"    {one}" for one in inert_lines(shown).rstrip("\n").split("\n")))
    if sudo:
        click.echo(f"  Run, in another window:\n    {inert(sudo)}")


def _say(choice: Choice, sentence: str, kind: str | None) -> None:
    if choice.as_json:
        if kind is not None:
            emit({"kind": kind, "text": sentence})
    else:
        click.echo(inert(sentence))


def _end(choice: Choice, state: str) -> None:
    if choice.as_json:
        emit({"kind": "summary", "state": state})


# --- doing -------------------------------------------------------------------------------------------------


def _apply(connection: Connection, service: Service, choice: Choice) -> bool:
    """Whether all was done that must be before a test event can come, or a command is shown that does it."""
    lacking = [one for one in connection.steps if isinstance(one, SettingsStep) and not one.there]
    for one in lacking:
        _tell(choice, one, "to do", service)
    if lacking:
        _say(
            choice,
            f"{service.file} is yours, so it is not changed here. Add that, then run this again.",
            "check",
        )
        return False
    standing = stands(service, clock.now())
    if standing.running != "runs":
        _say(
            choice,
            f"The service does not run. Start it (tocsin --config {service.file} run), then run this again.",
            "check",
        )
        return False
    applied = Applied(service.data, connection.name, _hands(service))
    for outcome in applied.apply(connection):
        _tell(choice, outcome.step, outcome.state, service, outcome.sudo)
    for step in connection.steps:
        if isinstance(step, WordsStep) or (isinstance(step, FileStep | CommandStep) and not step.local):
            _tell(choice, _filled(step, applied.filled), "by hand", service)
    return True


def _filled(step: Step, filled: Callable[[str], str]) -> Step:
    """A step that is shown, with the token in it."""
    match step:
        case FileStep(path, text, why, mode, local):
            return FileStep(path, filled(text), why, mode, local)
        case CommandStep(argv, why, root, _, _, local, _):
            return CommandStep(tuple(map(filled, argv)), why, root, local=local)
        case WordsStep(text):
            return WordsStep(filled(text))
    return step


def _undo(ctx: click.Context, applied: Applied, choice: Choice) -> None:
    something = applied.anything
    if not something:
        _say(choice, "Nothing was applied, so there is nothing to take back.", "undone")
    for sentence in applied.undo():
        _say(choice, sentence, "undone")
    left = applied.anything
    if something and not left:
        _say(choice, "What you put into tocsin.toml for it you take out yourself.", None)
    _end(choice, "left" if left else "undone")
    if left:
        ctx.exit(EXIT_DEGRADED)


def _hands(service: Service) -> Hands:
    tokens = service.http.tokens

    def reload() -> None:
        figures = read_figures(service.data)
        if figures is None or stands(service, clock.now()).running != "runs":
            return
        if not signalled(figures.pid, service.data.stat().st_uid):
            click.echo(
                "Let the service read its tokens anew: sudo systemctl reload tocsin, or kill -HUP.", err=True
            )

    return Hands(
        lambda name: add_token(tokens, name, clock.now()), lambda name: remove_token(tokens, name), reload
    )


# --- seeing it work ----------------------------------------------------------------------------------------


def _tried(connection: Connection, service: Service, choice: Choice) -> bool:
    for trial in (connection.first, connection.trial):
        if trial is not None and not _arrived(trial, connection, service, choice):
            return False
    return True


def _arrived(trial: Trial, connection: Connection, service: Service, choice: Choice) -> bool:
    read = reads(ReceivedOptions(service.zone, site=service.site))
    before = read_figures(service.data)
    if choice.as_json:
        emit({"kind": "asked", "words": trial.words, "by_hand": trial.send is None})
        sys.stdout.flush()  # who reads it may have to do something now
    else:
        click.echo(f"\nThe test event: {inert(trial.words)}")
    try:
        with Watch(service.data, read, trial.sought, clock.now) as watch:
            arrival, trouble = _wait(trial, watch, choice.wait or trial.seconds)
    finally:
        if trial.clean is not None:
            trial.clean()
    good = arrival.state == "judged"
    if choice.as_json:
        emit(
            {
                "kind": "test",
                "state": arrival.state,
                "source": arrival.source,
                "host": arrival.event.host if arrival.event is not None else None,
                "reason": arrival.reason,
                "words": trial.words,
            }
        )
    if good:
        of = (
            f" (the computer {arrival.event.host})"
            if arrival.event is not None and arrival.event.host
            else ""
        )
        _say(choice, f"It came from {arrival.source}{of}, is stored, and was judged.", None)
        return True
    _say(choice, _unhappy(arrival), None)
    for sentence in (
        *([trouble] if trouble else []),
        *missing(arrival, before, read_figures(service.data), service, clock.now()),
        *connection.checks,
    ):
        _say(choice, f"  - {sentence}" if not choice.as_json else sentence, "check")
    return False


def _wait(trial: Trial, watch: Watch, seconds: float) -> tuple[Arrival, str]:
    """What became of the test event, and what went wrong when it was sent last."""
    until = time.monotonic() + seconds
    trouble = ""
    while True:
        if trial.send is not None:
            try:
                trial.send()
                trouble = ""
            except OperatorError as error:
                trouble = str(error)
        again = bounds.CONNECT_AGAIN_SECONDS if not trouble else bounds.CONNECT_TROUBLE_SECONDS
        arrival = watch.wait(min(until - time.monotonic(), again))
        if arrival.state in {"judged", "set aside"} or time.monotonic() >= until:
            return arrival, trouble


def _unhappy(arrival: Arrival) -> str:
    return {
        "set aside": f"It came from {arrival.source}, but could not be read: {arrival.reason}",
        "waits": f"It came from {arrival.source} and is stored, but was not judged in time.",
        "never": "It did not come in time. What to look at:",
    }[arrival.state]
