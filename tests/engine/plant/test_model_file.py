"""A model on disk: the same to the last bit, or refused, whatever stands in the file."""

from __future__ import annotations

import contextlib
import hashlib
import stat
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.watch import Judged, Watcher
from tocsin.engine.plant.model_fields import encoded
from tocsin.engine.plant.model_file import MAGIC, Confirmed, keep_old, parse_model, read_model, write_model
from tocsin.records.errors import OperatorError
from tocsin.records.instants import HOUR
from tocsin.records.readings import Readings, Spelling


def readings(rows: int, seed: int) -> Readings:
    """A tank, its pump, its flow, a counter and a constant, by the hour."""
    draws = np.random.default_rng(seed)
    hours = np.arange(rows)
    pump = (hours % 6 < 3).astype(float)
    level = 2 + np.cumsum(pump - 0.5) / 10 + draws.normal(0, 0.01, rows)
    flow = 30 * pump + draws.normal(0, 0.3, rows)
    values = np.stack([level, pump, flow.round(2), np.cumsum(pump * 30), np.full(rows, 5.0)], axis=1)
    return Readings(("L", "S", "F", "C", "K"), hours * HOUR, values)


@cache
def model() -> PlantModel:
    return learn(readings(600, 1), 0.25, 1)


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, arrays and dataclasses included."""
    if is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)
        )
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def judged(of: PlantModel) -> Judged:
    return Watcher(of).judge(readings(300, 2))


def test_a_model_comes_back_to_the_last_bit_and_judges_alike(tmp_path: Path) -> None:
    path = tmp_path / "m"
    spelling = Spelling({"S": ("OFF", "ON")}, day_first=True)
    write_model(path, model(), spelling)
    kept = read_model(path)
    assert kept.spelling == spelling
    assert same(kept.model, model())
    assert same(judged(kept.model), judged(model()))


def test_the_file_is_private_and_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_model(path, model(), Spelling())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["m"]
    before = path.read_bytes()
    write_model(path, model(), Spelling())
    assert path.read_bytes() == before, "the same model gives the same file"
    with pytest.raises(OperatorError, match="cannot be written"):
        write_model(tmp_path / "none" / "m", model(), Spelling())


def whole(body: Any) -> bytes:
    """A file around `body`, its digest right: as somebody would make one up."""
    packed = msgspec.msgpack.encode(body)
    return MAGIC + hashlib.sha256(packed).digest() + packed


def body() -> dict[str, Any]:
    packed = {"version": "1", "model": encoded(model()), "spelling": {"words": {}, "day_first": None}}
    return msgspec.msgpack.decode(msgspec.msgpack.encode(packed))


def test_units_are_kept_and_models_without_them_are_read(tmp_path: Path) -> None:
    spelling = Spelling(units={"S": "m³/h", "T": "\x1b[31m"})
    write_model(tmp_path / "m", model(), spelling)
    assert read_model(tmp_path / "m").spelling == spelling
    assert parse_model(whole(body()), "m").spelling == Spelling()
    for odd in (None, [], {"S": 1}, {1: "m"}, {"S": "m" * 1_000}):
        made = body()
        made["spelling"]["units"] = odd
        with pytest.raises(OperatorError, match="cannot be used"):
            parse_model(whole(made), "m")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    for data in (
        b"",
        b"PK\x03\x04",
        MAGIC,
        whole(1),
        whole({}),
        whole({**body(), "version": "0"}),
        whole({**body(), "more": 1}),
    ):
        with pytest.raises(OperatorError, match=r"no model|damaged|cannot be used"):
            parse_model(data, "m")
    with pytest.raises(OperatorError, match="cannot be read"):
        read_model(tmp_path / "m")


@given(st.data())
def test_one_changed_byte_is_seen(data: st.DataObject) -> None:
    file = bytearray(whole(body()))
    at = data.draw(st.integers(0, len(file) - 1))
    file[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(OperatorError, match=r"no model|damaged"):
        parse_model(bytes(file), "m")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where anything stands in a body."""
    found = [path] if path else []
    keys = value if isinstance(value, dict) else range(min(len(value), 3)) if isinstance(value, list) else ()
    for key in keys:
        found += places(value[key], (*path, key))
    return found


PLACES = st.deferred(lambda: st.sampled_from(places(body())))
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=5), st.binary(max_size=16),
    st.just([]), st.just({}), st.lists(st.integers(-1, 300), max_size=3),
)  # fmt: skip


@given(st.data())
def test_a_model_that_was_made_up_is_refused_or_judges_without_harm(data: st.DataObject) -> None:
    made = body()
    for path in data.draw(st.lists(PLACES, min_size=1, max_size=3)):
        with contextlib.suppress(KeyError, IndexError, TypeError):
            holder = made
            for key in path[:-1]:
                holder = holder[key]
            old = holder[path[-1]]
            if isinstance(old, bytes) and old and data.draw(st.booleans()):
                at = data.draw(st.integers(0, len(old) - 1))
                holder[path[-1]] = old[:at] + bytes([data.draw(st.integers(0, 255))]) + old[at + 1 :]
            else:
                holder[path[-1]] = data.draw(ODD)
    try:
        kept = parse_model(whole(made), "m")
    except OperatorError:
        return
    with np.errstate(all="ignore"):
        rows = readings(40, 3)
        found = Watcher(kept.model).judge(rows.of(kept.model.names))
        few = Watcher(kept.model).judge(rows.of(kept.model.names).rows(0, 5))
    assert len(found.scores) == 40
    assert len(few.scores) == 5


def test_who_confirmed_what_is_kept(tmp_path: Path) -> None:
    words = tuple(Confirmed(f"N{at}", at, 0, HOUR, 600) for at in range(3))
    write_model(tmp_path / "m", model(), Spelling(), words)
    assert read_model(tmp_path / "m").confirmed == words
    write_model(tmp_path / "m", model(), Spelling())
    assert read_model(tmp_path / "m").confirmed == ()


@pytest.mark.parametrize(
    "confirmed", [3, [3], [{"by": "x"}], [{"by": 3, "at": 0, "start": 0, "end": 0, "rows": 0}], None]
)
def test_a_confirmation_that_was_made_up_is_refused(confirmed: Any) -> None:
    held = {
        "version": "1", "model": encoded(model()), "spelling": {"words": {}, "day_first": None}, "confirmed": confirmed
    }  # fmt: skip
    body = msgspec.msgpack.encode(held)
    with pytest.raises(OperatorError, match="cannot be used"):
        parse_model(MAGIC + hashlib.sha256(body).digest() + body, "m")


def test_old_models_are_kept_each_under_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "plant.model"
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        kept = keep_old(path)
        assert kept.read_bytes() == content
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "plant.model", "plant.model.bak", "plant.model.bak2", "plant.model.bak3",
    ]  # fmt: skip
    with pytest.raises(OperatorError, match=r"cannot be kept as \.bak"):
        keep_old(tmp_path / "absent")
