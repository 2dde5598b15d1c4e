"""One cell of a column: values as text and back, and the two JSON columns beside them. The rules are in `columns.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from tocsin.records.event import Logsource

ABSENT: Final = object()
"""What stands for a field that an event does not have."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def logsource_text(logsource: Logsource) -> str:
    """`product/category/service` with nothing for a part it leaves out: `windows/process_creation/sysmon`."""
    return "/".join(_quoted(part) for part in logsource)


def parse_logsource(text: str) -> Logsource:
    """The logsource that was printed as `text`."""
    return Logsource(*(_unquoted(part) for part in text.split("/")))


def _quoted(part: str | None) -> str:
    if part is None:
        return ""
    return part.replace("%", "%25").replace("/", "%2F") or "%"


def _unquoted(part: str) -> str | None:
    if part in {"", "%"}:
        return None if not part else ""
    return part.replace("%2F", "/").replace("%25", "%")


def as_text(name: str, value: Any, row: dict[str, str]) -> Any:
    """`value` as its column's text, its type noted in `row`; `ABSENT` where it has no place in a column."""
    if value is ABSENT or isinstance(value, str):
        return value
    if value is None:
        row[name] = "n"
        return None
    if isinstance(value, bool):
        row[name] = "b"
        return "true" if value else "false"
    if isinstance(value, int | float):
        row[name] = "i" if isinstance(value, int) else "f"
        return repr(value)
    return ABSENT


def typed(text: str, tag: str | None) -> Any:
    """The value whose column holds `text` and whose type is `tag`."""
    if tag is None:
        return text
    if tag == "i":
        return int(text)
    if tag == "f":
        return float(text)
    return text == "true" if tag == "b" else unescaped(text)


def escaped(name: str, value: str | None, row: dict[str, str]) -> str | None:
    """`value` in text that UTF-8 can hold; that it was escaped is noted in `row`."""
    if value is None or encodable(value):
        return value
    row[name] = "u"
    return json.dumps(value)[1:-1]


def unescaped(text: str) -> str:
    """The text that was escaped."""
    return cast("str", json.loads(f'"{text}"'))


def rest_text(fields: Mapping[str, Any], native: set[str], row: dict[str, str]) -> str | None:
    """The JSON of the fields without a column."""
    if fields.keys() <= native and not any(isinstance(value, list | dict) for value in fields.values()):
        return None
    rest = {
        name: value for name, value in fields.items() if name not in native or isinstance(value, list | dict)
    }
    if not rest:
        return None
    try:
        text = json.dumps(rest, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        if encodable(text):
            return text
    except ValueError:
        pass  # NaN or an infinity
    row["t_rest"] = "p"
    return json.dumps({"t_python": json.dumps(rest, separators=(",", ":"))})


def parse_rest(text: str | None, types: Mapping[str, str]) -> dict[str, Any]:
    """The fields that `rest_text` wrote."""
    if text is None:
        return {}
    rest = json.loads(text)
    return cast("dict[str, Any]", json.loads(rest["t_python"]) if types.get("t_rest") == "p" else rest)


def types_text(row: dict[str, str], known: dict[tuple[tuple[str, str], ...], str]) -> str | None:
    """`row`'s tags as JSON; made once for all rows with the same tags."""
    if not row:
        return None
    key = tuple(row.items())
    if key not in known:
        known[key] = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return known[key]


def encodable(text: str) -> bool:
    """Whether UTF-8 can hold `text`."""
    return text.isascii() or not _SURROGATE.search(text)
