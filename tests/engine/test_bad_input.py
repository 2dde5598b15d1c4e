"""Hostile, damaged and odd files through the command line: nothing crashes, hangs or vanishes.

What can be read is read; the rest is set aside with its place and reason and counted; the exit code is 3.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard
from tests.command import JUDGE, Done, call, scan
from tests.fuzz.evtx_writer import CHUNK_BYTES, HEADER_BYTES, evtx_file

from tocsin.config import bounds

SOUND = b'{"n":1}\n{"n":2}\n{"n":3}\n'
MiB = bounds.MiB


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings and no added rules of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.chdir(home)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one sound file, which must be read whatever lies beside it."""
    inside = tmp_path / "logs"
    inside.mkdir()
    (inside / "zz-sound.json").write_bytes(SOUND)
    return inside


def degraded(done: Done, *reasons: str, events: int | None = None) -> None:
    """The scan ended with exit code 3 and these reasons (parts of them), and read `events`."""
    assert done.code == 3
    told = [one["reason"] for one in done.aside]
    for reason in reasons:
        assert any(reason.lower() in one.lower() for one in told), told
    if events is not None:
        assert done.summary["events"] == events


# --- EVTX -----------------------------------------------------------------------------------------------


def log(events: int = 60) -> bytes:
    return evtx_file(
        [{"Image": r"C:\Windows\cmd.exe", "CommandLine": f"cmd /c {n}"} for n in range(events)], 20
    )


def test_our_own_evtx_is_read(folder: Path) -> None:
    (folder / "a.evtx").write_bytes(log())
    done = scan(folder)
    assert done.code == 0
    assert done.summary["events"] == 63


def test_truncated_evtx(folder: Path) -> None:
    (folder / "a.evtx").write_bytes(log()[: HEADER_BYTES + CHUNK_BYTES + 9_000])
    done = scan(folder)
    degraded(done, "truncated")
    assert 23 < done.summary["events"] < 43
    for cut in (0, 8, 10, 5000):
        (folder / "a.evtx").write_bytes(log()[:cut])
        assert scan(folder).summary["events"] == 3
        assert scan(folder).code == (3 if cut else 0)


def test_evtx_with_a_spoilt_chunk_and_a_spoilt_record(folder: Path) -> None:
    data = bytearray(log())
    data[HEADER_BYTES + CHUNK_BYTES] ^= 0xFF  # the second chunk's magic
    data[HEADER_BYTES + 512 + 60 : HEADER_BYTES + 512 + 90] = b"\xff" * 30  # the first record's XML
    (folder / "a.evtx").write_bytes(data)
    done = scan(folder)
    degraded(done, "damaged EVTX chunk", "cannot be parsed", events=3 + 60 - 20 - 1)
    assert {one["record"] for one in done.aside} == {0, None}
    assert HEADER_BYTES + 512 in {one["offset"] for one in done.aside}


def test_rubbish_that_calls_itself_evtx(folder: Path) -> None:
    chance = random.Random(3)
    (folder / "a.evtx").write_bytes(b"ElfFile\0" + chance.randbytes(300_000))
    chunk = (
        b"ElfChnk\0"
        + chance.randbytes(504)
        + b"**\0\0"
        + struct.pack("<I", 4000)
        + chance.randbytes(CHUNK_BYTES - 520)
    )
    (folder / "b.evtx").write_bytes(log()[:HEADER_BYTES] + chunk)
    degraded(scan(folder), "damaged EVTX chunk", events=3)


# --- rubbish, bombs, giants -----------------------------------------------------------------------------


def test_binary_rubbish(folder: Path) -> None:
    chance = random.Random(1)
    for name in ("a.log", "b.json", "c.zip", "d.gz", "e.tar", "f.evtx", "g"):
        (folder / name).write_bytes(chance.randbytes(200_000))
    (folder / "h").write_bytes(bytes(100_000))
    done = scan(folder)
    degraded(done, "no format", events=3)
    assert [Path(one["source"]).name[0] for one in done.aside] == list("abcdefgh")


def test_magic_and_nothing_behind_it(folder: Path) -> None:
    magics = (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"ElfFile\0")
    for number, magic in enumerate(magics):
        (folder / f"{number}").write_bytes(magic)
        (folder / f"{number}-rubbish").write_bytes(magic + b"\xfe\x01\x80rubbish" * 100)
    done = scan(folder)
    degraded(done, events=3)
    assert len({one["source"] for one in done.aside}) == 12


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
        (b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}", "nested"),
        (b'{"a":' + b"[" * 200_000, ""),
        (b'{"n":' + b"7" * 100_000 + b"}", ""),
        (b"{" + b",".join(b'"%x":1' % n for n in range(1_000_000)) + b"}", "fields"),
        (b'{"a":"' + b"x" * (17 * MiB) + b'"}', "16 MiB"),
        (b'{"a":"' + b"\\u0000" * 3_000_000 + b'"}', "16 MiB"),
    ],
    ids=["objects", "arrays", "unclosed", "digits", "keys", "string", "escapes"],
)  # fmt: skip
@pytest.mark.parametrize("framing", ["lines", "array"])
def test_json_bombs_cost_only_themselves(folder: Path, bomb: bytes, reason: str, framing: str) -> None:
    data = SOUND + bomb + b"\n" + SOUND if framing == "lines" else b'[{"n":1},\n' + bomb + b',\n{"n":2}]\n'
    (folder / "bomb.json").write_bytes(data)
    began = time.monotonic()
    done = scan(folder)
    degraded(done, reason)
    assert done.summary["events"] >= (9 if framing == "lines" else 4)
    assert all(one["record"] is not None or one["offset"] is not None for one in done.aside)
    assert time.monotonic() - began < 15


def test_numbers_beyond_every_range_are_kept(folder: Path) -> None:
    (folder / "n.json").write_bytes(
        b'{"a":1e999,"b":-1e999,"c":99999999999999999999999,"d":-0.0,"e":1e-999,"f":NaN}\n' * 2
    )
    done = scan(folder, more=("--store", folder.parent / "store"))
    assert done.summary["events"] == 5
    assert scan(folder, more=("--store", folder.parent / "store")).summary["events"] == 0


def bomb_of(member: bytes) -> bytes:
    """A gzip file that claims 10 GiB of log lines and is quick to make: one member again and again."""
    return member * 160


@pytest.fixture(scope="module")
def lines_compressed() -> bytes:
    """64 MiB of JSON lines of 1 MiB each, as one gzip member of about 65 kB."""
    line = b'{"a":"' + b"x" * (MiB - 9) + b'"}\n'
    squeeze = zlib.compressobj(9, wbits=31)
    return b"".join([*(squeeze.compress(line) for _ in range(64)), squeeze.flush()])


def test_a_gzip_bomb_inside_gzip_stops_at_the_bound(folder: Path, lines_compressed: bytes) -> None:
    (folder / "bomb.gz").write_bytes(gzip.compress(bomb_of(lines_compressed)))
    began = time.monotonic()
    done = scan(folder)
    degraded(done, "archive bomb")
    assert 3 + 60 < done.summary["events"] < 3 + 140
    assert time.monotonic() - began < 15


def test_a_zip_bomb_stops_at_the_bound_and_members_before_it_are_read(
    folder: Path, lines_compressed: bytes
) -> None:
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", SOUND)
        archive.writestr("b.json.gz", bomb_of(lines_compressed))
        archive.writestr("c.json", SOUND)
    done = scan(folder)
    degraded(done, "archive bomb", "rest of the archive")
    assert 6 + 60 < done.summary["events"] < 6 + 140


def test_a_zip_whose_members_overlap_is_measured_by_its_size(folder: Path) -> None:
    """Many names for the same compressed bytes: each alone expands 100-fold, together they are a bomb."""
    line = b'{"a":"' + b"".join(b"%04x" % (n * 40503 % 65536) for n in range(2000)) + b"x" * 900_000 + b'"}\n'
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("0000.json"), line * 4, zipfile.ZIP_DEFLATED)
    whole = held.getvalue()
    at = whole.index(b"PK\x01\x02")
    entry, end = whole[at : whole.index(b"PK\x05\x06")], whole[whole.index(b"PK\x05\x06") :]
    end = end[:8] + struct.pack("<HHI", 3000, 3000, 3000 * len(entry)) + end[16:]
    (folder / "overlap.zip").write_bytes(whole[:at] + entry * 3000 + end)
    done = scan(folder)
    degraded(done, "archive bomb")
    assert done.summary["events"] < 3000


def test_a_line_of_50_mb_costs_one_record_and_little_memory(folder: Path) -> None:
    with (folder / "giant.log").open("wb") as file:
        file.write(b"Mar  1 03:14:07 web01 sshd[1]: sound\n")
        for _ in range(50):
            file.write(b"A" * 1_000_000)
        file.write(b"\nMar  1 03:14:08 web01 sshd[1]: sound\n")
    (folder / "giant.json").write_bytes(SOUND + b'{"a":"' + b"A" * 50_000_000 + b'"}\n' + SOUND)
    done, peak = in_a_process(folder)
    degraded(done, "16 MiB", events=3 + 2 + 6)
    assert len(done.aside) == 2
    assert peak < 400 * MiB


def in_a_process(*paths: Path) -> tuple[Done, int]:
    """A scan in a process of its own, and the most memory (bytes) that it held.

    A small process starts it: Linux counts what the one that forks held into the child's peak, and pytest grows.
    """
    command = [sys.executable, "-m", "tocsin", "scan", *map(str, paths), "--json", "--no-starter"]
    measuring = (
        "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode; "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", measuring, *command], capture_output=True, check=False)
    return Done(done.returncode, done.stdout), int(done.stderr) * 1024


# --- encodings and characters ---------------------------------------------------------------------------


def test_encodings_of_every_kind(folder: Path) -> None:
    line = "Mar  1 03:14:07 web01 sshd[1]: Failed password for müller from 203.0.113.9 port 5 ssh2\n"
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8", "latin-1", "cp1252"):
        (folder / f"{name}.log").write_bytes((line * 4).replace("web01", f"web-{name}").encode(name))
    mixed = (
        line.encode()
        + line.encode("latin-1")
        + b"Mar  1 03:14:07 web01 sshd[1]: \xff\xfe\x00\xc3\n"
        + line.encode()
    )
    (folder / "mixed.log").write_bytes(mixed)
    done = scan(folder, more=("--store", folder.parent / "store"))
    assert done.code == 0
    assert done.summary["events"] == 3 + 7 * 4 + 4


def test_a_byte_order_mark_in_the_middle_and_a_cut_character(folder: Path) -> None:
    (folder / "a.json").write_bytes(b'\xef\xbb\xbf{"a":1}\n\xef\xbb\xbf{"a":2}\n{"a":"\xe2\x82"}\n')
    (folder / "b.json").write_bytes('{"a":1}\n{"a":2}\n'.encode("utf-16")[:-1])
    done = scan(folder)
    assert done.summary["events"] == 3 + 3 + 2


def test_t_origin_and_the_whole_envelope_cannot_be_forged(folder: Path, tmp_path: Path) -> None:
    forged = (
        b'{"EventID":1,"Channel":"Security","t_origin":"simulated:x","t_event":"a:1","t_time":0,"t_auth":"mtls",'
        b'"t_stream":"x","t_seq":99,"t_logsources":[],"t_raw":"none","T_ORIGIN":"simulated:y"}\n'
    )
    (folder / "forged.json").write_bytes(forged)
    rule = tmp_path / "rule.yml"
    rule.write_text(JUDGE.format(logsource="product: windows"))
    store = tmp_path / "store"
    done = scan(folder, more=("--store", store, "--rules", rule))
    (finding,) = done.lines("finding")
    assert not finding["event_ids"][0].startswith("a:")
    shown = call("explain", done.lines("incident")[0]["id"], "--store", store).text
    assert " · simulated" not in shown
    from tocsin.store.store import Store

    with Store.read_only(store) as kept:
        events = kept.events_between(-(2**62), 2**62)
    assert {event.origin for event in events} == {"live"}
    assert {event.auth for event in events} == {"local"}
    (event,) = (event for event in events if "t_origin" in event.fields)
    assert event.fields["t_origin"] == "simulated:x"
    assert event.fields["T_ORIGIN"] == "simulated:y"
    assert event.seq == 0


TIMES = (
    "1601-01-01T00:00:00Z", "1600-12-31T23:59:59Z", "2106-02-07T06:28:16Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z", "99999-01-01T00:00:00Z", "2026-02-30T25:61:61Z", "-1", "1e30", "not a time", "",
)  # fmt: skip


def test_clocks_from_1601_to_beyond_the_calendar(folder: Path, tmp_path: Path) -> None:
    records = [
        f'{{"EventID":1,"Channel":"Security","@timestamp":"{when}","TimeCreated":"{when}","EventTime":"{when}"}}'
        for when in TIMES
    ]
    (folder / "times.json").write_text("\n".join(records) + "\n")
    (folder / "zeek.json").write_text(
        "".join(
            f'{{"ts":{ts},"uid":"C","id.orig_h":"10.0.0.1"}}\n'
            for ts in ("-11644473600", "4294967296", "1e300", "-1e300", "0", "null")
        )
    )
    (folder / "audit.log").write_text(
        "".join(
            f"type=USER_CMD msg=audit({at}.123:{n}): pid=1\n"
            for n, at in enumerate((0, 2**32, 10**18, 10**40))
        )
    )
    (folder / "a.csv").write_text("When,Text\n" + "".join(f"{when},x\n" for when in TIMES))
    columns, rule = tmp_path / "columns.yml", tmp_path / "rule.yml"
    columns.write_text("When: time\nText: message\n")
    rule.write_text(JUDGE.format(logsource="product: windows"))
    store, page = tmp_path / "store", tmp_path / "page.html"
    done = scan(folder, more=("--store", store, "--rules", rule, "--html", page, "--columns", columns))
    assert done.summary["events"] + done.summary["set_aside"] == 3 + 12 + 6 + 4 + 12
    assert len(done.lines("finding")) == 12
    assert page.read_text().endswith("</html>\n") or "</html>" in page.read_text()
    assert call("incidents", "--store", store).code == 0
    for one in done.lines("incident"):
        assert call("explain", one["id"], "--store", store).code == 0


# --- what lies in a folder ------------------------------------------------------------------------------


def test_devices_pipes_sockets_and_loops_do_not_hang(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    for name, target in (
        ("zero", "/dev/zero"),
        ("null", "/dev/null"),
        ("dangling", "/nowhere"),
        ("self", "self"),
        ("up", ".."),
    ):
        (folder / name).symlink_to(target)
    deep = folder / "deep"
    deep.mkdir()
    (deep / "down").symlink_to(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        (folder / "memory").symlink_to("/proc/self/mem")  # a regular file that cannot be read
        done = scan(folder)
    reasons = {Path(one["source"]).name: one["reason"] for one in done.aside}
    degraded(done)
    assert {"pipe", "zero", "null", "socket"} <= {
        name for name, why in reasons.items() if "No regular file" in why
    }
    assert {"dangling", "self", "memory"} <= {name for name, why in reasons.items() if "be read" in why}
    assert any("link" in why for why in reasons.values())
    assert done.summary["events"] >= 3


def test_a_path_that_is_no_log_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path / "absent", "a\0b"):
        done = scan(path)
        assert done.code == 2
        assert done.error


def test_an_empty_file_is_nothing_and_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    done = scan(tmp_path)
    assert (done.code, done.summary["sources"], done.summary["events"]) == (0, 1, 0)
    (tmp_path / "hollow").mkdir()
    degraded(scan(tmp_path / "hollow"), "no files", events=0)


def test_odd_file_names_are_only_names(tmp_path: Path) -> None:
    names = [
        b"a\x1b]0;x\x07.json",
        b"\xff\xfe.json",
        b"a\nb.json",
        "a\u202ejson".encode(),
        b"--html",
        b"-",
        b" ",
    ]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(SOUND)
    done = scan(tmp_path)
    assert (done.code, done.summary["events"]) == (0, 3 * len(names))


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    path, store = tmp_path / "growing.log", tmp_path / "store"
    line = "Mar  1 03:14:07 web01 app[1]: line %d\n"
    written = 6_000
    path.write_text("".join(line % n for n in range(written)))
    stop = threading.Event()

    def grow() -> None:
        nonlocal written
        with path.open("a") as file:
            while not stop.is_set() and written < 15_000:
                file.write(line % written)
                file.flush()
                written += 1

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        first = scan(path, more=("--store", store))
    finally:
        stop.set()
        writer.join()
    assert first.summary["events"] >= 6_000
    second = scan(path, more=("--store", store))
    both = first.summary["events"] + first.summary["set_aside"] + second.summary["events"]
    assert (
        written <= both <= written + 1
    )  # a line that was cut where it ended for the moment may be taken once more, whole
    assert scan(path, more=("--store", store)).summary["events"] == 0


def test_a_file_that_shrinks_or_goes_away_while_it_is_read(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "c.log"):
        (tmp_path / name).write_text("Mar  1 03:14:07 web01 app[1]: line\n" * 30_000)
    timer = threading.Timer(
        0.05, lambda: (os.truncate(tmp_path / "a.log", 10), (tmp_path / "c.log").unlink())
    )
    timer.start()
    done = scan(tmp_path)
    timer.join()
    assert done.code in {0, 3}
    assert done.summary["events"] >= 30_000


# --- archives -------------------------------------------------------------------------------------------


def zipped(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


def test_names_that_climb_write_nothing(folder: Path) -> None:
    members = dict.fromkeys(
        ("../../out.json", "/etc/tocsin-out.json", "..\\..\\out.json", "a/../../../out", "C:out", "con"),
        SOUND,
    )
    (folder / "a.zip").write_bytes(zipped(members))
    (folder / "b.tar").write_bytes(tarred(members))
    before = sorted(folder.parent.rglob("*"))
    done = scan(folder)
    assert (done.code, done.summary["events"]) == (0, 3 + 2 * 6 * 3)
    assert sorted(folder.parent.rglob("*")) == before
    assert not Path("/etc/tocsin-out.json").exists()


def test_links_and_devices_in_a_tar_are_not_followed(folder: Path) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, kind, target in (
            ("passwd", tarfile.SYMTYPE, "/etc/passwd"), ("hard", tarfile.LNKTYPE, "/etc/passwd"), ("pipe", tarfile.FIFOTYPE, ""),
            ("zero", tarfile.CHRTYPE, ""), ("loop", tarfile.SYMTYPE, "loop"),
        ):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.devmajor, info.devminor = kind, target, 1, 5
            archive.addfile(info)
        info = tarfile.TarInfo("real.json")
        info.size = len(SOUND)
        archive.addfile(info, io.BytesIO(SOUND))
    (folder / "a.tar").write_bytes(held.getvalue())
    done = scan(folder)
    assert done.summary["events"] == 6
    assert done.summary["sources"] == 2


def encrypted() -> bytes:
    raw = bytearray(zipped({"secret.json": SOUND, "open.json": SOUND}))
    struct.pack_into("<H", raw, raw.index(b"PK\x03\x04") + 6, 1)
    struct.pack_into("<H", raw, raw.index(b"PK\x01\x02") + 8, 1)
    return bytes(raw)


def wrong_checksum() -> bytes:
    raw = bytearray(zipped({"a.json": SOUND, "b.json": SOUND}))
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + 16, 0)
    return bytes(raw)


def nested(levels: int) -> bytes:
    data = SOUND
    for _ in range(levels):
        data = zipped({"inner": data})
    return data


NOISE = b"".join(
    b'{"n":%d,"x":"%s"}\n' % (n, random.Random(n).randbytes(8).hex().encode()) for n in range(5000)
)


@pytest.mark.parametrize(
    ("data", "reason", "events"),
    [
        (encrypted(), "encrypted", 3),
        (wrong_checksum(), "checksum", 6),
        (nested(bounds.ARCHIVE_DEPTH + 1), "nested more than", 0),
        (gzip.compress(tarred({"a.json": NOISE}))[:-5000], "truncated", None),
        (gzip.compress(NOISE)[:-100], "truncated", None),
        (zstandard.ZstdCompressor().compress(NOISE)[:-100], "truncated", None),
        (zstandard.ZstdCompressor().compress(tarred({"a.json": NOISE}))[:-10_000], "truncated", None),
        (tarred({"a.json": SOUND, "b.json": NOISE})[:-50_000], "truncated", None),
        (zipped({"a.json": NOISE})[:-30], "directory", 0),
        (gzip.compress(SOUND) + b"trailing rubbish", "damaged", 3),
        (zipped({"": SOUND, "a.json": SOUND}), "", 6),
    ],
    ids=["encrypted", "crc", "depth", "tar.gz", "gz", "zst", "tar.zst", "tar", "zip", "gz+rubbish", "nameless"],
)  # fmt: skip
def test_damaged_archives(folder: Path, data: bytes, reason: str, events: int | None) -> None:
    (folder / "damaged").write_bytes(data)
    done = scan(folder)
    if reason:
        degraded(done, reason)
    assert (
        done.summary["events"] - 3 == events if events is not None else 0 < done.summary["events"] - 3 < 5003
    )


def test_without_room_for_temporary_files_only_the_inner_archive_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zip's directory stands at its end, so one inside another archive is spooled to disk."""
    (folder / "outer.tar").write_bytes(tarred({"inner.zip": zipped({"a.json": SOUND}), "b.json": SOUND}))
    assert scan(folder).summary["events"] == 9
    monkeypatch.setattr("tempfile.tempdir", str(folder / "absent"))
    degraded(scan(folder), "spooled", events=6)


def test_an_archive_of_100_001_members_is_read_up_to_the_bound(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "ARCHIVE_MEMBERS", 100)
    members = {f"{n:03d}.json": b'{"n":1}\n' for n in range(101)}
    (folder / "a.zip").write_bytes(zipped(members))
    (folder / "b.tar").write_bytes(tarred(members))
    degraded(scan(folder), "more than 100 members", events=203)


@pytest.mark.soak
def test_archives_of_100_001_members_in_full(folder: Path) -> None:
    info = tarfile.TarInfo("a.json")
    info.size = 8
    member = info.tobuf() + b'{"n":1}\n'.ljust(512, b"\0")
    squeeze = zlib.compressobj(1, wbits=31)
    parts = [squeeze.compress(member * 1000) for _ in range(100)]
    (folder / "a.tar.gz").write_bytes(
        b"".join([*parts, squeeze.compress(member + bytes(1024)), squeeze.flush()])
    )
    (folder / "b.zip").write_bytes(zipped({f"{n}": b'{"n":1}\n' for n in range(100_001)}))
    done, peak = in_a_process(folder)
    degraded(done, "more than 100000 members", events=200_003)
    assert peak < 400 * MiB


@pytest.mark.soak
def test_a_plain_gzip_of_10_gib_stays_flat(folder: Path, lines_compressed: bytes) -> None:
    (folder / "bomb.gz").write_bytes(bomb_of(lines_compressed))
    done, peak = in_a_process(folder)
    degraded(done, "archive bomb")
    assert peak < 400 * MiB
