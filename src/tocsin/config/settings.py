"""`tocsin.toml`: one table a command, one key an option, the lowest of tocsin.toml < environment < flags.

```toml
[scan]
rules = ["/etc/tocsin/sigma"]
zone = "Europe/Berlin"
store = "/var/lib/tocsin"
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tocsin.records.errors import OperatorError

FILE_NAME = "tocsin.toml"


def load_settings(path: Path) -> dict[str, Any]:
    """The tables of the settings file at `path`.

    Raises:
        OperatorError: it cannot be read or is no TOML; the message names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OperatorError(
            f"The settings file {path} cannot be read: {error.strerror}.", "Check --config."
        ) from error
    except (ValueError, RecursionError) as error:  # tomllib lets both through, beside its own ValueError
        why = "it nests too deep" if isinstance(error, RecursionError) else error
        raise OperatorError(f"The settings file {path} is no TOML: {why}.", "Mend that line.") from error


def command_settings(
    path: Path, settings: Mapping[str, Any], command: str, known: Collection[str]
) -> dict[str, Any]:
    """The settings of `command`; a name that it does not have is refused, so that no typing mistake is a silent default.

    Args:
        path: Where the settings came from.
        settings: Tables by command.
        command: Which table.
        known: The names that the command has.

    Raises:
        OperatorError: it names what is unknown, and what is known.
    """
    table = settings.get(command, {})
    if not isinstance(table, Mapping):
        raise OperatorError(f"{path}: {command} is no table.", f"Write [{command}] and its settings below.")
    for key in table:
        if key not in known:
            raise OperatorError(
                f"{path}: [{command}] has no setting {key}.", f"It has: {', '.join(sorted(known))}."
            )
    return dict(table)


def check_tables(path: Path, settings: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuses a table for a command that does not exist.

    Raises:
        OperatorError: it names the table, and the commands.
    """
    for table in settings:
        if table not in known:
            raise OperatorError(
                f"{path}: there is no command {table}.", f"Tables are: {', '.join(sorted(known))}."
            )
