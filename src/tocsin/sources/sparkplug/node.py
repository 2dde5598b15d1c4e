"""What is known of one edge node: by which names and types its last birth lets its data be read, and how far it counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tocsin.sources.sparkplug.payload import READABLE

NO_TAGS: Final = ("bdSeq", "Node Control/", "Device Control/")
"""How names start of metrics that are no readings."""


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


@dataclass(slots=True)
class Node:
    """An edge node.

    Attributes:
        devices: What is born, by device; "" is the node itself. Empty: it is dead, or was never heard to be born.
        bd_seq: The number of its birth, which its death repeats; None where none was said.
        due: The `seq` that comes next; None where it is not known.
        born: When its birth was sent, in milliseconds.
        told: What was told of it since its birth.
    """

    devices: dict[str, Born] = field(default_factory=dict)
    bd_seq: int | None = None
    due: int | None = None
    born: int = 0
    told: set[str] = field(default_factory=set)

    @property
    def names(self) -> int:
        """How many metrics are remembered."""
        return sum(len(one.types) for one in self.devices.values())

    def tags(self) -> Iterator[tuple[str, str]]:
        """Device and name of each metric that has values."""
        return ((device, name) for device, one in self.devices.items() for name in one.tags())

    def kept(self) -> dict[str, Any]:
        """What a restart needs, as JSON can hold it."""
        devices: dict[str, Any] = {}
        for device, one in self.devices.items():
            aliases = {name: alias for alias, name in one.aliases.items()}
            metrics = [[name, kind, aliases.get(name)] for name, kind in one.types.items()]
            devices[device] = {"at": one.at, "metrics": metrics}
        return {"bd_seq": self.bd_seq, "born": self.born, "devices": devices}


def node_kept(said: Any) -> Node:
    """The node of which `kept` said so.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it did not.
    """
    node = Node(bd_seq=said["bd_seq"], born=int(said["born"]))
    if node.bd_seq is not None:
        node.bd_seq = int(node.bd_seq)
    for device, birth in said["devices"].items():
        one = node.devices[device] = Born(at=int(birth["at"]))
        for name, kind, alias in birth["metrics"]:
            one.types[str(name)] = int(kind)
            if alias is not None:
                one.aliases[int(alias)] = str(name)
    return node
