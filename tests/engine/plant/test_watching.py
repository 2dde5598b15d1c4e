"""A history watched with a model of its plant: what it lacks, what is new, what is told beside the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.detect.plant.plants import HOUR
from tests.engine.plant.test_model_file import model, readings

from tocsin.engine.plant.watching import pace_notices, watch
from tocsin.records.errors import OperatorError
from tocsin.records.instants import rfc3339
from tocsin.records.readings import Readings


def columns(rows: Readings, names: tuple[str, ...], tags: tuple[str, ...] | None = None) -> Readings:
    """`rows` with the columns `names`, called `tags`."""
    at = [rows.tags.index(one) for one in names]
    return Readings(tags or names, rows.times, rows.values[:, at].copy())


def test_columns_in_another_order_are_the_same() -> None:
    rows = readings(200, 2)
    np.testing.assert_array_equal(
        watch(model(), columns(rows, ("K", "C", "F", "S", "L"))).judged.scores,
        watch(model(), rows).judged.scores,
    )


def test_columns_that_are_gone_or_new_are_told_once_each() -> None:
    found = watch(model(), columns(readings(200, 2), ("L", "S", "C", "K", "F"), ("L", "S", "C", "K", "F2")))
    told = {(one.said, one.lost) for one in found.notices}
    assert ("Tags of the model that the readings lack, and that are not watched: F.", True) in told
    assert ("Tags that the model does not know, and that are not watched: F2.", False) in told
    assert not any("was not read for" in said for said, _ in told)


def test_another_plant_is_refused() -> None:
    with pytest.raises(OperatorError, match="lack 3 of the 5 tags"):
        watch(model(), columns(readings(50, 2), ("L", "S")))


def test_drift_and_data_quality_are_told_in_words() -> None:
    rows = readings(300, 2)
    rows.values[100:200, 2] = np.nan
    said = [one.said for one in watch(model(), rows).notices]
    assert any(one.startswith("F was not read for ") for one in said)


def test_no_rows_are_judged_as_none() -> None:
    found = watch(model(), readings(20, 2).rows(0, 0))
    assert (len(found.judged.scores), found.episodes, found.notices) == (0, (), ())


def test_what_was_learnt_from_uneven_rows_with_holes_is_told() -> None:
    rows = readings(400, 2)
    learnt = replace(model(), rows=400, start=int(rows.times[0]), end=int(rows.times[-1]))
    assert pace_notices(learnt, rows) == []
    times = rows.times.copy()
    times[300:] += 1_000 * HOUR
    gone = Readings(rows.tags, times, rows.values)
    (hole,) = pace_notices(replace(learnt, end=int(times[-1])), gone)
    assert "1,000 are missing" in hole.said
    assert rfc3339(int(times[300])) in hole.said
    uneven = Readings(rows.tags, rows.times + np.arange(len(rows)) % 3 * HOUR // 4, rows.values)
    assert "Rows come unevenly" in pace_notices(learnt, uneven)[0].said
