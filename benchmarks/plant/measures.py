"""What is measured of a detector: BATADAL's score, events, delays, false alarms, and VUS-PR. Never point-adjusted F1.

BATADAL's S is half time to detection, half classification (Taormina et al. 2018, J. Water Resour. Plann. Manage. 144(8)).
VUS-PR is the volume under the surface of precision over recall over buffers around the labels (Paparrizos et al. 2022,
PVLDB 15(11)).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Spans = list[tuple[int, int]]

GRACE: Final = 72
"""Rows after an attack in which a plant comes to rest: an alarm there is neither right nor false."""

APART: Final = 24
"""Alarms that are no more rows apart are one interruption."""


def spans(flags: Flags) -> Spans:
    """Where `flags` are set: (first row, row after the last) of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def batadal(labels: Flags, alarms: Flags) -> dict[str, float]:
    """S, its halves STTD and SCM, and how many attacks were seen."""
    events = spans(labels)
    late = [np.flatnonzero(alarms[a:b])[0] / (b - a) if alarms[a:b].any() else 1.0 for a, b in events]
    sttd = 1.0 - float(np.mean(late))
    scm = (float(alarms[labels].mean()) + float((~alarms[~labels]).mean())) / 2
    seen = sum(bool(alarms[a:b].any()) for a, b in events)
    return {"S": (sttd + scm) / 2, "STTD": sttd, "SCM": scm, "seen": seen, "of": len(events)}


def quiet_rows(labels: Flags) -> Flags:
    """The rows in which an alarm is false."""
    out = ~labels
    for _, stop in spans(labels):
        out[stop : stop + GRACE] = False
    return out


def interruptions(alarms: Flags, labels: Flags) -> int:
    """False interruptions: runs of alarms, joined where they are `APART` at most, that touch no attack nor its grace."""
    quiet = quiet_rows(labels)
    runs: Spans = []
    for start, stop in spans(alarms):
        if runs and start - runs[-1][1] <= APART:
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    return sum(bool(quiet[start:stop].all()) for start, stop in runs)


def vus_pr(labels: Flags, scores: NDArray[np.float64], longest: int) -> float:
    """VUS-PR: the mean over buffers of 0 to `longest` rows of the area under precision over recall with that buffer."""
    return float(np.mean([range_pr(labels, scores, buffer) for buffer in range(longest + 1)]))


def range_pr(labels: Flags, scores: NDArray[np.float64], buffer: int) -> float:
    """The area under precision over recall where labels fade over `buffer` / 2 rows on either side of each attack.

    A row at distance d of an attack counts (1 - d / buffer)^½. Recall is what is caught of the mean of the bare and the
    faded labels, at most 1, times the share of attacks (with their buffers) of which any row is caught. Area by steps.
    """
    faded, events = _faded(labels, buffer)
    order = np.argsort(-scores, kind="stable")
    caught = np.cumsum(faded[order])
    rank = np.empty(len(scores), np.int64)
    rank[order] = np.arange(len(scores))
    seen = np.zeros(len(scores))
    for start, stop in events:
        seen[int(rank[start:stop].min())] += 1
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    exist = np.cumsum(seen) / len(events)
    precision = (caught / np.arange(1, len(scores) + 1))[last_of_ties]
    recall = (np.minimum(1.0, caught / ((labels.sum() + faded.sum()) / 2)) * exist)[last_of_ties]
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def _faded(labels: Flags, buffer: int) -> tuple[NDArray[np.float64], Spans]:
    """The labels with their slopes, and the attacks with their buffers, those that meet joined."""
    faded = labels.astype(np.float64)
    half = buffer // 2
    for start, stop in spans(labels):
        for away in range(1, half + 1):
            worth = (1.0 - away / buffer) ** 0.5
            for row in (start - away, stop - 1 + away):
                if 0 <= row < len(labels):
                    faded[row] = max(faded[row], worth)
    return faded, spans(faded > 0)
