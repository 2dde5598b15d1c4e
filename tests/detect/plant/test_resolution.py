"""Steps that readings lie on, and the step at which they are looked at."""

from __future__ import annotations

import numpy as np
import pytest

from tocsin.detect.plant.resolution import quantise, read_step, step_of

RNG = np.random.default_rng(1)
NOISE = RNG.normal(size=2_000)


@pytest.mark.parametrize("step", [1000.0, 10.0, 1.0, 0.5, 0.1, 0.05, 0.01, 1e-6])
def test_the_step_of_readings(step: float) -> None:
    assert step_of(np.rint(NOISE * 100) * step) == pytest.approx(step)


@pytest.mark.parametrize("step", [10.0, 0.5, 0.1, 0.01])
def test_readings_that_came_in_32_bits_show_their_step(step: float) -> None:
    readings = (np.rint(NOISE * 100 + 5_000) * step).astype(np.float32).astype(np.float64)
    assert step_of(readings) == pytest.approx(step)


@pytest.mark.parametrize("values", [[], [np.nan], [3.0], [3.0, 3.0], [np.inf, 1.0]])
def test_too_few_readings_show_no_step(values: list[float]) -> None:
    assert step_of(np.array(values)) == 0.0


def test_three_digits_are_looked_at() -> None:
    assert read_step(NOISE * 20 + 50) == pytest.approx(1.0)
    assert read_step(np.round(NOISE * 20 + 50, -1)) == pytest.approx(10.0)
    assert read_step(np.zeros(9)) == 0.0


def test_a_tank_high_above_the_sea_is_looked_at_with_a_digit_more() -> None:
    assert read_step(142 + NOISE * 3) == pytest.approx(0.1)
    assert read_step(142 + NOISE * 9) == pytest.approx(1.0)
    assert read_step(142 + NOISE * 0.3) == pytest.approx(
        1.0
    )  # less than two of its steps: rounding is all there is


def test_a_mains_frequency_is_looked_at_by_the_step_it_shows() -> None:
    assert read_step(np.round(50 + NOISE * 0.02, 3)) == pytest.approx(0.001)
    assert read_step(50 + NOISE * 0.02) == pytest.approx(0.1)  # nobody knows which digits are the sensor's


def test_hostile_readings_have_a_step() -> None:
    for values in ([1e15, -1e15, 5e-324], [5e-324, 1e-323], [1e-310] * 3, [1e15, 1.0]):
        assert np.isfinite(read_step(np.array(values)))


def test_tags_without_a_step_stay_as_they_are() -> None:
    values = np.array([[1.234, 1.234], [np.nan, 9.99]])
    np.testing.assert_allclose(quantise(values, np.array([0.1, 0.0])), [[1.2, 1.234], [np.nan, 9.99]])
