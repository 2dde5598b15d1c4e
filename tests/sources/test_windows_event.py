"""The quick ways through a Windows event give what the thorough ones give."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.sources.wazuh_windows import _unescaped
from tocsin.sources.windows_event import event_draft

_SYSTEM = {"EventID": 1, "Channel": "Security", "Level": 4}
_NAMES = st.sampled_from(
    [
        "Image",
        "Data",
        "Level",
        "@Image",
        "Name",
        "xmlns",
        "#text",
        "#attributes",
        "a_attributes",
        "Version",
        "x",
    ]
)
_SCALARS = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", " ", "a", "12"])
_SECTIONS = st.dictionaries(_NAMES, _SCALARS | st.lists(_SCALARS, max_size=2), max_size=4) | st.dictionaries(
    _NAMES, _SCALARS | st.dictionaries(_NAMES, _SCALARS, max_size=2), max_size=4
)


@given(_SECTIONS, _SECTIONS)
@settings(max_examples=300)
def test_a_plain_section_is_read_like_one_in_a_list(data, other):
    # a list of sections is always walked item by item
    plain = event_draft({"System": _SYSTEM, "EventData": data, "UserData": other})
    walked = event_draft({"System": _SYSTEM, "EventData": [data], "UserData": [other]})
    assert list(plain.fields.items()) == list(walked.fields.items())


@pytest.mark.parametrize(
    "system",
    [
        {"Provider": {"#attributes": {"Name": "p", "Guid": "g"}}},
        {"Provider": {"@Name": "p", "@Guid": "g"}},
        {"Provider": {"Name": "p", "Guid": "g"}},
        {"Provider_attributes": {"Name": "p", "Guid": "g"}},
        {"Provider": {"#attributes": {"Name": "p"}, "Guid": "g", "Name": "other"}},
        {"Provider": None, "Provider_attributes": {"Name": "p", "Guid": "g"}},
    ],
)
def test_attributes_in_every_spelling(system):
    fields = event_draft({"System": _SYSTEM | system}).fields
    assert (fields["Provider_Name"], fields["ProviderGuid"]) == ("p", "g")


@pytest.mark.parametrize("name", ["#attributes", "@SystemTime", "SystemTime"])
def test_the_time_is_an_attribute(name):
    stamp = "2026-03-01T08:00:00Z"
    created = {name: {"SystemTime": stamp} if name == "#attributes" else stamp}
    assert event_draft({"System": _SYSTEM | {"TimeCreated": created}}).time is not None
    assert event_draft({"System": _SYSTEM | {"TimeCreated": {}}}).time is None


@given(st.text(st.sampled_from('\\"ab\n'), max_size=12))
@settings(max_examples=300)
def test_wazuh_escapes_are_undone_only_where_every_backslash_is_one(text):
    escaped = re.fullmatch(r'(?:[^\\]|\\[\\"])*', text, re.DOTALL)
    assert _unescaped(text) == (re.sub(r'\\([\\"])', r"\1", text) if escaped else text)
