"""A folder of exports: each reading once, whatever becomes of its files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.detect.plant.plants import tank
from tests.engine.plant.collectors.reading_sources import NOW, Reads

from tocsin.config import bounds
from tocsin.config.plant_source import Folder
from tocsin.detect.plant.learn import learn
from tocsin.engine.plant.collectors.folder import FolderCollector
from tocsin.engine.plant.collectors.folder_files import Entry, listing
from tocsin.engine.plant.collectors.interface import SourceLost
from tocsin.engine.plant.model_file import write_model
from tocsin.records.errors import OperatorError
from tocsin.records.instants import MINUTE, SECOND, rfc3339
from tocsin.records.readings import Spelling

FIRST = NOW - 600 * MINUTE


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PLANT_LOOK_SECONDS", 0.001)


def reads(folder: Path, **settings: Any) -> Reads:
    return Reads(lambda around: FolderCollector(Folder(folder, **settings), around))


def row(number: int, *values: object) -> str:
    return f"{rfc3339(FIRST + number * MINUTE)},{','.join(map(str, values))}\n"


def rows(start: int, stop: int) -> Iterator[str]:
    return (row(number, number / 2, "OPEN" if number % 3 else "CLOSED") for number in range(start, stop))


def put(path: Path, text: str, *, old: bool = True) -> None:
    """A file that rests, or one that is being written."""
    path.write_text(text)
    at = (NOW - 3_600 * SECOND if old else NOW) * 1_000
    os.utime(path, ns=(at, at))


HEAD = "time,LEVEL,PUMP\n"


def levels(found: list[Any]) -> list[float]:
    return [one.value for one in found if one.tag == "LEVEL"]


def test_files_are_read_oldest_rows_first_and_once(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", HEAD + "".join(rows(10, 20)))
    put(tmp_path / "b.csv", HEAD + "".join(rows(0, 10)))
    one = reads(tmp_path)
    found = one.looks()
    assert levels(found) == [number / 2 for number in range(20)]
    assert [reading.value for reading in found if reading.tag == "PUMP"][:4] == [
        "CLOSED",
        "OPEN",
        "OPEN",
        "CLOSED",
    ]
    assert found[0].instant == FIRST
    assert one.looks() == []


def test_a_file_that_came_again_repeats_nothing(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", HEAD + "".join(rows(0, 10)))
    one = reads(tmp_path)
    one.looks()
    put(tmp_path / "a.csv", HEAD + "# \n" + "".join(rows(0, 12)))
    put(tmp_path / "b.csv", HEAD + "".join(rows(5, 13)))
    assert levels(one.looks()) == [5.0, 5.5, 6.0]


def test_a_file_with_nothing_new_is_told(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", HEAD + "".join(rows(0, 10)))
    one = reads(tmp_path)
    one.looks()
    put(tmp_path / "b.csv", HEAD + "".join(rows(0, 5)))
    assert one.looks() == []
    assert "b.csv holds nothing newer" in one.told[-1]


def test_a_file_is_read_once_it_rests(tmp_path: Path) -> None:
    one = reads(tmp_path, settle=10)
    put(tmp_path / "a.csv", HEAD + "".join(rows(0, 10)), old=False)
    assert one.looks() == []
    one.instant += 10 * SECOND
    assert len(levels(one.looks())) == 10


def test_a_file_that_grows_is_read_by_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    put(path, HEAD + "".join(rows(0, 10)))
    one = reads(tmp_path)
    one.looks()
    with path.open("a") as file:
        file.write(row(10, 5.0, "OPEN") + row(11, 5.5, "OPEN")[:-9])
    assert levels(one.looks()) == [5.0]
    with path.open("a") as file:
        file.write(row(11, 5.5, "OPEN")[-9:] + row(12, 6.0, "OPEN"))
    assert levels(one.looks()) == [5.5, 6.0]


def test_a_last_line_without_an_end_is_read_once_the_file_rests_for_long(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", HEAD + "".join(rows(0, 3)).rstrip("\n"), old=False)
    one = reads(tmp_path)
    one.instant += 11 * SECOND
    assert levels(one.looks()) == [0.0, 0.5]
    one.instant += bounds.PLANT_GROWS_SECONDS * SECOND
    assert levels(one.looks()) == [1.0]


def test_a_large_file_that_grows_is_not_read_from_its_beginning_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PLANT_OVERLAP_BYTES", 200)
    path = tmp_path / "a.csv"
    put(path, "exported by us\n" + HEAD + "".join(rows(0, 400)))
    one = reads(tmp_path)
    assert len(levels(one.looks())) == 400
    text = path.read_text()
    spoilt = len("exported by us\n" + HEAD) + 5_000
    with path.open("r+") as file:
        file.seek(spoilt)
        file.write("~" * 3_000)  # where it was read already, and is not looked at again
        file.seek(len(text))
        file.write(row(400, 200.0, "OPEN"))
    assert levels(one.looks()) == [200.0]
    assert not one.told


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m"
    write_model(path, learn(tank(220), 0.1, 1), Spelling({"PUMP": ("CLOSED", "OPEN")}, units={"LEVEL": "m"}))
    return path


def test_other_units_than_the_models_are_converted_in_a_file_that_grows_too_and_told_once(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PLANT_OVERLAP_BYTES", 200)
    path = tmp_path / "a.csv"
    put(path, HEAD + ",cm,\n" + "".join(rows(0, 400)))
    one = reads(tmp_path)
    one.model = model
    assert levels(one.looks())[:3] == [0.0, 0.005, 0.01]
    assert len(one.told) == 1
    with path.open("a") as file:
        file.write(row(400, 200.0, "OPEN"))
    assert levels(one.looks()) == [2.0]
    put(tmp_path / "b.csv", HEAD + ",mm,\n" + row(401, 2000.0, "OPEN"))
    assert levels(one.looks()) == [2.0]
    told = [said for said in one.told if "LEVEL" in said]
    assert list(dict.fromkeys(said[-20:] for said in told)) == [
        " LEVEL from cm to m.",
        " LEVEL from mm to m.",
    ]


def test_a_file_in_another_dimension_is_left_out_and_told(tmp_path: Path, model: Path) -> None:
    put(tmp_path / "a.csv", HEAD + ",bar,\n" + "".join(rows(0, 9)))
    one = reads(tmp_path)
    one.model = model
    assert one.looks() == []
    assert "left out until it changes" in one.told[0]
    assert "read in “bar” and was learnt in “m”" in one.told[0]


def test_a_text_of_wide_letters_is_read_without_a_mark_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PLANT_OVERLAP_BYTES", 200)
    path = tmp_path / "a.csv"
    one = reads(tmp_path, settle=10)
    for stop in (300, 600):
        path.write_bytes((HEAD + "".join(rows(0, stop))).encode("utf-16-le"))
        one.instant += 1
        os.utime(path, ns=(one.instant * 1_000, one.instant * 1_000))
        one.looks()
        one.instant += 11 * SECOND
        one.looks()
        assert levels(one.got) == [number / 2 for number in range(stop)]
    assert not one.told


def test_a_killed_reader_leaves_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PLANT_PORTION", 20)
    put(tmp_path / "a.csv", HEAD + "".join(rows(0, 100)))
    one = reads(tmp_path)
    for _ in range(4):
        one.fails = 1
        with pytest.raises(RuntimeError, match="killed"):
            one.looks()
    assert levels(one.looks()) == [number / 2 for number in range(100)]


def test_room_that_was_made_for_a_file_is_no_content(tmp_path: Path) -> None:
    text = HEAD + "".join(rows(0, 10))
    put(tmp_path / "a.csv", text[:200] + "\0" * (len(text) - 200), old=False)
    one = reads(tmp_path)
    one.instant += 11 * SECOND
    first = levels(one.looks())
    put(tmp_path / "a.csv", text, old=False)
    one.instant += 3_600 * SECOND
    assert first + levels(one.looks()) == [number / 2 for number in range(10)]


def test_parquet_and_packed_files(tmp_path: Path) -> None:
    instants = pa.array([FIRST, FIRST + MINUTE], pa.timestamp("us", "UTC"))
    pyarrow.parquet.write_table(pa.table({"time": instants, "LEVEL": [1.0, None]}), tmp_path / "a.parquet")
    os.utime(tmp_path / "a.parquet", ns=(0, 0))
    assert [one.value for one in reads(tmp_path).looks()] == [1.0]


def test_names_of_unfinished_copies_and_links_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    text = HEAD + "".join(rows(0, 3))
    for name in (".a.csv.Xy1", "a.csv.part", ".hidden.csv", "out/a.csv"):
        put(tmp_path / name, text)
    (tmp_path / "link.csv").symlink_to(tmp_path / "out" / "a.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    assert reads(tmp_path).looks() == []


@pytest.mark.parametrize("becomes", ["link", "pipe"])
def test_what_takes_the_place_of_a_file_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    secret, exports = tmp_path / "secret", tmp_path / "exports"
    put(secret, HEAD + "".join(rows(0, 3)))
    exports.mkdir()

    def looked(folder: Path) -> list[Entry]:
        """As `listing`; then whoever may write in the folder is quick."""
        (exports / "a.csv").unlink(missing_ok=True)
        put(exports / "a.csv", HEAD + "".join(rows(0, 3)))
        found = listing(folder)
        (exports / "a.csv").unlink()
        (exports / "a.csv").symlink_to(secret) if becomes == "link" else os.mkfifo(exports / "a.csv")
        return found

    monkeypatch.setattr("tocsin.engine.plant.collectors.folder.listing", looked)
    one = reads(exports)
    assert one.looks() == []
    assert "a.csv cannot be read" in one.told[0]


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"PAR1 and no more", b"\x1f\x8b\x08 broken", b"a,b\nc,d\n", b"\xff\xfe\0"]
)
def test_a_file_that_cannot_be_read_is_told_once_and_the_others_are_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.csv").write_bytes(data)
    os.utime(tmp_path / "bad.csv", ns=(0, 0))
    put(tmp_path / "good.csv", HEAD + "".join(rows(0, 3)))
    one = reads(tmp_path)
    assert len(levels(one.looks(4))) == 3
    assert len(one.told) == (1 if data else 0)
    told = list(one.told)
    assert one.looks() == []
    assert one.told == told


def test_words_dates_and_zones_are_read_as_the_settings_say(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "Stamp;LEVEL;Remark\n03/04/2026 10:00;1,5;x\n")
    one = reads(tmp_path, time="Stamp", ignore=("Remark",), day_first=False)
    one.instant = 1_775_000_000_000_000
    (found,) = one.looks()
    assert (found.tag, found.value, rfc3339(found.instant)[:10]) == ("LEVEL", 1.5, "2026-03-04")


def test_a_clock_that_is_ahead_hides_nothing_that_comes_later(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", HEAD + "2031-01-01T00:00:00Z,9,OPEN\n")
    one = reads(tmp_path)
    assert one.looks() == []
    assert "ahead of this host's clock" in one.told[0]
    put(tmp_path / "b.csv", HEAD + "".join(rows(0, 2)))
    assert levels(one.looks()) == [0.0, 0.5]


def test_readings_before_since_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", HEAD + "".join(rows(0, 10)))
    assert levels(reads(tmp_path, since=FIRST + 8 * MINUTE).looks()) == [4.0, 4.5]


def test_a_folder_that_is_gone_is_lost_and_a_damaged_mark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceLost, match="cannot be looked at"):
        reads(tmp_path / "none").looks()
    one = reads(tmp_path)
    for mark in (
        "{",
        "[]",
        '{"files":{"a":[1]},"seen":{},"day_first":null}',
        '{"files":{},"seen":[1],"day_first":0}',
    ):
        one.mark = mark
        with pytest.raises(OperatorError, match="damaged"):
            one.looks()


@pytest.mark.parametrize("text", ["no table at all", HEAD])
def test_a_file_that_stays_without_a_row_is_told_once_and_read_when_it_has_some(
    tmp_path: Path, text: str
) -> None:
    put(tmp_path / "a.csv", text)
    one = reads(tmp_path)
    assert one.looks(4) == []
    assert one.told == ["a.csv holds no row of readings so far."]
    put(tmp_path / "a.csv", HEAD + "".join(rows(0, 3)))
    assert levels(one.looks()) == [0.0, 0.5, 1.0]
