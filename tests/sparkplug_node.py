"""A Sparkplug B edge node, written from the specification: encodes with the protobuf library, publishes with paho.

Both are other people's; nothing here is shared with what reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 = range(1, 9)
FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME, TEXT, UUID, DATASET, BYTES, FILE, TEMPLATE = range(9, 20)
MS = 1_767_225_600_000  # 2026-01-01

_SCALARS = {"uint64": 4, "uint32": 13, "bool": 8, "string": 9, "bytes": 12, "float": 2, "double": 1}
_METRIC = (
    ("name", 1, "string"), ("alias", 2, "uint64"), ("timestamp", 3, "uint64"), ("datatype", 4, "uint32"),
    ("is_historical", 5, "bool"), ("is_transient", 6, "bool"), ("is_null", 7, "bool"), ("properties", 9, "Properties"),
    ("int_value", 10, "uint32"), ("long_value", 11, "uint64"), ("float_value", 12, "float"),
    ("double_value", 13, "double"), ("boolean_value", 14, "bool"), ("string_value", 15, "string"),
    ("bytes_value", 16, "bytes"), ("dataset_value", 17, "bytes"), ("template_value", 18, "bytes"),
)  # fmt: skip
_MESSAGES = {
    "Value": (("type", 1, "uint32"), ("is_null", 2, "bool"), ("int_value", 3, "uint32")),
    "Properties": (("keys", 1, "string*"), ("values", 2, "Value*")),
    "Metric": _METRIC,
    "Payload": (
        ("timestamp", 1, "uint64"), ("metrics", 2, "Metric*"), ("seq", 3, "uint64"), ("uuid", 4, "string"),
        ("body", 5, "bytes"),
    ),
}  # fmt: skip


@cache
def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="node.proto", package="node", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            plain = kind.rstrip("*")
            one = message.field.add(name=field, number=number, label=3 if kind.endswith("*") else 1)
            if plain in _SCALARS:
                one.type = _SCALARS[plain]
            else:
                one.type, one.type_name = 11, f".node.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("node.Payload"))


def payload(
    seq: int | None = None, at: int = MS, metrics: Iterable[dict[str, Any]] = (), **more: Any
) -> bytes:
    """The bytes of a payload."""
    return _payload_class()(timestamp=at, seq=seq, metrics=metrics, **more).SerializeToString()


def metric(name: str = "", kind: int = 0, value: Any = None, **more: Any) -> dict[str, Any]:
    """A metric; its value goes into the field that the specification has for `kind`."""
    said: dict[str, Any] = dict(more)
    if name:
        said["name"] = name
    if kind:
        said["datatype"] = kind
    if value is not None:
        said |= valued(kind, value)
    return said


def valued(kind: int, value: Any) -> dict[str, Any]:
    if kind in {INT8, INT16, INT32, UINT8, UINT16, UINT32}:
        return {"int_value": value & 0xFFFFFFFF}
    if kind in {INT64, UINT64, DATETIME}:
        return {"long_value": value & 0xFFFFFFFFFFFFFFFF}
    field = {FLOAT: "float_value", DOUBLE: "double_value", BOOLEAN: "boolean_value"}.get(kind, "string_value")
    return {field: value}


def data(alias: int, kind: int, value: Any, **more: Any) -> dict[str, Any]:
    """A metric of data after a birth: its alias and value only."""
    return {"alias": alias, **valued(kind, value), **more}


class Node:
    """What an edge node with one device says, in order."""

    def __init__(self, group: str = "G", name: str = "N", device: str = "D", bd_seq: int = 0) -> None:
        self.group, self.name, self.device, self.bd_seq = group, name, device, bd_seq
        self._seq = -1

    def topic(self, kind: str) -> str:
        end = f"/{self.device}" if kind.startswith("D") else ""
        return f"spBv1.0/{self.group}/{kind}/{self.name}{end}"

    def seq(self) -> int:
        self._seq = (self._seq + 1) % 256
        return self._seq

    def birth(self, at: int = MS, metrics: Iterable[dict[str, Any]] = ()) -> tuple[str, bytes]:
        self._seq = -1
        own = [metric("bdSeq", INT64, self.bd_seq), metric("Node Control/Rebirth", BOOLEAN, False), *metrics]
        return self.topic("NBIRTH"), payload(self.seq(), at, own)

    def device_birth(self, metrics: Iterable[dict[str, Any]], at: int = MS) -> tuple[str, bytes]:
        return self.topic("DBIRTH"), payload(self.seq(), at, metrics)

    def device_data(self, *metrics: dict[str, Any], at: int = MS) -> tuple[str, bytes]:
        return self.topic("DDATA"), payload(self.seq(), at, metrics)

    def node_data(self, *metrics: dict[str, Any], at: int = MS) -> tuple[str, bytes]:
        return self.topic("NDATA"), payload(self.seq(), at, metrics)

    def device_death(self, at: int = MS) -> tuple[str, bytes]:
        return self.topic("DDEATH"), payload(self.seq(), at)

    def death(self) -> tuple[str, bytes]:
        return self.topic("NDEATH"), payload(None, MS, [metric("bdSeq", INT64, self.bd_seq)])
