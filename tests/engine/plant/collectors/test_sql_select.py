"""What a database may be asked: one SELECT that only reads."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin.config.plant_source_sql import Sql
from tocsin.engine.plant.collectors.sql_select import check_select, columns_question, questions
from tocsin.records.errors import OperatorError


@pytest.mark.parametrize(
    ("database", "select"),
    [
        ("sqlite", "SELECT t, a FROM h"),
        ("sqlite", "SELECT t, a FROM h -- ; DROP TABLE h"),
        ("sqlite", "SELECT t, 'DROP TABLE h; DELETE FROM h' AS a FROM h;"),
        ("postgresql", "WITH a AS (SELECT * FROM h) SELECT t::timestamptz AS t, b FROM a JOIN c USING (id)"),
        ("postgresql", "SELECT t, v FROM a UNION ALL SELECT t, v FROM b"),
        (
            "mssql",
            "SELECT DateTime, TagName, Value FROM [Runtime].[dbo].[History] WHERE wwRetrievalMode = 'Delta'",
        ),
        (
            "mssql",
            "SELECT DATEADD(hour, -1, t) AS t, ISNULL(TRY_CAST(v AS float), 0) AS v FROM h WITH (NOLOCK) WHERE t < SYSUTCDATETIME() AND tag LIKE 'Archive\\%'",
        ),
        (
            "postgresql",
            "SELECT to_timestamp(s) AS t, date_trunc('hour', a), time_bucket('1 minute', a), round(v::numeric, 2) FROM h",
        ),
        (
            "postgresql",
            "SELECT coalesce(b, 0), a AT TIME ZONE 'UTC', lag(v) OVER (ORDER BY a), j->>'x' FROM h WHERE a > now() - interval '1 day'",
        ),
        ("sqlite", "SELECT datetime(t, 'unixepoch') AS t, json_extract(a, '$.b') AS b, unixepoch(t) FROM h"),
    ],
)
def test_a_select_is_let_through(database: Any, select: str) -> None:
    check_select(select, database)


@pytest.mark.parametrize(
    ("database", "select"),
    [
        ("sqlite", ""),
        ("sqlite", ";"),
        ("sqlite", "SELECT 1; SELECT 2"),
        ("sqlite", "SELECT 1; DROP TABLE h"),
        ("sqlite", "DELETE FROM h"),
        ("sqlite", "PRAGMA query_only = OFF"),
        ("sqlite", "ATTACH 'other.db' AS other"),
        ("sqlite", "VACUUM"),
        ("sqlite", "SELECT t FROM h WHERE t > :mark"),
        ("sqlite", "SELECT t FROM h WHERE t > ?"),
        ("sqlite", "SELECT (" * 3_000),
        ("sqlite", "SELEC t FRO h"),
        ("postgresql", "WITH gone AS (DELETE FROM h RETURNING *) SELECT * FROM gone"),
        ("postgresql", "SELECT * INTO copy FROM h"),
        ("postgresql", "SELECT * FROM h FOR UPDATE"),
        ("postgresql", "COPY h TO PROGRAM 'id'"),
        ("postgresql", "DO $$ BEGIN DELETE FROM h; END $$"),
        ("postgresql", "CALL empty()"),
        ("mssql", "EXEC xp_cmdshell 'dir'"),
        ("mssql", "SELECT * INTO copy FROM h"),
        ("mssql", "SELECT 1 WAITFOR DELAY '1:00'"),
        # what a SELECT can call, in a read-only transaction too
        ("postgresql", "SELECT t, pg_read_file('/etc/passwd') AS v FROM h"),
        ("postgresql", "SELECT * FROM dblink('host=plc', 'DELETE FROM h') AS t(a int)"),
        ("postgresql", "SELECT lo_export(1, '/tmp/x')"),
        ("postgresql", "SELECT public.empty()"),
        ("postgresql", 'SELECT "pg_terminate_backend"(1)'),
        ("postgresql", "SELECT nextval('s')"),
        ("postgresql", "SELECT set_config('default_transaction_read_only', 'off', false)"),
        ("mssql", "SELECT * FROM OPENQUERY(plc, 'DELETE FROM h')"),
        ("mssql", "SELECT * FROM OPENROWSET('a', 'b', 'DELETE FROM h')"),
        ("mssql", "SELECT NEXT VALUE FOR numbers"),
        ("sqlite", "SELECT load_extension('x')"),
        ("sqlite", "SELECT writefile('x', 'y')"),
        # what locks out who writes
        ("mssql", "SELECT * FROM h WITH (TABLOCKX, HOLDLOCK)"),
        ("mssql", "SELECT * FROM h WITH (NOLOCK, UPDLOCK)"),
        # where a text ends, if the server was set otherwise
        ("postgresql", r"SELECT 'a\'') t; DELETE FROM h; --'"),
        ("postgresql", "SELECT $x$ ) t; DELETE FROM h; -- $x$ AS a"),
    ],
)
def test_anything_else_is_refused(database: Any, select: str) -> None:
    with pytest.raises(OperatorError, match="select of a plant's source"):
        check_select(select, database)


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_names_are_quoted_and_found_however_they_are_written() -> None:
    settings = Sql("mssql", "Runtime", table="dbo.my history;--", time="datetime", tag="TAG", value="Value")
    put = questions(settings, ["DateTime", "Tag", "Value"], quote)
    assert put.rows("'2026'") == (
        'SELECT TOP (500000) "DateTime", "Tag", "Value" FROM dbo."my history;--" tocsin_source '
        """WHERE "DateTime" > '2026' ORDER BY "DateTime\""""
    )
    assert put.newest == 'SELECT MAX("DateTime") FROM dbo."my history;--" tocsin_source'


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(OperatorError, match="no column when: it has t, a"):
        questions(Sql("sqlite", "h", table="h", time="when"), ["t", "a"], quote)


def test_the_owners_select_is_asked_as_it_is() -> None:
    select = "SELECT t::timestamptz AS t, ':mark %s %' AS a FROM h -- ours"
    asked = columns_question(Sql("postgresql", "h", select=select + ";", time="t"), quote)
    assert asked == f"SELECT * FROM ({select};\n) tocsin_source WHERE 1 = 0".replace("ours;", "ours")
