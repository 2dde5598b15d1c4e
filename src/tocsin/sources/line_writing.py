"""Readings as InfluxDB line protocol: one line an instant, one field a tag.

Source: InfluxDB 2 documentation, "Line protocol"; for backslashes what its parser does (`models/points.go`): before anything but
a comma, an equals sign, a space or a quote a backslash in a field key stands for itself.

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

from tocsin.config import bounds

MEASUREMENT: Final = "plant"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPECIAL: Final = re.compile('[,= "]')


def key_text(name: str) -> str:
    """A field key: comma, equals sign, space and quote behind a backslash; a backslash stands for itself.

    At the end of a key a backslash would escape the sign behind it, so `_` is put there. An empty name becomes `_`; a
    longer one than `bounds.HISTORIAN_NAME_CHARS` is cut.
    """
    clean = _CONTROL.sub(" ", name[: bounds.HISTORIAN_NAME_CHARS]) or "_"
    if clean.endswith("\\"):
        clean = f"{clean[:-1]}_" if len(clean) == bounds.HISTORIAN_NAME_CHARS else f"{clean}_"
    return _SPECIAL.sub(r"\\\g<0>", clean)


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

    Those of one instant that follow each other stand in one line, unless a tag is read twice, or the line would be longer
    than `most` bytes or hold more than `bounds.PLANT_LINE_FIELDS` tags. What has no value is left out.
    """
    fields: dict[str, str] = {}
    instant, size = 0, 0
    for tag, at, value in readings:
        text = None if value is None else value_text(value)
        if text is None:
            continue
        key = key_text(tag)
        length = 4 * (len(key) + len(text)) + 2  # at most: four bytes a character
        if fields and (
            at != instant or key in fields or size + length > most or len(fields) >= bounds.PLANT_LINE_FIELDS
        ):
            yield _line(fields, instant)
            fields, size = {}, 0
        fields[key] = text
        instant, size = at, size + length
    if fields:
        yield _line(fields, instant)


def _line(fields: dict[str, str], instant: int) -> bytes:
    body = ",".join(f"{key}={text}" for key, text in fields.items())
    return f"{MEASUREMENT} {body} {instant}\n".encode()
