"""Events as columns, for engines that know only columns, with what an expression needs and cannot say itself.

For the field number 3: `f3` is its text, `l3` that in lower case (the engine makes it, in its own time), `n3` its number,
`a3` its address. `row` is the event's row, `s0`, `s1`… say whether it satisfies a rule's logsource. All but `l3` are there
before the clock runs, which favours the peers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import pyarrow as pa

from benchmarks.peers.peer import CannotExpressError
from benchmarks.peers.workload import Flat
from tocsin.detect.sigma.fields import number_of, text_of
from tocsin.detect.sigma.tree import Leaf, Node, fields_of, leaves

_NUMERIC = frozenset({"number", "compare"})
_TEXT_ONLY = frozenset({"equals", "startswith", "endswith", "contains", "glob", "fieldref"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns the conditions of some rules need.

    Attributes:
        places: Field → its number.
        lowered: Fields that are asked without regard to case.
        numbers: Fields that are compared as numbers.
        addresses: Fields that are compared with networks.
    """

    places: dict[str, int]
    lowered: frozenset[str]
    numbers: frozenset[str]
    addresses: frozenset[str]

    @classmethod
    def of(cls, conditions: Iterable[Node]) -> Columns:
        """The columns that `conditions` need."""
        nodes = list(conditions)
        names = sorted(frozenset[str]().union(*map(fields_of, nodes)))
        asked = [leaf for node in nodes for leaf in leaves(node) if leaf.field is not None]
        lowered = {leaf.field for leaf in asked if leaf.op in _TEXT_ONLY and not leaf.cased}
        lowered |= {leaf.value[0] for leaf in asked if leaf.op == "fieldref"}
        return cls(
            {name: place for place, name in enumerate(names)},
            frozenset(name for name in lowered if name is not None),
            frozenset(leaf.field for leaf in asked if leaf.field is not None and leaf.op in _NUMERIC),
            frozenset(leaf.field for leaf in asked if leaf.field is not None and leaf.op == "cidr"),
        )

    def text(self, leaf: Leaf) -> str:
        """The column that a question about text reads."""
        return self.column("f" if leaf.cased or leaf.op == "regex" else "l", leaf.field)

    def column(self, kind: str, field: str | None) -> str:
        """The name of the column of `kind` (`f`, `l`, `n`, `a`).

        Raises:
            CannotExpressError: the question is about every value of the event.
        """
        if field is None:
            raise CannotExpressError("keywords: no column holds every value")
        return f"{kind}{self.places[field]}"

    def lowered_columns(self) -> list[tuple[str, str]]:
        """(text column, its lower-case column) of each that the engine is to make."""
        return [(f"f{self.places[name]}", f"l{self.places[name]}") for name in sorted(self.lowered)]

    def table(
        self, events: Sequence[Flat], rows: Sequence[int], guards: Sequence[Collection[int]] = ()
    ) -> pa.Table:
        """The events of `rows`; `guards[k]` has the rows whose `s<k>` is true."""
        made: dict[str, Any] = {"row": pa.array(rows, pa.int64())}
        for name, place in self.places.items():
            values = [events[row].get(name) for row in rows]
            made[f"f{place}"] = pa.array([text_of(value) for value in values], pa.string())
            if name in self.numbers:
                numbers = [number_of(value) for value in values]
                made[f"n{place}"] = pa.array([None if n is None else float(n) for n in numbers], pa.float64())
            if name in self.addresses:
                made[f"a{place}"] = pa.array([address(text_of(value)) for value in values], pa.string())
        for place, guard in enumerate(guards):
            inside = frozenset(guard)
            made[f"s{place}"] = pa.array([row in inside for row in rows], pa.bool_())
        return pa.table(made)


def address(text: str | None) -> str | None:
    """The address that `text` writes, so that texts sort as addresses do; None where it writes none."""
    try:
        found = ip_address((text or "").strip())
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return _sortable(mapped or found)


def address_range(network: IPv4Network | IPv6Network) -> tuple[str, str]:
    """The first and last address of `network`, as `address` writes them."""
    return _sortable(network.network_address), _sortable(network.broadcast_address)


def _sortable(found: IPv4Address | IPv6Address) -> str:
    return f"{found.version}{int(found):032x}"
