"""State that is kept in rows, so that keeping it costs what changed and not what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

WHOLE: Final = "whole"
"""The name of the one row of state that is kept as one blob."""


@dataclass(frozen=True, slots=True)
class StateChanges:
    """What changed among the rows since they were last asked for.

    Attributes:
        reset: All rows that there were are gone first.
        put: Rows that are new or other than before.
        gone: Names of rows that are no more.
    """

    reset: bool = False
    put: Mapping[str, bytes] = field(default_factory=dict)
    gone: Sequence[str] = ()

    @classmethod
    def whole(cls, state: bytes) -> StateChanges:
        """`state` in place of all that there was."""
        return cls(reset=True, put={WHOLE: state})

    def __bool__(self) -> bool:
        return self.reset or bool(self.put or self.gone)

    def fold_into(self, rows: dict[str, bytes]) -> None:
        """Makes `rows`, which were up to date before, up to date."""
        if self.reset:
            rows.clear()
        for name in self.gone:
            rows.pop(name, None)
        rows.update(self.put)
