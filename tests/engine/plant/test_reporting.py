"""The picture of a plant: what it says at once, what it draws, and what bounds it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from tests.engine.plant.test_model_file import model, readings

from tocsin.advise.plant_headline import Standing
from tocsin.config import bounds
from tocsin.engine.plant.model_file import Kept
from tocsin.engine.plant.picture import PlantReport
from tocsin.engine.plant.reporting import report
from tocsin.engine.plant.watching import watch
from tocsin.records.errors import OperatorError
from tocsin.records.instants import HOUR
from tocsin.records.readings import Notice, Readings, Spelling


@cache
def kept() -> Kept:
    return Kept(model(), Spelling())


def lied(rows: int = 500, start: int = 300, stop: int = 400) -> Readings:
    """The flow stands still at a wrong value for a while."""
    found = readings(rows, 2)
    found.values[start:stop, 2] = 15.0
    return found


def drawn(found: PlantReport) -> list[str]:
    return [one.name for one in (*found.faults, *found.others)]


def test_normal_operation_is_as_learnt() -> None:
    found = report(kept(), readings(300, 2))
    assert found.headline.standing in {Standing.QUIET, Standing.TOLD}
    assert (found.alarms, found.stretches, found.constant) == (0, (), 1)
    assert sorted(drawn(found)) == ["C", "F", "L", "S"]
    assert "rests on" in found.promise


def test_what_rings_now_is_said_first_and_drawn_first() -> None:
    found = report(kept(), lied(400, 300, 400))
    assert found.headline.standing is Standing.RINGS
    assert found.headline.said.startswith("Since 1970-01-13")
    assert "F" in found.headline.said
    assert found.faults[0].name == found.stretches[0].picture.name
    assert {one.name for one in found.faults}.isdisjoint(one.name for one in found.others)
    assert found.ringing.any()
    assert np.nanmax(found.scores) > 1


def test_what_is_over_is_told_as_over() -> None:
    found = report(kept(), lied())
    assert found.headline.standing is Standing.OVER
    assert found.headline.said.startswith("Quiet again since ")


def test_it_says_what_watch_says() -> None:
    rows = lied()
    found, watched = report(kept(), rows), watch(model(), rows)
    assert found.alarms == int(watched.judged.alarms.sum())
    assert len(found.stretches) == len(watched.episodes)
    assert found.notices == watched.notices


def test_the_enlarged_picture_shows_the_stretch_and_its_surroundings() -> None:
    one = report(kept(), lied()).stretches[-1]
    assert one.picture is not None
    assert one.picture.lines.start < one.start
    assert one.picture.lines.end > one.end
    assert one.picture.alarms.any()
    assert not one.picture.alarms.all()


def test_a_part_of_the_time_is_shown_as_the_whole_judged_it() -> None:
    rows = lied()
    whole = report(kept(), rows)
    part = report(kept(), rows, since=350 * HOUR, until=450 * HOUR)
    assert (part.rows, part.start, part.end) == (101, 350 * HOUR, 450 * HOUR)
    judged = watch(model(), rows).judged
    assert part.alarms == int(judged.alarms[350:451].sum()) > 0
    assert part.alarms < whole.alarms
    before = report(kept(), rows, until=200 * HOUR)
    assert before.alarms == 0


@pytest.mark.parametrize(("since", "until"), [(600 * HOUR, None), (None, -HOUR), (450 * HOUR, 300 * HOUR)])
def test_a_time_without_a_row_is_refused(since: int | None, until: int | None) -> None:
    with pytest.raises(OperatorError, match="no row in this time"):
        report(kept(), lied(), since=since, until=until)


def test_notices_of_another_time_are_left_out() -> None:
    rows = readings(500, 2)
    rows.values[100:150, 2] = np.nan
    said = [one.said for one in report(kept(), rows).notices]
    assert any("F was not read" in one for one in said)
    later = report(kept(), rows, [Notice("about the file")], since=300 * HOUR)
    assert later.notices[0].said == "about the file"
    assert not any("F was not read" in one.said for one in later.notices)


def test_a_constant_that_changes_is_drawn() -> None:
    rows = readings(400, 2)
    rows.values[300:, 4] = 6.0
    found = report(kept(), rows)
    assert "K" in [one.name for one in found.faults]
    constant = next(one for one in found.faults if one.name == "K")
    assert np.nanmax(constant.lines.high) == 6.0
    assert np.nanmax(constant.ceiling) == 5.0
    assert constant.ends == ("5", "6")


def test_rows_out_of_pace_and_one_row_are_drawn() -> None:
    rows = readings(300, 2)
    times = rows.times + np.random.default_rng(3).integers(0, HOUR // 2, 300)
    assert report(kept(), Readings(rows.tags, times, rows.values)).rows > 200
    assert report(kept(), rows.rows(0, 1)).rows == 1


def test_a_tag_that_is_gone_is_to_be_looked_at_and_has_nothing_to_show() -> None:
    rows = readings(300, 2)
    found = report(kept(), Readings(rows.tags[:2] + rows.tags[3:], rows.times, np.delete(rows.values, 2, 1)))
    gone = next(one for one in found.faults if one.name == "F")
    assert gone.ends == ("", "")
    assert any(one.lost for one in found.notices)


def test_what_is_drawn_is_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = lied()
    rows.values[100:140, 0] += 3.0
    assert len(report(kept(), rows).stretches) > 1
    monkeypatch.setattr(bounds, "PLANT_PICTURE_TAGS", 1)
    monkeypatch.setattr(bounds, "PLANT_PICTURE_FAULTS", 1)
    monkeypatch.setattr(bounds, "PLANT_PICTURE_EPISODES", 1)
    monkeypatch.setattr(bounds, "PLANT_PICTURE_ROWS", 10)
    found = report(kept(), rows)
    assert (len(found.faults), len(found.stretches)) == (1, 1)
    assert len(found.unshown_faults) + len(found.others) + found.unshown + 1 >= 4
    assert found.older >= 1
    assert found.stretches[0].picture is None


def test_the_tag_that_the_words_tell_of_is_drawn_too() -> None:
    rows = readings(700, 2)
    rows.values[300:400, 2] = 15.0
    rows.values[398:402, 0] += 100.0
    (one,) = report(kept(), rows).stretches
    told = one.said.partition("At the worst, ")[2].split()[0]
    assert one.picture is not None
    assert one.worst is not None
    assert told == one.worst.name != one.picture.name
