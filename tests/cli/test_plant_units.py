"""Units from one end to the other: learnt in one, watched in another, told in words, refused where that means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from tests.command import call
from tests.detect.plant.plants import tank

from tocsin.engine.plant.model_file import read_model, write_model
from tocsin.records.instants import rfc3339
from tocsin.records.readings import Readings, Spelling

ROWS = 4 * 7 * 24
LEARNT = {"LEVEL": "m", "INFLOW": "m³/h", "OUTFLOW": "m3/h", "TOTAL": "m3", "PRESSURE": "mWS"}
OTHERS = {
    "LEVEL": ("cm", 100.0), "INFLOW": ("l/s", 1 / 3.6), "OUTFLOW": ("CMH", 1.0), "TOTAL": ("Liter", 1000.0),
    "PRESSURE": ("kPa", 9.80665),
}  # fmt: skip


def csv(
    path: Path, readings: Readings, units: Mapping[str, str], names: Mapping[str, str] | None = None
) -> Path:
    """`readings` with a row of `units`, and some tags by other `names`."""
    header = ",".join(("time", *((names or {}).get(tag, tag) for tag in readings.tags)))
    lines = [header, *([",".join(("", *(units.get(tag, "") for tag in readings.tags)))] if units else [])]
    for time, row in zip(readings.times.tolist(), readings.values.tolist(), strict=True):
        lines.append(",".join([rfc3339(time), *("" if isnan(one) else repr(one) for one in row)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def attacked() -> Readings:
    """Two days later the pressure stands too high for a while."""
    found = tank(96, seed=7, start=ROWS)
    found.values[40:60, 5] += 6.0
    return found


def in_others(readings: Readings) -> Readings:
    """The same readings in other units."""
    factors = np.array([OTHERS.get(tag, ("", 1.0))[1] for tag in readings.tags])
    return Readings(readings.tags, readings.times, readings.values * factors)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units")
    csv(folder / "normal.csv", tank(ROWS, seed=1), LEARNT)
    done = call(
        "plant", "learn", folder / "normal.csv", "--model", folder / "m", "--threads", "1", "--json",
        "--balance", "LEVEL=in:INFLOW,out:OUTFLOW,area:10,flow:m3/h",
    )  # fmt: skip
    assert done.code == 0
    assert done.summary["units"] == LEARNT
    csv(folder / "same.csv", attacked(), LEARNT)
    return folder


def test_what_comes_in_other_units_is_judged_alike(folder: Path) -> None:
    csv(folder / "others.csv", in_others(attacked()), {tag: unit for tag, (unit, _) in OTHERS.items()})
    names = {
        "INFLOW": "INFLOW [l/s]",
        "PRESSURE": "PRESSURE (kPa)",
        "LEVEL": "LEVEL [cm]",
        "TOTAL": "TOTAL (Liter)",
    }
    csv(folder / "headings.csv", in_others(attacked()), {}, names)
    same, *others = (
        call("plant", "watch", "--model", folder / "m", folder / name, "--json")
        for name in ("same.csv", "others.csv", "headings.csv")
    )
    assert any("PRESSURE" in one["why"] and " mWS where " in one["why"] for one in same.lines("row"))
    assert not any("converted" in one["text"] for one in same.lines("notice"))
    for other in others:
        assert other.code == 0
        for row, like in zip(other.lines("row"), same.lines("row"), strict=True):
            assert row["score"] == pytest.approx(like["score"], abs=2e-3)
            assert (row["alarm"], row["why"]) == (like["alarm"], like["why"])
        told = [one["text"] for one in other.lines("notice") if "converted" in one["text"]]
        assert len(told) == 1
        assert "INFLOW from l/s to m³/h" in told[0]


def test_another_dimension_is_refused(folder: Path) -> None:
    csv(folder / "wrong.csv", attacked(), {**LEARNT, "INFLOW": "bar"})
    done = call("plant", "watch", "--model", folder / "m", folder / "wrong.csv")
    assert done.code == 2
    assert "“INFLOW” is read in “bar” and was learnt in “m³/h”" in done.error
    assert "--ignore" in done.error
    again = call("plant", "watch", "--model", folder / "m", folder / "wrong.csv", "--ignore", "INFLOW")
    assert again.code == 3, "a tag of the model is missing"


def test_the_page_shows_units(folder: Path) -> None:
    page = folder / "page.html"
    done = call("plant", "report", "--model", folder / "m", folder / "same.csv", "--output", page)
    assert done.code == 0
    text = page.read_text()
    assert '<span class="about">mWS</span>' in text
    assert " mWS where " in text


def test_a_model_of_before_units_watches_as_it_did(folder: Path) -> None:
    kept = read_model(folder / "m")
    assert dict(kept.spelling.units) == LEARNT
    write_model(folder / "old", kept.model, Spelling())
    assert b"units" not in (folder / "old").read_bytes()
    old, new = (
        call("plant", "watch", "--model", folder / one, folder / "same.csv", "--json") for one in ("old", "m")
    )
    assert [one["score"] for one in old.lines("row")] == [one["score"] for one in new.lines("row")]
    assert not any("mWS" in one["why"] for one in old.lines("row"))


def test_a_balance_in_other_units_than_the_file_is_refused(folder: Path) -> None:
    done = call(
        "plant", "learn", folder / "normal.csv", "--model", folder / "n",
        "--balance", "LEVEL=in:INFLOW,out:OUTFLOW,area:10,flow:l/s",
    )  # fmt: skip
    assert done.code == 2
    assert "takes INFLOW to be in l/s" in done.error
    assert not (folder / "n").exists()


def test_learning_tells_units_and_recalibrating_keeps_them(folder: Path) -> None:
    csv(
        folder / "confirmed.csv",
        in_others(tank(ROWS, seed=1)),
        {tag: unit for tag, (unit, _) in OTHERS.items()},
    )
    done = call(
        "plant", "recalibrate", "--model", folder / "m", folder / "confirmed.csv", "--confirmed-by", "E", "--output",
        folder / "again",
    )  # fmt: skip
    assert done.code == 0
    assert read_model(folder / "again").spelling.units == LEARNT
    assert "No tag's middle moved" in done.text
