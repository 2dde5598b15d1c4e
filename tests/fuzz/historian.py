"""Files of historians under the fuzzer: tables of any sort, and columns of Parquet; readings come out, or a sentence."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from tests.fuzz.invariants import in_time

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.readings import Spelling
from tocsin.sources.historian.reading import How, Reader

_WIDE = b"time;L_T1;S_PU1;F\n;m;;l/s\n" + b"".join(
    b"%02d.03.2026 %02d:00;%d,5;%s;1.000,25\n" % (1 + at // 24, at % 24, at, (b"AUF", b"ZU")[at % 2])
    for at in range(30)
)
_HEADED = b"time,L_T1 (m),P [kPa],F [l/s]\n" + b"".join(
    b"2026-03-01T%02d:00Z,%d,%d,0.5\n" % (at, at, 100 * at) for at in range(9)
)
_LONG = b"tag,timestamp,value,quality\n" + b"".join(
    b"T%d,2026-03-01T%02d:00:00+01:00,%d,%s\n" % (tag, hour, hour * tag, (b"Bad", b"Good")[hour > 0])
    for hour in range(8) for tag in range(3)
)  # fmt: skip


def table(data: bytes) -> None:
    """A file of any sort, read alone and then with the habits of another one."""
    for how in (
        How(),
        How(
            spelling=Spelling({"S_PU1": ("AUF", "ZU")}, True, {"L_T1": "cm", "F": "m3/h"}),
            known=("L_T1", "S_PU1", "F", "P [bar]"),
        ),
    ):
        reader = Reader(how)
        with in_time():
            try:
                reader.read(io.BytesIO(data), "input")
                history = reader.history()
            except OperatorError as error:
                assert error.next_step  # noqa: PT017  an input may also be sound
                continue
        readings = history.readings
        assert readings.values.shape == (len(readings.times), len(readings.tags))
        assert len(set(readings.tags)) == len(readings.tags)
        assert not np.isinf(readings.values).any()
        assert not (np.diff(readings.times) <= 0).any()
        assert all(one.said and inert(one.said).isprintable() for one in history.notices)
        for words in history.spelling.words.values():
            assert len(set(words)) == len(words)
        assert all(0 < len(unit) <= bounds.HISTORIAN_UNIT_CHARS for unit in history.spelling.units.values())


def starts() -> Iterable[bytes]:
    """One table of each sort and packing."""
    yield from (
        _WIDE,
        _LONG,
        _HEADED,
        _LONG.replace(b"quality", b"unit").replace(b"Good", b"l/s"),
        gzip.compress(_WIDE, mtime=0),
        zstandard.ZstdCompressor().compress(_LONG),
    )
    yield gzip.compress(_WIDE, mtime=0)[:-40]
    yield b"# export\n" + _WIDE.decode().encode("utf-16")
    for columns in (
        {
            "time": pa.array(np.arange(5) * 3_600_000_000, pa.timestamp("us", "UTC")),
            "a": [1.5, None, 2.0, 1e308, -0.0],
        },
        {"time": ["2026-03-01", "2026-03-02"], "a": pa.array(["OPEN", "SHUT"]).dictionary_encode()},
        {"tag": ["A", "A"], "time": [1_700_000_000, 1_700_003_600], "value": [True, False]},
    ):
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink)
        yield sink.getvalue()
