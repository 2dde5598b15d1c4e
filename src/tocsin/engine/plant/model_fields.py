"""Dataclasses of numbers, texts and arrays to plain values, and back by their declared types, nothing else.

What a field may hold follows from its type alone, so a new field of the model is kept without a word here.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from math import prod
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from tocsin.config import bounds

_MOST = 1 << 62


class Unfit(ValueError):  # noqa: N818  it is said of a value
    """A value does not fit its type; the message completes `the model cannot be used: …`."""


def encoded(value: Any) -> Any:  # noqa: PLR0911  one line a type
    """`value` in what MessagePack has: a dataclass as a map, a tuple or set as a list, an array as [shape, bytes]."""
    if is_dataclass(value):
        return {field.name: encoded(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        flat = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        return [list(value.shape), flat.tobytes()]
    if isinstance(value, frozenset):
        return [encoded(one) for one in sorted(value)]
    if isinstance(value, dict):
        return {key: encoded(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [encoded(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    return value.item() if isinstance(value, np.generic) else value


def decoded(kind: Any, value: Any, where: str) -> Any:  # noqa: PLR0911  one line a type
    """`value` as a `kind`: a dataclass, tuple, dict, frozenset, union with None, enumeration, array, number, text.

    Raises:
        Unfit: it is none; the message names `where`.
    """
    origin = get_origin(kind)
    if is_dataclass(kind):
        return _dataclass(kind, value, where)
    if origin is np.ndarray:
        return _array(np.dtype(get_args(get_args(kind)[1])[0]), value, where)
    if origin is tuple:
        return _tuple(get_args(kind), value, where)
    if origin in (frozenset, list):
        return origin(decoded(get_args(kind)[0], one, where) for one in _list(value, where))
    if origin is dict:
        return _dict(get_args(kind), value, where)
    if origin is UnionType:
        return (
            None
            if value is None
            else decoded(next(one for one in get_args(kind) if one is not type(None)), value, where)
        )
    return _plain(kind, value, where)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    hints = _hints(kind)
    if not isinstance(value, dict) or set(value) != set(hints):
        raise Unfit(f"{where} has other parts than expected")
    return kind(**{name: decoded(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Unfit(f"{where} is no list")
    return value


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    items = _list(value, where)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(decoded(kinds[0], one, where) for one in items)
    if len(items) != len(kinds):
        raise Unfit(f"{where} has {len(items)} parts where {len(kinds)} belong")
    return tuple(decoded(kind, one, where) for kind, one in zip(kinds, items, strict=True))


def _dict(kinds: tuple[Any, ...], value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise Unfit(f"{where} is no map")
    return {decoded(kinds[0], key, where): decoded(kinds[1], one, where) for key, one in value.items()}


def _array(dtype: np.dtype[Any], value: Any, where: str) -> Any:
    shape, data = _list(value, where) if isinstance(value, list) and len(value) == 2 else (None, None)
    if not isinstance(shape, list) or not isinstance(data, bytes) or len(shape) > 2:
        raise Unfit(f"{where} is no array")
    if not all(type(one) is int and 0 <= one <= bounds.MODEL_BYTES for one in shape):
        raise Unfit(f"{where} has no shape")
    if prod(shape) * dtype.itemsize != len(data):
        raise Unfit(f"{where} has another size than it says")
    array = np.frombuffer(data, dtype=dtype.newbyteorder("<")).astype(dtype).reshape(shape)
    array.flags.writeable = False
    return array


def _plain(kind: Any, value: Any, where: str) -> Any:
    if kind is bool and type(value) is bool:
        return value
    if kind is int and type(value) is int and -_MOST <= value <= _MOST:
        return value
    if kind is float and type(value) in (float, int):
        return float(value) if abs(value) <= _MOST or type(value) is float else _unfit(where)
    if kind is str and type(value) is str and len(value) <= bounds.HISTORIAN_NAME_CHARS:
        return value
    if isinstance(kind, type) and issubclass(kind, StrEnum) and type(value) is str and value in set(kind):
        return kind(value)
    return _unfit(where)


def _unfit(where: str) -> Any:
    raise Unfit(f"{where} holds what does not belong there")
