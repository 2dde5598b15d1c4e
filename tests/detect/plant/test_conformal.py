from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from tocsin.detect.plant import conformal  # noqa: E402
from tocsin.records.instants import DAY, HOUR, MINUTE  # noqa: E402

BLOCKS = st.integers(min_value=1, max_value=400)
ASKED = st.floats(min_value=0.001, max_value=0.9)


@given(BLOCKS, ASKED)
def test_a_promise_is_never_below_what_its_blocks_can_keep(blocks: int, asked: float) -> None:
    promise = conformal.promise_of("week", blocks, asked)
    assert promise.kept >= asked
    assert promise.kept >= 1 / (blocks + 1)
    assert 0 <= promise.interruptions <= (blocks + 1) * promise.kept
    realised = conformal.likelihood(promise.interruptions, blocks, conformal.SLACK * promise.kept)
    assert realised <= conformal.DOUBT * (1 + 1e-6)


def test_what_so_many_blocks_promise() -> None:
    assert conformal.promise_of("hour", 25, 0.04).kept == pytest.approx(0.0903, abs=1e-4)
    assert conformal.promise_of("week", 52, 0.25).interruptions == 10
    assert conformal.promise_of("week", 52, 0.1).interruptions == 2
    assert conformal.promise_of("week", 1, 0.1).kept == pytest.approx(0.76)


@given(st.integers(0, 2**32 - 1), st.sampled_from([25, 52]), st.sampled_from([0.1, 0.25]))
def test_exchangeable_scores_keep_the_rate(seed: int, blocks: int, asked: float) -> None:
    """On average over what might have been learnt from; and nine in ten of single plants stay within the slack."""
    rng = np.random.default_rng(seed)
    promise = conformal.promise_of("week", blocks, asked)
    rates = []
    for _ in range(300):
        alarms, notices = rng.exponential(size=blocks), rng.exponential(size=blocks) / 4
        ringing, told = conformal.shared_out(alarms, notices, promise.interruptions)
        assert ((alarms > ringing) | (notices > told)).sum() <= promise.interruptions
        quiet = (1 - np.exp(-ringing)) * (1 - np.exp(-told * 4))
        rates.append(1 - quiet)
    assert np.mean(rates) <= promise.kept
    assert np.mean(np.array(rates) > conformal.SLACK * promise.kept) <= 0.1


@given(st.integers(0, 2**32 - 1), st.integers(0, 25), st.sampled_from([8, 25, 52]))
def test_blocks_that_are_interrupted_anyway_are_counted(seed: int, anyway: int, blocks: int) -> None:
    rng = np.random.default_rng(seed)
    known = np.zeros(blocks, bool)
    known[: min(anyway, blocks)] = True
    rng.shuffle(known)
    promise = conformal.promise_of("week", blocks, 0.1, int(known.sum()))
    alarms, notices = rng.exponential(size=blocks), rng.exponential(size=blocks)
    ringing, told = conformal.shared_out(alarms, notices, promise.interruptions, known)
    interrupted = int(((alarms > ringing) | (notices > told) | known).sum())
    assert interrupted <= promise.interruptions or promise.kept == 1.0


@given(st.lists(st.floats(0, 6), min_size=8, max_size=60), st.integers(0, 10))
def test_no_more_than_that_lie_above(maxima: list[float], above: int) -> None:
    threshold = conformal.threshold_of(np.array(maxima), above)
    assert sum(one > threshold for one in maxima) <= above


def test_an_alarm_that_lasts_is_bounded_though_its_blocks_are_few() -> None:
    scores = np.zeros(1000)
    scores[:100] = 5.0 + np.arange(100) / 100
    threshold = conformal.bounded(1.0, scores)
    assert (scores > threshold).mean() <= conformal.ALARM_SHARE
    assert conformal.bounded(9.0, scores) == 9.0


def test_blocks_are_the_longest_of_which_there_are_enough() -> None:
    def unit(days: float) -> str:
        return conformal.block_of(np.arange(int(days * 24) + 1, dtype=np.int64) * HOUR, HOUR)[0]

    assert [unit(2), unit(8), unit(50), unit(60), unit(365)] == ["hour", "day", "day", "week", "week"]
    assert conformal.block_of(np.empty(0, np.int64), HOUR)[0] == "hour"


def test_a_plant_that_is_read_by_day_only_has_whole_blocks() -> None:
    times = np.concatenate([np.arange(8 * 60) * MINUTE + day * DAY for day in range(60)]).astype(np.int64)
    unit, length = conformal.block_of(times, MINUTE)
    assert (unit, len(conformal.block_maxima(times, np.zeros(len(times)), length, MINUTE))) == ("week", 8)


def test_a_block_has_its_rows_whatever_lies_between_stretches() -> None:
    """Confirmed stretches of a later year must not make weeks look short."""
    times = np.concatenate([np.arange(60 * 24), 500 * 24 + np.arange(40 * 24)]).astype(np.int64) * HOUR
    assert conformal.rows_of_block(times, 7 * DAY, HOUR) == 168
    by_day = np.concatenate([np.arange(8) + 24 * day for day in range(60)]).astype(np.int64) * HOUR
    assert conformal.rows_of_block(by_day, 7 * DAY, HOUR) == 56
    assert conformal.rows_of_block(np.arange(5, dtype=np.int64) * HOUR, 7 * DAY, HOUR) == 1


def test_a_source_that_tells_changes_only_has_whole_blocks() -> None:
    times = np.flatnonzero(np.random.default_rng(1).random(90 * 1440) < 0.5).astype(np.int64) * MINUTE
    unit, length = conformal.block_of(times, MINUTE)
    assert (unit, len(conformal.block_maxima(times, np.zeros(len(times)), length, MINUTE))) == ("week", 13)


def test_a_block_with_too_few_rows_does_not_count() -> None:
    times = np.delete(np.arange(72), slice(30, 40)).astype(np.int64) * HOUR
    assert list(conformal.block_maxima(times, np.arange(62.0), DAY, HOUR)) == [23.0, 61.0]
