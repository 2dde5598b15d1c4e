"""A JSON object that stands inside a line: a syslog message, a CSV cell."""

from __future__ import annotations

from typing import Any

import orjson

from tocsin.config.bounds import FIELDS_PER_RECORD, JSON_DEPTH
from tocsin.records.errors import BadRecord


def json_object(text: str) -> dict[str, Any] | None:
    """The object that `text` is, None where it is none.

    Raises:
        BadRecord: it has too many fields or is nested too deep.
    """
    if not text.startswith("{"):
        return None
    try:
        found = orjson.loads(text)
    except ValueError:  # no JSON, or text that is no UTF-8
        return None
    if len(found) > FIELDS_PER_RECORD:
        raise BadRecord(f"It has more than {FIELDS_PER_RECORD} fields.")
    level = [found]
    for _ in range(JSON_DEPTH):
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
        if not level:
            return dict(found)
    raise BadRecord(f"It is nested deeper than {JSON_DEPTH}.")
