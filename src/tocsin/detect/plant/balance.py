"""Water that is missing: what flows into a tank and out of it must be what its level says, where the owner names the tags.

    area · (level - level before) = gains · inflows - losses · outflows        over one row, flows as the mean of both rows

Known areas and flows in fitting units give the coefficients; where they are not known they are learnt by least squares
that knows no negative flow (Lawson and Hanson 1974). What is left over is one more difference of the tank's level. A
flow that is hidden lasts, so the differences are smoothed with their sign before they are judged: noise of the level
cancels out, what is stolen adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.tags import Tag
from tocsin.detect.plant.view import Looked
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Values

LEAST_CHANGES: Final = 50
"""Rows with everything read that coefficients are learnt from at least."""


@dataclass(frozen=True, slots=True)
class Tank:
    """A tank as its owner names it.

    Attributes:
        level: The tag of its level.
        inflows: Tags of what flows in: flows, pumps' speeds or states, or counters of volume.
        outflows: And out.
        gains: What one unit of each inflow adds to the level within a row; empty to learn it.
        losses: And what each outflow takes. Either both are given, or none.
    """

    level: str
    inflows: tuple[str, ...]
    outflows: tuple[str, ...] = ()
    gains: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Balance:
    """What the level of one tank should do.

    Attributes:
        level: Its column.
        flows: The columns of its flows, those that flow in first.
        weights: Shape (flows,): what one unit adds to the level within a row; below 0 where it flows out.
        spread: The spread of the level.
    """

    level: int
    flows: NDArray[np.int64]
    weights: Values
    spread: float

    def differences(self, looked: Looked) -> Values:
        """What the level changed by that no flow explains, shape (rows,), in spreads; 0 where something was not read."""
        change = looked.values[:, self.level] - looked.before[:, self.level]
        for column, weight in zip(self.flows, self.weights, strict=True):
            change = change - weight * (looked.values[:, column] + looked.before[:, column]) / 2
        return np.where(_known(looked, self.level, self.flows), change / self.spread, 0.0)


def fit_balance(tank: Tank, tags: Sequence[Tag], stretches: Sequence[Looked]) -> Balance:
    """The balance of `tank` in the rows of `stretches`.

    Raises:
        OperatorError: a tag is not there, or the tank's flows and coefficients do not fit together.
    """
    level, flows, signs = _columns(tank, tags)
    if tank.gains or tank.losses:
        weights = np.array([*tank.gains, *(-one for one in tank.losses)], dtype=np.float64)
    else:
        weights = signs * _learnt(level, flows, signs, stretches)
    return Balance(level, flows, weights, tags[level].spread)


def check_tank(tank: Tank, tags: Sequence[Tag]) -> None:
    """Raises `OperatorError` where `tank` names what is not there, or does not fit together."""
    _columns(tank, tags)


def _columns(tank: Tank, tags: Sequence[Tag]) -> tuple[int, NDArray[np.int64], Values]:
    """The columns of the level and of its flows, and 1 for each that flows in, -1 for each that flows out."""
    at = {tag.name: column for column, tag in enumerate(tags)}
    names = (*tank.inflows, *tank.outflows)
    for name in (tank.level, *names):
        if name not in at:
            raise OperatorError(
                f"The balance of {tank.level!r} names {name!r}, which is no tag.", "Check how it is spelt."
            )
    if not names or len(set(names)) != len(names) or tank.level in names:
        raise OperatorError(
            f"The balance of {tank.level!r} needs flows, each named once.", "Name what flows in and out."
        )
    given = (len(tank.gains), len(tank.losses))
    if (
        given not in {(0, 0), (len(tank.inflows), len(tank.outflows))}
        or not np.isfinite([*tank.gains, *tank.losses]).all()
    ):
        raise OperatorError(
            f"The balance of {tank.level!r} has not one number a flow.", "Give one for each, or none."
        )
    signs = np.array([1.0] * len(tank.inflows) + [-1.0] * len(tank.outflows))
    return at[tank.level], np.array([at[name] for name in names], dtype=np.int64), signs


def _learnt(level: int, flows: NDArray[np.int64], signs: Values, stretches: Sequence[Looked]) -> Values:
    """The coefficients, none below 0, by least squares over all rows with everything read."""
    from scipy.optimize import nnls  # noqa: PLC0415  an extra's, needed for learning only

    square, product, rows = np.zeros((len(flows), len(flows))), np.zeros(len(flows)), 0
    for piece in (piece for stretch in stretches for piece in stretch.pieces()):
        known = _known(piece, level, flows)
        means = signs * (piece.values[:, flows] + piece.before[:, flows])[known] / 2
        change = (piece.values[:, level] - piece.before[:, level])[known]
        square, product, rows = square + means.T @ means, product + means.T @ change, rows + len(means)
    if rows < LEAST_CHANGES:
        raise OperatorError(
            f"Of the tags of a balance {rows} rows are complete, which is too few to learn it.",
            "Leave the balance out, or give its numbers.",
        )
    # |Ax - b|² is least where |Rx - c|² is, R'R = A'A and R'c = A'b: a few rows instead of millions.
    sizes, vectors = np.linalg.eigh(square)
    roots = np.sqrt(np.maximum(sizes, 0.0))
    held = roots > 1e-9 * max(float(roots.max()), 1e-300)
    reduced = roots[held, None] * vectors.T[held]
    return np.asarray(nnls(reduced, (vectors.T[held] @ product) / roots[held])[0], dtype=np.float64)


def _known(looked: Looked, level: int, flows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where the level and all flows were read, in the row before too."""
    return looked.follows[:, level] & np.asarray(looked.follows[:, flows].all(axis=1))
