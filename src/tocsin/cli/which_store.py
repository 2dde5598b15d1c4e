"""Which settings and which store a command means: those that were named, else those of the service on this host."""

from __future__ import annotations

from pathlib import Path

import click

from tocsin.cli.defaults import settings_file, state_folder
from tocsin.config.service import Service, load_service
from tocsin.records.errors import OperatorError

STORE = click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the store; without it the data folder that tocsin.toml names.",
)


def service_settings(config: str | None) -> Service:
    """The settings of the service, from the file `config` or the first that is found.

    Raises:
        OperatorError: there are none, or they cannot be used.
    """
    file = settings_file(config)
    if file is None:
        raise OperatorError(
            "There is no tocsin.toml here, nor one of yours, nor in /etc/tocsin.",
            "Run `tocsin init` first, or name the file: tocsin --config FILE ...",
        )
    return load_service(file, state_folder())


def store_root(ctx: click.Context, store: Path | None) -> Path:
    """The folder of the store that is meant.

    Raises:
        OperatorError: none was named, and there are no settings, or they cannot be used.
    """
    return store if store is not None else service_settings(ctx.find_root().params.get("config")).data
