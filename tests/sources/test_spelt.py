"""What a Windows event's texts are made of stands in its record, so that keywords may be looked for there."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.detect.sigma.fields import every_value, text_of
from tocsin.sources.reading import ReadOptions, read

_RUN = re.compile(r"[ !#-.0-\[\]-~]{3,}")
"""What JSON never must escape; `raw_keywords.py` looks for such runs."""


def _events(path):
    return [event for batch in read([str(path)], ReadOptions(ingest=7)) for event in batch]


def _unspelt_runs(event):
    # who searches looks after `\\u0026` and the like himself
    searched = f"{json.dumps(json.loads(event.raw), ensure_ascii=False)}\n{event.unspelt}"
    texts = (text_of(value) or "" for value in every_value(event.fields))
    return [run for text in texts for run in _RUN.findall(text) if run not in searched]


def test_every_text_of_recordings_stands_in_their_records(data):
    logs = sorted((data / "evtx").rglob("*.evtx"))[::4]
    winlogbeat = min((data / "otrf").rglob("*.tar.gz"), key=lambda path: path.stat().st_size)
    for path in (*logs, winlogbeat):
        for event in _events(path):
            assert event.unspelt is not None
            assert not _unspelt_runs(event)


_TEXT = st.text(st.sampled_from('ab /:\\"\n\u00e4CreateKey'), max_size=12)
_DATA = st.dictionaries(
    st.sampled_from(["Image", "User", "Data", "param1", "ProcessId", "MandatoryLabel", "NewProcessName"]),
    _TEXT | st.sampled_from(["0x1f04", "S-1-16-12288", "corp", "C:\\\\Windows\\\\a.exe", '\\"x\\" abc']),
    max_size=4,
)
_SORTS = st.sampled_from([("Security", 4688), ("security", 4624), ("Windows PowerShell", 800), ("Any", 1)])


def _evtx(channel, number, data):
    return {"Event": {"System": {"Channel": channel, "EventID": number}, "EventData": data}}


def _winlogbeat(channel, number, data):
    return {"winlog": {"channel": channel, "event_id": number, "event_data": data}, "message": "any message"}


def _wazuh(channel, number, data):
    return {"data": {"win": {"system": {"channel": channel, "eventID": str(number)}, "eventdata": data}}}


@given(st.sampled_from([_evtx, _winlogbeat, _wazuh]), _SORTS, _DATA)
@settings(max_examples=150)
def test_every_text_of_any_event_stands_in_its_record(tmp_path_factory, shape, sort, data):
    path = tmp_path_factory.mktemp("spelt") / "log.json"
    path.write_text(json.dumps(shape(*sort, data), ensure_ascii=False) + "\n")
    (event,) = _events(path)
    assert event.unspelt is not None
    assert not _unspelt_runs(event)


def test_a_process_id_in_hexadecimal_is_added(tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json.dumps(_evtx("Security", 4688, {"ProcessId": "0x1f04"})) + "\n")
    (event,) = _events(path)
    assert event.fields["ParentProcessId"] == 0x1F04
    assert "7940" in event.unspelt.split("\n")


@pytest.mark.parametrize(
    "text",
    ["<Event><System><Channel>Security</Channel><EventID>1</EventID></System></Event>\n", '{"a": 1}\n'],
)
def test_nothing_is_said_of_records_that_are_no_json_or_no_windows_events(tmp_path, text):
    path = tmp_path / "log"
    path.write_text(text)
    (event,) = _events(path)
    assert event.unspelt is None
