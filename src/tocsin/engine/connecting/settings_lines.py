"""What `tocsin.toml` must say for a source, as lines to be put there by its operator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.config.service import TABLE, Service
from tocsin.config.settings import load_settings
from tocsin.engine.connecting.connection import SettingsStep


def listed(service: Service, table: str, key: str, value: str, *, there: bool) -> SettingsStep:
    """The step for a list that must hold `value` too: its whole new value, for TOML takes no key twice.

    Args:
        service: The settings as they hold.
        table: Below `[run]`, such as `syslog`.
        key: In it.
        value: To be added.
        there: Whether the settings lead to `value` already, in whatever words.

    Raises:
        OperatorError: the file cannot be read any more.
    """
    old = _list(load_settings(service.file), table, key)
    new = old if there or value in old else (*old, value)
    text = json.dumps(list(new), ensure_ascii=False)
    return SettingsStep(
        f"[{TABLE}.{table}]\n{key} = {text}\n", there, instead=key if old and not there else ""
    )


def _list(settings: Mapping[str, Any], table: str, key: str) -> Sequence[str]:
    """What stands there now, as it is spelt there."""
    found: Any = settings
    for name in (TABLE, table):
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    value = found.get(key, ()) if isinstance(found, Mapping) else ()
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
