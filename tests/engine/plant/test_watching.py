"""A history watched with a model of its plant: what it lacks, what is new, what is told beside the rows."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engine.plant.test_model_file import model, readings

from tocsin.engine.plant.watching import watch
from tocsin.records.errors import OperatorError
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
