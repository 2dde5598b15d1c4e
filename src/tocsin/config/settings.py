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
from collections.abc import Mapping
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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"The settings file {path} is no TOML: {error}.", "Mend that line.") from error


def check_settings(path: Path, settings: Mapping[str, Any], known: Mapping[str, frozenset[str]]) -> None:
    """Refuses a table or key that no command has, so that a typing mistake is never a silent default.

    Args:
        path: Where the settings came from.
        settings: Tables by command name.
        known: The options of each command.

    Raises:
        OperatorError: it names the unknown table or key and what is known.
    """
    for table, keys in settings.items():
        if table not in known:
            raise OperatorError(
                f"{path}: there is no table [{table}].", f"Known: {', '.join(sorted(known))}."
            )
        if not isinstance(keys, Mapping):
            raise OperatorError(f"{path}: {table} stands outside a table.", f"Put it under [{table}].")
        for key in keys:
            if key not in known[table]:
                raise OperatorError(
                    f"{path}: [{table}] has no setting {key}.", f"Known: {', '.join(sorted(known[table]))}."
                )
