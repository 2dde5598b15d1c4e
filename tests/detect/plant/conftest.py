"""Models that several tests look at; learning one takes a second."""

from __future__ import annotations

import pytest
from tests.detect.plant.plants import tank, with_gaps

from tocsin.detect.plant.balance import Tank
from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.model import PlantModel


@pytest.fixture(scope="session")
def tank_model() -> PlantModel:
    """Learnt on a tank with some readings missing, its water accounted for."""
    return learn(with_gaps(tank(1_500), 0.02), 0.25, 2, (Tank("LEVEL", ("INFLOW",), ("OUTFLOW",)),))
