"""Readings as InfluxDB line protocol (version 2 of InfluxDB, "Line protocol"): one line an instant, one field a tag.

```
plant TANK1=3.25,PUMP1="OPEN" 1767225600000000
```

The time is in microseconds. A line never holds a line break: control characters in names and texts become spaces.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Final

MEASUREMENT: Final = "plant"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPECIAL: Final = ",= "


def key_text(name: str) -> str:
    """A field key: comma, equals sign and space behind a backslash, as is a backslash that would look like that of an escape.

    A leading `#` would make no comment, as it stands behind the measurement; an empty name becomes `_`.
    """
    clean = _CONTROL.sub(" ", name) or "_"
    parts = []
    for at, sign in enumerate(clean):
        following = clean[at + 1 : at + 2]
        escaped = sign in _SPECIAL or (sign == "\\" and (not following or following in _SPECIAL + "\\"))
        parts.append(f"\\{sign}" if escaped else sign)
    return "".join(parts)


def value_text(value: float | str | bool) -> str | None:  # noqa: FBT001  a reading
    """A field value: a float, a truth value, or a text in quotes; None for a number that is none (NaN, infinite)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        clean = _CONTROL.sub(" ", value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{clean}"'
    number = float(value)
    return repr(number) if math.isfinite(number) else None


def lines(readings: Iterable[tuple[str, int, float | str | None]], most: int) -> Iterator[bytes]:
    """`readings` (tag, microseconds since 1970, value) as lines with their line breaks.

    Those of one instant that follow each other stand in one line, unless a tag is read twice or the line would be longer
    than `most` bytes. What has no value is left out.
    """
    fields: dict[str, str] = {}
    instant, size = 0, 0
    for tag, at, value in readings:
        text = None if value is None else value_text(value)
        if text is None:
            continue
        key = key_text(tag)
        length = 4 * (len(key) + len(text)) + 2  # at most: four bytes a character
        if fields and (at != instant or key in fields or size + length > most):
            yield _line(fields, instant)
            fields, size = {}, 0
        fields[key] = text
        instant, size = at, size + length
    if fields:
        yield _line(fields, instant)


def _line(fields: dict[str, str], instant: int) -> bytes:
    body = ",".join(f"{key}={text}" for key, text in fields.items())
    return f"{MEASUREMENT} {body} {instant}\n".encode()
