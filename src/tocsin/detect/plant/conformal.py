"""The threshold that keeps the promise, and what the promise rests on.

Split conformal calibration by blocks (Vovk et al. 2005; blocks because the rows of a plant depend on each other): of N
blocks of normal operation that the model had not seen, the k-th smallest of their highest scores is not reached by a
further block of the same kind with probability k / (N + 1). That holds on average over all that might have been
learnt from; one plant has one year, which may have been a lucky one. So fewer of the blocks may lie above the threshold
(Vovk 2012, training-conditional validity): as many as make it unlikely (`DOUBT`) that more than `SLACK` times what is
promised will be interrupted. N blocks cannot promise less than `least_promise(N)`, some 2.4 in N.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, exp, lgamma, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.records.instants import DAY, HOUR
from tocsin.records.readings import Flags, Instants, Values

BLOCKS: Final = (("week", 7 * DAY), ("day", DAY), ("hour", HOUR))
"""Lengths of a block, longest first."""

APART: Final = 7
"""Alarms that lie closer together than this part of a block (a day of a week) are one episode."""

LEAST_BLOCKS: Final = 8
"""The longest blocks of which there are so many are taken."""

WHOLE: Final = 0.7
"""A block with fewer of its rows than this share, or read for less of its time, does not count."""

ALARM_SHARE: Final = 0.02
"""Most of all normal rows that may be in alarm: an alarm that never ends would keep a promise about blocks."""

SLACK: Final = 1.25
"""How many times what is promised may be realised …"""

DOUBT: Final = 0.05
"""… but for one plant in twenty."""

NOTICE_SHARE: Final = 0.25
"""Share of the interruptions that notices of drift and data quality may spend."""

FINER: Final = 0.005
"""Steps in which a promise is lowered that normal operation itself does not keep."""

SPARE: Final = 1.5
"""Notices begin so much above the quiet blocks: a mean over two blocks has half as many independent values as there are
blocks, so the largest one that was seen says little of the largest to come."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What may be relied on.

    Attributes:
        unit: `week`, `day` or `hour`.
        blocks: How many blocks of normal operation it rests on.
        asked: The share of blocks that the owner allows to be interrupted.
        kept: The share that is promised: what was asked, or the least that so many blocks can promise.
        by_alarm: How many of its own blocks alarms interrupt.
        by_notice: How many of them notices interrupt. Blocks with either are no more than `interruptions`.
    """

    unit: str
    blocks: int
    asked: float
    kept: float
    by_alarm: int = 0
    by_notice: int = 0

    @property
    def interruptions(self) -> int:
        """How many of its own blocks may be above the threshold."""
        usual = self.blocks - ceil((self.blocks + 1) * (1.0 - self.kept) - 1e-9)
        sure = -1
        while sure < usual and likelihood(sure + 1, self.blocks, SLACK * self.kept) <= DOUBT * (1 + 1e-9):
            sure += 1
        return max(0, min(usual, sure))


def likelihood(most: int, blocks: int, rate: float) -> float:
    """How likely `most` or fewer of `blocks` independent blocks are interrupted, where each one is at `rate` (0 to 1)."""
    if rate >= 1.0:
        return float(most >= blocks)
    return sum(
        exp(
            lgamma(blocks + 1)
            - lgamma(k + 1)
            - lgamma(blocks - k + 1)
            + k * log(rate)
            + (blocks - k) * log(1.0 - rate)
        )
        for k in range(min(most, blocks) + 1)
    )


def least_promise(blocks: int) -> float:
    """The least share that `blocks` blocks of normal operation, none of them interrupted, can promise; 1 at most."""
    return min(1.0, float((1.0 - DOUBT ** (1.0 / max(1, blocks))) / SLACK))


def blocks_for(share: float) -> int:
    """How many blocks can promise `share` (0 to 1) at best; 10^9 at most."""
    if share * SLACK >= 1.0:
        return 1
    return (
        min(1_000_000_000, ceil(log(DOUBT) / log(1.0 - SLACK * share) - 1e-9))
        if share > 1e-9
        else 1_000_000_000
    )


def block_of(times: Instants, spacing: int) -> tuple[str, int]:
    """The unit and length in microseconds of the blocks for rows at `times`, one a `spacing` where nothing is missing."""
    for unit, length in BLOCKS:
        _, whole = _blocks(times, length, spacing)
        if np.count_nonzero(whole) >= LEAST_BLOCKS:
            return unit, length
    return BLOCKS[-1]


def block_maxima(times: Instants, scores: Values, length: int, spacing: int) -> Values:
    """The highest score of each whole block, oldest first; blocks are counted from the first row."""
    starts, whole = _blocks(times, length, spacing)
    return np.maximum.reduceat(scores, starts)[whole] if len(starts) else np.empty(0)


def rows_of_block(times: Instants, length: int, spacing: int) -> int:
    """How many rows a whole block usually has, 1 at least; stretches that nobody learns from lie between blocks."""
    starts, whole = _blocks(times, length, spacing)
    rows = np.diff(starts, append=len(times))[whole]
    return max(1, int(np.median(rows))) if len(rows) else 1


def _blocks(times: Instants, length: int, spacing: int) -> tuple[NDArray[np.int64], Flags]:
    """The first row of each block, and whether it is whole: read over enough of its time, and not much less than others."""
    if not len(times):
        return np.empty(0, np.int64), np.empty(0, bool)
    starts = np.flatnonzero(np.diff((times - times[0]) // length, prepend=-1))
    rows = np.diff(starts, append=len(times))
    lasted = times[starts + rows - 1] - times[starts] + spacing
    most = min(
        length / max(1, spacing), float(rows.max())
    )  # a source that tells changes only never fills its pace
    return starts, (rows >= WHOLE * most) & (lasted >= WHOLE * length)


def promise_of(unit: str, blocks: int, asked: float, told: int = 0) -> Promise:
    """The promise that `blocks` blocks can keep, `asked` (0 to 1) at best, where `told` of them are interrupted anyway."""
    promise = Promise(unit, blocks, asked, max(asked, least_promise(blocks)))
    while promise.interruptions < told and promise.kept < 1.0:
        promise = replace(promise, kept=min(1.0, promise.kept + FINER))
    return promise


def threshold_of(maxima: Values, above: int) -> float:
    """The score that all but `above` of the blocks' `maxima` stay at or below."""
    ordered = np.sort(maxima)
    return float(ordered[max(0, len(ordered) - 1 - above)])


def shared_out(
    alarms: Values, notices: Values, above: int, anyway: Flags | None = None
) -> tuple[float, float]:
    """The thresholds of alarms and of notices (least 1) that together interrupt no more than `above` blocks.

    Notices spend `NOTICE_SHARE` of them at most, alarms what is then left.

    Args:
        alarms: The highest score of each block.
        notices: The highest share of what begins a notice, of each block; above 1 one is told.
        above: How many blocks may be interrupted.
        anyway: Which of them are, whatever the thresholds; none if missing.
    """
    known = np.zeros(len(alarms), bool) if anyway is None else anyway
    spent = max(0, int(NOTICE_SHARE * above) - int(known.sum()))
    told = max(1.0, threshold_of(notices[~known], spent) * SPARE) if not known.all() else 1.0
    interrupted = (notices > told) | known
    quiet = alarms[~interrupted]
    left = max(0, above - int(interrupted.sum()))
    return (threshold_of(quiet, left) if len(quiet) else float(alarms.max())), told


def bounded(threshold: float, scores: Values) -> float:
    """`threshold`, or a higher one above which no more than `ALARM_SHARE` of the rows lie."""
    return max(threshold, float(np.quantile(scores, 1.0 - ALARM_SHARE)))
