"""Events as Arrow columns and back, exactly (DESIGN section 3, "Event batch").

A table holds events of one kind. Its columns:

- The envelope, `ENVELOPE`: named `t_…`, which no source can emit.
- Native fields as nullable UTF-8 columns under their own names, at most `limit` of them a kind (`plan`).
- `t_rest`: one JSON object with the fields that have no column: beyond the limit, nested, named like the envelope,
  or differing only by case from a column. Null where there are none.
- `t_types`: one JSON object, field → type, for what a text column alone cannot say. Null where there is nothing to
  say; rows of one kind mostly share it, so it costs next to nothing. The types:

  | tag | the field is | its column holds |
  | --- | --- | --- |
  | `i` `f` `b` | an int, a float, a bool | its decimal text, `repr`, `true` or `false` |
  | `n` | null | null; a field that is absent has no tag, and the empty string is the empty string |
  | `u` | text with lone surrogates, which UTF-8 cannot hold | its JSON escapes |
  | `p` | (only of `t_rest`) | NaN, an infinity or lone surrogates somewhere: `{"t_python": "…"}` holds the JSON as Python writes it |

What comes back equals what went in, types included; only the order of an event's fields may differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import pyarrow as pa

from tocsin.records.cells import (
    ABSENT,
    as_text,
    encodable,
    escaped,
    logsource_text,
    parse_logsource,
    parse_rest,
    rest_text,
    typed,
    types_text,
    unescaped,
)
from tocsin.records.event import ENVELOPE_PREFIX, Auth, Event, Logsource

_TEXT: Final = pa.string()
_INSTANT: Final = pa.timestamp("us", tz="UTC")
_NATIVE_NAME_CHARS: Final = 200
"""A longer name goes to `t_rest`: names are kept in every file's footer."""

_FIELDS: list[pa.Field[Any]] = [
    pa.field("t_event", _TEXT),
    pa.field("t_time", _INSTANT),
    pa.field("t_time_known", pa.bool_()),
    pa.field("t_ingest", _INSTANT),
    pa.field("t_stream", _TEXT),
    pa.field("t_seq", pa.int64()),
    pa.field("t_site", _TEXT),
    pa.field("t_logsources", pa.list_(_TEXT)),
    pa.field("t_kind", _TEXT),
    pa.field("t_host", _TEXT),
    pa.field("t_user", _TEXT),
    pa.field("t_class", pa.int64()),
    pa.field("t_auth", _TEXT),
    pa.field("t_origin", _TEXT),
    pa.field("t_source", _TEXT),
    pa.field("t_format", _TEXT),
    pa.field("t_raw", _TEXT),
    pa.field("t_rest", _TEXT),
    pa.field("t_types", _TEXT),
]
ENVELOPE: Final = pa.schema(_FIELDS)
"""The columns of every table, before the native ones."""

_PLAIN_TYPES: Final = {str, type(ABSENT)}


class Plan:
    """Which fields of one kind are columns; grows with `admit` and never forgets.

    Args:
        limit: Native columns there may be.
        names: Columns that files of this kind already have.
    """

    def __init__(self, limit: int, names: Iterable[str] = ()) -> None:
        self._limit = limit
        self._columns = {name.casefold(): name for name in names}

    @property
    def names(self) -> list[str]:
        """The native columns, in the order they were admitted."""
        return list(self._columns.values())

    def admit(self, events: Iterable[Event]) -> None:
        """Gives a column to each field of `events` that may have one and whose value is no list or object."""
        seen: set[str] = set()
        for event in events:
            for name, value in event.fields.items():
                if name not in seen and not isinstance(value, list | dict):
                    seen.add(name)
                    if len(self._columns) < self._limit and _may_be_column(name):
                        self._columns.setdefault(name.casefold(), name)


def to_table(events: Sequence[Event], plan: Plan) -> pa.Table:
    """`events`, all of one kind, as a table with the envelope and the columns of `plan` that they use."""
    tags: list[dict[str, str]] = [{} for _ in events]
    columns = _envelope(events, tags)
    native: dict[str, pa.Array[Any]] = {}
    for name in plan.names:
        column = _native(name, events, tags)
        if column is not None:
            native[name] = column
    columns["t_rest"] = pa.array(_rests(events, set(native), tags), _TEXT)
    types: dict[tuple[tuple[str, str], ...], str] = {}
    columns["t_types"] = pa.array([types_text(row, types) for row in tags], _TEXT)
    schema = ENVELOPE
    for name in native:
        schema = schema.append(pa.field(name, _TEXT))
    return pa.Table.from_arrays(
        [*(columns[name] for name in ENVELOPE.names), *native.values()], schema=schema
    )


def to_events(table: pa.Table) -> Iterator[Event]:
    """The events of a table that `to_table` made, or of several put together by name."""
    natives = [name for name in table.column_names if not name.startswith(ENVELOPE_PREFIX)]
    for batch in table.to_batches(max_chunksize=4096):
        columns = {name: _values(batch.column(name)) for name in batch.schema.names}
        logsources: dict[tuple[str, ...], frozenset[Logsource]] = {}
        for index in range(batch.num_rows):
            yield _event(
                {name: columns[name][index] for name in ENVELOPE.names}, natives, columns, index, logsources
            )


def _may_be_column(name: str) -> bool:
    return (
        0 < len(name) <= _NATIVE_NAME_CHARS
        and not name.casefold().startswith(ENVELOPE_PREFIX)
        and "\0" not in name
        and encodable(name)
    )


def _envelope(events: Sequence[Event], tags: list[dict[str, str]]) -> dict[str, Any]:
    """The envelope's columns but for `t_rest` and `t_types`."""
    sources = {event.logsources: sorted(map(logsource_text, event.logsources)) for event in events}
    texts: dict[str, list[str | None]] = {
        "t_event": [str(event.id) for event in events],
        "t_stream": [event.stream for event in events],
        "t_site": [event.site for event in events],
        "t_kind": [event.kind for event in events],
        "t_host": [event.host for event in events],
        "t_user": [event.user for event in events],
        "t_auth": [event.auth for event in events],
        "t_origin": [event.origin for event in events],
        "t_source": [event.source for event in events],
        "t_format": [event.format for event in events],
        "t_raw": [event.raw for event in events],
    }
    columns = {name: _text_array(name, values, tags) for name, values in texts.items()}
    columns["t_time"] = pa.array([event.time for event in events], pa.int64()).cast(_INSTANT)
    columns["t_ingest"] = pa.array([event.ingest for event in events], pa.int64()).cast(_INSTANT)
    columns["t_time_known"] = pa.array([event.time_known for event in events], pa.bool_())
    columns["t_seq"] = pa.array([event.seq for event in events], pa.int64())
    columns["t_class"] = pa.array([event.ocsf_class for event in events], pa.int64())
    columns["t_logsources"] = pa.array(
        [sources[event.logsources] for event in events], ENVELOPE.field("t_logsources").type
    )
    return columns


def _native(name: str, events: Sequence[Event], tags: list[dict[str, str]]) -> pa.Array[Any] | None:
    """The column of field `name`, None where no event has a value that a column can hold."""
    values = [event.fields.get(name, ABSENT) for event in events]
    kinds = set(map(type, values))
    if not kinds <= _PLAIN_TYPES:
        values = [as_text(name, value, row) for value, row in zip(values, tags, strict=True)]
        if kinds <= {list, dict, type(ABSENT)}:
            return None
    elif str not in kinds:
        return None
    return _text_array(
        name, [None if value is ABSENT else cast("str | None", value) for value in values], tags
    )


def _text_array(name: str, values: list[str | None], tags: list[dict[str, str]]) -> pa.Array[Any]:
    try:
        return pa.array(values, _TEXT)
    except UnicodeEncodeError:
        return pa.array([escaped(name, value, row) for value, row in zip(values, tags, strict=True)], _TEXT)


def _rests(events: Sequence[Event], native: set[str], tags: list[dict[str, str]]) -> list[str | None]:
    return [rest_text(event.fields, native, row) for event, row in zip(events, tags, strict=True)]


def _values(column: pa.Array[Any]) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(_INSTANT).cast(pa.int64())
    return cast("list[Any]", column.to_pylist())


def _event(
    row: dict[str, Any],
    natives: Sequence[str],
    columns: Mapping[str, Sequence[Any]],
    index: int,
    logsources: dict[tuple[str, ...], frozenset[Logsource]],
) -> Event:
    types = json.loads(row["t_types"]) if row["t_types"] else {}
    text = {name: unescaped(value) if types.get(name) == "u" else value for name, value in row.items()}
    return Event(
        text["t_stream"], row["t_seq"], row["t_time"], row["t_ingest"],
        _logsources(tuple(row["t_logsources"]), logsources),
        _fields(natives, columns, index, types) | parse_rest(row["t_rest"], types),
        text["t_raw"], text["t_source"], text["t_format"], text["t_host"], text["t_user"], text["t_kind"],
        row["t_class"], cast("Auth", row["t_auth"]), text["t_origin"], row["t_time_known"], text["t_site"],
    )  # fmt: skip


def _logsources(
    texts: tuple[str, ...], known: dict[tuple[str, ...], frozenset[Logsource]]
) -> frozenset[Logsource]:
    if texts not in known:
        known[texts] = frozenset(map(parse_logsource, texts))
    return known[texts]


def _fields(
    natives: Sequence[str], columns: Mapping[str, Sequence[Any]], index: int, types: Mapping[str, str]
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in natives:
        value = columns[name][index]
        if value is not None:
            fields[name] = typed(value, types.get(name))
        elif types.get(name) == "n":
            fields[name] = None
    return fields
