"""BATADAL through the command line: learnt from a normal year, watched over the labelled half year.

The score is the competition's (Taormina et al. 2018): S = 0.5 · S_TTD + 0.5 · S_CM, where S_TTD is 1 less the mean share of
an attack that passed before its first alarm, and S_CM the mean of the true positive and the true negative rate by row.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tests.command import call

GRACE = 24
"""Hours after an attack in which the network still recovers: an alarm there is no false one."""


def spans(truth: np.ndarray) -> list[tuple[int, int]]:
    """The attacks, each from its first row up to the row after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], truth.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def batadal_score(truth: np.ndarray, alarms: np.ndarray) -> float:
    delays = []
    for start, stop in spans(truth):
        rings = np.flatnonzero(alarms[start:stop])
        delays.append(rings[0] / (stop - start) if len(rings) else 1.0)
    rates = alarms[truth].mean() + (~alarms[~truth]).mean()
    return float(0.5 * (1 - np.mean(delays)) + 0.25 * rates)


def test_the_score_is_the_competitions() -> None:
    truth = np.array([0, 1, 1, 0, 1, 1], bool)
    assert batadal_score(truth, truth) == 1.0
    assert batadal_score(truth, np.zeros(6, bool)) == 0.25
    assert batadal_score(truth, np.array([0, 0, 1, 0, 0, 0], bool)) == pytest.approx(0.5 * 0.25 + 0.25 * 1.25)


def test_a_short_history_finds_the_first_attack(data: Path, tmp_path: Path) -> None:
    """A sample of what the test below does in full: learnt from 100 days, the first attack watched."""

    def part(name: str, start: int, stop: int) -> Path:
        lines = (data / "batadal" / f"{name}.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / name).with_suffix(".csv").write_text(lines[0] + "".join(lines[1 + start : 1 + stop]))
        return (tmp_path / name).with_suffix(".csv")

    model, ignored = tmp_path / "model", ("--ignore", "ATT_FLAG", "--json")
    learnt = call("plant", "learn", part("dataset03", 0, 2_400), "--model", model, *ignored)
    assert (learnt.code, learnt.summary["promise"]["unit"]) == (0, "week")
    watched = call("plant", "watch", "--model", model, part("dataset04", 1_600, 1_800), *ignored)
    alarms = np.array([row["alarm"] for row in watched.lines("row")])
    assert len(alarms) == 200
    assert alarms[127:177].any(), "the first attack is from row 1,727 to row 1,776"


@pytest.mark.soak
def test_all_attacks_are_found_with_few_false_alarms(data: Path, tmp_path: Path) -> None:
    folder = data / "batadal"
    model = tmp_path / "model"
    learnt = call(
        "plant", "learn", folder / "dataset03.csv", "--model", model, "--ignore", "ATT_FLAG", "--json"
    )
    assert learnt.code == 0
    assert learnt.summary["promise"] == {"unit": "week", "blocks": 52, "asked": 0.25, "kept": 0.25}
    watched = call(
        "plant", "watch", "--model", model, folder / "dataset04.csv", "--ignore", "ATT_FLAG", "--json"
    )
    assert watched.code == 0
    with (folder / "dataset04.csv").open(encoding="utf-8") as file:
        truth = np.array(
            [row["ATT_FLAG"].strip() == "1" for row in csv.DictReader(file, skipinitialspace=True)]
        )
    rows = watched.lines("row")
    alarms = np.array([row["alarm"] for row in rows])
    assert batadal_score(truth, alarms) >= 0.95
    assert [bool(alarms[start:stop].any()) for start, stop in spans(truth)] == [True] * 7
    assert all(row["why"] and row["tags"] for row in rows if row["alarm"])
    attacked = truth.copy()
    for _, stop in spans(truth):
        attacked[stop : stop + GRACE] = True
    at = {row["time"]: place for place, row in enumerate(rows)}
    false = [
        one for one in watched.lines("episode") if not attacked[at[one["start"]] : at[one["end"]] + 1].any()
    ]
    assert len(false) / ((~attacked).sum() / 168) <= 0.5
