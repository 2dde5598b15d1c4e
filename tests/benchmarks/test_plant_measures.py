"""The measures of detectors against their definitions, worked by hand or plainly."""

import pytest

np = pytest.importorskip("numpy", reason="needs numpy: pip install 'tocsin[plant]'")

from benchmarks.plant import measures  # noqa: E402

LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0], bool)


def by_definition(labels, scores, buffer):
    """R-AUC-PR written out threshold by threshold, from the paper's formulas."""
    faded = labels.astype(float)
    for row in range(len(labels)):
        away = min((abs(row - other) for other in np.flatnonzero(labels)), default=0)
        if not labels[row] and away <= buffer // 2:
            faded[row] = (1 - away / buffer) ** 0.5
    events = measures.spans(faded > 0)
    area, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        said = scores >= threshold
        caught = faded[said].sum()
        exist = np.mean([said[a:b].any() for a, b in events])
        recall = min(1.0, caught / ((labels.sum() + faded.sum()) / 2)) * exist
        area += (recall - before) * caught / said.sum()
        before = recall
    return area


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("buffer", [0, 1, 2, 4, 7])
def test_range_pr_is_its_definition(seed, buffer):
    random = np.random.default_rng(seed)
    labels = np.repeat(random.random(30) < 0.2, 5)
    labels[10:14] = True
    scores = np.round(random.random(150) + labels * random.random(), 1)  # with ties
    assert measures.range_pr(labels, scores, buffer) == pytest.approx(by_definition(labels, scores, buffer))


def test_vus_pr_is_the_mean_over_buffers_and_one_for_a_perfect_score_without_any():
    assert measures.vus_pr(LABELS, LABELS.astype(float), 0) == pytest.approx(1.0)
    scores = np.linspace(0, 1, len(LABELS))
    means = np.mean([measures.range_pr(LABELS, scores, buffer) for buffer in range(7)])
    assert measures.vus_pr(LABELS, scores, 6) == pytest.approx(means)


def test_vus_pr_of_chance_is_low_and_of_an_early_score_is_better_than_of_a_wrong_one():
    random = np.random.default_rng(0)
    labels = np.zeros(2000, bool)
    labels[500:530] = labels[1500:1560] = True
    assert measures.vus_pr(labels, random.random(2000), 24) < 0.15
    near, far = np.roll(labels, -5).astype(float), np.roll(labels, -300).astype(float)
    assert measures.vus_pr(labels, near, 24) > 0.7
    assert measures.vus_pr(labels, far, 24) < 0.2


def test_batadal_by_hand():
    alarms = np.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], bool)
    got = measures.batadal(LABELS, alarms)
    assert got["STTD"] == pytest.approx(1 - (0.25 + 1.0) / 2)
    assert got["SCM"] == pytest.approx((1 / 6 + 8 / 9) / 2)
    assert got["S"] == pytest.approx((got["STTD"] + got["SCM"]) / 2)
    assert (got["seen"], got["of"]) == (1, 2)


def test_interruptions_are_joined_and_those_beside_an_attack_are_no_fault():
    labels, alarms = np.zeros(1000, bool), np.zeros(1000, bool)
    labels[500:520] = True
    alarms[[10, 20, 30, 200, 510, 560]] = True  # one interruption, another, a hit, its grace
    assert measures.interruptions(alarms, labels) == 2
