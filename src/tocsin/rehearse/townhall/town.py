"""The way in: one day of a town hall's logs from a seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from random import Random
from types import MappingProxyType

import orjson

from tocsin.records.instants import MINUTE
from tocsin.rehearse.townhall import firewall, intrusion, linux, microsoft365, technician, web, windows
from tocsin.rehearse.townhall.day import Scene, set_scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats.windows import number
from tocsin.rehearse.townhall.hosts import lay_network
from tocsin.rehearse.townhall.intrusion import Intrusion
from tocsin.rehearse.townhall.people import found_town

_BLOB = 15 * MINUTE
"""The audit service publishes its records in pieces of about this length, each service's at its own pace."""


PLAYED_ON = date(2026, 3, 12)
"""The day that is played unless another is asked for: a Thursday. It is fixed so that a seed tells one story for ever."""


@dataclass(frozen=True, slots=True)
class Label:
    """A record that the intrusion left.

    Attributes:
        source: Name of the file, as in `GeneratedDay.files`.
        record: 0-based ordinal of the record in it.
        stage: Name of the stage, one of `GeneratedDay.intrusion.stages`.
    """

    source: str
    record: int
    stage: str


@dataclass(frozen=True, slots=True)
class GeneratedDay:
    """A simulated day.

    Attributes:
        files: Relative file name to content, as the products write it.
        labels: Every record of the intrusion; all others are ordinary.
        events: Records in all files.
    """

    seed: int
    date: date
    scene: Scene
    intrusion: Intrusion
    files: Mapping[str, bytes]
    labels: tuple[Label, ...]
    events: int


def generate(seed: int, when: date = PLAYED_ON) -> GeneratedDay:
    """The day `when` of the town that `seed` founds: the same arguments give the same bytes.

    Syslog lines carry no year (RFC 3164): who writes the files to disk sets their modification time to
    `scene.day.end`, as rotated logs have it.
    """
    source = Random(seed)  # noqa: S311  a simulation that must repeat, nothing secret

    def stream() -> Random:
        """A source of its own for each part, so that one part's changes leave the others alone."""
        return Random(source.getrandbits(64))  # noqa: S311

    town = found_town(stream())
    network = lay_network(stream(), town)
    scene = set_scene(stream(), town, network, when)
    entries: list[Entry] = []
    for family in (microsoft365, windows, technician, linux, firewall, web):
        entries += family.ordinary(stream(), scene)
    plan = intrusion.plan(stream(), scene)
    entries += plan.entries
    return _bind(seed, when, scene, plan, entries)


def _bind(seed: int, when: date, scene: Scene, plan: Intrusion, entries: list[Entry]) -> GeneratedDay:
    shelves: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if scene.day.start <= entry.time < scene.day.end:
            shelves[entry.file].append(entry)
    files: dict[str, bytes] = {}
    labels: list[Label] = []
    for name in sorted(shelves):
        written = _in_order(name, shelves[name])
        files[name] = _content(name, written)
        labels += [Label(name, place, entry.stage) for place, entry in enumerate(written) if entry.stage]
    events = sum(map(len, shelves.values()))
    return GeneratedDay(seed, when, scene, plan, MappingProxyType(files), tuple(labels), events)


def _in_order(name: str, entries: list[Entry]) -> list[Entry]:
    if name.startswith("microsoft365/"):
        return sorted(entries, key=_published)
    written = sorted(entries, key=lambda entry: entry.time)
    if name.startswith("windows/"):
        number(written)
    return written


def _published(entry: Entry) -> tuple[int, str, int]:
    """When an audit record becomes readable: its service's pieces come whole, Entra's latest."""
    assert isinstance(entry.body, dict)
    workload = entry.body["Workload"]
    lag = 25 * MINUTE if workload == "AzureActiveDirectory" else 10 * MINUTE
    return entry.time // _BLOB * _BLOB + lag, workload, entry.time


def _content(name: str, entries: list[Entry]) -> bytes:
    if name.endswith(".log"):
        return "".join(f"{entry.body}\n" for entry in entries).encode()
    objects = [orjson.dumps(entry.body) for entry in entries]
    if name.endswith(".json"):
        return b"[\n" + b",\n".join(objects) + b"\n]\n"
    return b"\n".join(objects) + b"\n"
