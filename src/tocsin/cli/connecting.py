"""What the commands of `tocsin connect` share: their options, and the way from a `Connection` to its test event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tocsin.cli.options import JSON, Decorator
from tocsin.config.service import Service
from tocsin.engine.connecting.connection import Connection

CONNECT_OPTIONS: Sequence[Decorator] = (
    click.option("--apply", is_flag=True, help="Do it; without this everything is only shown."),
    click.option("--undo", is_flag=True, help="Take back what --apply did, and nothing else."),
    click.option(
        "--wait", type=click.FloatRange(1, 86_400), metavar="SECONDS", help="How long to wait for the test event."
    ),
    *JSON,
)  # fmt: skip
"""Give each source's command these: `@with_options(CONNECT_OPTIONS)`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the shared options said; `wait` is in seconds."""

    apply: bool
    undo: bool
    wait: float | None
    as_json: bool


def run_connection(
    ctx: click.Context, connected: Callable[[Service], Connection], choice: Choice, name: str | None = None
) -> None:
    """Shows, applies or undoes what `connected` plans for the service; after applying, waits for the test event.

    Exits with 0 where it was shown, undone or seen to work, else with 3.

    Args:
        ctx: Of the command.
        connected: Plans the connection for the service's settings.
        choice: The shared options.
        name: Of the connection, where undo needs no plan.

    Raises:
        OperatorError: there is no service, or a step cannot be done.
    """
    raise NotImplementedError


def data_of(service: Service) -> Path:
    """Where records of what was applied lie."""
    return service.data / "connected"
