"""Which of the catalogue's switches are on here, by what the store holds: facts in place of what somebody says he collects.

1. A switch is on where an event of one of its kinds is stored; one that only adds fields, where the kind has such a column.
2. Where a family of kinds (`cloudtrail/…`, `m365/…`) is all one switch's, any kind of that family is a sign of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Final

from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.detect.sigma.catalogue.model import Catalogue, Supply, Switch
from tocsin.store.sealing import slug_of

_CHANNELS: Final = {
    "windows/Sysmon/": "Microsoft-Windows-Sysmon/Operational/",
    "linux/Sysmon/": "Linux-Sysmon/Operational/",
}
"""What the catalogue calls otherwise than events do."""


def heard_switches(kinds: Mapping[str, Collection[str]], catalogue: Catalogue = CATALOGUE) -> tuple[str, ...]:
    """Names of the switches that are on, in the catalogue's order.

    Args:
        kinds: Of each kind that is stored (`sealing.slug_of`) its columns.
        catalogue: What there is.
    """
    families = _families(catalogue)
    begun = {slug.partition("-")[0] for slug in kinds}
    return tuple(
        switch.name
        for switch in catalogue
        if switch.read
        and (
            any(_stored(one, kinds) for one in switch.supplies)
            or any(family in begun for family, names in families.items() if names == {switch.name})
        )
    )


def _stored(one: Supply, kinds: Mapping[str, Collection[str]]) -> bool:
    name = one.kind.name
    for catalogued, channel in _CHANNELS.items():
        if name.startswith(catalogued):
            name = channel + name.removeprefix(catalogued)
    columns = kinds.get(slug_of(name))
    if columns is None:
        return False
    return not one.only_fields or any(
        fnmatchcase(column, field) for column in columns for field in one.fields
    )


def _families(catalogue: Catalogue) -> dict[str, set[str]]:
    """First part of a kind's name → names of the switches that give such kinds."""
    found: dict[str, set[str]] = {}
    for switch in catalogue:
        for family in _firsts(switch):
            found.setdefault(family, set()).add(switch.name)
    return found


def _firsts(switch: Switch) -> set[str]:
    firsts = {one.kind.name.partition("/")[0] for one in switch.supplies}
    return {first for first in firsts if first.isalnum() and first == first.lower()}
