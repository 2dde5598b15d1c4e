"""What should be there, from everything that was learnt of the process: one object a fold, and one of all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.limits import Limits, fit_limits
from tocsin.detect.plant.relations import fit_relations
from tocsin.detect.plant.states import States, fit_states
from tocsin.detect.plant.subspace import Subspace, fit_subspace
from tocsin.detect.plant.tags import Tag, TagKind
from tocsin.detect.plant.trees import Forest
from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Flags, Values


@dataclass(frozen=True, slots=True)
class Differences:
    """How rows differ from what should be there.

    Attributes:
        by_relation: Shape (rows, moving tags), in spreads, NaN where nothing was read.
        by_subspace: Likewise.
        by_rule: Shape (rows, tags), already surprises.
    """

    by_relation: Values
    by_subspace: Values
    by_rule: Values


@dataclass(frozen=True, slots=True)
class Process:
    """What was learnt of normal operation.

    Attributes:
        moving: The columns that are not constant: those that are modelled.
        spreads: Shape (moving tags,).
    """

    moving: NDArray[np.int64]
    spreads: Values
    subspace: Subspace
    relations: Forest
    states: States
    limits: Limits

    def expected(self, looked: Looked) -> Values:
        """What each moving tag should show, shape (rows, moving tags), in its unit."""
        return self.relations.predict(_features(looked.values[:, self.moving], looked.before[:, self.moving]))

    def differences(self, looked: Looked, stands: NDArray[np.int64]) -> Differences:
        """How the rows `looked` differ; `stands`: for how many rows each value stood still."""
        values, read = looked.values[:, self.moving], looked.read
        unread = ~read[:, self.moving]
        by_relation = (values - self.expected(looked)) / self.spreads
        by_subspace = self.subspace.residuals(values)
        by_rule = np.maximum(
            self.states.surprises(looked.values, looked.before, read),
            self.limits.surprises(looked.values, looked.before, read, stands),
        )
        return Differences(_without(by_relation, unread), _without(by_subspace, unread), by_rule)


def fit_process(tags: Sequence[Tag], looked: Looked, threads: int) -> Process:
    """What `looked` shows of a process with these `tags`; relations are learnt by `threads` threads."""
    moving = np.array([at for at, tag in enumerate(tags) if tag.kind is not TagKind.CONSTANT], dtype=np.int64)
    spreads = np.array([tags[at].spread for at in moving])
    values, before = looked.values[:, moving], looked.before[:, moving]
    return Process(
        moving, spreads, fit_subspace(values, spreads),
        fit_relations(_features(values, before), range(len(moving)), threads),
        fit_states(tags, looked.values, looked.before), fit_limits(tags, looked.values, looked.before),
    )  # fmt: skip


def _features(values: Values, before: Values) -> Values:
    """What relations look at: every moving tag now, then every one in the row before."""
    return np.hstack([values, before])


def _without(differences: Values, unread: Flags) -> Values:
    return np.where(unread, np.nan, differences)
