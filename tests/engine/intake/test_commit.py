"""Group commit: one body's mistake is its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tocsin.engine.intake.commit import GroupCommit, Unencodable
from tocsin.engine.intake.counters import Counters
from tocsin.records.received import Received
from tocsin.store.disk import Disk
from tocsin.store.segment import Position
from tocsin.store.write_ahead import WriteAhead


def body(number: int, path: str) -> Received:
    return Received(f"s{number}", 0, 1, 1, "file", "", "", "local", b"x", {"path": path})


def test_what_cannot_be_written_down_is_refused_alone(tmp_path: Path) -> None:
    told: list[str] = []

    async def taken() -> list[object]:
        log = WriteAhead(tmp_path, Position(0, 0), 0, Disk())
        commit = GroupCommit(log, Disk(), lambda: 1, lambda _: None, told.append, Counters())
        bodies = [body(0, "a"), body(1, "no \udcff name"), body(2, "b")]
        found = await asyncio.gather(*map(commit.acknowledge, bodies), return_exceptions=True)
        found.append(await commit.acknowledge(body(3, "c")))
        assert not commit.refusing
        await commit.close()
        return found

    first, second, third, last = asyncio.run(taken())
    assert isinstance(second, Unencodable)
    assert isinstance(last, Position)
    assert first == third
    assert told == []
    log = WriteAhead(tmp_path, Position(0, 0), 0, Disk())
    assert [one.stream for _, one in log.read(Position(0, 0), log.end)] == ["s0", "s2", "s3"]
    log.close()
