"""Tanks as their owner names them: what is meant, and what is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.command import call
from tests.detect.plant.plants import tank

from tocsin.cli.plant_tanks import FLOWS, TankNamed, balances_of, tanks_named
from tocsin.detect.plant.balance import Tank
from tocsin.records.errors import OperatorError


def test_a_balance_on_the_command_line() -> None:
    assert tanks_named(["L_T1 = in: F_PU1 + F_PU2 , out:F_V2"], None) == (
        TankNamed("L_T1", ("F_PU1", "F_PU2"), ("F_V2",)),
    )
    assert tanks_named(["L=in:A,area:12.5,flow:l/s,unit:cm"], None) == (
        TankNamed("L", ("A",), (), 12.5, "l/s", "cm"),
    )


def test_the_same_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(
        '[[tank]]\nlevel = "L=1"\nin = ["A+B", "C,D"]\narea = 3\nflow = "m3/h"\n[[tank]]\nlevel = "M"\nout = ["E:F"]\n'
    )
    assert tanks_named((), tmp_path / "t.toml") == (
        TankNamed("L=1", ("A+B", "C,D"), (), 3.0, "m3/h"),
        TankNamed("M", (), ("E:F",)),
    )


def test_an_area_says_what_a_flow_does_in_a_row() -> None:
    named = tanks_named(["LEVEL=in:INFLOW,out:OUTFLOW,area:10,flow:m3/h"], None)
    assert balances_of(named, tank(300)) == (Tank("LEVEL", ("INFLOW",), ("OUTFLOW",), (0.1,), (0.1,)),)
    litres = tanks_named(["LEVEL=in:INFLOW,area:36,flow:l/s,unit:cm"], None)
    assert balances_of(litres, tank(300))[0].gains == (pytest.approx(10.0),)
    assert balances_of(tanks_named(["LEVEL=in:INFLOW"], None), tank(300)) == (Tank("LEVEL", ("INFLOW",)),)


def test_units_of_flows_are_what_they_are_called() -> None:
    assert FLOWS["gpm"] == pytest.approx(6.30902e-5, rel=1e-5)
    assert FLOWS["mgd"] == pytest.approx(0.0438126, rel=1e-5)
    assert FLOWS["Ml/d"] == pytest.approx(1 / 86.4)


def test_a_counter_has_no_rate() -> None:
    named = tanks_named(["LEVEL=in:TOTAL,area:10,flow:m3/h"], None)
    with pytest.raises(OperatorError, match=r"TOTAL counts what flowed.*learnt"):
        balances_of(named, tank(300))
    assert balances_of(tanks_named(["LEVEL=in:TOTAL"], None), tank(300))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("L_T1", "cannot be read"), ("L=A+B", "cannot be read"), ("L=in:A,in:B", "cannot be read"), ("L=", "cannot be read"),
        ("L=in:A,what:1", "cannot be read"), ("=in:A", "names no level"), ("L=in:", "flows that are no names"),
        ("L=area:3,flow:l/s", "names no flow"), ("L=in:A,area:3", "area and flow together"),
        ("L=in:A,flow:l/s", "area and flow together"), ("L=in:A,area:x,flow:l/s", "no area"),
        ("L=in:A,area:-3,flow:l/s", "no area above 0"), ("L=in:A,area:nan,flow:l/s", "no area above 0"),
        ("L=in:A,area:3,flow:cups", "measures flows in"), ("L=in:A,unit:miles", "measures its level in"),
    ],
)  # fmt: skip
def test_a_balance_that_is_not_whole_is_refused(text: str, said: str) -> None:
    with pytest.raises(OperatorError, match=said) as told:
        tanks_named([text], None)
    assert told.value.next_step


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[tank]\n", "is no TOML"), ("tank = 3\n", "something else than tanks"), ("[run]\na = 1\n", "something else than tanks"),
        ("[[tank]]\nlevle = 'a'\n", "a key 'levle'"), ("[[tank]]\nlevel = 3\n", "names no level"),
        ("[[tank]]\nlevel = 'L'\nin = 'A'\n", "no names"), ("[[tank]]\nlevel = 'L'\nin = [3]\n", "no names"),
        ("[[tank]]\nlevel = 'L'\nin = ['A']\narea = true\nflow = 'l/s'\n", "no area above 0"),
        ("[[tank]]\nlevel = 'L'\nin = ['A']\nflow = ['l/s']\narea = 3\n", "measures flows in"),
        ("[[tank]]\nlevel='L'\nin=['A']\n[[tank]]\nlevel='L'\nin=['B']\n", "named twice"),
        ("\udcff", "is no TOML"),
    ],
)  # fmt: skip
def test_a_file_of_tanks_that_is_not_whole_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(OperatorError, match=said):
        tanks_named((), tmp_path / "t.toml")


def test_no_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nonsense")
    done = call(
        "plant", "learn", tmp_path / "a.csv", "--model", tmp_path / "m", "--tanks", tmp_path / "absent.toml"
    )
    assert done.code == 2
    assert "absent.toml cannot be read" in done.error


@given(st.text(st.sampled_from("L=in:out+,area1.5flow/s "), max_size=40))
@settings(max_examples=50)
def test_any_text_is_a_tank_or_a_sentence(text: str) -> None:
    try:
        tanks_named([text], None)
    except OperatorError as error:
        assert error.next_step  # noqa: PT017  a text may also be sound
