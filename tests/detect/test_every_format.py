"""A realistic record of every format makes the typed claim that it should, through detection and the reader."""

from __future__ import annotations

import pytest
from tests.detect.every_format import RECORDS

from tocsin.detect.claims import claims_of
from tocsin.records.instants import parse_rfc3339
from tocsin.sources.reading import ReadOptions, read
from tocsin.sources.recognise import format_names

CASES = [
    pytest.param(name, text, claims, id=f"{name}-{number}")
    for name, cases in RECORDS.items()
    for number, (text, claims) in enumerate(cases)
]


def test_there_is_a_record_of_every_format():
    assert set(RECORDS) == set(format_names())


@pytest.mark.parametrize(("name", "text", "claims"), CASES)
def test_claims(name, text, claims, tmp_path):
    path = tmp_path / "some.log"
    path.write_text(text, encoding="utf-8")
    batches = list(read([str(path)], ReadOptions(ingest=parse_rfc3339("2026-03-02T00:00:00Z"))))
    events = [event for batch in batches for event in batch]
    assert [aside for batch in batches for aside in batch.set_aside] == []
    assert {event.format for event in events} == {"evtx" if name == "windows-xml" else name}
    assert tuple(claims_of(event)[0].type for event in events) == claims
