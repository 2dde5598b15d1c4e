"""The water in a tank is accounted for, and what is missing is seen."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detect.plant.plants import changed, tank

from tocsin.detect.plant.balance import Balance, Tank, fit_balance
from tocsin.detect.plant.tags import tags_of
from tocsin.detect.plant.view import Looked, look_whole
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Readings


def _looked(readings: Readings) -> Looked:
    return look_whole(tags_of(readings), readings.values, np.zeros(len(readings), bool))


def _fitted(readings: Readings, owned: Tank) -> Balance:
    return fit_balance(owned, tags_of(readings), [_looked(readings)])


def test_the_area_is_learnt() -> None:
    fitted = _fitted(tank(1_000), Tank("LEVEL", ("INFLOW",), ("OUTFLOW",)))
    np.testing.assert_allclose(fitted.weights, [0.1, -0.1], rtol=0.05)


def test_what_is_stolen_is_what_is_left_over() -> None:
    owned = Tank("LEVEL", ("INFLOW",), ("OUTFLOW",), gains=(0.1,), losses=(0.1,))
    fitted = _fitted(tank(500), owned)
    assert abs(fitted.differences(_looked(tank(500, seed=3))).mean()) < 0.002 / fitted.spread
    stolen = fitted.differences(_looked(tank(500, seed=3, stolen=1.0))).mean() * fitted.spread
    assert stolen == pytest.approx(-0.1, rel=0.05)


def test_no_flow_runs_backwards() -> None:
    fitted = _fitted(tank(500), Tank("LEVEL", ("OUTFLOW",), ("INFLOW",)))  # named the wrong way round
    assert fitted.weights[0] >= 0 >= fitted.weights[1]


def test_flows_that_say_the_same_share_it() -> None:
    readings = tank(500)
    twice = Readings((*readings.tags, "AGAIN"), readings.times, readings.values[:, [0, 1, 2, 3, 4, 5, 1]])
    fitted = _fitted(twice, Tank("LEVEL", ("INFLOW", "AGAIN"), ("OUTFLOW",)))
    assert fitted.weights[:2].sum() == pytest.approx(0.1, rel=0.05)


def test_a_row_with_something_missing_says_nothing() -> None:
    readings = tank(300)
    fitted = _fitted(readings, Tank("LEVEL", ("INFLOW",), ("OUTFLOW",)))
    values = readings.values.copy()
    values[50, 1] = np.nan
    left = fitted.differences(look_whole(tags_of(readings), values, np.zeros(300, bool)))
    assert left[50] == left[51] == 0.0
    assert left[52] != 0.0


@pytest.mark.parametrize(
    "owned",
    [
        Tank("NONE", ("INFLOW",)),
        Tank("LEVEL", ()),
        Tank("LEVEL", ("INFLOW",), ("INFLOW",)),
        Tank("LEVEL", ("LEVEL",)),
        Tank("LEVEL", ("INFLOW",), ("OUTFLOW",), gains=(0.1,)),
        Tank("LEVEL", ("INFLOW",), gains=(float("nan"),)),
    ],
)
def test_what_does_not_fit_together_is_refused(owned: Tank) -> None:
    with pytest.raises(OperatorError):
        _fitted(tank(200), owned)


def test_too_few_complete_rows_are_refused() -> None:
    readings = tank(300)
    values = readings.values.copy()
    values[::2, 1] = np.nan
    with pytest.raises(OperatorError, match="complete"):
        _fitted(changed(readings, values), Tank("LEVEL", ("INFLOW",), ("OUTFLOW",)))
