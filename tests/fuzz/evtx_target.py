"""Mutated EVTX files: `python -m tests.fuzz.evtx_target FOUND SECONDS SEED`.

The reader is compiled and runs in a child process, so coverage cannot guide us; real files are spoilt at random instead.
They are read where `TOCSIN_TEST_DATA` points and never copied: what is kept of a defect is a recipe, (file, seed), or
the input itself where it was made from a file of our own.
"""

from __future__ import annotations

import json
import os
import random
import struct
import sys
import time
from pathlib import Path

from tests.fuzz.defects import defect_of, spoilt
from tests.fuzz.evtx_writer import evtx_file
from tests.fuzz.invariants import check_set_aside

from tocsin.records.event import SetAside
from tocsin.sources.content import Content, ReadingStopped
from tocsin.sources.evtx_file import CHUNK_BYTES, HEADER_BYTES, EvtxFile
from tocsin.sources.evtx_parser import EvtxParser

CHUNK_SECONDS = 3.0
MOST_CHUNKS = 4


def recordings() -> list[Path]:
    """The real files, where there are any."""
    data = Path(os.environ.get("TOCSIN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    return sorted(path for folder in ("evtx", "sigma-regression") for path in (data / folder).rglob("*.evtx"))


def input_of(name: str, seed: int) -> bytes:
    """The spoilt file that the recipe (`name`, `seed`) means; `own` is a file that we wrote ourselves."""
    chance = random.Random(seed)
    if name == "own":
        data = evtx_file(
            [{"Image": "a" * chance.randrange(1, 400), "CommandLine": "x"} for _ in range(60)], 20
        )
    else:
        data = next(path for path in recordings() if str(path).endswith(name)).read_bytes()
    data = data[: HEADER_BYTES + MOST_CHUNKS * CHUNK_BYTES]
    return spoilt(data, chance) if chance.random() < 0.3 else _misled(data, chance)


def _misled(data: bytes, chance: random.Random) -> bytes:
    """`data` with a few bytes or offsets of its first chunk changed: names and templates that point at each other make
    the parser loop."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 2, 3, 8))):
        tables, records = (HEADER_BYTES, HEADER_BYTES + 512), (HEADER_BYTES + 512, HEADER_BYTES + CHUNK_BYTES)
        at = chance.randrange(*(tables if chance.random() < 0.3 else records))
        out[at : at + 1] = chance.randbytes(1)
        if chance.random() < 0.3:
            offset = chance.choice((0, 512, at - HEADER_BYTES, chance.randrange(CHUNK_BYTES), 2**32 - 1))
            out[at : at + 4] = offset.to_bytes(4, "little")
    return bytes(out)


def check(data: bytes, parser: EvtxParser) -> None:
    """Reads `data` as EVTX and asserts that every record header in it is answered by a record or a reason.

    Raises:
        AssertionError: one vanished, or something else broke.
    """
    import io

    began = time.monotonic()
    failures = parser.failures
    places, reasons = 0, 0
    try:
        for one in EvtxFile(Content(io.BytesIO(data)), parser):
            assert (one.value is None) == bool(one.reason)
            if one.value is None:
                reason = one.reason[:1].upper() + one.reason[1:].removesuffix(".") + "."
                check_set_aside(SetAside("x", 0 if one.counted else None, one.offset, reason))
                reasons += 1
            places += one.counted
            assert 0 <= one.offset <= len(data)
    except ReadingStopped as stopped:
        assert "parser fail" in str(stopped)  # noqa: PT017  any other way to stop is a defect
        return
    assert places == _record_headers(data), "a record vanished or was invented"
    killed = parser.failures - failures
    assert time.monotonic() - began < 60 + CHUNK_SECONDS * killed, "hangs"


def _record_headers(data: bytes) -> int:
    """How many whole records stand in the chunks, counted apart from the reader."""
    found = 0
    for at in range(HEADER_BYTES, len(data), CHUNK_BYTES):
        chunk = data[at : at + CHUNK_BYTES]
        place = 512
        while (
            chunk[:8] == b"ElfChnk\0" and chunk[place : place + 4] == b"**\0\0" and place + 28 <= len(chunk)
        ):
            (size,) = struct.unpack_from("<I", chunk, place + 4)
            if size < 28 or place + size > len(chunk):
                break
            found += 1
            place += size
    return found


def main() -> None:
    """Spoils files until the time is over; prints how many, and keeps what broke."""
    found, seconds, seed = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    names = ["own", *(f"{path.parent.name}/{path.name}" for path in recordings())]
    chance = random.Random(seed)
    until, runs, known = time.monotonic() + seconds, 0, set()
    with EvtxParser(CHUNK_SECONDS) as parser:
        while time.monotonic() < until:
            name, number = chance.choice(names), chance.randrange(2**32)
            defect = defect_of(lambda data: check(data, parser), input_of(name, number))
            runs += 1
            if defect is not None and defect.signature not in known:
                known.add(defect.signature)
                found.mkdir(parents=True, exist_ok=True)
                (found / f"{defect.name}.recipe").write_text(
                    json.dumps([name, number]) + "\n", encoding="utf-8"
                )
                (found / f"{defect.name}.trace").write_text(
                    f"{defect.signature}\n{defect.trace}", encoding="utf-8"
                )
        print(f"stat::number_of_executed_units: {runs}", file=sys.stderr)  # noqa: T201
        print(f"worker killed: {parser.failures}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
