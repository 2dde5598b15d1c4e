"""Literals without which a regular expression cannot match: what is looked for before the expression itself is asked.

As in Russ Cox, "Regular Expression Matching with a Trigram Index" (2012): each part of an expression is summed up by the
texts that it can match, or with which its matches begin and end, and by the best set found inside of it.

A wrong promise would lose a detection. So the reader here follows the syntax of the package `regex` (VERSION0) only as far
as it is sure of it, and gives up on the rest: recursion, conditionals, verbs, fuzzy matching, the verbose mode, POSIX
classes, properties, named characters. Flags `ims` change nothing: only ASCII texts are promised, in lower case.
"""

from __future__ import annotations

import re
from typing import Final

from tocsin.config import bounds
from tocsin.detect.sigma.plans.factor_parts import (
    EMPTY,
    EXACT,
    LENGTH,
    UNKNOWN,
    Part,
    Texts,
    any_of,
    better,
    joined,
    one_of,
    repeated,
)

_RUN = re.compile(r"[^()|?*+{^$.\[\\\x80-\U0010ffff]+")
_COUNTS = re.compile(r"\{([0-9]{0,9})(?:(,)([0-9]{0,9}))?\}")
_OPENING = re.compile(
    r"\?(?::|>|\||(?P<look><?[=!])|P?<(?![=!])[^)>]+>|(?P<flags>[ims]*(?:-[ims]+)?)(?P<scope>[:)]))"
)
_COMMENT = re.compile(r"\?#(?:[^)\\]|\\.)*\)", re.DOTALL)

_FUZZY: Final = frozenset("deis0123456789")
_ZERO_WIDTH: Final = frozenset("AbBKmMZz")
_CONTROLS: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_DIGITS: Final = frozenset("0123456789")
_SPACES: Final = frozenset(chr(code) for code in range(128) if chr(code).isspace())
_RARE: Final = frozenset("^`{}~+!#@|<>;")
_WIDE: Final = "wide"
"""Among the members of a set: more than can be listed."""

_HEX: Final = {"x": 2, "u": 4, "U": 8}


class _UnsureError(Exception):
    """The expression holds what this reader does not surely understand."""


def required_literals(pattern: str, flags: str) -> tuple[str, ...] | None:
    """Lower-case ASCII literals, one of which is in `text.lower()` wherever `pattern` matches.

    Args:
        pattern: As `matching.compile_regex` takes it; it is searched for, not anchored.
        flags: Letters out of `ims`.

    Returns:
        At most 256 of them, sorted, none within another; a single character only where it is rare. They are promised for
        every ASCII text in which the expression is found, and for no other text. None where nothing can be promised.
    """
    if set(flags) - set("ims") or len(pattern) > bounds.PREFILTER_PATTERN_CHARS:
        return None
    try:
        whole = _Reader(pattern).read()
    except _UnsureError:
        return None
    found = better(whole.exact, whole.holds)
    if found is None or any(len(one) < 2 and one not in _RARE for one in found):
        return None
    return tuple(sorted(one for one in found if not any(other in one for other in found if other != one)))


class _Group:
    """An open group: its finished branches and the parts of the one that is being read."""

    def __init__(self, look: str | None = None) -> None:
        self.look = look
        self.branches: list[Part] = []
        self.parts: list[Part] = []
        self.repeatable = False

    def add(self, part: Part) -> None:
        self.parts.append(part)
        self.repeatable = True

    def branch(self) -> None:
        self.branches.append(joined(self.parts))
        self.parts, self.repeatable = [], False

    def closed(self) -> Part:
        self.branch()
        whole = any_of(self.branches)
        if self.look is None:
            return whole
        return EMPTY if "!" in self.look else EMPTY._replace(holds=better(whole.exact, whole.holds))


class _Reader:
    """Reads one expression, left to right, with no recursion.

    Raises:
        _UnsureError: from every method.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._open = [_Group()]

    def read(self) -> Part:
        actions = {
            "(": self._opened,
            ")": self._closed,
            "|": self._branched,
            "[": self._set,
            "\\": self._escape,
        }
        actions |= dict.fromkeys("?*+{", self._quantified)
        while self._at < len(self._pattern):
            char = self._pattern[self._at]
            if (run := _RUN.match(self._pattern, self._at)) is not None:
                self._literal(run.group())
            elif char in actions:
                actions[char]()
            else:
                self._at += 1
                self._open[-1].add(EMPTY if char in "^$" else UNKNOWN)
        if len(self._open) > 1:
            raise _UnsureError
        return self._open[-1].closed()

    def _next(self, count: int = 1) -> str:
        taken = self._pattern[self._at : self._at + count]
        if len(taken) < count:
            raise _UnsureError
        self._at += count
        return taken

    def _literal(self, run: str) -> None:
        """A run of plain characters; a quantifier after it is for the last one only."""
        self._at += len(run)
        quantified = self._pattern[self._at : self._at + 1] in {"?", "*", "+", "{"}
        head = run[:-1] if quantified else run
        for start in range(0, len(head), LENGTH):
            self._open[-1].add(one_of({head[start : start + LENGTH]}))
        if quantified:
            self._open[-1].add(one_of({run[-1]}))

    def _branched(self) -> None:
        self._at += 1
        self._open[-1].branch()

    def _opened(self) -> None:
        self._at += 1
        if not self._pattern.startswith(("?", "*"), self._at):
            self._open.append(_Group())
        elif (comment := _COMMENT.match(self._pattern, self._at)) is not None:
            self._at = comment.end()
            # `regex` repeats what stands before the comment: too odd to follow.
            self._open[-1].repeatable = False
        elif (opening := _OPENING.match(self._pattern, self._at)) is not None:
            self._at = opening.end()
            if opening["scope"] == ")":
                self._open[-1].repeatable = False  # as after a comment
            else:
                self._open.append(_Group(opening["look"]))
        else:
            raise _UnsureError

    def _closed(self) -> None:
        self._at += 1
        if len(self._open) == 1:
            raise _UnsureError
        self._open[-2].add(self._open.pop().closed())

    def _quantified(self) -> None:
        counts = self._counts()
        if counts is None:
            self._open[-1].add(one_of({self._next()}))
            return
        group = self._open[-1]
        if not group.repeatable:
            raise _UnsureError
        group.parts[-1] = repeated(group.parts[-1], *counts)
        group.repeatable = False
        if self._pattern.startswith(("?", "+"), self._at):  # lazy, possessive: both match less or the same
            self._at += 1

    def _counts(self) -> tuple[int, int | None] | None:
        """The quantifier at this place; None where the brace is a literal one."""
        if (char := self._pattern[self._at]) != "{":
            self._at += 1
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[char]
        counts = _COUNTS.match(self._pattern, self._at)
        if counts is not None and (counts[1] or counts[2]):
            self._at = counts.end()
            least = int(counts[1] or 0)
            return least, least if counts[2] is None else int(counts[3]) if counts[3] else None
        if self._pattern[self._at + 1 : self._at + 2] in _FUZZY | {""}:
            raise _UnsureError
        return None

    def _escape(self) -> None:
        self._at += 1
        char = self._next()
        if char in _ZERO_WIDTH:
            self._open[-1].add(EMPTY)
        elif char in "123456789":  # a group once more, or an octal number
            while self._pattern[self._at : self._at + 1] in _DIGITS:
                self._at += 1
            self._open[-1].add(UNKNOWN)
        else:
            self._open[-1].add(one_of(self._members(char)))

    def _members(self, char: str) -> Texts | None:
        """The characters that the escape of `char` stands for, in a set and outside; None for too many or unknown ones."""
        if char in _HEX:
            digits = self._next(_HEX[char])
            if not re.fullmatch("[0-9A-Fa-f]+", digits) or int(digits, 16) > 0x10FFFF:
                raise _UnsureError
            return frozenset(chr(int(digits, 16)))
        if char in _CONTROLS:
            return frozenset(_CONTROLS[char])
        if char in "ds":
            return _DIGITS if char == "d" else _SPACES
        if char in "DSwWh":
            return None
        if char.isascii() and char.isalnum():
            raise _UnsureError
        return frozenset(char)

    def _set(self) -> None:
        self._at += 1
        negated = self._pattern.startswith("^", self._at)
        self._at += negated
        members, first = set[str](), True
        while first or not self._pattern.startswith("]", self._at):
            first = False
            members |= self._member()
        self._at += 1
        self._open[-1].add(UNKNOWN if negated or _WIDE in members else one_of(members))

    def _member(self) -> Texts:
        """One character, escape or range of a set; `_WIDE` in it where there is more."""
        begin = self._item()
        if len(begin) != 1 or not self._pattern.startswith("-", self._at):
            return begin
        if self._pattern.startswith("]", self._at + 1):
            return begin
        self._at += 1
        end = self._item()
        if len(end) != 1 or _WIDE in begin | end:
            return frozenset({_WIDE})
        codes = range(ord(min(begin)), ord(min(end)) + 1)
        return frozenset(map(chr, codes)) if 0 < len(codes) <= EXACT else frozenset({_WIDE})

    def _item(self) -> Texts:
        char = self._next()
        if char == "[" and self._pattern.startswith(":", self._at):
            raise _UnsureError
        if char != "\\":
            return frozenset(char)
        char = self._next()
        if char == "b":
            return frozenset("\b")
        if char in "0123456789":
            raise _UnsureError
        return self._members(char) or frozenset({_WIDE})
