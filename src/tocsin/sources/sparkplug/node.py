"""What is known of one edge node: by which names and types its last birth lets its data be read, and how far it counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from tocsin.sources.sparkplug.payload import READABLE, Metric

NO_TAGS: Final = ("bdSeq", "Node Control/", "Device Control/")
"""How names start of metrics that are no readings."""

UNNUMBERED: Final = -1
"""The number of a death that says none."""


@dataclass(slots=True)
class Born:
    """The metrics of a node or a device, as its birth named them.

    Attributes:
        types: Data type by name.
        aliases: Name by alias.
        at: When the birth was sent, in milliseconds.
    """

    types: dict[str, int] = field(default_factory=dict)
    aliases: dict[int, str] = field(default_factory=dict)
    at: int = 0

    def tags(self) -> Iterator[str]:
        """The names that have values."""
        return (
            name for name, kind in self.types.items() if kind in READABLE and not name.startswith(NO_TAGS)
        )


def born_by(metrics: Iterable[Metric], at: int = 0) -> Born:
    """What a birth that was sent `at` names."""
    one = Born(at=at)
    for metric in metrics:
        if metric.name:
            one.types[metric.name] = metric.datatype if metric.fits else 0
            if metric.alias is not None:
                one.aliases[metric.alias] = metric.name
    return one


@dataclass(slots=True)
class Node:
    """An edge node.

    Attributes:
        devices: What is born, by device; "" is the node itself. Empty: it is dead, or was never heard to be born.
        bd_seq: The number of its birth, which its death repeats; None where none was said.
        dead: The `bd_seq` of its death; None where it was not heard to die, or was born since.
        due: The `seq` that comes next; None where it is not known.
        born: When its birth was sent, in milliseconds.
        told: What was told of it since its birth.
        names: How many metrics are remembered.
    """

    devices: dict[str, Born] = field(default_factory=dict)
    bd_seq: int | None = None
    dead: int | None = None
    due: int | None = None
    born: int = 0
    told: set[str] = field(default_factory=set)
    names: int = 0

    def put(self, device: str, one: Born) -> None:
        """`device` is born."""
        self.drop(device)
        self.devices[device] = one
        self.names += len(one.types)

    def drop(self, device: str) -> Born | None:
        """`device` is gone; None where it was never born."""
        one = self.devices.pop(device, None)
        self.names -= len(one.types) if one is not None else 0
        return one

    def outlived(self, device: str, at: int, bd_seq: int | None) -> bool:
        """Whether a birth of `device` that was sent `at` is of before what is known: a later birth, or the node's death.

        Numbers alone do not say so where a birth is newer than the last one heard: there are nodes that never count theirs.
        """
        known = self.devices.get(device)
        if at and (at < self.born or (known is not None and at < known.at)):
            return True
        if self.dead is None or device:
            return self.dead is not None
        return (not self.born or at <= self.born) and (bd_seq is None or bd_seq == self.dead)

    def clear(self) -> None:
        """The node and all its devices are gone."""
        self.devices.clear()
        self.names = 0

    def tags(self, device: str = "") -> set[tuple[str, str]]:
        """Device and name of each metric that has values: of one device, or of the node with all its devices."""
        found = {device: self.devices[device]} if device and device in self.devices else {}
        return {
            (one, name) for one, born in (found if device else self.devices).items() for name in born.tags()
        }

    def kept(self) -> dict[str, Any]:
        """What a restart needs, as JSON can hold it."""
        devices: dict[str, Any] = {}
        for device, one in self.devices.items():
            aliases = {name: alias for alias, name in one.aliases.items()}
            metrics = [[name, kind, aliases.get(name)] for name, kind in one.types.items()]
            devices[device] = {"at": one.at, "metrics": metrics}
        return {"bd_seq": self.bd_seq, "born": self.born, "devices": devices}


def nodes_kept(nodes: Mapping[tuple[str, str], Node]) -> bytes:
    """What a restart needs of those that live, as JSON."""
    return orjson.dumps({"sparkplug": [[*key, node.kept()] for key, node in nodes.items() if node.devices]})


def nodes_of(kept: str) -> dict[tuple[str, str], Node]:
    """The nodes of which `nodes_kept` said so.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it did not.
    """
    return {(str(group), str(node)): _node(said) for group, node, said in orjson.loads(kept)["sparkplug"]}


def _node(said: Any) -> Node:
    node = Node(bd_seq=said["bd_seq"], born=int(said["born"]))
    if node.bd_seq is not None:
        node.bd_seq = int(node.bd_seq)
    for device, birth in said["devices"].items():
        one = Born(at=int(birth["at"]))
        for name, kind, alias in birth["metrics"]:
            one.types[str(name)] = int(kind)
            if alias is not None:
                one.aliases[int(alias)] = str(name)
        node.put(str(device), one)
    return node
