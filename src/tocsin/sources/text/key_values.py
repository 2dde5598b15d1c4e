"""`key=value` pairs as firewalls, kernels and auditd write them, read in one pass from left to right.

A value is bare (up to the next blank), or in double or single quotes with backslash escapes. A word without `=` is
no pair and is skipped; a key that comes twice keeps its first value, so that text appended by an attacker cannot
overwrite what the device wrote before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin.config.bounds import FIELDS_PER_RECORD
from tocsin.records.errors import BadRecord

_PAIR = re.compile(
    r"""(?<![^\s,;\[(])([A-Za-z_][\w.\-/]{0,127})=(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s]*))""",
    re.ASCII,
)
_ESCAPE = re.compile(r"""\\(["'\\])""")


def pairs(text: str) -> dict[str, str]:
    """The pairs in `text`, in order; {} where there are none.

    Raises:
        BadRecord: there are more than `bounds.FIELDS_PER_RECORD`.
    """
    found: dict[str, str] = {}
    for match in _PAIR.finditer(text):
        key, double, single, bare = match.groups()
        if double is not None or single is not None:
            value = _ESCAPE.sub(r"\1", double if double is not None else single)
        else:
            value = bare.rstrip(",;")
        found.setdefault(key, value)
        if len(found) > FIELDS_PER_RECORD:
            raise BadRecord(f"It has more than {FIELDS_PER_RECORD} fields.")
    return found


def values_between(text: str, keys: Sequence[re.Match[str]]) -> dict[str, str]:
    """For values that may hold blanks: each key's (group 1) value is the text up to the next key; the first one counts."""
    ends = [*(key.start() for key in keys[1:]), len(text)]
    found: dict[str, str] = {}
    for key, end in zip(keys, ends, strict=False):  # without keys there is still an end
        found.setdefault(key[1], text[key.end() : end].strip())
    return found
