"""A stored row gives back the same event, types included."""

from __future__ import annotations

import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.records.cells import logsource_text, parse_logsource
from tocsin.records.columns import ENVELOPE, Plan, to_events, to_table
from tocsin.records.event import Event, Logsource

TEXT = st.text(st.characters(), max_size=12)  # lone surrogates and NUL included
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(["", "null", "1", "true", "1.0", "\0"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NAMES = TEXT | st.sampled_from(
    [
        "Image",
        "image",
        "IMAGE",
        "t_raw",
        "T_origin",
        "t_rest",
        "t_types",
        "",
        "EventID",
        "c-uri",
        "a b",
        "a.b",
        "straße",
        "STRASSE",
    ]
)
PARTS = st.none() | st.sampled_from(["windows", "", "a/b", "%2F", "%"])
EVENTS = st.builds(
    Event,
    stream=TEXT,
    seq=st.integers(0, 2**62),
    time=st.integers(-(2**62), 2**62),
    ingest=st.integers(0, 2**62),
    logsources=st.frozensets(st.builds(Logsource, PARTS, PARTS, PARTS), max_size=3),
    fields=st.dictionaries(NAMES, VALUES, max_size=8),
    raw=TEXT,
    source=TEXT,
    format=TEXT,
    host=st.none() | TEXT,
    user=st.none() | TEXT,
    kind=TEXT,
    ocsf_class=st.integers(0, 9999),
    auth=st.sampled_from(["none", "token", "mtls", "local"]),
    origin=TEXT,
    time_known=st.booleans(),
    site=TEXT,
)


def exact(value: object) -> object:
    """`value` in a form whose equality knows types, NaN and the sign of zero."""
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else value.hex())
    if isinstance(value, dict):
        return ("dict", sorted((key, exact(one)) for key, one in value.items()))
    if isinstance(value, list):
        return ("list", [exact(one) for one in value])
    return (type(value).__name__, value)


def same(left: Event, right: Event) -> bool:
    envelope = [name for name in Event.__slots__ if name != "fields"]
    return exact(dict(left.fields)) == exact(dict(right.fields)) and all(
        exact(getattr(left, name)) == exact(getattr(right, name)) for name in envelope
    )


def event(seq: int = 0, **fields: object) -> Event:
    return Event("s", seq, 5, 6, frozenset(), fields, "raw", "a.log", "test", kind="k")


def through(events: list[Event], limit: int = 4) -> tuple[pa.Table, list[Event]]:
    plan = Plan(limit)
    plan.admit(events)
    table = to_table(events, plan)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, store_schema=False)
    back = pq.read_table(pa.BufferReader(sink.getvalue()))
    return table, list(to_events(back))


@settings(max_examples=120)
@given(st.lists(EVENTS, max_size=5), st.integers(0, 5))
def test_what_is_stored_comes_back(events: list[Event], limit: int) -> None:
    table, back = through(events, limit)
    assert len(back) == len(events)
    for given_, got in zip(events, back, strict=True):
        assert same(given_, got), (given_, got)
    natives = table.column_names[len(ENVELOPE) :]
    assert len(natives) <= limit
    assert len({name.casefold() for name in table.column_names}) == table.num_columns
    for text in table["t_rest"].to_pylist():
        if text is not None:
            json.loads(text, parse_constant=lambda name: 1 / 0)  # valid JSON: no NaN
            text.encode()


def test_null_absent_and_empty_stay_apart() -> None:
    events = [event(0, a=None), event(1), event(2, a=""), event(3, a="null")]
    assert [dict(one.fields) for one in through(events)[1]] == [{"a": None}, {}, {"a": ""}, {"a": "null"}]


def test_numbers_and_flags_keep_their_types_in_text_columns() -> None:
    table, back = through(
        [event(0, n=4688, f=1.0, b=True), event(1, n="4688", f="1.0", b="true"), event(2, n=2**80)]
    )
    assert table["n"].to_pylist() == ["4688", "4688", str(2**80)]
    assert [exact(dict(one.fields)) for one in back] == [
        exact({"n": 4688, "f": 1.0, "b": True}),
        exact({"n": "4688", "f": "1.0", "b": "true"}),
        exact({"n": 2**80}),
    ]


def test_names_that_would_shadow_go_to_rest() -> None:
    table, back = through([event(0, t_origin="simulated:x", T_RAW="forged", Image="a", image="b")])
    assert table.column_names[len(ENVELOPE) :] == ["Image"]
    assert json.loads(table["t_rest"][0].as_py()) == {
        "t_origin": "simulated:x",
        "T_RAW": "forged",
        "image": "b",
    }
    assert back[0].origin == "live"
    assert back[0].raw == "raw"


def test_a_flood_of_names_stays_within_the_limit() -> None:
    plan = Plan(256)
    for start in range(0, 2000, 500):
        plan.admit([event(0, **{f"f{n}": "x" for n in range(start, start + 500)})])
    assert len(plan.names) == 256
    known = Plan(256, plan.names)
    known.admit([event(0, another="x")])
    assert known.names == plan.names


def test_a_field_that_is_sometimes_a_list_keeps_both() -> None:
    table, back = through(
        [event(0, Data="one"), event(1, Data=["one", "two"]), event(2, Data={"x": [1, None]})]
    )
    assert table["Data"].to_pylist() == ["one", None, None]
    assert [one.fields["Data"] for one in back] == ["one", ["one", "two"], {"x": [1, None]}]


def test_tables_of_one_kind_read_together() -> None:
    plan = Plan(8)
    parts = []
    for one in (event(0, a="x"), event(1, b=1)):
        plan.admit([one])
        parts.append(to_table([one], plan))
    table = pa.concat_tables(parts, promote_options="default")
    assert [dict(one.fields) for one in to_events(table)] == [{"a": "x"}, {"b": 1}]


def test_logsources_print_as_paths() -> None:
    assert (
        logsource_text(Logsource("windows", "process_creation", "sysmon"))
        == "windows/process_creation/sysmon"
    )
    assert logsource_text(Logsource(category="firewall")) == "/firewall/"
    assert parse_logsource("windows//security") == Logsource("windows", None, "security")
