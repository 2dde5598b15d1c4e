"""What a detector is (DESIGN section 2). Ours and plug-ins pass the same suite, `detect/checks.py`.

1. Deterministic: the same events, in batches split anywhere, give the same findings.
2. No evidence invented: a finding cites only events that `process` was given.
3. Unknown and missing fields are no error.
4. State is bounded by `memory_bound` bytes and survives `snapshot` → `restore`.
5. Time comes from the events and from `advance`; a detector owns no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from tocsin.records.event import EventBatch
from tocsin.records.finding import Finding
from tocsin.records.state_changes import StateChanges

END_OF_TIME = 2**62
"""The watermark that says: no more events will come in this run. Events of a later run may be of any time."""


@runtime_checkable
class Detector(Protocol):
    """Judges batches of events."""

    name: str
    version: str
    memory_bound: int

    def process(self, batch: EventBatch) -> Sequence[Finding]:
        """The findings that `batch` completes, in order of their last evidence in the batch."""

    def advance(self, watermark: int) -> Sequence[Finding]:
        """The findings that are complete once no event older than `watermark` (instant) can come."""

    def snapshot(self) -> bytes:
        """The whole state, for `restore`."""

    def restore(self, state: bytes, version: str) -> None:
        """Takes up `state` that `version` of this detector wrote.

        Raises:
            PluginError: the state is not of a version that this one reads.
        """


@runtime_checkable
class KeepsRows(Protocol):
    """A detector, or the like, whose state is kept in rows: what a commit writes of it is what changed.

    `restore_rows` with all that `changes` told so far gives what `restore` with a snapshot of that moment does.
    """

    def changes(self) -> StateChanges:
        """What changed since the last call; at first, and after `unwrite`, everything."""

    def unwrite(self) -> None:
        """What `changes` told was not kept."""

    def restore_rows(self, rows: Mapping[str, bytes], version: str) -> None:
        """Takes up `rows` that `version` of this detector wrote, or as the one row `WHOLE` its snapshot.

        Raises:
            PluginError: the rows are not of a version that this one reads, or contradict themselves.
        """
