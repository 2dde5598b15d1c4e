"""The nouns of the catalogue: which kinds of event there are, and which switch makes them and their fields arrive.

A *kind* is one shape of event (Windows Security 4688, Zeek `conn`). A *switch* is one thing an organisation turns on or
collects; it makes kinds arrive, or adds fields to a kind that another switch gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tocsin.records.event import Logsource

UNREAD = "wait until Tocsin reads it"
"""How to have a log that is known and not read."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One shape of event.

    Attributes:
        name: Unique, e.g. `Security/4688` or `zeek/conn`.
        logsources: Every Sigma logsource that such an event satisfies.
        values: Fields that can only hold these values in this kind, e.g. {"EventID": {"4688"}}.
    """

    name: str
    logsources: frozenset[Logsource]
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Supply:
    """What one switch gives of one kind.

    Attributes:
        fields: Field names; one that ends in `*` stands for every name with that beginning.
        only_fields: True where the switch adds fields to events that another switch makes.
    """

    kind: Kind
    fields: frozenset[str]
    only_fields: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that an organisation collects or turns on.

    Attributes:
        name: What the command line takes, e.g. `windows-cmdline`.
        title: What it is, in plain words.
        how: What a person does to have it, as an order: "switch on …".
        includes: Switches that come with it.
        read: False where Tocsin has no reader for it yet: known, but nothing can fire on it.
    """

    name: str
    title: str
    how: str
    supplies: tuple[Supply, ...]
    includes: tuple[str, ...] = ()
    read: bool = True


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every switch, in the order in which they are told to people."""

    switches: tuple[Switch, ...]

    def __iter__(self) -> Iterator[Switch]:
        return iter(self.switches)

    def switch(self, name: str) -> Switch | None:
        """The switch called `name`."""
        return next((switch for switch in self.switches if switch.name == name), None)

    def with_included(self, names: Iterable[str]) -> frozenset[str]:
        """`names` and every switch that comes with them; names that the catalogue lacks are left out."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            switch = self.switch(waiting.pop())
            if switch is not None and switch.name not in found:
                found.add(switch.name)
                waiting += switch.includes
        return frozenset(found)

    @property
    def readable(self) -> frozenset[str]:
        """Names of the switches whose logs Tocsin can read."""
        return frozenset(switch.name for switch in self.switches if switch.read)


def kind(name: str, *logsources: tuple[str | None, str | None, str | None], **values: str) -> Kind:
    """A kind of event; each of `logsources` is (product, category, service), each of `values` a space-separated list."""
    return Kind(
        name,
        frozenset(Logsource(*parts) for parts in logsources),
        {name: frozenset(text.split()) for name, text in values.items()},
    )


def supply(of: Kind, fields: str, *, only_fields: bool = False) -> Supply:
    """What a switch gives of kind `of`; `fields` is a space-separated list, `*` for any."""
    return Supply(of, frozenset(fields.split()), only_fields)
