"""A database opened for reading only, asked, and left as it was.

1. PostgreSQL: every transaction is read-only, by the session's own setting. SQLite: the file is opened read-only,
   `PRAGMA query_only` holds, and of each statement SQLite asks us what it may do (`_may`). SQL Server: `ApplicationIntent=ReadOnly`; it knows no read-only transaction, so the account
   should have no right but to read.
2. Whatever was asked is rolled back.
3. An answer that takes longer than the settings allow is broken off.
"""

from __future__ import annotations

import os
import sqlite3
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tocsin.config import bounds
from tocsin.config.origins import is_here
from tocsin.config.plant_source_sql import Sql
from tocsin.config.private_files import NotOurs, read_private
from tocsin.engine.plant.collectors.interface import SourceLost
from tocsin.engine.plant.collectors.mssql_tls import checked, known_authorities
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert, shortened

_DRIVERS: Final = {"postgresql": "postgresql+pg8000", "mssql": "mssql+pytds", "sqlite": "sqlite"}
_REASON_CHARS: Final = 200
_READING: Final = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
    }
)


def engine_for(settings: Sql) -> sa.Engine:
    """What asks the database.

    Raises:
        OperatorError: the library for it is not installed.
    """
    try:
        return sa.create_engine(
            f"{_DRIVERS[settings.database]}://",
            creator=lambda: _opened(settings),
            poolclass=NullPool,
            hide_parameters=True,
        )
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        raise OperatorError(
            f"What speaks with {settings.database} is not installed.",
            "Install the extra `plant-sources`; in a clone of Tocsin: pip install -e '.[plant-sources]'",
        ) from error


@contextmanager
def asked(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection, rolled back in the end.

    Raises:
        SourceLost: the database cannot be reached, or does not do what it is asked.
    """
    try:
        with engine.connect() as connection:
            try:
                yield connection.execution_options(no_parameters=True)  # a % is a %
            finally:
                connection.rollback()
    except SQLAlchemyError as error:
        raise SourceLost(f"the database says: {_reason(getattr(error, 'orig', None) or error)}") from error
    except (OSError, EOFError, _error(engine)) as error:
        raise SourceLost(f"the database cannot be reached: {_reason(error)}") from error


def _error(engine: sa.Engine) -> type[Exception]:
    """What the database's library raises."""
    return cast("type[Exception]", engine.dialect.loaded_dbapi.Error)


def _reason(error: BaseException) -> str:
    said = error.args[0] if error.args and not isinstance(error, OSError) else error
    if isinstance(error, OSError) and error.strerror:  # its first argument is a number
        said = error.strerror
    if isinstance(said, dict):  # PostgreSQL's, by letters: M is the message
        said = said.get("M", said)
    return shortened(inert(" ".join(str(said).split())), _REASON_CHARS).rstrip(".") or type(error).__name__


def _opened(settings: Sql) -> Any:
    if settings.database == "sqlite":
        return _sqlite(settings)
    password = _password(settings)
    return (
        _postgresql(settings, password) if settings.database == "postgresql" else _mssql(settings, password)
    )


def _password(settings: Sql) -> str | None:
    path = settings.password
    if path is None:
        return None
    try:
        return read_private(path, bounds.SECRET_BYTES, root_too=True).decode().rstrip("\r\n")
    except NotOurs as error:
        raise OperatorError(f"The password file {path} is not used: {error}.", "chmod 600 it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"The password file {path} cannot be read: {error}.", "Write the password into it."
        ) from error


def _sqlite(settings: Sql) -> sqlite3.Connection:
    path = quote(os.fspath(settings.name))
    connection = sqlite3.connect(
        f"file:{path}?mode=ro", uri=True, timeout=bounds.PLANT_CONNECT_SECONDS, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    until = time.monotonic() + settings.timeout
    connection.set_authorizer(_may)
    connection.set_progress_handler(lambda: int(time.monotonic() > until), 10_000)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _may(action: int, what: str | None, value: str | None, _database: str | None, _within: str | None) -> int:
    """What a statement may do: read, calculate, and tell a setting of SQLite that SQLAlchemy asks for."""
    asks = action == sqlite3.SQLITE_PRAGMA and what == "read_uncommitted" and value is None
    return sqlite3.SQLITE_OK if asks or action in _READING else sqlite3.SQLITE_DENY


def _postgresql(settings: Sql, password: str | None) -> Any:
    import pg8000.dbapi  # noqa: PLC0415  only where it is asked for

    connection = pg8000.dbapi.connect(
        settings.user or "",
        host=settings.host,
        port=settings.port or 5432,
        database=settings.name,
        password=password,
        ssl_context=_context(settings),
        timeout=settings.timeout + bounds.PLANT_CONNECT_SECONDS,
        application_name="tocsin",
    )
    connection.autocommit = True  # so that no rollback takes these settings back
    cursor = connection.cursor()
    cursor.execute("SET default_transaction_read_only = on")
    cursor.execute(f"SET statement_timeout = {settings.timeout * 1000}")
    cursor.execute(f"SET lock_timeout = {settings.timeout * 1000}")
    connection.autocommit = False
    return connection


def _mssql(settings: Sql, password: str | None) -> Any:
    import pytds  # noqa: PLC0415  only where it is asked for

    authority = None if _in_plain(settings) else settings.authority or known_authorities()
    with checked(authority) as cafile:
        return pytds.connect(
            dsn=settings.host,
            port=settings.port or 1433,
            database=settings.name,
            user=settings.user,
            password=password or "",
            timeout=settings.timeout,
            login_timeout=bounds.PLANT_CONNECT_SECONDS,
            readonly=True,
            appname="tocsin",
            cafile=cafile,
        )


def _in_plain(settings: Sql) -> bool:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.plain or (settings.authority is None and is_here(f"http://{host}"))


def _context(settings: Sql) -> ssl.SSLContext | None:
    if _in_plain(settings):
        return None
    return ssl.create_default_context(
        cafile=None if settings.authority is None else os.fspath(settings.authority)
    )
