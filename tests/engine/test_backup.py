"""Backups of a store in use, and what comes back of them: everything up to one position, once, or a clear refusal."""

from __future__ import annotations

import io
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyrage
import pytest
from tests.command import call
from tests.running_service import PATIENCE, Running, Sender

from tocsin.config.tokens import add_token
from tocsin.engine import archive, backing_up
from tocsin.engine.backing_up import BackupRequest, back_up
from tocsin.engine.examining import examine_backup
from tocsin.engine.restoring import restore
from tocsin.engine.serving import reads
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch
from tocsin.records.instants import HOUR
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.compaction import merge
from tocsin.store.disk import Disk
from tocsin.store.snapshot import held_still, snapshot
from tocsin.store.store import Store

ALL = (-(2**62), 2**62)
NOON = 490_000 * HOUR
SECRET, PUBLIC = archive.new_key()


def event(seq: int, size: int = 100) -> Event:
    raw = random.Random(seq).randbytes(size).hex()
    return Event("s", seq, NOON + seq, NOON + seq % 3 * HOUR, frozenset(), {"n": seq}, raw, "a", "json")


def filled(root: Path, size: int = 100, seal: int = 20, log: int = 5) -> Path:
    """A store of sealed events, and some that stand in the log."""
    with Store.open(root) as store:
        store.commit(store.append(EventBatch.of(event(seq, size) for seq in range(seal))).position)
        store.seal(all_of_it=True)
        for seq in range(seal, seal + log):
            store.append(EventBatch.of([event(seq, size)]))
    return root


def request(store: Path, to: Path, number: int = 0, **more) -> BackupRequest:
    return BackupRequest(store, to, [PUBLIC], NOON + number * 1_000_000, **more)


def seqs(root: Path) -> list[int]:
    with Store.read_only(root) as store:
        return sorted(one.seq for one in store.events_between(*ALL))


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backup")
    return back_up(request(filled(folder / "store"), folder / "one.age")).path


def test_what_comes_back_is_what_was_there(tmp_path: Path) -> None:
    root = filled(tmp_path / "store")
    written = event(20).raw.encode()[:32]
    assert any(written in path.read_bytes() for path in root.rglob("*") if path.is_file()), "in clear here"
    done = back_up(request(root, tmp_path, verify=True))
    assert done.path.stat().st_mode & 0o777 == 0o600
    assert written not in done.path.read_bytes()
    restored = restore(done.path, tmp_path / "new", SECRET)
    assert restored.store == tmp_path / "new" / "data"
    assert (restored.files, restored.events) == (3, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "store", done.path.name]
    assert not list(root.glob("state.sqlite.backup*"))
    last = seqs(restored.store)
    assert last == list(range(len(last))), "no hole"
    assert len(last) >= 24, "at most the last entry cannot be proven to be synced by who only reads"
    with Store.open(restored.store) as store:
        assert [len(entry.batch) for _, entry in store.pending()] == [1] * (len(last) - 20)


def test_merged_files_come_back(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with Store.open(root) as store:
        for seq in range(40):  # over more than a day
            later = replace(event(seq), ingest=NOON + seq * HOUR)
            store.commit(store.append(EventBatch.of([later])).position)
            store.seal(all_of_it=True)
        merged = [merge(group, root, Disk()) for group in store.upkeep.mergeable()]
        assert merged
        for one in merged:
            store.upkeep.merged(one)
    done = back_up(request(root, tmp_path))
    restored = restore(done.path, tmp_path / "new", SECRET)
    assert restored.store is not None
    assert restored.last == NOON + 39 * HOUR
    assert seqs(restored.store) == list(range(40))


def test_under_load_nothing_up_to_its_position_is_lost_and_what_came_after_is_not_doubled(
    tmp_path: Path,
) -> None:
    box = tmp_path / "box"
    box.mkdir()
    (box / "tocsin.toml").write_text('[run]\ndata = "data"\n[run.http]\nlisten = ["127.0.0.1:0"]\n')
    token = add_token(box / "tokens", "shipper", 0)
    assert call("--config", box / "tocsin.toml", "backup", "--new-key", "--json").lines("recovery_key")[0][
        "secret"
    ]
    running = Running(box, tmp_path / "out")
    senders = [Sender(number, token) for number in range(3)]
    for one in senders:
        one.port = running.port()
        one.start()
    try:
        made = []
        for _ in range(2):
            before = acknowledged(senders, len(made) * 50 + 50)
            acknowledged(senders, len(before) + 60)  # another group was written behind them
            made.append((before, backed_up(box, tmp_path / f"{len(made)}.age")))
        after = acknowledged(senders, len(before) + 200)
    finally:
        for one in senders:
            one.ended.set()
            one.join()
    running.stop()
    original = told(box / "data")
    for number, (before, path) in enumerate(made):
        assert not restore(path, tmp_path / f"new{number}", SECRET).damaged
        held = Counter(marks(tmp_path / f"new{number}" / "data"))
        assert [mark for mark in before if mark not in held] == []
        assert set(held.values()) == {1}
    resend(tmp_path, tmp_path / "new1", token, set(after) - set(marks(tmp_path / "new1" / "data")))
    assert Counter(marks(tmp_path / "new1" / "data")) == Counter(after)
    again = told(tmp_path / "new1" / "data")
    assert set(again.values()) == {1}, "no event is the evidence of two findings"
    assert sum(again.values()) == len(after)
    assert len(set(again) & set(original)) >= 100, "what the backup held has the ids that it had"


def backed_up(box: Path, to: Path) -> Path:
    done = call("--config", box / "tocsin.toml", "backup", to, "--recipient", PUBLIC, "--verify")
    assert done.code == 0, done.error
    return to


def acknowledged(senders: list[Sender], least: int) -> list[str]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = []
        for one in senders:
            with one.lock:
                found += one.acknowledged
        if len(found) >= least:
            return found
        time.sleep(0.01)
    raise AssertionError("the senders are not heard")


def marks(root: Path) -> list[str]:
    with Store.read_only(root, reads(ReceivedOptions())) as store:
        return [one.fields["mark"] for one in store.events_between(*ALL)]


def told(root: Path) -> Counter:
    with Store.read_only(root, reads(ReceivedOptions())) as store:
        return Counter(one.event_id for finding in store.findings() for one in finding.evidence)


def resend(tmp_path: Path, folder: Path, token: str, missing: set[str]) -> None:
    """Starts the service on what was restored and sends what is missing there."""
    running = Running(folder, tmp_path / "out2")
    bodies = sorted({mark.rpartition("-")[0] for mark in missing})
    sender = Sender(0, token)
    sender.port = running.port()
    for name in bodies:
        parts = sorted(mark for mark in missing if mark.rpartition("-")[0] == name)
        assert len(parts) == 5, "a body is there whole or not at all"
        assert sender._sent(body(parts))
    running.stop()


def body(parts: list[str]) -> bytes:
    one = [{"host": "ws", "event": {"EventID": 1102, "Channel": "Security", "mark": mark}} for mark in parts]
    return "".join(map(json.dumps, one)).encode()


def test_what_is_sealed_and_dropped_meanwhile_makes_no_hole(tmp_path: Path) -> None:
    root = filled(tmp_path / "store")
    with Store.open(root) as store, snapshot(root) as taken:
        list(store.pending())
        store.seal(all_of_it=True)
        store.upkeep.expire(1, 0, NOON + 400 * 24 * HOUR)
        store.upkeep.expire(1, 0, NOON + 400 * 24 * HOUR)
        copies = [(one.number, one.size, one.file.seek(0, os.SEEK_END)) for one in taken.segments]
        gone = [path for path, _ in taken.files if not (root / path).is_file()]
        assert copies
        assert all(size <= read for _, size, read in copies), "a segment that went can still be read"
        assert gone
        assert not any(map(taken.still_listed, gone))


def test_a_file_dropped_while_it_is_copied_is_left_out_and_one_that_is_lost_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = filled(tmp_path / "store")
    whole = backing_up._parquet
    lost = min((root / "events").rglob("*.parquet"))

    def dropping(taken, path, size, done):
        if not done.files:
            lost.unlink()
            with Store.open(root) as store:
                store.upkeep.expire(
                    1, 0, NOON + 400 * 24 * HOUR
                )  # the hour of the lost one: named as dropped
            max((root / "events").rglob("*.parquet")).unlink()
            monkeypatch.setattr(backing_up, "_parquet", whole)
        yield from whole(taken, path, size, done)

    monkeypatch.setattr(backing_up, "_parquet", dropping)
    done = back_up(request(root, tmp_path / "one.age"))
    assert (len(done.dropped), len(done.damaged)) == (1, 1)
    restored = restore(done.path, tmp_path / "new", SECRET)
    assert restored.damaged == done.damaged
    assert restored.files == 1
    assert seqs(restored.store)


def test_another_key_opens_nothing(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="another recovery key"):
        restore(backup, tmp_path / "new", archive.new_key()[0])
    with pytest.raises(OperatorError, match="no recovery key"):
        restore(backup, tmp_path / "new", "AGE-SECRET-KEY-1QQ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_anywhere_is_seen(backup: Path, tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    body = bytearray(backup.read_bytes())
    body[drawn.randrange(len(body))] ^= 1 << drawn.randrange(8)
    (tmp_path / "one.age").write_bytes(body)
    with pytest.raises(OperatorError):
        restore(tmp_path / "one.age", tmp_path / "new", SECRET)
    assert [path.name for path in tmp_path.iterdir()] == ["one.age"]


@pytest.mark.parametrize("cut", [0, 1, 21, 200, 5_000, 65_552 + 200, -1, -16, -20_000])
def test_a_cut_one_is_refused(backup: Path, tmp_path: Path, cut: int) -> None:
    (tmp_path / "one.age").write_bytes(backup.read_bytes()[:cut])
    with pytest.raises(OperatorError):
        restore(tmp_path / "one.age", tmp_path / "new", SECRET)
    assert [path.name for path in tmp_path.iterdir()] == ["one.age"]


def test_swapped_chunks_are_seen(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    start = whole.index(b"\n", whole.index(b"\n---") + 1) + 1 + 16
    first, second = whole[start : start + 65_552], whole[start + 65_552 : start + 131_104]
    assert len(second) == 65_552
    (tmp_path / "one.age").write_bytes(whole[:start] + second + first + whole[start + 131_104 :])
    with pytest.raises(OperatorError, match="no whole backup"):
        restore(tmp_path / "one.age", tmp_path / "new", SECRET)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["backup.json", "store/../../evil", "end.json"], "belongs into no backup"),
        (["backup.json", "settings/../../evil", "end.json"], "belongs into no backup"),
        (["backup.json", "settings/./a", "store/state.sqlite", "end.json"], "cannot be restored"),
        (["backup.json", "store/state.sqlite"], "its end is missing"),
        (["backup.json", "settings/a", "end.json", "store/state.sqlite"], "should have 3|disorder"),
        (["store/state.sqlite", "end.json"], "disorder"),
        (["backup.json", "end.json"], "holds no state"),
        ([], "no whole backup|end is missing"),
    ],
)
def test_one_that_somebody_else_made_writes_nowhere_else(tmp_path: Path, names: list[str], why: str) -> None:
    bodies = {"backup.json": b'{"form": 1}', "end.json": archive.note({"members": max(0, len(names) - 1)})}
    members = (
        backing_up._Member(name, len(b), io.BytesIO(b)) for name in names for b in [bodies.get(name, b"x")]
    )
    with (tmp_path / "one.age").open("wb") as out:
        archive.write(members, out, archive.public_keys([PUBLIC]))
    with pytest.raises(OperatorError, match=why):
        restore(tmp_path / "one.age", tmp_path / "new", SECRET)
    assert [path.name for path in tmp_path.iterdir()] == ["one.age"]


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_SPARSE, tarfile.SYMTYPE, tarfile.DIRTYPE]
)
def test_a_member_of_another_kind_is_refused_before_it_costs_memory(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("backup.json")
    info.type, info.size, info.linkname = kind, 2**33 - 1, "elsewhere"
    body = info.tobuf(tarfile.USTAR_FORMAT) + bytes(100_000)
    (tmp_path / "one.age").write_bytes(pyrage.encrypt(body, archive.public_keys([PUBLIC])))
    with pytest.raises(OperatorError, match="belongs into no backup"):
        restore(tmp_path / "one.age", tmp_path / "new", SECRET)


def test_a_newer_form_is_refused(tmp_path: Path) -> None:
    note = archive.note({"form": 2})
    with (tmp_path / "one.age").open("wb") as out:
        archive.write(
            iter([backing_up._Member("backup.json", len(note), io.BytesIO(note))]),
            out,
            archive.public_keys([PUBLIC]),
        )
    with pytest.raises(OperatorError, match="newer Tocsin"):
        restore(tmp_path / "one.age", tmp_path / "new", SECRET)


def test_only_an_empty_folder_is_restored_into(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").touch()
    with pytest.raises(OperatorError, match="not empty"):
        restore(backup, tmp_path / "new", SECRET)
    (tmp_path / "new" / "mine").unlink()
    restore(backup, tmp_path / "new", SECRET)
    assert seqs(tmp_path / "new" / "data")


DYING = """
import os, signal, sys
from pathlib import Path
from tocsin.engine import {module} as module
left = [{step}]
def dying(call):
    def live(*given, **more):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*given, **more)
    return live
module.{what} = dying(module.{what})
{run}
"""


def killed(
    module: str, what: str, step: int, run: str, limit: int | None = None
) -> subprocess.CompletedProcess:
    code = DYING.format(module=module, what=what, step=step, run=run)
    apart = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)) if limit is not None else None
    return subprocess.run([sys.executable, "-c", code], capture_output=True, preexec_fn=apart, check=False)


BACK_UP = "module.back_up(module.BackupRequest(Path({!r}), Path({!r}), [{!r}], {}, keep=2))"


@pytest.mark.parametrize(
    ("what", "step"), [("_Summed.write", 1), ("_Summed.write", 9), ("_sync", 0), ("os.fsync", 0)]
)
def test_killed_while_backing_up_the_old_one_is_intact_and_the_next_clears_up(
    tmp_path: Path, what: str, step: int
) -> None:
    root, out = filled(tmp_path / "store", 50_000), tmp_path / "out"
    out.mkdir()
    assert [item.state for item in examine_backup(root, NOON)] == ["look"]
    first = back_up(request(root, out)).path
    before = first.read_bytes()
    assert [item.state for item in examine_backup(root, NOON)] == ["ok"]
    assert [item.state for item in examine_backup(root, NOON + 9 * 24 * HOUR)] == ["look"]
    run = BACK_UP.format(str(root), str(out), PUBLIC, NOON + 10**6)
    assert killed("backing_up", what, step, run).returncode == -signal.SIGKILL
    assert first.read_bytes() == before
    back_up(request(root, out, 2, keep=2))
    names = sorted(path.name for path in out.iterdir())
    assert len(names) == 2
    assert all(name.endswith(".age") and not name.startswith(".") for name in names)
    assert sorted(path.name for path in root.glob("state*")) == sorted(
        path.name for path in root.glob("state.sqlite*") if "backup" not in path.name
    )
    assert restore(out / names[-1], tmp_path / "new", SECRET).events == 20


def test_a_full_disk_leaves_the_old_ones_as_they_were(tmp_path: Path) -> None:
    root, out = filled(tmp_path / "store", 50_000), tmp_path / "out"
    out.mkdir()
    first = back_up(request(root, out)).path
    before = first.read_bytes()
    code = "from pathlib import Path\nimport signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    code += "from tocsin.engine import backing_up as module\n"
    code += BACK_UP.format(str(root), str(out), PUBLIC, NOON + 10**6)
    limit = 400_000
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert "could not be made" in done.stderr, done.stderr
    assert [path.name for path in out.iterdir()] == [first.name]
    assert first.read_bytes() == before


@pytest.mark.parametrize("step", [0, 2, 5, 7])
def test_killed_while_restoring_nothing_that_starts_is_left(backup: Path, tmp_path: Path, step: int) -> None:
    run = f"module.restore(Path({str(backup)!r}), Path({str(tmp_path / 'new')!r}), {SECRET!r})"
    assert killed("restoring", "os.fsync", step, run).returncode == -signal.SIGKILL
    assert not (tmp_path / "new").exists()
    assert restore(backup, tmp_path / "new", SECRET).store is not None
    assert seqs(tmp_path / "new" / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_two_at_once(tmp_path: Path) -> None:
    root = filled(tmp_path / "store")
    with held_still(root), pytest.raises(OperatorError, match="being backed up"):
        back_up(request(root, tmp_path))


def test_memory_does_not_grow_with_the_store(tmp_path: Path) -> None:
    root, out = filled(tmp_path / "store", 1_000_000, 40), tmp_path / "one.age"
    code = f"""
import resource
from pathlib import Path
from tocsin.engine.backing_up import BackupRequest, back_up
from tocsin.engine.restoring import restore
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
back_up(BackupRequest(Path({str(root)!r}), Path({str(out)!r}), [{PUBLIC!r}], 0))
restore(Path({str(out)!r}), Path({str(tmp_path / "new")!r}), {SECRET!r})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stat().st_size > 40_000_000
    assert int(done.stdout) < 30, "MiB"


def test_no_key_no_backup(tmp_path: Path) -> None:
    root = filled(tmp_path / "store")
    with pytest.raises(OperatorError, match="no recovery key"):
        back_up(BackupRequest(root, tmp_path, [], NOON))
    with pytest.raises(OperatorError, match="no public recovery key"):
        back_up(BackupRequest(root, tmp_path, ["age1x"], NOON))


def test_the_stock_tools_open_it_too(backup: Path, tmp_path: Path) -> None:
    plain = pyrage.decrypt(backup.read_bytes(), [pyrage.x25519.Identity.from_str(SECRET)])
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        names = tar.getnames()
        assert (names[0], names[-1]) == ("backup.json", "end.json")
        state = tar.extractfile("store/state.sqlite")
        assert state is not None
        (tmp_path / "state").write_bytes(state.read())
    with closing(sqlite3.connect(tmp_path / "state")) as database:
        assert database.execute("SELECT count(*) FROM files").fetchone() == (3,)
    assert backup.stat().st_size < len(plain) + 2_000


@pytest.mark.parametrize("kind", ["link", "another user's"])
def test_a_stage_that_somebody_put_there_is_not_used(tmp_path: Path, backup: Path, kind: str) -> None:
    """Beside the wanted folder others may be able to write, as in /tmp: what is restored must not come into their hands."""
    theirs, stage = tmp_path / "theirs", tmp_path / ".new.restoring"
    theirs.mkdir()
    (theirs / "whole").mkdir()
    if kind == "link":
        stage.symlink_to(theirs)
    elif os.geteuid() != 0:
        pytest.skip("only root can make a folder of another user")
    else:
        stage.mkdir()
        os.chown(stage, 65534, 65534)
    with pytest.raises(OperatorError, match="restoring"):
        restore(backup, tmp_path / "new", SECRET)
    assert [path.name for path in theirs.iterdir()] == ["whole"]
    assert not (tmp_path / "new").exists()


def hostile(path: Path, *blocks: bytes) -> Path:
    """A backup of these blocks, as anybody can make who knows the public half."""
    with path.open("wb") as out:
        pyrage.encrypt_io(io.BytesIO(b"".join(blocks)), out, [pyrage.x25519.Recipient.from_str(PUBLIC)])
    return path


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def pax(**records: str) -> bytes:
    """A header of records for the member after it."""
    body = b""
    for name, value in records.items():
        line = f" {name.replace('_', '.')}={value}\n".encode()
        size = len(line) + len(str(len(line) + len(str(len(line)))))
        body += str(size).encode() + line
    return header("x", len(body), tarfile.XHDTYPE) + body + bytes(-len(body) % 512)


ABOUT = header(archive.ABOUT, 11) + b'{"form": 1}' + bytes(501)
HOSTILE = {
    "holes of a gigabyte": [ABOUT, pax(GNU_sparse_major="1", GNU_sparse_minor="0", GNU_sparse_realsize=str(2**30)),
                            header("settings/a", 512), b"1\n0\n0\n" + bytes(506)],
    "a size below nothing": [ABOUT, pax(size="-5"), header("settings/a", 0)],
    "headers of headers": [ABOUT, *[pax(path="settings/a")] * 3_000, header("settings/a", 0)],
    "no number": [ABOUT, pax(size="\u00b2"), header("settings/a", 0)],
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_no_backup_holds_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    source = hostile(tmp_path / "a.age", *HOSTILE[kind], bytes(1024))
    with pytest.raises(OperatorError, match=r"no whole backup|cannot be restored"):
        restore(source, tmp_path / "new", SECRET)
    assert not (tmp_path / "new").exists()


def test_a_state_that_names_files_elsewhere_is_refused(tmp_path: Path) -> None:
    root = filled(tmp_path / "store")
    (path,) = list(root.rglob("*.parquet"))[:1]
    path.rename(tmp_path / "outside.parquet")
    (tmp_path / "outside.parquet").rename(tmp_path / "mine.parquet")
    state = f"../{'../' * 8}{str(tmp_path / 'mine.parquet')[1:]}"
    with closing(sqlite3.connect(root / "state.sqlite", isolation_level=None)) as database:
        database.execute("UPDATE files SET path = ? WHERE path = ?", (state, str(path.relative_to(root))))
    with closing(sqlite3.connect(root / "state.sqlite")) as database:
        whole = database.serialize()
    blocks = []
    for name, body in [
        (archive.ABOUT, b'{"form": 1}'), ("store/state.sqlite", whole), *[(f"store/{one.relative_to(root)}", one.read_bytes())
        for one in root.rglob("*.parquet")], *[(f"store/wal/{one.name}", one.read_bytes()) for one in (root / "wal").iterdir()],
    ]:  # fmt: skip
        blocks.append(header(name, len(body)) + body + bytes(-len(body) % 512))
    end = archive.note({"members": len(blocks)})
    blocks.append(header(archive.END, len(end)) + end + bytes(-len(end) % 512))
    with pytest.raises(OperatorError, match="elsewhere"):
        restore(hostile(tmp_path / "a.age", *blocks, bytes(1024)), tmp_path / "new", SECRET)


def test_the_newest_backup_stays_though_the_clock_was_ahead(tmp_path: Path) -> None:
    root, folder = filled(tmp_path / "store", seal=1, log=0), tmp_path / "kept"
    folder.mkdir()
    for day in (500, 501, 0):
        done = back_up(request(root, folder, day * 86_400, keep=2))
        assert done.path.exists()
    assert len(list(folder.iterdir())) == 2


def test_nothing_but_a_backup_is_replaced_and_none_in_a_folder(tmp_path: Path) -> None:
    root, folder, other = filled(tmp_path / "store", seal=1, log=0), tmp_path / "kept", tmp_path / "notes.txt"
    other.write_text("mine")
    with pytest.raises(OperatorError, match=r"notes\.txt"):
        back_up(request(root, other))
    assert other.read_text() == "mine"
    folder.mkdir()
    first = back_up(request(root, folder)).path
    before = first.read_bytes()
    with pytest.raises(OperatorError, match="there already"):
        back_up(request(root, folder))
    assert first.read_bytes() == before
    assert back_up(request(root, first)).path == first, "named as a file it is replaced"
    assert first.read_bytes() != before
