"""The catalogue against itself, against what the readers say of a channel, and against real recordings."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.sources.reading import ReadOptions, read
from tocsin.sources.windows_logsources import canonical_channel, logsources

WINDOWS = [
    supply.kind for switch in CATALOGUE if switch.name.startswith("windows") for supply in switch.supplies
]


def test_names_are_unique_and_what_is_included_exists():
    names = [switch.name for switch in CATALOGUE]
    assert len(set(names)) == len(names)
    assert {name for switch in CATALOGUE for name in switch.includes} <= set(names)


def test_a_kind_has_one_meaning():
    kinds = defaultdict(set)
    for switch in CATALOGUE:
        for supply in switch.supplies:
            kinds[supply.kind.name].add((supply.kind.logsources, tuple(sorted(supply.kind.values.items()))))
            assert supply.fields
    assert [name for name, meanings in kinds.items() if len(meanings) > 1] == []


def test_fields_that_only_add_belong_to_events_that_another_switch_makes():
    for switch in CATALOGUE:
        for supply in (s for s in switch.supplies if s.only_fields):
            makers = [
                w
                for w in CATALOGUE
                for s in w.supplies
                if s.kind.name == supply.kind.name and not s.only_fields
            ]
            assert {maker.name for maker in makers} & CATALOGUE.with_included([switch.name])


@pytest.mark.parametrize(
    "kind", [kind for kind in WINDOWS if "EventID" in kind.values], ids=lambda kind: kind.name
)
def test_the_readers_know_the_channel_by_the_same_log_sources(kind):
    (channel,), (event_id,) = kind.values["Channel"], kind.values["EventID"]
    assert logsources(canonical_channel(channel), int(event_id)) == kind.logsources


def test_every_field_of_recorded_events_is_in_the_catalogue(data):
    known: dict[tuple[str, str], set[str]] = {}
    for switch in CATALOGUE:
        for supply in (s for s in switch.supplies if "EventID" in s.kind.values):
            (channel,), (event_id,) = supply.kind.values["Channel"], supply.kind.values["EventID"]
            known.setdefault((channel.lower(), event_id), set()).update(supply.fields)
    listed = ("security", "microsoft-windows-sysmon/operational", "microsoft-windows-powershell/operational")
    surprises = set()
    for batch in read([str(path) for path in sorted((data / "evtx").rglob("*.evtx"))], ReadOptions(ingest=0)):
        for event in batch:
            kind = (str(event.fields.get("Channel")).lower(), str(event.fields.get("EventID")))
            if kind[0] in listed:
                surprises |= {(*kind, name) for name in event.fields if name not in known.get(kind, ())}
    assert {surprise for surprise in surprises if surprise[2] != "EventData.Version"} == set()
