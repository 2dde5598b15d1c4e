"""What a watcher knows as bytes, so that it goes on after a restart to the last bit as it would have without one.

MessagePack: numbers, texts, and arrays as little-endian bytes whose length must be the expected one. No code is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from tocsin.records.readings import Flags, Values

State = dict[str, Any]
"""A part's state by name: whole numbers, numbers, None, texts, lists and dicts of these, and arrays as bytes."""

Kind = TypeVar("Kind")

_ENCODER: Final = msgspec.msgpack.Encoder(order="sorted")


class Damaged(ValueError):  # noqa: N818  it is said of a state
    """A state is not what was written."""


def numbers(array: Values) -> bytes:
    """An array of numbers, its shape left out."""
    return np.ascontiguousarray(array, "<f8").tobytes()


def counts(array: NDArray[np.int64]) -> bytes:
    """Likewise of whole numbers."""
    return np.ascontiguousarray(array, "<i8").tobytes()


def flags(array: Flags) -> bytes:
    """Likewise of truth values."""
    return np.ascontiguousarray(array, "?").tobytes()


def packed(state: State) -> bytes:
    """`state` as bytes, the same for the same state."""
    return _ENCODER.encode(state)


class Held:
    """A state that was kept, read part by part; each raises `Damaged` where it is not what it should be."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._state = state

    @classmethod
    def of(cls, body: bytes) -> Held:
        """What `packed` wrote."""
        try:
            state = msgspec.msgpack.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Damaged(str(error)) from error
        return cls(_dict(state))

    def part(self, name: str) -> Held:
        """The state of a part."""
        return Held(_dict(self._get(name)))

    def is_none(self, name: str) -> bool:
        """Whether None stands there."""
        return self._get(name) is None

    def numbers(self, name: str, length: int) -> Values:
        """An array of that length."""
        return self._array(name, length, "<f8").astype(np.float64)

    def counts(self, name: str, length: int) -> NDArray[np.int64]:
        """Likewise of whole numbers."""
        return self._array(name, length, "<i8").astype(np.int64)

    def few(self, name: str, most: int) -> NDArray[np.int64]:
        """An array of whole numbers, `most` of them at most."""
        body = self.raw(name)
        return self._array(name, min(most, len(body) // 8), "<i8").astype(np.int64)

    def flags(self, name: str, length: int) -> Flags:
        """Likewise of truth values."""
        found: Flags = self._array(name, length, "u1") != 0
        return found

    def raw(self, name: str) -> bytes:
        """Bytes."""
        return self._typed(name, bytes)

    def whole(self, name: str) -> int:
        """A whole number."""
        return self._typed(name, int)

    def maybe(self, name: str) -> int | None:
        """A whole number or None."""
        return None if self.is_none(name) else self.whole(name)

    def count(self, name: str) -> int:
        """A whole number; 0 where an earlier version did not keep it."""
        return self.whole(name) if name in self._state else 0

    def number(self, name: str) -> float:
        """A number."""
        return self._typed(name, float)

    def flag(self, name: str) -> bool:
        """A truth value."""
        return self._typed(name, bool)

    def text(self, name: str) -> str:
        """A text."""
        return self._typed(name, str)

    def tables(self, name: str) -> list[dict[str, Any]]:
        """A list of dicts, not looked into."""
        return [_dict(one) for one in self._typed(name, list)]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        found = self._typed(name, list)
        if not all(type(one) is str for one in found):
            raise Damaged(f"{name} holds what is no text")
        return tuple(found)

    def table(self, name: str) -> dict[str, Any]:
        """A dict, not looked into."""
        return _dict(self._get(name))

    def rows(self, name: str, *kinds: type) -> list[list[Any]]:
        """A list of lists, each with one value of each of `kinds`."""
        found = self._typed(name, list)
        for one in found:
            if type(one) is not list or [type(value) for value in one] != list(kinds):
                raise Damaged(f"{name} is misshapen")
        return list(found)

    def _get(self, name: str) -> Any:
        if name not in self._state:
            raise Damaged(f"{name} is missing")
        return self._state[name]

    def _typed(self, name: str, kind: type[Kind]) -> Kind:
        value: Any = self._get(name)
        if type(value) is not kind:
            raise Damaged(f"{name} is of another kind")
        return value

    def _array(self, name: str, length: int, kind: str) -> NDArray[Any]:
        body = self.raw(name)
        if len(body) != length * np.dtype(kind).itemsize:
            raise Damaged(f"{name} is of another length")
        return np.frombuffer(body, kind)


def _dict(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise Damaged("it is no map")
    return value
