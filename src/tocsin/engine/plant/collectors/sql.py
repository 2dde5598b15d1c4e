"""A database asked again and again for rows that are newer than those it gave. It is read, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, CursorResult

from tocsin.config import bounds
from tocsin.config.plant_source_sql import Sql
from tocsin.engine.plant.collectors.beside import Beside
from tocsin.engine.plant.collectors.interface import Deliver, Reading
from tocsin.engine.plant.collectors.seen import Seen
from tocsin.engine.plant.collectors.settings import Around
from tocsin.engine.plant.collectors.sql_reading import asked, engine_for
from tocsin.engine.plant.collectors.sql_select import Questions, columns_question, questions
from tocsin.engine.plant.collectors.sql_values import Spelt, instant_of, value_of
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import SECOND

_SLACK: Final = SECOND
"""Databases round times; so much is always asked for again."""


@dataclass(slots=True)
class _Progress:
    """The newest time that was read, from when on rows are read, and the newest time of each tag."""

    last: int | None = None
    start: int = 0
    seen: Seen = field(default_factory=Seen)

    def mark(self) -> str:
        """It as a text."""
        return json.dumps(
            {"last": self.last, "start": self.start, "seen": self.seen.held()}, separators=(",", ":")
        )


def _progress_of(mark: str) -> _Progress:
    if not mark:
        return _Progress()
    try:
        held = json.loads(mark)
        return _Progress(int(held["last"]), int(held["start"]), Seen(held["seen"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OperatorError(
            "The mark of the database is damaged.",
            "Remove it from the folder plant of the data folder; then see `since`.",
        ) from error


@dataclass(frozen=True, slots=True)
class _Answer:
    """New readings, the newest time among all rows, and whether more wait."""

    readings: list[Reading]
    last: int
    more: bool


class SqlCollector:
    """Reads one database.

    Args:
        settings: Which, and what of it.
        around: Who is told, and the time.
    """

    def __init__(self, settings: Sql, around: Around) -> None:
        self._settings, self._around = settings, around
        self._engine = engine_for(settings)
        self._beside = Beside(2 * settings.timeout + 2 * bounds.PLANT_CONNECT_SECONDS, "the database")
        self._progress = _Progress()
        self._questions: Questions | None = None
        self._told: set[str] = set()

    async def read(self, deliver: Deliver, mark: str) -> None:
        """As `interface.Collector`; '' as mark means: from `since` on, or from the newest row there is."""
        self._progress = progress = _progress_of(mark)
        while True:
            answer = await self._beside.run(self._ask)
            if answer is not None:
                for one in answer.readings:
                    progress.seen.note(one.tag, one.instant)
                progress.last = answer.last
            text = progress.mark()
            await deliver(answer.readings if answer is not None else (), text if text != mark else "")
            mark = text
            await asyncio.sleep(0 if answer is not None and answer.more else self._settings.every)

    def _ask(self) -> _Answer | None:
        """One question and its answer; None while there are no rows at all."""
        with asked(self._engine) as connection:
            put = self._put(connection)
            newest = connection.exec_driver_sql(put.newest).scalar()
            if self._progress.last is None:
                self._begin(newest)
            last = self._progress.last
            if newest is None or last is None:
                return None
            self._instant(newest)
            zone = self._settings.zone
            spelt = Spelt(newest, zone)
            answer = self._rows(connection, put, spelt, last, self._settings.late * SECOND)
            if answer.more and not answer.readings:  # what was read before is too much to be read again
                answer = self._rows(connection, put, spelt, last, 0)
                if answer.more and not answer.readings:
                    raise OperatorError(
                        f"The source has more than {bounds.PLANT_QUERY_ROWS_MOST:,} rows a second.",
                        "Make a view with fewer.",
                    )
            return answer

    def _begin(self, newest: Any) -> None:
        """From the settings' instant on, or behind the newest row there is; where there is none, from the first."""
        since = self._settings.since
        if since is None:
            since = 0 if newest is None else min(self._instant(newest), self._around.now()) + 1
        self._progress.start = self._progress.last = since

    def _instant(self, newest: Any) -> int:
        instant = instant_of(newest, self._settings.zone)
        if instant is None:
            raise OperatorError(
                f"{inert(str(newest)[:40])!a} in the column {self._settings.time} is no time that is known.",
                "Make a select whose time is a timestamp, a text of ISO 8601, or a number since 1970.",
            )
        return instant

    def _put(self, connection: Connection) -> Questions:
        """What is asked, once it is known what columns there are."""
        if self._questions is None:
            quote = connection.dialect.identifier_preparer.quote_identifier
            found = list(connection.exec_driver_sql(columns_question(self._settings, quote)).keys())
            self._questions = questions(self._settings, found, quote)
        return self._questions

    def _rows(self, connection: Connection, put: Questions, spelt: Spelt, last: int, late: int) -> _Answer:
        asked_for = put.rows(spelt.literal(max(0, last - late - _SLACK)))
        rows = connection.execution_options(stream_results=True).exec_driver_sql(asked_for)
        with rows:
            return self._taken(rows, last)

    def _taken(self, rows: CursorResult[Any], last: int) -> _Answer:
        """The rows as readings: those that are new, as many as the settings say."""
        seen, start = self._progress.seen, self._progress.start
        ahead = self._around.now() + bounds.PLANT_AHEAD_SECONDS * SECOND
        tags = list(rows.keys())[1:]
        readings: list[Reading] = []
        all_rows = new_rows = 0
        for row in rows:
            all_rows += 1
            instant = instant_of(row[0], self._settings.zone)
            if instant is None or instant > ahead:
                self._tell(
                    "Rows without a time, or with one more than a day ahead of this host's clock, are left out."
                )
                continue
            if instant < start:
                continue
            before = len(readings)
            readings += (
                one for one in self._in_row(tuple(row), tags, instant) if seen.is_new(one.tag, instant)
            )
            last = max(last, instant)
            new_rows += len(readings) > before
            if new_rows >= self._settings.rows:
                return _Answer(readings, last, more=True)
        return _Answer(readings, last, more=all_rows >= bounds.PLANT_QUERY_ROWS_MOST)

    def _in_row(self, row: Sequence[Any], tags: list[str], instant: int) -> Iterator[Reading]:
        if self._settings.tag is None:
            yield from (
                Reading(tag[: bounds.HISTORIAN_NAME_CHARS], instant, found)
                for tag, value in zip(tags, row[1:], strict=True)
                if (found := value_of(value)) is not None
            )
            return
        found = value_of(row[2])
        tag = str(row[1]).strip()[: bounds.HISTORIAN_NAME_CHARS] if row[1] is not None else ""
        if tag and found is not None and tag not in self._settings.ignore:
            yield Reading(tag, instant, found)

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._around.tell(text)
