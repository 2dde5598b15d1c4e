"""A model learnt again: what stays, what is told."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detect.plant.plants import changed, tank

from tocsin.detect.plant.balance import Tank
from tocsin.detect.plant.learn import learn
from tocsin.engine.plant.model_file import Kept
from tocsin.engine.plant.recalibrating import recalibrate, tanks_of
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Spelling


@pytest.fixture(scope="module")
def kept() -> Kept:
    return Kept(learn(tank(700), 0.5, 1, (Tank("LEVEL", ("INFLOW",), ("OUTFLOW",)),)), Spelling())


def test_the_tanks_of_a_model_are_what_it_learnt_with(kept: Kept) -> None:
    (one,) = tanks_of(kept.model)
    assert (one.level, one.inflows, one.outflows) == ("LEVEL", ("INFLOW",), ("OUTFLOW",))
    np.testing.assert_allclose([*one.gains, *one.losses], [0.1, 0.1], rtol=0.05)


def test_what_moved_is_told_and_the_first_model_has_its_say(kept: Kept) -> None:
    rows = tank(900, seed=3)
    values = rows.values.copy()
    values[:, 5] += 40.0
    found = recalibrate(kept, changed(rows, values), 1)
    assert found.model.first is kept.model
    assert found.model.promise.asked == 0.5
    assert found.model.process.balances[0].weights.tolist() == kept.model.process.balances[0].weights.tolist()
    assert found.moved[0].tag == "PRESSURE"
    assert found.moved[0].spreads > 5
    assert found.rings > 0
    again = recalibrate(Kept(found.model, Spelling()), changed(rows, values), 1)
    assert again.model.first is kept.model, "the first one stays, however often it is learnt again"


def test_another_plant_or_too_few_rows_are_refused(kept: Kept) -> None:
    rows = tank(900, seed=3)
    with pytest.raises(OperatorError, match="do not have the tags"):
        recalibrate(kept, rows.of(("LEVEL",)), 1)
    with pytest.raises(OperatorError, match="fewer than 200"):
        recalibrate(kept, rows.rows(0, 100), 1)
