"""Units of tags: read where files state them, told apart, converted exactly, never guessed into a name."""

from __future__ import annotations

import io
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Spelling
from tocsin.sources.historian.conversion import Unlike, _registry, conversion
from tocsin.sources.historian.reading import History, How, Reader
from tocsin.sources.historian.unit_names import _EXACT, Unit, share_of_units, unit_of, units_in


def read(*contents: str | bytes, how: How | None = None) -> History:
    reader = Reader(how or How())
    for at, content in enumerate(contents):
        reader.read(io.BytesIO(content if isinstance(content, bytes) else content.encode()), f"{at}.csv")
    return reader.history()


def said(history: History) -> str:
    return "\n".join(one.said for one in history.notices)


def learnt(**units: str) -> How:
    return How(spelling=Spelling(units=units), known=tuple(units))


def table(unit: str, *values: float, hour: int = 0) -> str:
    rows = (f"2026-03-01 {hour + at:02d}:00,{value!r}\n" for at, value in enumerate(values))
    return f"time,F\n,{unit}\n" + "".join(rows)


def unit(text: str) -> Unit:
    found = unit_of(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "spelt",
    [
        "m³/h m3/h m³·h⁻¹ m3/hr M3/H m^3/h [m3/h] cbm/h CMH", "l/s L/S lps LPS (l/s)", "gpm GPM", "MGD mgd", "mbar MBAR hPa",
        "kPa KPA", "mH2O mWS mWC", "°C degC DEGC ℃ C", "°F degF", "% percent", "pH PH", "µS/cm μS/cm uS/cm US/CM", "mg/l MG/L g/m3",
        "rpm RPM U/min min-1", "kWh KWH", "MW", "mW", "Ml/d ML/d", "ml mL", "MWh MWH mwh", "mg/l MG/L", "barg bar(g)", "NTU ntu", "m M",
    ],
)  # fmt: skip
def test_one_unit_is_known_in_all_its_spellings(spelt: str) -> None:
    units = [unit(one) for one in spelt.split()]
    assert all(one.known and one.same_as(units[0]) for one in units)


def test_every_unit_is_one_that_can_be_converted_to_itself_and_back() -> None:
    found = {meant: unit(spelt) for spelt, meant in _EXACT.items()}
    for one, other in pairwise(found.values()):  # those of one dimension stand together
        try:
            there, back = conversion(one, other), conversion(other, one)
        except Unlike:
            continue
        assert there.factor * back.factor == 1
        assert back.factor * there.shift + back.shift == 0
    registry = _registry()
    assert all(registry.Unit(name).dimensionality is not None for name, _ in found if name != "1")
    assert len(found) > 100


@pytest.mark.parametrize(
    ("shown", "wanted", "value", "found"),
    [
        ("m3/h", "l/s", 36, 10), ("l/s", "m3/h", 10, 36), ("°C", "°F", 100, 212), ("K", "°C", 273.15, 0), ("kPa", "bar", 230, 2.3),
        ("psi", "kPa", 1, 6.894757293168361), ("mWS", "bar", 10, 0.980665), ("gpm", "l/min", 1, 3.785411784), ("MGD", "m3/d", 1, 3785.411784),
        ("kWh", "MJ", 1, 3.6), ("µS/cm", "mS/cm", 1500, 1.5), ("ft", "m", 1, 0.3048), ("bar(g)", "kPa(g)", 1, 100), ("U/min", "rpm", 7, 7),
    ],
)  # fmt: skip
def test_readings_are_converted_exactly(shown: str, wanted: str, value: float, found: float) -> None:
    assert conversion(unit(shown), unit(wanted)).of(np.array([value]))[0] == pytest.approx(found, rel=1e-15)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("m3/h", "bar"), ("rpm", "Hz"), ("kW", "kVA"), ("kW", "kvar"), ("bar", "barg"), ("barg", "bara"), ("m3/h", "Nm3/h"), ("Nm", "J"),
        ("%", "ppm"), ("mJ", "MJ"), ("Mg", "mg"), ("mWh", "kWh"), ("NTU", "FNU"), ("m", "%"), ("schoppen", "l"), ("schoppen", "humpen"), ("mw", "kW"), ("mpa", "bar"), ("mg/l", "ppm"),
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_not_converted(one: str, other: str) -> None:
    with pytest.raises(Unlike):
        conversion(unit(one), unit(other))
    with pytest.raises(Unlike):
        conversion(unit(other), unit(one))


@given(
    st.floats(-1e9, 1e9), st.sampled_from([("m3/h", "l/s"), ("°C", "°F"), ("psi", "mH2O"), ("gpm", "m3/d")])
)
def test_there_and_back_is_the_same_reading(value: float, pair: tuple[str, str]) -> None:
    one, other = map(unit, pair)
    there = conversion(one, other).of(np.array([value]))
    assert conversion(other, one).of(there)[0] == pytest.approx(value, rel=1e-12, abs=1e-10)


@pytest.mark.parametrize(
    ("heading", "found"),
    [
        ("Flow 1 [m3/h]", "m3/h"), ("Level (m)", "m"), ("Druck (bar(g))", "bar(g)"), ("T[°C]", "°C"), ("Turbidity (NTU)", "NTU"),
        ("Fill (%)", "%"), ("Motor [A]", "A"), ("Level (a) (m)", "m"), ("Level", ""), ("Level (min)", ""), ("Level [min]", ""),
        ("Flow (in)", ""), ("Tank (north)", ""), ("Level (h)", ""), ("[m]", ""), ("(m)", ""), ("Valve (cmd)", ""), ("Level (M)", ""),
        ("Level m", ""), ("Level (m) raw", ""), ("Level ()", ""), ("Level [1]", ""), ("Time [s]", "s"), ("Level (m]", ""),
    ],
)  # fmt: skip
def test_a_heading_has_a_unit_only_where_its_bracket_is_one(heading: str, found: str) -> None:
    assert [one.said for _, one in units_in([heading]).values()] == ([found] if found else [])


def test_brackets_that_tell_tags_apart_are_no_units() -> None:
    assert not units_in(["Pump (A)", "Pump (B)"])
    assert units_in(["Motor (A)", "Motor (kW)"]).keys() == {"Motor (A)", "Motor (kW)"}


@given(st.text(max_size=300) | st.text("()[] m3/h°%", max_size=300))
@example("(" * 256)
@example("a " * 128 + "(")
@example("x (" + "m" * 250 + ")")
def test_any_heading_keeps_its_name_and_gives_a_unit_or_none(heading: str) -> None:
    for before, one in units_in([heading, heading + " [m3/h]"]).values():
        assert one.known
        assert before.strip()
        assert len(one.said) <= bounds.HISTORIAN_UNIT_CHARS
    unit_of(heading)
    assert 0 <= share_of_units([heading]) <= 1


def test_a_row_of_units_is_read_and_one_of_descriptions_is_not() -> None:
    found = read("time,F,L,P,S\n,Zulauf,m,A,Stand\n,m³/h,m,,foo\n2026-03-01,1,2,3,4\n2026-03-02,1,2,3,4\n")
    assert found.spelling.units == {"F": "m³/h", "L": "m", "S": "foo"}
    assert not read("time,F,L\n,inflow,height\n2026-03-01,1,2\n2026-03-02,1,2\n").spelling.units
    apart = "Date;Clock;Remark;F\n;hh:mm;any;l/s\n" + "".join(
        f"0{day}.03.2026;10:00;x{day};1\n" for day in range(1, 9)
    )
    assert read(apart, how=How(ignore=("Remark",))).spelling.units == {"F": "l/s"}, (
        "only the cells of tags count"
    )
    words = read("time,V\n,m\n2026-03-01,OPEN\n2026-03-02,SHUT\n")
    assert words.spelling.words == {"V": ("OPEN", "SHUT")}
    assert not words.spelling.units, "a tag that shows words has no unit"


def test_names_stay_as_they_are() -> None:
    found = read("time,Flow 1 [m3/h],Level (m)\n2026-03-01,1,2\n2026-03-02,1,2\n")
    assert found.readings.tags == ("Flow 1 [m3/h]", "Level (m)")
    assert found.spelling.units == {"Flow 1 [m3/h]": "m3/h", "Level (m)": "m"}


def test_what_stands_beside_a_name_counts_more_than_what_stands_in_it_and_this_is_told() -> None:
    found = read("time,F [m3/h],L\n,l/s,m\n2026-03-01,1,2\n2026-03-02,1,2\n")
    assert found.spelling.units["F [m3/h]"] == "l/s"
    assert "“l/s” beside its name" in said(found)
    assert "beside" not in said(read("time,F [m3/h],L\n,m³/h,m\n2026-03-01,1,2\n2026-03-02,1,2\n"))


def parquet(unit: str) -> bytes:
    sink = io.BytesIO()
    time = pa.field("time", pa.timestamp("us", "UTC"))
    schema = pa.schema([time, pa.field("F", pa.float64(), metadata={"Unit": unit})])
    pq.write_table(pa.table([np.arange(3) * 3_600_000_000, [1.0, 2.0, 3.0]], schema=schema), sink)
    return sink.getvalue()


def test_parquet_describes_its_columns() -> None:
    assert read(parquet("l/s")).spelling.units == {"F": "l/s"}
    found = read(parquet("l/s"), how=learnt(F="m3/h"))
    assert found.readings.values[:, 0].tolist() == pytest.approx([3.6, 7.2, 10.8])
    assert not read(parquet("\xff" * 900)).spelling.units


def test_a_long_table_has_a_column_of_units() -> None:
    rows = "tag,time,value,unit\n" + "".join(
        f"{tag},2026-03-0{day},{day},{one}\n"
        for day in (1, 2, 3)
        for tag, one in (("F", "l/s"), ("L", "m"), ("X", ""))
    )
    found = read(rows, how=learnt(F="m3/h", L="m", X="bar"))
    assert found.readings.of(("F", "L", "X")).values.tolist() == [[3.6 * day, day, day] for day in (1, 2, 3)]
    changed = rows.replace("F,2026-03-03,3,l/s", "F,2026-03-03,3,m3/h")
    with pytest.raises(OperatorError, match="“F” is read in l/s, m3/h"):
        read(changed)
    assert read(changed, how=How(ignore=("F",))).readings.tags == ("L", "X")


def test_another_unit_than_was_learnt_is_converted_and_told_once() -> None:
    found = read(
        table("l/s", 1, 2), table("l/s", 3, 4, hour=5), table("m3/h", 3.6, hour=9), how=learnt(F="m³/h")
    )
    assert found.readings.values[:, 0].tolist() == pytest.approx([3.6, 7.2, 10.8, 14.4, 3.6])
    told = [one for one in found.notices if one.meaning]
    assert [one.said for one in told] == [
        "Readings in other units are converted to those that were learnt: F from l/s to m³/h."
    ]
    assert not told[0].lost
    assert found.spelling.units == {"F": "m³/h"}


@pytest.mark.parametrize("shown", ["bar", "schoppen"])
def test_another_dimension_or_an_unknown_unit_is_refused(shown: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(
            table(shown, 1, 2)
            .replace("time,F", "time,F,L")
            .replace(f",{shown}", f",{shown},m")
            .replace("00,1", "00,1,1"),
            how=learnt(F="m3/h"),
        )
    assert f"“F” is read in “{shown}” and was learnt in “m3/h”" in refused.value.what
    assert "--ignore" in refused.value.next_step


def test_units_of_what_the_model_does_not_know_refuse_nothing() -> None:
    rows = "2026-03-0{day},1,2\n2026-03-0{day} 12:00,1,2\n"
    files = [f"time,F,X\n,m3/h,{one}\n" + rows.format(day=day) for day, one in ((1, "m"), (2, "bar"))]
    assert read(*files, how=learnt(F="m3/h")).readings.tags == ("F", "X")
    with pytest.raises(OperatorError, match=r"“X” is read in “m” and elsewhere in “bar”"):
        read(*files)


def test_where_one_side_states_no_unit_nothing_changes() -> None:
    plain = "time,F\n2026-03-01,1\n2026-03-02,2\n"
    for found in (read(plain, how=learnt(F="m3/h")), read(table("l/s", 1, 2), how=How(known=("F",)))):
        assert found.readings.values[:, 0].tolist() == [1, 2]
        assert not any(one.meaning for one in found.notices)


def test_a_heading_in_another_unit_is_the_models_tag() -> None:
    how = How(known=("Flow 1 [m3/h]", "Motor [A]", "Motor [kW]"))
    found = read(
        "time,Flow 1 [l/s],Motor [W],Motor [mA]\n2026-03-01,1,2000,3000\n2026-03-02,1,2000,3000\n", how=how
    )
    assert found.readings.tags == ("Flow 1 [m3/h]", "Motor [kW]", "Motor [A]")
    assert found.readings.values[0].tolist() == pytest.approx([3.6, 2, 3])
    assert "Flow 1 [l/s] as Flow 1 [m3/h]" in said(found)
    found = read("time,M [kW]\n2026-03-01,1\n2026-03-02,1\n", how=How(known=("M [A]",)))
    assert found.readings.tags == ("M [kW]",), "a motor's power is not its current, and the file can be read"


def test_tags_that_brackets_tell_apart_are_not_taken_for_each_other() -> None:
    how = How(spelling=Spelling(units={"Tank (north)": "m"}), known=("Tank (north)",))
    found = read("time,Tank (south)\n,cm\n2026-03-01,1\n2026-03-02,1\n", how=how)
    assert found.readings.tags == ("Tank (south)",)


@given(
    st.lists(st.sampled_from(["m3/h", "l/s", "gpm", ""]), min_size=2, max_size=4),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40)
def test_the_order_of_files_does_not_matter(units: list[str], dice: Random) -> None:
    files = [table(one, 1.0 + at, 2.0, hour=3 * at) for at, one in enumerate(units)]
    found, other = read(*files), read(*dice.sample(files, len(files)))
    assert found.spelling.units == other.spelling.units
    assert found.readings.values.tolist() == other.readings.values.tolist()
    newest = next((one for one in reversed(units) if one), None)
    assert found.spelling.units == ({"F": newest} if newest else {})


def test_a_fraction_is_a_fraction() -> None:
    assert conversion(unit("l/s"), unit("m3/h")).factor == Fraction(18, 5)
    assert conversion(unit("°F"), unit("°C")).shift == Fraction(-160, 9)


def test_without_the_library_a_conversion_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pint", None)
    _registry.cache_clear()
    conversion.cache_clear()
    assert read(table("l/s", 1, 2), how=learnt(F="LPS")).readings.values[0].tolist() == [1], (
        "one unit needs none"
    )
    with pytest.raises(OperatorError, match="not installed") as refused:
        read(table("l/s", 1, 2), how=learnt(F="m3/h"))
    assert "tocsin[plant]" in refused.value.next_step
    _registry.cache_clear()


def test_nothing_is_loaded_before_it_is_needed() -> None:
    code = "import sys, tocsin.sources.historian.reading; assert 'pint' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.permutations([("m3/h", 1), ("l/s", 2), ("gpm", 3)]))
@settings(max_examples=6)
def test_headings_of_files_that_are_learnt_together_may_state_other_units(
    files: list[tuple[str, int]],
) -> None:
    texts = [f"time,F [{one}],L\n2026-03-0{day},3.6,1\n2026-03-0{day} 12:00,3.6,1\n" for one, day in files]
    found = read(*texts)
    assert found.readings.tags == ("F [gpm]", "L"), "that of the newest"
    assert not np.isnan(found.readings.values).any()
    assert found.readings.values[2, 0] == pytest.approx(3.6 * 3.6 / 0.2271247)
    assert "F [l/s] as F [gpm]" in said(found)
