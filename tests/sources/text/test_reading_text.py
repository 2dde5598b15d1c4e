"""Text formats through the room's public entry: detection, ordinals, raw text, archives."""

from __future__ import annotations

import gzip
import time
import zipfile

from tests.sources.text.reading import instant
from tests.sources.text.seeds import SEEDS

from tocsin.sources.reading import ReadOptions, read

OPTIONS = ReadOptions(ingest=instant("2026-03-03T00:00:00Z"))


def taken(*paths):
    batches = list(read([str(path) for path in paths], OPTIONS))
    return [event for batch in batches for event in batch], [
        one for batch in batches for one in batch.set_aside
    ]


def test_every_format_is_recognised_in_a_folder(tmp_path):
    for name, lines in SEEDS.items():
        if name != "text":
            (tmp_path / f"{name}.bin").write_text("\n".join(lines) + "\n", encoding="utf-8")
    events, set_aside = taken(tmp_path)
    assert set_aside == []
    assert {event.source.rpartition("/")[2]: event.format for event in events} == {
        f"{name}.bin": name for name in SEEDS if name != "text"
    }


def test_a_row_that_spans_lines_is_one_record(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('\ufeffname,text\r\na,"one\r\ntwo"\r\nb,"three"\r\nc,d,e\r\n', encoding="utf-16")
    events, set_aside = taken(path)
    assert [(event.seq, event.raw.replace("\r", "")) for event in events] == [
        (0, 'a,"one\ntwo"'),
        (1, 'b,"three"'),
    ]
    assert [(one.record, one.reason, one.raw) for one in set_aside] == [
        (2, "The row has 3 columns, its header 2.", "c,d,e")
    ]


def test_an_endless_quote_costs_linear_time(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('name,text\na,"' + ("x" * 1_500 + "\n") * 9_000, encoding="utf-8")
    started = time.perf_counter()
    events, set_aside = taken(path)
    assert time.perf_counter() - started < 5
    assert events == []
    assert [one.record for one in set_aside] == [0]


def test_inside_archives_and_with_the_loss_told(tmp_path):
    lines = "\n".join([*SEEDS["web_access"], "rubbish", *SEEDS["web_access"]])
    with gzip.open(tmp_path / "a.gz", "wb") as packed:
        packed.write(lines.encode())
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("dir/auth.log", "\n".join(SEEDS["rfc3164"]))
    events, set_aside = taken(tmp_path)
    assert [event.seq for event in events if event.source.endswith(".gz")] == [0, 1, 3, 4]
    assert [(one.record, one.raw) for one in set_aside] == [(2, "rubbish")]
    assert sum(event.source.endswith("b.zip!dir/auth.log") for event in events) == len(SEEDS["rfc3164"])


def test_real_logs_whole(data):
    events, set_aside = taken(data / "loghub")
    formats = [event.format for event in events]
    assert (formats.count("rfc3164"), formats.count("web_error")) == (2000, 2000)
    assert [one for one in set_aside if one.source.endswith(".log")] == []
    raw = next((data / "sigma-regression").rglob("*.raw"))
    (event,), _ = taken(raw)
    assert event.raw == raw.read_text(encoding="utf-8").rstrip("\n")
