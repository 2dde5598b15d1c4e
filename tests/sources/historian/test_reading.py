"""Historians' files, as they come: read as they are meant, or told, or refused; never a number that nobody wrote."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.instants import HOUR, rfc3339
from tocsin.records.readings import Spelling
from tocsin.sources.historian.reading import History, How, Reader, history_files, read_history


def read(content: str | bytes, how: How | None = None, name: str = "a.csv") -> History:
    reader = Reader(how or How())
    reader.read(io.BytesIO(content if isinstance(content, bytes) else content.encode()), name)
    return reader.history()


def times(history: History) -> list[str]:
    return [rfc3339(int(one)) for one in history.readings.times]


def said(history: History) -> str:
    return "\n".join(one.said for one in history.notices)


def lost(history: History) -> list[str]:
    return [one.said for one in history.notices if one.lost]


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2026-03-01 14:00:00", "2026-03-01T14:00:00Z"),
        ("2026-03-01T14:00:00.250+01:00", "2026-03-01T13:00:00.25Z"),
        ("2026/03/01 14:00", "2026-03-01T14:00:00Z"),
        ("20260301T140000Z", "2026-03-01T14:00:00Z"),
        ("31.03.2026 24:00", "2026-04-01T00:00:00Z"),
        ("3/31/2026 2:00:00 PM", "2026-03-31T14:00:00Z"),
        ("31/03/26 14", "2026-03-31T14:00:00Z"),
        ("31-Mar-26 14:00:00.5", "2026-03-31T14:00:00.5Z"),
        ("1772373600", "2026-03-01T14:00:00Z"),
        ("1772373600000", "2026-03-01T14:00:00Z"),
        ("46082.583333333", "2026-03-01T14:00:00Z"),
    ],
)
def test_times_are_read_in_every_spelling(cell: str, instant: str) -> None:
    assert times(read(f"time,a\n{cell},1\n")) == [instant]


def test_the_whole_column_decides_whether_the_day_comes_first() -> None:
    rows = [f"{day:02d}/01/14 {hour:02d}" for day in range(6, 12) for hour in range(24)]
    found = read("DATETIME,a\n" + "".join(f"{row},1\n" for row in rows))
    assert times(found)[0] == "2014-01-06T00:00:00Z"
    assert set(np.diff(found.readings.times)) == {HOUR}
    assert "day first" in said(found)
    assert found.spelling.day_first is True
    american = [f"01/{day:02d}/2014 {hour:02d}:00" for day in range(6, 12) for hour in range(24)]
    assert set(np.diff(read("time,a\n" + "".join(f"{row},1\n" for row in american)).readings.times)) == {HOUR}


def test_a_date_that_leaves_it_open_is_told_and_read_as_before_or_as_asked() -> None:
    text = "time,a\n01/02/2026 00:00,1\n01/02/2026 01:00,2\n"
    assert "other orders fit too" in said(read(text))
    assert times(read(text))[0] == "2026-02-01T00:00:00Z"
    assert times(read(text, How(spelling=Spelling(day_first=False))))[0] == "2026-01-02T00:00:00Z"


def test_a_semicolon_table_with_decimal_commas_units_words_and_an_old_encoding() -> None:
    text = "# export\nZeit;Füllstand;Pumpe;Durchfluss\n;m;;l/s\n" + "".join(
        f"{1 + i // 24:02d}.03.2026 {i % 24:02d}:00;{i},5;{'AUF' if i % 2 else 'ZU'};1.000,25\n"
        for i in range(50)
    )
    found = read(text.encode("cp1252"))
    assert found.readings.tags == ("Füllstand", "Pumpe", "Durchfluss")
    assert found.readings.values[:2].tolist() == [[0.5, 0.0, 1000.25], [1.5, 1.0, 1000.25]]
    assert found.spelling.words == {"Pumpe": ("ZU", "AUF")}
    assert "units" in said(found)
    assert "“ZU” = 0" in said(found)
    assert not lost(found)


def test_words_keep_their_numbers_in_later_files() -> None:
    habit = Spelling({"v": ("OPEN", "CLOSED")})
    found = read(
        "time,v,n\n2026-03-01,CLOSED,ON\n2026-03-02,STUCK,ON\n", How(spelling=habit, known=("v", "n"))
    )
    assert found.readings.values[:, 0].tolist() == [1.0, 2.0]
    assert np.isnan(found.readings.values[:, 1]).all(), (
        "a tag that showed numbers when it was learnt gets none from words"
    )
    assert "“STUCK”" in said(found)
    numbers = read("time,v\n2026-03-01,0\n2026-03-02,1\n", How(spelling=habit, known=("v",)))
    assert np.isnan(numbers.readings.values).all()
    assert lost(numbers)


def test_texts_among_numbers_are_nothing_read_and_told() -> None:
    found = read(
        "time,a,b\n"
        + "".join(
            f"2026-03-01 {i:02d}:00,{'Bad' if i == 3 else i},{'wet' if i == 4 else i}\n" for i in range(9)
        )
    )
    assert np.isnan(found.readings.values[3, 0])
    assert np.isnan(found.readings.values[4, 1])
    assert len(lost(found)) == 1
    assert "“wet”" in said(found)
    assert "2 tags show nothing in a tenth of the rows" in said(found)


def test_free_text_is_no_tag() -> None:
    found = read(
        "time,a,note\n"
        + "".join(f"2026-03-01 00:{i // 60:02d}:{i % 60:02d},{i},word {i}\n" for i in range(100))
    )
    assert found.readings.tags == ("a",)
    assert "free text" in said(found)


def test_a_third_missing_constants_and_blanks_in_names() -> None:
    rows = "".join(
        f"2026-03-{1 + i // 24:02d} {i % 24:02d}:00,{'' if i % 3 == 0 else i},7\n" for i in range(72)
    )
    found = read("time, L_T1 ,k\n" + rows)
    assert found.readings.tags == ("L_T1", "k")
    assert np.isnan(found.readings.values[:, 0]).sum() == 24
    assert (found.readings.values[:, 1] == 7).all()


def test_long_tables_become_wide_and_bad_quality_is_nothing_read() -> None:
    text = "tag,timestamp,value,quality\n" + "".join(
        f"T{tag},2026-03-01T{hour:02d}:00:00+01:00,{hour * tag},{'Good' if hour else 'Bad'}\n"
        for hour in range(24)
        for tag in range(3)
    )
    found = read(text, How(ignore=("T1",)))
    assert found.readings.tags == ("T0", "T2")
    assert times(found)[0] == "2026-02-28T23:00:00Z"
    assert np.isnan(found.readings.values[0]).all()
    assert found.readings.values[1:, 1].tolist() == [2.0 * hour for hour in range(1, 24)]
    assert "bad quality" in lost(found)[0]


def test_the_night_that_has_an_hour_twice() -> None:
    rows = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    text = "time,a\n" + "".join(f"2026-10-25 {row},{at}\n" for at, row in enumerate(rows))
    local = read(text, How(zone=ZoneInfo("Europe/Berlin")))
    assert set(np.diff(local.readings.times)) == {HOUR // 2}
    assert local.readings.values[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    plain = read(text)
    assert plain.readings.values[:, 0].tolist() == [0, 3, 4, 5]
    assert "goes back 1 time" in said(plain)
    assert "2 rows at an instant" in said(plain)


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("America/New_York")])
def test_rows_in_any_order_come_out_in_order_of_time(zone: tzinfo) -> None:
    rows = [f"2026-{1 + i // 28:02d}-{1 + i % 28:02d} 12:00,{i}" for i in range(300)]
    random.Random(5).shuffle(rows)
    found = read("time,a\n" + "\n".join(rows), How(zone=zone))
    assert found.readings.values[:, 0].tolist() == list(range(300))


def test_what_is_ignored_is_no_tag_and_a_name_that_is_not_there_is_told() -> None:
    found = read("time,a,ATT_FLAG\n2026-03-01,1,0\n2026-03-02,1,0\n", How(ignore=(" att_flag", "nothing")))
    assert found.readings.tags == ("a",)
    assert "no column “nothing” to ignore" in said(found)


@pytest.mark.parametrize(
    ("content", "about"),
    [
        ("", "empty"),
        ("time,a\n", "no rows"),
        ("a,b\n1,2\n3,4\n", "no column of times"),
        ("2026-03-01,1\n2026-03-02,2\n", "no header"),
        ("just a text\nand more of it\n", "no table"),
        ("time,a\nsoon,1\nlater,2\n", "no column of times"),
        ("time\n2026-03-01\n", "no table"),
        (b"PK\x03\x04rest", "workbook"),
        (b"PAR1 and no more", "Parquet"),
        (b"\0\1\2\3" * 100, "neither"),
        ("time,a\n2026-02-31,1\n2026-02-30,1\n", "no row with a time"),
        ("time,a\n5,1\n6,2\n", "no times that are known"),
    ],
)  # fmt: skip
def test_what_is_no_history_is_refused(content: str | bytes, about: str) -> None:
    with pytest.raises(OperatorError, match=about):
        read(content)


def test_a_column_of_time_that_was_named_must_be_one() -> None:
    with pytest.raises(OperatorError, match="no column"):
        read("t1,a\n2026-03-01,1\n", How(time="t2"))
    with pytest.raises(OperatorError, match="no times that are known"):
        read("t1,a\n2026-03-01,1\n", How(time="a"))
    assert times(read("x,begun,ended\n1,2026-03-01,2026-03-02\n", How(time="ENDED"))) == [
        "2026-03-02T00:00:00Z"
    ]


def test_a_truncated_archive_gives_whole_rows_and_says_so() -> None:
    whole = "time,a\n" + "".join(f"{1772323200 + i},{random.Random(i).random()}\n" for i in range(20_000))
    found = read(gzip.compress(whole.encode())[:100_000], name="a.csv.gz")
    kept = found.readings.values[:, 0]
    assert 1_000 < len(kept) < 20_000
    assert all(kept[i] == random.Random(i).random() for i in (0, len(kept) - 1))
    assert "truncated" in lost(found)[0]


def test_rows_that_are_cut_are_left_out_and_counted() -> None:
    found = read("time,a,b\n2026-03-01,1,2\n2026-03-02,2\nnever,1,1\n2026-03-03,3,4\n2026-03-04,1")
    assert found.readings.values.tolist() == [[1, 2], [3, 4]]
    assert len(lost(found)) == 2


def test_five_thousand_tags() -> None:
    names = ",".join(f"t{i}" for i in range(5_000))
    text = f"time,{names}\n" + "".join(
        f"2026-03-01 {i:02d}:00," + ",".join(["1.5"] * 5_000) + "\n" for i in range(24)
    )
    assert read(text).readings.values.shape == (24, 5_000)


def test_parquet_is_read_with_its_own_types() -> None:
    table = pa.table({
        "t": pa.array([HOUR * i for i in range(3)], pa.timestamp("us", tz="UTC")), "n": pa.array([1, None, 3], pa.int16()),
        "b": [True, False, True], "s": pa.array(["ON", "OFF", "ON"]).dictionary_encode(), "nested": [[1], [2], [3]],
    })  # fmt: skip
    sink = io.BytesIO()
    pq.write_table(table, sink)
    found = read(sink.getvalue(), name="a.parquet")
    assert found.readings.tags == ("n", "b", "s")
    assert np.isnan(found.readings.values[1, 0])
    assert found.readings.values[:, 1:].tolist() == [[1, 0], [0, 1], [1, 0]]


def test_several_files_are_one_history(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("time,a,b\n2026-03-02,1,x\n2026-03-03,2,y\n")
    (tmp_path / "2.csv").write_text("time;b;a\n2026-03-01;y;5\n2026-03-03;x;6\n")
    found = read_history(history_files([tmp_path]), How())
    assert found.readings.tags == ("a", "b")
    assert found.readings.values.tolist() == [[5, 1], [1, 0], [6, 0]]
    (tmp_path / "none").mkdir()
    with pytest.raises(OperatorError, match="holds no CSV"):
        history_files([tmp_path / "none"])


def test_more_than_fits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HISTORIAN_CELLS", 10)
    with pytest.raises(OperatorError, match="more than fit"):
        read("time,a\n" + "".join(f"2026-03-{i:02d},1\n" for i in range(1, 25)))


pieces = st.one_of(
    st.sampled_from(
        [b"time,a\n", b"2026-03-01 0", b"0:00,1\n", b"2026-03-02,", b"31/12/99 23;", b"\n", b'"', b",", b";", b"\t", b"Bad", b"1e999",
         b"nan", b"tag,value,time\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\x1f\x8b", b"PAR1", b"1700000000,", b"46000,5;", b"+01:00", b"#"]
    ),
    st.binary(max_size=12),
)  # fmt: skip


@given(st.lists(pieces, max_size=40).map(b"".join), st.booleans())
def test_any_bytes_give_readings_or_a_clear_error(content: bytes, berlin: bool) -> None:
    head = b"time,a,b\n2026-03-01,1,x\n" if len(content) % 3 == 0 else b""
    for data in (content, head + content, gzip.compress(content)[: len(content)]):
        try:
            found = read(data, How(zone=ZoneInfo("Europe/Berlin") if berlin else UTC))
        except OperatorError:
            continue
        assert len(found.readings) == len(found.readings.times)
        assert not np.isinf(found.readings.values).any()


@given(st.data())
def test_a_damaged_parquet_file_gives_readings_or_a_clear_error(data: st.DataObject) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"time": ["2026-03-01", "2026-03-02"], "a": [1.5, 2.5]}), sink)
    damaged = bytearray(sink.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(OperatorError):
        read(bytes(damaged), name="a.parquet")


@pytest.mark.parametrize("where", ["time", "F"])
def test_texts_in_parquet_that_are_no_text_are_refused(where: str) -> None:
    columns = {"time": [b"2026-03-01", b"2026-03-02"], "F": [b"1", b"2"]}
    columns[where][0] = b"2026\x80"
    sink = io.BytesIO()
    pq.write_table(
        pa.table({name: pa.array(cells).view(pa.string()) for name, cells in columns.items()}), sink
    )
    with pytest.raises(OperatorError, match="cannot be read as Parquet"):
        read(sink.getvalue())


def test_a_column_with_the_other_decimal_sign_is_read_as_it_is_meant() -> None:
    rows = [("1,5", "2,25", "1.25", "1.000,5"), ("1,75", "2,5", "1.125", "12.000")]
    text = "time;a;b;c;d\n" + "".join(
        f"2026-03-{1 + at:02d};{';'.join(row)}\n" for at, row in enumerate(rows)
    )
    assert read(text).readings.values.tolist() == [[1.5, 2.25, 1.25, 1000.5], [1.75, 2.5, 1.125, 12000]]
    rows = [("1.5", "2.25", "1,25", "1,000.5"), ("1.75", "2.5", "1,125", "12,000")]
    text = "time;a;b;c;d\n" + "".join(
        f"2026-03-{1 + at:02d};{';'.join(row)}\n" for at, row in enumerate(rows)
    )
    assert read(text).readings.values.tolist() == [[1.5, 2.25, 1.25, 1000.5], [1.75, 2.5, 1.125, 12000]]


def test_a_number_that_fits_no_decimal_sign_is_no_number() -> None:
    rows = ("1,5;2,5", "1,000.5;2,5", "1,75;2,25", "1,25;2,75")
    found = read("time;a;b\n" + "".join(f"2026-03-{1 + at:02d};{row}\n" for at, row in enumerate(rows)))
    assert np.isnan(found.readings.values[1, 0])
    assert "“1,000.5”" in lost(found)[0]


def test_a_folder_s_hidden_files_pipes_and_folders_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("time,a,b\n2026-03-02,1,x\n2026-03-03,2,y\n")
    (tmp_path / ".2.csv").write_text("half a fi")
    (tmp_path / "3.csv").mkdir()
    os.mkfifo(tmp_path / "4.csv")
    assert history_files([tmp_path]) == [tmp_path / "1.csv"]
    with pytest.raises(OperatorError, match="is no file"):
        read_history([tmp_path / "4.csv"], How())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_texts_of_windows_are_read_with_a_mark_and_without(encoding: str) -> None:
    found = read("Zeit;Füllstand\n2026-03-01;1,5\n2026-03-02;2,5\n".encode(encoding))
    assert (found.readings.tags, found.readings.values.tolist()) == (("Füllstand",), [[1.5], [2.5]])


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("minutes", [60, 30, 20])
def test_the_hour_that_autumn_has_twice_is_read_twice(minutes: int, newest_first: bool) -> None:
    zone = ZoneInfo("Europe/Berlin")
    begin, step = datetime(2026, 10, 24, 22, tzinfo=UTC), timedelta(minutes=minutes)
    instants = [begin + at * step for at in range(8 * 60 // minutes)]
    lines = [f"{one.astimezone(zone):%Y-%m-%d %H:%M},{at}\n" for at, one in enumerate(instants)]
    found = read("time,a\n" + "".join(reversed(lines) if newest_first else lines), How(zone=zone))
    assert found.readings.values[:, 0].tolist() == list(range(len(lines)))
    assert found.readings.times.tolist() == [round(one.timestamp()) * 1_000_000 for one in instants]


def test_rows_that_are_there_twice_stay_one_in_the_hour_that_autumn_has_twice() -> None:
    rows = "".join(f"2026-10-25 {hour:02d}:00,{hour}\n" * 2 for hour in range(6))
    found = read("time,a\n" + rows, How(zone=ZoneInfo("Europe/Berlin")))
    assert found.readings.values[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_decimal_sign_is_that_of_the_whole_column_however_the_file_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "HISTORIAN_BLOCK_BYTES", 512)
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    cells = [f"{begin + at * timedelta(hours=1):%Y-%m-%d %H:%M};7,5;1.{at:03d};0,1\n" for at in range(1, 200)]
    found = read("time;a;b;c\n" + "".join(cells) + "2026-03-20;7,5;0.998;0,1\n")
    assert found.readings.values[:, 1].tolist() == [float(f"1.{at:03d}") for at in range(1, 200)] + [0.998]
    assert "read with a decimal point: b." in said(found)
    cells[100] = cells[100].replace("7,5", "3.7")
    cells = [cell.replace("7,5", f"{1 + at}.234" if at % 2 else "12,5") for at, cell in enumerate(cells)]
    found = read("time;a;b;c\n" + "".join(cells))
    assert found.readings.values[:, 0].tolist() == [
        3.7 if at == 100 else 1234 + 1000 * at if at % 2 else 12.5 for at in range(199)
    ], "one slip does not turn thousands into fractions"
    assert "(1.125 is 1125): a, b." in said(found)


def test_each_tag_of_a_long_table_has_its_own_decimal_sign() -> None:
    rows = "".join(
        f"{tag};2026-03-{day:02d};{value}\n"
        for day in range(1, 4)
        for tag, value in (
            ("a", f"{day}.500"),
            ("b", f"0.{day}"),
            ("c", f"{day},5"),
            ("d", "2,5"),
            ("e", "2,5"),
        )
    )
    found = read("tag;time;value\n" + rows)
    assert found.readings.of(("a", "b", "c")).values[0].tolist() == [1500, 0.1, 1.5]


def test_a_row_that_came_twice_is_not_the_clock_going_back() -> None:
    zone = ZoneInfo("Europe/Berlin")
    instants = [datetime(2026, 10, 24, 23, tzinfo=UTC) + at * timedelta(minutes=1) for at in range(4 * 60)]
    lines = [f"{one.astimezone(zone):%Y-%m-%d %H:%M},{at}\n" for at, one in enumerate(instants)]
    lines.insert(91, lines[90])  # in the first of the two hours
    found = read("time,a\n" + "".join(lines), How(zone=zone))
    assert found.readings.values[:, 0].tolist() == list(range(len(instants)))
    assert found.readings.times.tolist() == [round(one.timestamp()) * 1_000_000 for one in instants]


def test_a_long_table_that_begins_with_the_newest_row_has_both_hours() -> None:
    zone = ZoneInfo("Europe/Berlin")
    instants = [datetime(2026, 10, 24, 23, tzinfo=UTC) + at * timedelta(minutes=10) for at in range(24)]
    rows = [
        f"{tag},{one.astimezone(zone):%Y-%m-%d %H:%M},{at}\n"
        for at, one in reversed(list(enumerate(instants)))
        for tag in "abcde"
    ]
    found = read("tag,time,value\n" + "".join(rows), How(zone=zone))
    assert found.readings.values[:, 0].tolist() == list(range(len(instants)))
