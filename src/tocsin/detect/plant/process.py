"""What should be there, from everything that was learnt of the process: one object a fold, and one of all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.balance import Balance, Tank, fit_balance
from tocsin.detect.plant.coarse import forgiven
from tocsin.detect.plant.limits import Limits, fit_limits
from tocsin.detect.plant.relations import features_of, fit_relations
from tocsin.detect.plant.states import States, fit_states
from tocsin.detect.plant.subspace import Subspace, fit_subspace
from tocsin.detect.plant.tags import Tag, TagKind
from tocsin.detect.plant.trees import Forest
from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Values


@dataclass(frozen=True, slots=True)
class Differences:
    """How rows differ from what should be there.

    Attributes:
        by_relation: Shape (rows, moving tags), in spreads, NaN where nothing was read.
        by_subspace: Likewise.
        by_balance: Shape (rows, balances), in spreads of the tank's level, of each row alone; 0 where something is missing.
        by_rule: Shape (rows, tags), already surprises.
    """

    by_relation: Values
    by_subspace: Values
    by_balance: Values
    by_rule: Values

    def less(self, slack: Values) -> Differences:
        """Without what `slack`, shape (rows, moving tags), in spreads, explains of relations and subspace."""
        return replace(
            self,
            by_relation=forgiven(self.by_relation, slack),
            by_subspace=forgiven(self.by_subspace, slack),
        )


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
    balances: tuple[Balance, ...]
    states: States
    limits: Limits

    def expected(self, looked: Looked) -> Values:
        """What each moving tag should show, shape (rows, moving tags), in its unit."""
        return self.relations.predict(self._features(looked))

    def _features(self, looked: Looked) -> Values:
        """What relations look at, with tags that nobody read where the others say that they are.

        A tag that is gone would otherwise stand at its centre for good, and each relation that looks at it would ring.
        """
        features = features_of(looked, self.moving)
        guessed = np.hstack([looked.guessed[:, self.moving], looked.guessed_before[:, self.moving]])
        tags = len(self.moving)
        for half in (slice(0, tags), slice(tags, 2 * tags)):
            rows = np.flatnonzero(guessed[:, half].any(axis=1))
            if len(rows):
                features[rows, half] = self.subspace.filled(features[rows, half], guessed[rows, half])
        return features

    def unexplained(self, looked: Looked) -> tuple[Values, Values]:
        """How the rows differ from the relations and from the subspace: the first two of `Differences`."""
        features, read = self._features(looked), looked.read[:, self.moving]
        values = features[:, : len(self.moving)]
        by_relation = (values - self.relations.predict(features)) / self.spreads
        return np.where(read, by_relation, np.nan), np.where(read, self.subspace.residuals(values), np.nan)

    def imbalances(self, looked: Looked) -> Values:
        """How the rows differ from the balances: the third of `Differences`."""
        found = np.empty((len(looked), len(self.balances)))
        for column, balance in enumerate(self.balances):
            found[:, column] = balance.differences(looked)
        return found

    def differences(self, looked: Looked, stands: NDArray[np.int64]) -> Differences:
        """How the rows `looked` differ; `stands`: for how many rows each value stood still."""
        by_relation, by_subspace = self.unexplained(looked)
        by_rule = np.maximum(self.states.surprises(looked), self.limits.surprises(looked, stands))
        return Differences(by_relation, by_subspace, self.imbalances(looked), by_rule)


def fit_process(
    tags: Sequence[Tag], stretches: Sequence[Looked], threads: int, tanks: Sequence[Tank] = ()
) -> Process:
    """What `stretches`, each of rows without a hole, show of a process with these `tags` and `tanks`."""
    moving = np.array([at for at, tag in enumerate(tags) if tag.kind is not TagKind.CONSTANT], dtype=np.int64)
    spreads = np.array([tags[at].spread for at in moving])
    return Process(
        moving, spreads, fit_subspace(stretches, moving, spreads), fit_relations(stretches, moving, threads),
        tuple(fit_balance(tank, tags, stretches) for tank in tanks), fit_states(tags, stretches), fit_limits(tags, stretches),
    )  # fmt: skip
