"""EVTX: every record counted, whatever is damaged; and a parser that hangs, dies or lies costs only its chunk."""

from __future__ import annotations

import io
import random
import struct

import evtx
import pytest
from tests.sources.reads import everything

from tocsin.config import bounds
from tocsin.sources import evtx_worker
from tocsin.sources.content import Content
from tocsin.sources.evtx_file import CHUNK_BYTES, HEADER_BYTES, EvtxFile, head, record_bytes
from tocsin.sources.evtx_parser import EvtxParser


@pytest.fixture(scope="module")
def parser():
    with EvtxParser() as one:
        yield one


@pytest.fixture(scope="module")
def logs(data):
    return sorted((data / "evtx").rglob("*.evtx"))


def read(data, parser):
    return list(EvtxFile(Content(io.BytesIO(data)), parser))


def test_every_record_of_every_log_is_read(logs, parser):
    """The independent counts: the library on the whole file, and the record numbers in the chunk headers."""
    for path in logs:
        data = path.read_bytes()
        chunks = range(HEADER_BYTES, len(data), CHUNK_BYTES)
        numbers = [
            struct.unpack_from("<QQ", data, at + 24) for at in chunks if data[at : at + 8] == b"ElfChnk\0"
        ]
        claimed = sum(last - first + 1 for first, last in numbers if last < 2**63)
        whole = [one["data"] for one in evtx.PyEvtxParser(str(path), 1).records_json()]
        found = read(data, parser)
        assert [one.raw for one in found] == whole
        assert len(found) == claimed
        assert all(one.value is not None for one in found)
        assert all(data[one.offset : one.offset + 4] == b"**\0\0" for one in found)


def test_a_damaged_record_keeps_its_ordinal_and_its_neighbours(logs, parser):
    data = bytearray(next(path for path in logs if len(read(path.read_bytes(), parser)) > 20).read_bytes())
    sound = read(bytes(data), parser)
    data[sound[5].offset + 24 : sound[5].offset + 60] = b"\xff" * 36
    found = read(bytes(data), parser)
    assert len(found) == len(sound)
    assert found[5].value is None
    assert found[5].reason
    assert [one.raw for one in found[:5]] == [one.raw for one in sound[:5]]


def test_damaged_and_truncated_files_are_told(logs, parser):
    data = next(path for path in logs if path.stat().st_size > HEADER_BYTES + 3 * CHUNK_BYTES).read_bytes()
    sound = read(data, parser)
    second = HEADER_BYTES + CHUNK_BYTES
    spoilt = read(data[:second] + b"X" + data[second + 1 :], parser)
    assert [one.counted for one in spoilt].count(False) == 1
    assert any("damaged EVTX chunk" in one.reason for one in spoilt)
    assert len(spoilt) < len(sound)
    cut = read(data[: second + 20_000], parser)
    assert 0 < sum(one.value is not None for one in cut) < len(sound)
    assert "truncated" in cut[-1].reason
    assert "header" in read(data[:100], parser)[0].reason


def test_random_damage_never_raises_and_every_record_header_is_accounted_for(logs, parser):
    chance = random.Random(7)
    for _ in range(150):
        data = bytearray(chance.choice(logs).read_bytes()[: HEADER_BYTES + CHUNK_BYTES])
        for _ in range(chance.choice((1, 5, 50))):
            data[chance.randrange(HEADER_BYTES + 512, len(data))] = chance.randrange(256)
        for one in read(bytes(data), parser):
            assert (one.value is None) == bool(one.reason)


def test_a_parser_that_hangs_is_killed_and_the_next_chunk_is_read(logs, monkeypatch):
    monkeypatch.setattr(
        "tocsin.sources.evtx_parser._COMMAND",
        (__import__("sys").executable, "-c", "import sys,time; sys.stdin.buffer.read(10); time.sleep(60)"),
    )
    with EvtxParser(seconds=0.2) as hangs:
        found = read(logs[0].read_bytes()[: HEADER_BYTES + CHUNK_BYTES], hangs)
        assert found
        assert all("longer than 0.2 seconds" in one.reason for one in found)
        monkeypatch.undo()
        hangs._seconds = 10
        assert all(one.value is not None for one in read(logs[0].read_bytes(), hangs))


def test_a_file_of_chunks_that_kill_the_parser_ends_after_a_few(tmp_path, data, monkeypatch):
    monkeypatch.setattr(
        "tocsin.sources.evtx_parser._COMMAND", (__import__("sys").executable, "-c", "raise SystemExit(3)")
    )
    log = next(path for path in sorted((data / "evtx").rglob("*.evtx"))).read_bytes()
    chunk = log[HEADER_BYTES : HEADER_BYTES + CHUNK_BYTES]
    (tmp_path / "x.evtx").write_bytes(log[:HEADER_BYTES] + chunk * 20)
    events, aside = everything(tmp_path)
    assert not events
    assert f"{bounds.EVTX_FAILURES} chunks" in aside[-1].reason


def test_the_worker_answers_rubbish_with_a_reason():
    answer = evtx_worker.parse(b"rubbish")
    assert b"cannot be parsed" in answer
    answers = io.BytesIO()
    evtx_worker.serve(io.BytesIO(struct.pack("<I", 3) + b"abc"), answers)
    assert answers.getvalue()[4:] == evtx_worker.parse(b"abc")


def test_the_content_of_a_log_is_its_records_alone(logs, parser):
    data = logs[0].read_bytes()
    grown = bytearray(data)
    grown[24:48] = b"\xaa" * 24  # counters of the file header
    grown[HEADER_BYTES + 16 : HEADER_BYTES + 56] = b"\xaa" * 40  # counters and checksum of the chunk header
    with record_bytes(io.BytesIO(bytes(grown))) as again:
        parts = []
        while block := again.read(1 << 20):
            parts.append(block)
    whole = b"".join(parts)
    file = EvtxFile(Content(io.BytesIO(data)), parser)
    assert list(file)
    assert len(whole) == file.size
    assert whole.startswith(head(data, 1024))
    assert head(data, 1024) == head(bytes(grown), 1024)


def test_heads_differ_where_files_do(logs):
    heads = {head(path.read_bytes(), 1024) for path in logs}
    assert len(heads) == len({path.read_bytes() for path in logs})
