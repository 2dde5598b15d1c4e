"""Defaults of a command's options from `tocsin.toml`; the environment and flags go before them."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click
import platformdirs

from tocsin.config.service import TABLE
from tocsin.config.settings import FILE_NAME, check_tables, command_settings, load_settings
from tocsin.records.errors import OperatorError

SYSTEM_FOLDER = Path("/etc/tocsin")


def defaults(
    ctx: click.Context, config: str | None, command: str, commands: Collection[str]
) -> dict[str, Any]:
    """Click's `default_map` for `command`.

    Args:
        ctx: Of the group.
        config: The settings file that was asked for, or None to look for one.
        command: The command that was called.
        commands: All that there are.

    Raises:
        OperatorError: the file is missing, is no TOML, or names something that does not exist.
    """
    path = settings_file(config)
    called = ctx.command.get_command(ctx, command) if isinstance(ctx.command, click.Group) else None
    if path is None or called is None:
        return {}
    settings = load_settings(path)
    check_tables(path, settings, {*commands, TABLE})
    if command == TABLE:
        return {}  # typed, and read by config/service.py
    if isinstance(called, click.Group):
        if settings.get(command):
            raise OperatorError(f"{path}: [{command}] takes no settings.", "Remove that table.")
        return {}
    names = _names(called)
    table = command_settings(path, settings, command, names)
    return {command: {names[key]: value for key, value in table.items()}}


def settings_file(config: str | None) -> Path | None:
    """The settings file that was asked for, or the first that is there: beside us, the user's own, the system's."""
    if config is not None:
        return Path(config)
    places = (Path(FILE_NAME), user_folder() / FILE_NAME, SYSTEM_FOLDER / FILE_NAME)
    return next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113  False, not an error, where we may not look


def user_folder() -> Path:
    """Where the user's own settings are."""
    return Path(platformdirs.user_config_dir("tocsin", appauthor=False))


def state_folder() -> Path:
    """Where the service keeps data if its settings do not say: as systemd says (systemd.exec(5)), else by who runs it."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]  # noqa: TID251  this is cli
    if given:
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/tocsin")
    return Path(platformdirs.user_state_dir("tocsin", appauthor=False))


def _names(command: click.Command) -> dict[str, str]:
    """What an option is called in the file (as on the command line, without the dashes) → its parameter."""
    return {
        option.opts[-1].removeprefix("--"): option.name
        for option in command.params
        if isinstance(option, click.Option) and option.name
    }
