"""Archives of every kind, sound and hostile: what can be read is read, the rest is told, nothing is written by name."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from functools import partial
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources.reads import everything

from tocsin.config import bounds
from tocsin.records.event import SetAside
from tocsin.sources.containers import open_file
from tocsin.sources.content import ReadingStopped

LINES = b"".join(b'{"n":%d}\n' % n for n in range(2000))


def zipped(members, **options):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 2, 29, 12, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def tarred(members, form=tarfile.PAX_FORMAT):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


def zst(data):
    return zstandard.ZstdCompressor().compress(data)


def listed(tmp_path, data, name="file"):
    """{source without its folder: content} and the set-aside entries of a file that holds `data`."""
    path = tmp_path / name
    path.write_bytes(data)
    found, aside = {}, []
    for one in open_file(path, name):
        if isinstance(one, SetAside):
            aside.append(one)
            continue
        parts = []
        try:
            while block := one.content.read():
                parts.append(block)
        except ValueError as stopped:
            aside.append(str(stopped))
        found[one.source] = b"".join(parts)
    return found, aside


@pytest.mark.parametrize(
    ("name", "data", "sources"),
    [
        ("a.json", LINES, ["a.json"]),
        ("a.json.gz", gzip.compress(LINES), ["a.json.gz"]),
        ("two.gz", gzip.compress(LINES[:100]) + gzip.compress(LINES[100:]), ["two.gz"]),
        ("a.zst", zst(LINES), ["a.zst"]),
        ("two.zst", zst(LINES[:100]) + zst(LINES[100:]), ["two.zst"]),
        ("a.zip", zipped({"x.json": LINES, "d/": b"", "d/y.json": LINES, "__MACOSX/._x.json": b"rubbish"}), ["a.zip!x.json", "a.zip!d/y.json"]),
        ("a.tar", tarred({"x.json": LINES}), ["a.tar!x.json"]),
        ("gnu.tar", tarred({"x" * 200: LINES}, tarfile.GNU_FORMAT), ["gnu.tar!" + "x" * 200]),
        ("wrongly-named.txt", gzip.compress(tarred({"x.json": LINES})), ["wrongly-named.txt!x.json"]),
        ("a.tar.zst", zst(tarred({"x.json": LINES})), ["a.tar.zst!x.json"]),
        ("deep.tar.gz", gzip.compress(tarred({"i.zip": zipped({"x.gz": gzip.compress(LINES)})})), ["deep.tar.gz!i.zip!x.gz"]),
    ],
)  # fmt: skip
def test_every_container_is_told_by_its_bytes(tmp_path, name, data, sources):
    found, aside = listed(tmp_path, data, name)
    assert list(found) == sources
    assert set(found.values()) == {LINES}
    assert not aside


def test_too_deep_nesting_is_set_aside(tmp_path):
    data = LINES
    for _ in range(bounds.ARCHIVE_DEPTH + 1):
        data = gzip.compress(data)
    found, (aside,) = listed(tmp_path, data)
    assert not found
    assert "nested" in aside.reason


@pytest.mark.parametrize("compress", [gzip.compress, zst])
@pytest.mark.parametrize("cut", [0.3, 0.9, 0.999])
def test_truncation_keeps_what_came_before(tmp_path, compress, cut):
    noise = bytes(range(256)) * 200 + LINES * 20
    data = compress(noise)
    found, aside = listed(tmp_path, data[: int(len(data) * cut)])
    (kept,) = found.values()
    assert noise.startswith(kept)
    assert "truncated" in str(aside[0])


def test_a_wrong_checksum_keeps_the_content_and_is_told(tmp_path):
    data = bytearray(gzip.compress(LINES))
    data[-6] ^= 0xFF
    found, aside = listed(tmp_path, bytes(data))
    assert list(found.values()) == [LINES]
    assert "damaged" in aside[0]
    raw = zipped({"x": LINES, "y": LINES})
    at = raw.index(b"PK\x01\x02") + 16
    found, aside = listed(tmp_path, raw[:at] + b"\0\0\0\0" + raw[at + 4 :])
    assert list(found.values()) == [LINES, LINES]
    assert "checksum" in aside[0]


def test_an_encrypted_member_is_told_and_the_others_are_read(tmp_path):
    raw = bytearray(zipped({"secret": LINES, "open": LINES}))
    local, central = raw.index(b"PK\x03\x04"), raw.index(b"PK\x01\x02")
    struct.pack_into("<H", raw, local + 6, 1)
    struct.pack_into("<H", raw, central + 8, 1)
    found, (aside,) = listed(tmp_path, bytes(raw), "a.zip")
    assert found == {"a.zip!open": LINES}
    assert aside.source == "a.zip!secret"
    assert "encrypted" in aside.reason


def test_a_truncated_zip_and_tar(tmp_path):
    raw = zipped({"x": LINES})
    found, (aside,) = listed(tmp_path, raw[: len(raw) // 2])
    assert not found
    assert "directory" in aside.reason
    raw = tarred({"x": LINES, "y": LINES})
    found, aside = listed(tmp_path, raw[: len(raw) // 2])
    assert found["file!x"] == LINES
    assert "truncated" in str(aside[-1])


def test_a_bad_header_inside_a_tar_is_never_its_silent_end(tmp_path):
    raw = bytearray(tarred({"x": LINES, "y": LINES, "z": LINES}))
    raw[512 + (len(LINES) + 511) // 512 * 512 + 150] ^= 0x55
    found, aside = listed(tmp_path, bytes(raw))
    assert list(found) == ["file!x"]
    assert "damaged" in aside[0].reason


def test_a_tar_header_that_claims_a_giant_name_costs_no_memory(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 6 * bounds.GiB
    found, (aside,) = listed(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + bytes(100_000))
    assert not found
    assert "impossible size" in aside.reason


@pytest.mark.parametrize("bomb", ["gz", "zst", "zip", "gz in gz", "tar.gz"])
def test_bombs_stop_at_the_bounds(tmp_path, monkeypatch, bomb):
    monkeypatch.setattr(bounds, "EXPANSION_FREE_BYTES", bounds.MiB)
    monkeypatch.setattr(bounds, "EXPANSION_RATIO", 100)
    zeros = bytes(32 * bounds.MiB)
    data = {
        "gz": lambda: gzip.compress(zeros),
        "zst": lambda: zst(zeros),
        "zip": lambda: zipped({"a": zeros, "b": zeros, "c": LINES}),
        "gz in gz": lambda: gzip.compress(gzip.compress(zeros)),
        "tar.gz": lambda: gzip.compress(tarred({"a": zeros, "b": zeros})),
    }[bomb]()
    found, aside = listed(tmp_path, data)
    assert sum(map(len, found.values())) < 16 * bounds.MiB
    assert any("bomb" in str(one) for one in aside)


def test_names_that_climb_are_only_labels(tmp_path):
    (tmp_path / "in").mkdir()
    evil = {
        "../../evil.json": b'{"a":1}',
        "/etc/evil": b'{"a":2}',
        "C:\\evil": b'{"a":3}',
        "a\x1b[31m": b'{"a":4}',
    }
    for name, data in (("e.zip", zipped(evil)), ("e.tar", tarred(evil))):
        (tmp_path / "in" / name).write_bytes(data)
    before = sorted(Path(tmp_path).rglob("*"))
    events, aside = everything(tmp_path / "in")
    assert len(events) == 8
    assert not aside
    assert any(one.source.endswith("e.tar!../../evil.json") for one in events)
    assert sorted(Path(tmp_path).rglob("*")) == before


def test_member_times_are_passed_on(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"x": b'{"a":1}'}))
    (tmp_path / "b.tar").write_bytes(tarred({"x": b'{"a":1}'}))
    events, _ = everything(tmp_path)
    assert [one.time for one in events] == [1_709_208_000_000_000, 1_700_000_000_000_000]
    assert not any(one.time_known for one in events)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("plain", LINES), ("a.gz", gzip.compress(LINES)), ("a.zst", zst(LINES)), ("a.zip", zipped({"x": LINES})),
        ("a.tar.gz", gzip.compress(tarred({"x": LINES}))), ("n.gz", gzip.compress(zipped({"x": LINES}))),
    ],
)  # fmt: skip
def test_content_can_be_opened_again_before_it_is_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    (one,) = open_file(tmp_path / name, name)  # a generator that is closed at once would close the file
    for one in open_file(tmp_path / name, name):
        with one.content.open_again() as again:
            parts = []
            while block := again.read(1000):
                parts.append(block)
        assert b"".join(parts) == LINES
        assert one.content.exactly(len(LINES) + 1) == LINES


@given(st.binary(max_size=60), st.integers(0, 400), st.sampled_from(["gz", "zst", "zip", "tar", "tar.gz"]))
@settings(max_examples=150)
def test_no_damage_makes_an_archive_raise(tmp_path_factory, spoilt, at, kind):
    raw = {
        "gz": gzip.compress(LINES, mtime=0), "zst": zst(LINES), "zip": zipped({"x": LINES[:500], "y": LINES[:500]}),
        "tar": tarred({"x": LINES[:500], "y": LINES[:500]}), "tar.gz": gzip.compress(tarred({"x": LINES[:500]}), mtime=0),
    }[kind]  # fmt: skip
    at = at * len(raw) // 400
    listed(tmp_path_factory.mktemp("d"), raw[:at] + spoilt + raw[at + len(spoilt) :])


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lambda data: zipped({"a": data})])
def test_a_second_reading_has_a_budget_too(tmp_path, pack, monkeypatch):
    """A store measures content before it is read."""
    monkeypatch.setattr(bounds, "EXPANSION_FREE_BYTES", 1 << 20)
    monkeypatch.setattr(bounds, "EXPANSION_RATIO", 10)
    path = tmp_path / "bomb"
    path.write_bytes(pack(b"0" * (8 << 20)))
    (opened,) = [next(open_file(path, "bomb"))]
    with opened.content.open_again() as again, pytest.raises(ReadingStopped, match="bomb"):
        list(iter(partial(again.read, 65536), b""))
