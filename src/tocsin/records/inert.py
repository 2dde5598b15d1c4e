r"""Text that an attacker wrote, made harmless to look at: nothing in it moves a cursor, hides, or runs backwards.

Every control, format, surrogate, private, unassigned and line-separating character (Unicode general categories Cc, Cf, Cs, Co,
Cn, Zl, Zp) and the letters that look like nothing become visible escapes (`\x1b`, `\u202e`). What is shown is for
eyes; the record itself is kept unchanged with the evidence. HTML is escaped by the template, on top of this.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and symbols that are drawn as nothing: Hangul fillers, the empty Braille pattern."""

_MARKS: Final = 3
"""Combining marks that one letter may carry; a pile of them covers the lines above."""

_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_FORMULA: Final = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")


def inert(text: str) -> str:
    """`text` on one line, with everything that is invisible or commands a terminal as visible escapes."""
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category in _HIDDEN or char in _BLANK or marks > _MARKS:
            shown.append(_escape(char))
        else:
            shown.append(" " if category == "Zs" else char)
    return "".join(shown)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def inert_lines(text: str) -> str:
    """As `inert`, its line breaks and tabs kept as such: for a record shown whole in a block of its own."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(inert(line) for line in lines)


def csv_cell(text: str) -> str:
    """`text` as a CSV cell that no spreadsheet takes for a formula (OWASP, "CSV Injection"); plain numbers stay."""
    shown = inert(text)
    if shown.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(shown):
        return "'" + shown
    return shown


def shortened(text: str, chars: int) -> str:
    """`text` cut in its middle to at most `chars` characters, an ellipsis where something is missing."""
    if len(text) <= chars:
        return text
    head = (chars - 1 + 1) // 2
    return text[:head] + "…" + text[len(text) - (chars - 1 - head) :]
