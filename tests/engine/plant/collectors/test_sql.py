"""A real SQLite database, asked again and again: each row once, late ones too, and nothing is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.engine.plant.collectors.reading_sources import NOW, Reads

from tocsin.config import bounds
from tocsin.config.plant_source_sql import Sql
from tocsin.engine.plant.collectors.interface import SourceLost
from tocsin.engine.plant.collectors.sql import SqlCollector
from tocsin.engine.plant.collectors.sql_reading import asked, engine_for
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND

START = NOW // SECOND - 10_000


class History:
    """A historian's database, as its owner fills it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.own = sqlite3.connect(path)
        self.own.execute("CREATE TABLE long (t INTEGER, tag TEXT, value)")
        self.own.execute("CREATE TABLE wide (t TEXT, LEVEL REAL, PUMP TEXT, note TEXT)")
        self.own.commit()

    def put(self, rows: Iterable[tuple[int, str, Any]]) -> None:
        self.own.executemany(
            "INSERT INTO long VALUES (?, ?, ?)", [(START + at, tag, value) for at, tag, value in rows]
        )
        self.own.commit()

    def reads(self, **settings: Any) -> Reads:
        known = {"table": "long", "time": "t", "tag": "tag", "value": "value", "every": 0, **settings}
        return Reads(lambda around: SqlCollector(Sql("sqlite", str(self.path), **known), around))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    one = History(tmp_path / "history?#.db")
    yield one
    one.own.close()


def values(found: list[Any]) -> list[Any]:
    return [one.value for one in found]


def test_it_begins_with_what_comes_and_reads_each_row_once(history: History) -> None:
    history.put([(0, "A", 1.0)])
    one = history.reads()
    assert one.looks() == []
    history.put([(10, "A", 2), (10, "B", "OPEN"), (11, "A", None), (12, "A", "3.5")])
    assert [tuple(reading) for reading in one.looks()] == [
        ("A", (START + 10) * SECOND, 2.0), ("B", (START + 10) * SECOND, "OPEN"), ("A", (START + 12) * SECOND, 3.5),
    ]  # fmt: skip
    assert one.looks() == []


def test_since_says_from_when(history: History) -> None:
    history.put((number, "A", number) for number in range(100))
    assert values(history.reads(since=(START + 90) * SECOND).looks()) == list(range(90, 100))


def test_an_empty_table_is_read_from_its_first_row(history: History) -> None:
    one = history.reads()
    assert one.looks() == []
    history.put([(0, "A", 1.0)])
    assert values(one.looks()) == [1.0]


def test_a_row_that_came_late_is_read(history: History) -> None:
    one = history.reads(since=0)
    history.put([(100, "A", 1.0)])
    one.looks()
    history.put([(95, "B", 2.0), (39, "C", 3.0)])  # the last one is later than `late` allows
    assert values(one.looks()) == [2.0]


def test_many_rows_come_in_portions_and_a_killed_reader_leaves_none_out(history: History) -> None:
    history.put((number // 3, f"T{number % 3}", number) for number in range(300))
    one = history.reads(since=0, rows=20, late=5)
    for _ in range(3):
        one.fails = 1
        with pytest.raises(RuntimeError, match="killed"):
            one.looks()
    assert sorted(values(one.looks())) == list(range(300))


def test_more_rows_of_one_second_than_are_read_at_a_time(history: History) -> None:
    history.put((5, f"T{number}", number) for number in range(50))
    assert sorted(values(history.reads(since=0, rows=7).looks())) == list(range(50))


def test_late_rows_that_are_too_many_hold_nothing_up(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PLANT_QUERY_ROWS_MOST", 40)
    history.put((number, "A", number) for number in range(500))
    assert values(history.reads(since=0, late=3_600).looks()) == list(range(500))


def test_a_wide_table_is_read_by_columns(history: History) -> None:
    rows = [("2026-03-04 05:00:00", 1.5, "OPEN", "x"), ("2026-03-04 05:00:01.5", None, "CLOSED", "y")]
    history.own.executemany("INSERT INTO wide VALUES (?, ?, ?, ?)", rows)
    history.own.commit()
    one = history.reads(table="wide", tag=None, value=None, time="T", ignore=("note",), since=0)
    assert [reading[::2] for reading in one.looks()] == [("LEVEL", 1.5), ("PUMP", "OPEN"), ("PUMP", "CLOSED")]
    history.own.execute("INSERT INTO wide VALUES ('2026-03-04 05:00:02', 2, 'OPEN', 'z')")
    history.own.commit()
    assert [reading[::2] for reading in one.looks()] == [("LEVEL", 2.0), ("PUMP", "OPEN")]


def test_a_select_of_the_owner(history: History) -> None:
    history.put([(0, "A", 1.0), (1, "B", 2.0)])
    select = "SELECT t AS stamp, 'x:' || tag AS tag, value * 10 AS v FROM long WHERE tag <> ':x' -- ours"
    one = history.reads(table="", select=select, time="stamp", value="v", since=0)
    assert [reading[::2] for reading in one.looks()] == [("x:A", 10.0), ("x:B", 20.0)]


def test_a_clock_that_is_ahead_hides_nothing(history: History) -> None:
    history.put([(10**8, "A", 9.0)])
    one = history.reads()
    assert one.looks() == []
    history.put([(10_001, "A", 1.0)])
    assert values(one.looks()) == [1.0]
    assert "left out" in one.told[0]


def test_nothing_can_be_written(history: History) -> None:
    with asked(engine_for(Sql("sqlite", str(history.path), table="long", time="t"))) as connection:
        for statement in (
            "DELETE FROM long",
            "CREATE TABLE x (y)",
            "PRAGMA user_version = 7",
            "PRAGMA query_only = OFF",
            "PRAGMA wal_checkpoint",
            f"ATTACH '{history.path.parent / 'other.db'}' AS other",
            "SELECT * FROM pragma_table_info('long')",
        ):
            with pytest.raises(sa.exc.DBAPIError, match="not authorized"):
                connection.execute(sa.text(statement))
    assert not (history.path.parent / "other.db").exists()


def test_a_database_that_is_written_meanwhile_is_read(history: History) -> None:
    history.own.execute("PRAGMA journal_mode = WAL")
    history.put([(0, "A", 1.0)])
    history.own.execute("INSERT INTO long SELECT t + 1, tag, 2.0 FROM long")  # not committed
    try:
        assert values(history.reads(since=0).looks()) == [1.0]
    finally:
        history.own.rollback()


def test_a_question_that_takes_too_long_is_broken_off(history: History) -> None:
    select = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS t, 'A' AS tag, 1 AS value FROM n"
    with pytest.raises(SourceLost, match="interrupted"):
        history.reads(table="", select=select, timeout=1).looks()


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"table": "none"}, SourceLost, "no such table"),
        ({"time": "none"}, OperatorError, "no column none: it has t, tag, value"),
        ({"time": "tag"}, OperatorError, "no time that is known"),
        ({"table": "", "select": "DELETE FROM long"}, OperatorError, "not one SELECT"),
    ],
)
def test_wrong_settings_are_told(
    history: History, settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    history.put([(0, "A", 1.0)])
    with pytest.raises(error, match=said):
        history.reads(**settings).looks()


def test_a_database_that_is_not_there_is_lost_and_none_is_made(tmp_path: Path) -> None:
    one = Reads(
        lambda around: SqlCollector(Sql("sqlite", str(tmp_path / "none.db"), table="x", time="t"), around)
    )
    with pytest.raises(SourceLost, match="unable to open"):
        one.looks()
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_lost(tmp_path: Path) -> None:
    (tmp_path / "h.db").write_bytes(b"no database at all" * 100)
    one = Reads(
        lambda around: SqlCollector(Sql("sqlite", str(tmp_path / "h.db"), table="x", time="t"), around)
    )
    with pytest.raises(SourceLost, match="not a database"):
        one.looks()


def test_a_damaged_mark_is_refused(history: History) -> None:
    one = history.reads()
    for one.mark in ("{", "7", '{"last":null,"seen":{}}', '{"last":1,"seen":[]}'):
        with pytest.raises(OperatorError, match="damaged"):
            one.looks()
