"""What a tag is, found from readings as historians hold them."""

from __future__ import annotations

import numpy as np
import pytest

from tocsin.detect.plant.tags import TagKind, gained, readable, tag_of, without_wild

RNG = np.random.default_rng(1)
PUMP = (RNG.random(1_000) < 0.3).astype(float)
LEVEL = np.round(3 + np.sin(np.arange(1_000) / 9) + RNG.normal(0, 0.1, 1_000), 3)
TOTAL = 1e6 + np.cumsum(RNG.random(1_000))
RESETS = TOTAL - np.where(np.arange(1_000) >= 500, TOTAL[500], 0)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.full(100, 7.0), TagKind.CONSTANT),
        (np.full(100, np.nan), TagKind.CONSTANT),
        (np.empty(0), TagKind.CONSTANT),
        (PUMP, TagKind.DISCRETE),
        (PUMP + RNG.normal(0, 1e-8, 1_000), TagKind.DISCRETE),
        (PUMP.astype(np.float32).astype(float) * np.float32(0.1), TagKind.DISCRETE),
        (7 + RNG.normal(0, 1e-9, 1_000), TagKind.CONSTANT),
        (LEVEL, TagKind.CONTINUOUS),
        (TOTAL, TagKind.COUNTER),
        (RESETS, TagKind.COUNTER),
        (
            np.repeat(np.arange(20) * 1.7, 60)[RNG.permutation(20).repeat(60) * 0 + np.arange(1_200)],
            TagKind.COUNTER,
        ),
        (np.repeat(RNG.random(12), 100), TagKind.SETPOINT),
    ],
)
def test_kinds(values: np.ndarray, kind: TagKind) -> None:
    assert tag_of("X", values).kind is kind


def test_every_number_of_a_tag_is_one() -> None:
    hostile = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 1e15, -0.0] * 30)
    for values in (hostile, np.full(20, np.inf), hostile[:3], LEVEL * 1e-300, LEVEL * 1e300, RESETS * 1e290):
        tag = tag_of("X", values)
        assert np.isfinite(
            [tag.own_step, tag.step, tag.low, tag.high, tag.centre, tag.spread, tag.missing]
        ).all()
        assert tag.spread > 0


def test_a_total_is_looked_at_by_what_it_gains() -> None:
    tag = tag_of("TOTAL", TOTAL)
    assert tag.step <= 0.001
    assert tag.spread == pytest.approx(0.29, abs=0.05)
    assert tag_of("RESETS", RESETS).low >= 0


def test_a_missing_status_counts_for_its_usual_one() -> None:
    assert tag_of("PUMP", PUMP).centre == 0.0


def test_falls_that_are_no_reset_are_losses() -> None:
    now, before = np.array([5.0, 0.5, 99.0, np.nan, 5.0]), np.array([4.0, 100.0, 100.0, 4.0, np.nan])
    np.testing.assert_array_equal(gained(now, before), [1.0, np.nan, -1.0, np.nan, np.nan])


def test_wild_readings_are_taken_out_and_others_are_not() -> None:
    values = np.stack([LEVEL, PUMP, np.full(1_000, 4.0), np.full(1_000, np.nan)], axis=1)
    assert without_wild(values) is values
    spoilt = values.copy()
    spoilt[5, 0], spoilt[6, 0], spoilt[7, 2] = 1e12, -1e12, 9.0
    clean = without_wild(spoilt)
    assert np.isnan(clean[5:7, 0]).all()
    assert clean[7, 2] == 9.0
    assert spoilt[5, 0] == 1e12
    assert readable(np.array([np.inf, 2e15])).tolist()[1] == 1e15
