"""A plant in one sentence."""

from __future__ import annotations

import pytest

from tocsin.advise.plant_headline import Rang, Standing, headline
from tocsin.records.instants import DAY, HOUR

T0 = 1_772_323_200_000_000  # 2026-03-01
ONE = Rang(T0 + HOUR, T0 + 3 * HOUR, ["L_T1"])
TWO = Rang(T0 + DAY, T0 + DAY, ["F_PU7", "S_PU7", "P_J1"])


@pytest.mark.parametrize(
    ("rang", "notices", "rings", "standing", "said"),
    [
        ([], 0, False, Standing.QUIET, "All is as learnt, from 2026-03-01 00:00 UTC to 2026-03-03 00:00 UTC."),
        ([], 1, False, Standing.TOLD,
         "No alarm from 2026-03-01 00:00 UTC to 2026-03-03 00:00 UTC; 1 notice of drift or data quality needs a look."),
        ([], 2, False, Standing.TOLD,
         "No alarm from 2026-03-01 00:00 UTC to 2026-03-03 00:00 UTC; 2 notices of drift or data quality need a look."),
        ([ONE], 3, True, Standing.RINGS, "Since 2026-03-01 01:00 UTC, L_T1 does not fit the other tags."),
        ([ONE, TWO], 0, True, Standing.RINGS,
         "Since 2026-03-02 00:00 UTC, F_PU7, S_PU7 and P_J1 do not fit the other tags. It rang 1 time before."),
        ([ONE], 0, False, Standing.OVER,
         "Quiet again since 2026-03-01 03:00 UTC; it rang once because L_T1 did not fit the other tags."),
    ],
)  # fmt: skip
def test_it_says_how_the_plant_stands(
    rang: list[Rang], notices: int, rings: bool, standing: Standing, said: str
) -> None:
    found = headline(T0, T0 + 2 * DAY, rang, notices, rings=rings)
    assert (found.standing, found.said) == (standing, said)


def test_nothing_judged_and_no_tag_at_fault() -> None:
    assert headline(T0, T0 - 1, [], 0, rings=False).standing is Standing.NOTHING
    assert "all tags together are out of step" in headline(T0, T0, [Rang(T0, T0, [])], 0, rings=True).said


def test_a_hostile_name_is_inert() -> None:
    said = headline(T0, T0 + DAY, [Rang(T0, T0, ["\x1b[2J\n" + "x" * 500])], 0, rings=True).said
    assert said.isprintable()
    assert len(said) < 200
