"""What the numbers of a model must be so that watching with it cannot fail: shapes that fit together, indices inside
what they point into, scales above 0. Checked when a model is read; a model just learnt is so.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tocsin.config import bounds
from tocsin.detect.plant.balance import Balance
from tocsin.detect.plant.conformal import BLOCKS, Promise
from tocsin.detect.plant.drift import Drift
from tocsin.detect.plant.limits import Limits
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.process import Process
from tocsin.detect.plant.states import States
from tocsin.detect.plant.subspace import Subspace
from tocsin.detect.plant.surprise import Scale
from tocsin.detect.plant.tags import Tag
from tocsin.detect.plant.trees import LEAVES, SPLITS, Forest
from tocsin.engine.plant.model_fields import Unfit
from tocsin.records.readings import Values

_PASSES: Final = 255

_LEAST: Final = 1e-12
"""No scale is smaller: `SPREAD_FLOOR` and `FLOOR` keep them far above."""

_MOST: Final = 1e150
"""No number is larger: its square must still be one."""


def check(model: PlantModel) -> None:
    """Raises `Unfit` where watching with `model` could fail, or mean nothing."""
    _check_one(model)
    if model.first is not None:
        _must(
            model.first.first is None
            and model.first.names == model.names
            and model.first.spacing == model.spacing,
            "the first model is of another plant",
        )
        _check_one(model.first)


def _check_one(model: PlantModel) -> None:
    tags, moving = len(model.tags), len(model.process.moving)
    _must(
        0 < tags <= bounds.HISTORIAN_TAGS and len(set(model.names)) == tags,
        "its tags are none, too many, or not each once",
    )
    for tag in model.tags:
        _check_tag(tag)
    _must(model.spacing >= 0 and model.start <= model.end and model.rows >= 0, "its times mean nothing")
    _check_process(model.process, tags)
    _check_scale(model.by_relation, moving)
    _check_scale(model.by_subspace, moving)
    _check_scale(model.by_balance, len(model.process.balances))
    _must(
        np.isfinite(model.usual) and np.isfinite(model.threshold) and model.threshold > 0,
        "its threshold means nothing",
    )
    _shape(model.usual_tags, (tags,), "usual_tags")
    _finite(model.usual_tags, "usual_tags")
    _check_promise(model.promise)
    _check_drift(model.drift, moving)
    _above_zero(model.quality.limits, 2 * tags + 2, "quality.limits")


def _check_tag(tag: Tag) -> None:
    sizes = (tag.own_step, tag.step, tag.centre, tag.spread, tag.missing, *tag.states)
    _must(all(np.isfinite(one) for one in sizes), f"the tag {tag.name!r} has a number that is none")
    _must(tag.own_step >= 0 and tag.step >= 0 and tag.spread > 0, f"the tag {tag.name!r} has no scale")
    _must(
        0 <= tag.missing <= 1 and list(tag.states) == sorted(set(tag.states)),
        f"the tag {tag.name!r} means nothing",
    )


def _check_promise(promise: Promise) -> None:
    _must(
        promise.unit in {unit for unit, _ in BLOCKS} and promise.blocks >= 0, "its promise is about no time"
    )
    _must(promise.by_alarm >= 0 and promise.by_notice >= 0, "its promise counts nothing")
    _must(0 <= promise.asked <= 1 and 0 <= promise.kept <= 1, "its promise is no share")


def _check_process(process: Process, tags: int) -> None:
    moving = process.moving
    _must(moving.ndim == 1 and bool((np.diff(moving) > 0).all()), "its columns are not in order")
    _must(not len(moving) or (moving[0] >= 0 and moving[-1] < tags), "it has a column that is no tag's")
    _above_zero(process.spreads, len(moving), "spreads")
    _check_subspace(process.subspace, len(moving))
    _check_forest(process.relations, len(moving))
    for balance in process.balances:
        _check_balance(balance, tags)
    _check_states(process.states, tags)
    _check_limits(process.limits, tags)


def _check_subspace(subspace: Subspace, moving: int) -> None:
    _shape(subspace.centres, (moving,), "centres")
    _finite(subspace.centres, "centres")
    _above_zero(subspace.spreads, moving, "subspace.spreads")
    parts = subspace.components
    _must(
        parts.ndim == 2 and parts.shape[0] == moving and parts.shape[1] <= max(1, moving),
        "components has no fit shape",
    )
    _finite(parts, "components")
    _must(not parts.size or float(np.abs(parts).max()) <= 1.0 + 1e-6, "components are no directions")


def _check_forest(forest: Forest, moving: int) -> None:
    trees = len(forest.feature)
    _shape(forest.bases, (moving,), "bases")
    _must(trees == forest.trees_each * moving, "not every relation has as many trees")
    _shape(forest.feature, (trees, SPLITS), "feature")
    _shape(forest.cut, (trees, SPLITS), "cut")
    _shape(forest.mask, (trees, SPLITS), "mask")
    _shape(forest.leaves, (trees, LEAVES), "leaves")
    _finite(forest.bases, "bases")
    _finite(forest.leaves, "leaves")
    _must(len(forest.cuts) == 2 * moving, "its relations look at other tags")
    for cuts in forest.cuts:
        _must(cuts.ndim == 1 and len(cuts) <= _PASSES and bool(np.isfinite(cuts).all()), "cuts are none")
        _must(bool((np.diff(cuts) > 0).all()), "cuts are not in order")
    if trees:
        _check_splits(forest)


def _check_splits(forest: Forest) -> None:
    _must(
        bool(((forest.feature >= 0) & (forest.feature < len(forest.cuts))).all()), "a split looks at no tag"
    )
    lengths = np.array([len(cuts) for cuts in forest.cuts])
    passes = forest.cut == _PASSES
    _must(bool((passes | (forest.cut < lengths[forest.feature])).all()), "a split has no cut")
    _must(not bool((passes[:, :-1] & ~passes[:, 1:]).any()), "splits that always pass do not stand last")
    _must(bool((np.bitwise_and.reduce(forest.mask, axis=1) != 0).all()), "a tree has rows that reach no leaf")


def _check_balance(balance: Balance, tags: int) -> None:
    flows = balance.flows
    _must(
        0 <= balance.level < tags and flows.ndim == 1 and len(flows) > 0,
        "a balance is of no tag, or without flows",
    )
    _must(bool(((flows >= 0) & (flows < tags)).all()), "a balance has a flow that is no tag")
    _shape(balance.weights, (len(flows),), "weights")
    _finite(balance.weights, "weights")
    _must(_LEAST <= balance.spread <= _MOST, "a balance has no scale")


def _check_states(states: States, tags: int) -> None:
    _must(len(states.seen) == len(states.changes) == tags, "its states are of other tags")
    for seen, changes in zip(states.seen, states.changes, strict=True):
        _must(
            seen.ndim == 1 and bool(np.isfinite(seen).all() and (np.diff(seen) > 0).all()),
            "states are not in order",
        )
        _must(all(-1 <= at < len(seen) for pair in changes for at in pair), "a change is between no states")
    for name, values in (("low", states.low), ("high", states.high)):
        _shape(values, (tags,), name)
        _finite(values, name)
    _above_zero(states.spreads, tags, "states.spreads")


def _check_limits(limits: Limits, tags: int) -> None:
    _shape(limits.fastest, (tags,), "fastest")
    _shape(limits.longest, (tags,), "longest")
    _must(bool((limits.fastest >= 0).all() and (limits.longest >= 0).all()), "its limits are none")
    _must(bool((limits.longest < 1 << 40).all()), "its limits are none")


def _check_drift(drift: Drift, moving: int) -> None:
    _must(_LEAST <= drift.weight <= 1 and _LEAST <= drift.limit <= _MOST, "its drift means nothing")
    _above_zero(drift.tails, 2 * moving, "drift.tails")
    _above_zero(drift.largest, 2 * moving, "drift.largest")


def _check_scale(scale: Scale, moving: int) -> None:
    _above_zero(scale.tail, moving, "tail")
    _above_zero(scale.excess, moving, "excess")


def _above_zero(values: Values, length: int, name: str) -> None:
    _shape(values, (length,), name)
    _must(bool(((values >= _LEAST) & (values <= _MOST)).all()), f"{name} is not above 0")


def _finite(values: Values, name: str) -> None:
    _must(bool((np.abs(values) <= _MOST).all()), f"{name} has a number that is none")


def _shape(values: Any, shape: tuple[int, ...], name: str) -> None:
    _must(values.shape == shape, f"{name} has the shape {values.shape}")


def _must(holds: object, otherwise: str) -> None:
    if not holds:
        raise Unfit(otherwise)
