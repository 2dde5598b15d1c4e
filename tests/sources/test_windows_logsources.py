"""The table of Windows log sources covers what public rules ask for."""

from __future__ import annotations

import pytest
import yaml

from tocsin.records.event import Logsource
from tocsin.sources.windows_logsources import (
    CATEGORIES,
    CHANNELS,
    SERVICES,
    SYSMON,
    canonical_channel,
    logsources,
)

ETW_ONLY = {"file_access", "file_rename"}


def test_every_windows_logsource_of_the_public_rules_is_in_the_table(data):
    asked = set()
    for path in (data / "sigma").rglob("*.yml"):
        for rule in yaml.load_all(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            source = (rule or {}).get("logsource", {})
            if source.get("product") == "windows":
                asked.add(Logsource("windows", source.get("category"), source.get("service")))
    given = {one for channel, number in CATEGORIES for one in logsources(channel, number)}
    given |= {
        one for channels in SERVICES.values() for channel in channels for one in logsources(channel, 99999)
    }
    missing = {one for one in asked if not any(have.satisfies(one) for have in given)}
    assert {one.category for one in missing} == ETW_ONLY
    assert len(asked) > 60


@pytest.mark.parametrize(
    ("number", "event_type", "categories"),
    [
        (12, "CreateKey", {"registry_add", "registry_event"}),
        (12, "DeleteKey", {"registry_delete", "registry_event"}),
        (12, "DeleteValue", {"registry_delete", "registry_event"}),
        (12, "INFO", {"registry_add", "registry_delete", "registry_event"}),
        (13, "SetValue", {"registry_set", "registry_event"}),
        (1, "", {"process_creation"}),
        (30, "", {None}),
    ],
)
def test_sysmon(number, event_type, categories):
    found = logsources(SYSMON, number, event_type)
    assert {one.category for one in found} == categories
    assert {(one.product, one.service) for one in found} == {("windows", "sysmon")}


def test_every_category_stands_on_a_known_channel():
    assert {channel for channel, _ in CATEGORIES} <= set(CHANNELS.values())


def test_channels_in_any_case():
    assert canonical_channel("security") == "Security"
    assert canonical_channel("MICROSOFT-WINDOWS-SYSMON/OPERATIONAL") == SYSMON
    assert canonical_channel("Some Vendor/Log") == "Some Vendor/Log"
    assert logsources("Some Vendor/Log", 1) == {Logsource("windows", None, None)}
