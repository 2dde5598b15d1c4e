"""Elasticsearch's `filter_path`: which parts of an answer a client wants (Elasticsearch REST API, "Common options").

Patterns are separated by commas, their parts by dots. `*` in a part stands for any text, `**` for any parts, and a `-` in
front leaves out what matches. Arrays do not count as parts. An object or array of which nothing is left goes too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tocsin.config import bounds

_ANY: Final = "**"
_Path = tuple[str, ...]
_Paths = tuple[_Path, ...]


class FilterPath:
    """What `text` asks for; too much of it (`bounds.FILTER_PATH_CHARS`) asks for all.

    Args:
        text: As it stands in the query.
    """

    def __init__(self, text: str) -> None:
        wanted = [one.strip() for one in text.split(",")] if len(text) <= bounds.FILTER_PATH_CHARS else []
        self._with = _paths([one for one in wanted if one and not one.startswith("-")])
        self._without = _paths([one[1:] for one in wanted if one.startswith("-") and one[1:]])
        self._steps: dict[tuple[_Paths, str], _Paths | None] = {}

    def __bool__(self) -> bool:
        return bool(self._with or self._without)

    def of(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What of `answer` (as JSON has it) is asked for."""
        left = self._left(answer, self._without) if self._without else answer
        return dict(self._kept(left, self._with) if self._with else left)

    def _kept(self, value: Any, paths: _Paths) -> Any:
        if isinstance(value, list):
            return [kept for one in value if (kept := self._kept(one, paths)) not in (None, {}, [])]
        if not isinstance(value, Mapping):
            return None
        kept = {}
        for key, one in value.items():
            step = self._step(paths, key)
            found = one if step is None else self._kept(one, step) if step else None
            if step is None or found not in (None, {}, []):
                kept[key] = found
        return kept

    def _left(self, value: Any, paths: _Paths) -> Any:
        if isinstance(value, list):
            return [left for one in value if (left := self._left(one, paths)) not in ({}, [])]
        if not isinstance(value, Mapping) or not paths:
            return value
        left = {}
        for key, one in value.items():
            step = self._step(paths, key)
            if step is not None and (found := self._left(one, step)) not in ({}, []):
                left[key] = found
        return left

    def _step(self, paths: _Paths, key: str) -> _Paths | None:
        """What is left of `paths` below `key`; None where one of them ends there."""
        if (paths, key) not in self._steps:
            below = {path for one in paths for path in _below(one, key)}
            self._steps[paths, key] = None if () in below else tuple(sorted(below))
        return self._steps[paths, key]


def _paths(patterns: list[str]) -> _Paths:
    return tuple(path for one in patterns if (path := tuple(part for part in one.split(".") if part)))


def _below(path: _Path, key: str) -> list[_Path]:
    if not path:
        return []
    if path[0] == _ANY:
        return [path, *([()] if len(path) == 1 else _below(path[1:], key))]
    return [path[1:]] if _matches(path[0], key) else []


def _matches(pattern: str, key: str) -> bool:
    """Whether `key` is of the `pattern`, in time that grows with their lengths alone."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == key
    if not key.startswith(first) or not key[len(first) :].endswith(others[-1]):
        return False
    at, end = len(first), len(key) - len(others[-1])
    for part in others[:-1]:
        found = key.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


ALL: Final = FilterPath("")
