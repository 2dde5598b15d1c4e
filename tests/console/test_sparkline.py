"""Pictures of tags as numbers: nothing is lost, nothing leaves the view box, and they stay small."""

from __future__ import annotations

import re
from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st

from tocsin.console.sparkline import HEIGHT, LEAST_BAR, WIDTH, Shown, score_line, sparkline


def shown(values: list[float], half: float = 1.0, alarms: list[bool] | None = None) -> Shown:
    return Shown(
        values, values, values, [one * 0 - half for one in values], [one * 0 + half for one in values],
        [float(abs(one) > half) for one in values], alarms or [False] * len(values),
    )  # fmt: skip


def points(path: str) -> list[tuple[int, int]]:
    """Every point of a path of ours."""
    found = []
    for run in re.findall(r"M(-?\d+) (-?\d+)l([^Mz]*)", path):
        x, y = int(run[0]), int(run[1])
        found.append((x, y))
        steps = [int(one) for one in re.findall(r"-?\d+", run[2])]
        for right, down in zip(steps[::2], steps[1::2], strict=True):
            x, y = x + right, y + down
            found.append((x, y))
    return found


numbers = st.one_of(st.just(nan), st.floats(-1e300, 1e300), st.floats(-5, 5))


@given(st.lists(st.tuples(numbers, st.booleans()), min_size=1, max_size=60))
def test_whatever_is_shown_stays_in_the_picture(rows: list[tuple[float, bool]]) -> None:
    drawn = sparkline(shown([one for one, _ in rows], alarms=[rang for _, rang in rows]))
    for path in (drawn.band, drawn.range, drawn.line, drawn.outside):
        assert re.fullmatch(r"[Mlz\d \-]*", path)
        assert all(-WIDTH // 2 <= x <= 2 * WIDTH and 0 <= y <= HEIGHT for x, y in points(path))
    assert all(0 <= x <= x + width <= WIDTH and width >= LEAST_BAR for x, width in drawn.bars)
    assert len(drawn.bars) == sum(
        rang and not before for (_, rang), (_, before) in zip(rows, [(0, False), *rows], strict=False)
    )


def test_what_lies_outside_is_drawn_over_the_line() -> None:
    drawn = sparkline(shown([0, 0.5, 3, 3, 0.5, 0]))
    assert len(points(drawn.line)) >= 5
    assert len(points(drawn.outside)) == 2
    assert not drawn.range
    assert min(y for _, y in points(drawn.line)) < min(y for _, y in points(drawn.band))


def test_a_hole_is_a_hole_and_a_flat_tag_takes_two_points() -> None:
    assert sparkline(shown([1, 1, nan, 1, 1])).line.count("M") == 2
    assert len(points(sparkline(shown([2.0] * 300)).line)) == 2
    assert sparkline(shown([nan] * 5)).line == ""


def test_one_row_has_a_width() -> None:
    (left, _), (right, _) = points(sparkline(shown([3.0])).line)
    assert right - left >= 4


def test_one_row_of_a_year_is_a_bar_that_can_be_seen() -> None:
    ((x, width),) = sparkline(shown([0.0] * 320, alarms=[False] * 319 + [True])).bars
    assert width == LEAST_BAR
    assert x + width == WIDTH


def test_the_threshold_stands_where_the_score_is_one() -> None:
    drawn, threshold = score_line([0.5, 1.0, 2.0, nan], [False, False, True, False])
    assert points(drawn.line)[1][1] == threshold
    assert min(y for _, y in points(drawn.line)) < threshold


def test_a_picture_takes_some_kilobytes() -> None:
    rough = [float((at * 7919) % 101) for at in range(320)]
    drawn = sparkline(
        Shown(rough, [one + 9 for one in rough], rough, rough, rough, rough, [True, False] * 160)
    )
    assert sum(map(len, (drawn.band, drawn.range, drawn.line, drawn.outside))) < 14_000


def test_endless_numbers_are_left_out() -> None:
    assert sparkline(shown([inf, 1.0, 2.0, -inf])).line.count("M") == 1
