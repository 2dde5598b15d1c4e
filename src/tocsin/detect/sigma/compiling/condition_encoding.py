"""A condition tree ↔ bytes (msgpack), exactly: every number keeps its type and value, every text its letters.

A leaf is `[code, field, value]`: the code is its op's place in `_OPS`, doubled, one more where it is cased; the field is
a place among the rule's field names (None: every value). AND, OR and NOT are `[-1, node…]`, `[-2, node…]`, `[-3, node]`.
What is decoded is not trusted: a wrong shape is a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Final, get_args

import msgspec

from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not, Op, Wild

_OPS: Final[tuple[Op, ...]] = get_args(Op)
_ALL, _ANY, _NOT = -1, -2, -3
_WILDS: Final = (Wild.MANY, Wild.ONE)
_COMPARISONS: Final = frozenset({"eq", "neq", "lt", "lte", "gt", "gte"})
_PARTS: Final = frozenset({"minute", "hour", "day", "week", "month", "year"})
_RELATIONS: Final = frozenset({"equals", "startswith", "endswith", "contains"})
_WORD: Final = 1 << 63

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


def encode_condition(node: Node, names: Sequence[str]) -> bytes:
    """`node` in bytes.

    Args:
        node: A condition.
        names: Every field name in it, `fieldref`'s second ones included.

    Raises:
        ValueError: it has no such form (a text with half a surrogate pair).
    """
    return _encoder.encode(_plain(node, {name: place for place, name in enumerate(names)}))


def decode_condition(data: bytes, names: Sequence[str]) -> Node:
    """The condition that was encoded with the same `names`.

    Raises:
        ValueError: it is none.
    """
    try:
        return _node(_decoder.decode(data), names)
    except (msgspec.DecodeError, TypeError, IndexError, RecursionError) as error:
        raise ValueError(f"it is no condition ({error})") from error


def plain_number(number: float) -> float | str:
    """A number as msgpack can hold it: whole numbers of more than 63 bits as hexadecimal text."""
    return f"{number:x}" if isinstance(number, int) and not -_WORD <= number < _WORD else number


def number_from(value: Any) -> float:
    """What `plain_number` was given.

    Raises:
        ValueError: it is no number.
    """
    if isinstance(value, str):
        return int(value, 16)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004  a wrong shape, as every other here
    return value


def _plain(node: Node, places: Mapping[str, int]) -> list[Any]:
    if isinstance(node, Leaf):
        field = None if node.field is None else places[node.field]
        return [2 * _OPS.index(node.op) + node.cased, field, _plain_value(node, places)]
    if isinstance(node, Not):
        return [_NOT, _plain(node.node, places)]
    return [_ALL if isinstance(node, AllOf) else _ANY, *(_plain(child, places) for child in node.nodes)]


def _plain_value(leaf: Leaf, places: Mapping[str, int]) -> Any:
    value = leaf.value
    if leaf.op == "glob":
        return [part if isinstance(part, str) else _WILDS.index(part) for part in value]
    if leaf.op == "cidr":
        return str(value)
    if leaf.op == "number":
        return plain_number(value)
    if leaf.op in {"compare", "timepart"}:
        return [*value[:-1], plain_number(value[-1])]
    return [places[value[0]], value[1]] if leaf.op == "fieldref" else value


def _node(plain: Any, names: Sequence[str]) -> Node:
    code, *rest = plain
    if code >= 0:
        field, value = rest
        op = _OPS[code >> 1]
        return Leaf(
            None if field is None else _name(field, names), op, _VALUES[op](value, names), bool(code & 1)
        )
    if code == _NOT:
        (inner,) = rest
        return Not(_node(inner, names))
    if code not in (_ALL, _ANY):
        raise ValueError(f"{code!r} is no node")
    nodes = tuple([_node(child, names) for child in rest])
    return AllOf(nodes) if code == _ALL else AnyOf(nodes)


def _name(place: Any, names: Sequence[str]) -> str:
    if isinstance(place, bool) or place < 0:
        raise ValueError(f"{place!r} is no field's place")
    name: str = names[place]
    return name


def _one_of(value: Any, known: frozenset[str]) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {sorted(known)}")
    return str(value)


def _text(value: Any, _names: Sequence[str]) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004
    return value


def _glob(value: Any, names: Sequence[str]) -> tuple[str | Wild, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} are no parts")  # noqa: TRY004
    return tuple([_WILDS[part] if part in (0, 1) else _text(part, names) for part in value])


def _regex(value: Any, names: Sequence[str]) -> tuple[str, str]:
    pattern, flags = value
    if not set(flags) <= set("ims"):
        raise ValueError(f"{flags!r} are no flags")
    return _text(pattern, names), _text(flags, names)


def _compare(value: Any, _names: Sequence[str]) -> tuple[str, float]:
    name, number = value
    return _one_of(name, _COMPARISONS), number_from(number)


def _timepart(value: Any, _names: Sequence[str]) -> tuple[str, str, float]:
    part, name, number = value
    return _one_of(part, _PARTS), _one_of(name, _COMPARISONS), number_from(number)


def _fieldref(value: Any, names: Sequence[str]) -> tuple[str, str]:
    place, relation = value
    return _name(place, names), _one_of(relation, _RELATIONS)


def _null(value: Any, _names: Sequence[str]) -> None:
    if value is not None:
        raise ValueError(f"{value!r} is not null")


def _exists(value: Any, _names: Sequence[str]) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")  # noqa: TRY004
    return value


_VALUES: Final[Mapping[str, Callable[[Any, Sequence[str]], Any]]] = {
    "equals": _text,
    "startswith": _text,
    "endswith": _text,
    "contains": _text,
    "glob": _glob,
    "regex": _regex,
    "cidr": lambda value, names: ip_network(_text(value, names)),
    "number": lambda value, _names: number_from(value),
    "compare": _compare,
    "timepart": _timepart,
    "fieldref": _fieldref,
    "null": _null,
    "exists": _exists,
}
