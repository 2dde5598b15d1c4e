"""What judging brought, kept in a store: one commit holds findings, incidents, all state, and how far judging came."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.detect.interface import Detector
from tocsin.incidents.desk import VERSION as DESK_VERSION
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.finding import Finding
from tocsin.records.incident import Incident
from tocsin.store.segment import Position
from tocsin.store.state import DetectorState, Notes
from tocsin.store.store import Store

DESK = "incidents"
"""Under which name the desk's state is kept beside the detectors'."""


class Books:
    """Keeps what `detectors` and `desk` know in `store`; takes up there what an earlier run left.

    Raises:
        PluginError: a detector cannot take up its state.
    """

    def __init__(self, store: Store, detectors: Sequence[Detector], desk: IncidentDesk) -> None:
        self._store, self._detectors, self._desk = store, detectors, desk
        self._incidents: dict[str, Incident] = {one.id: one for one in store.incidents()}
        for detector in detectors:
            kept = store.state.detector(detector.name)
            if kept is not None:
                detector.restore(kept.state, kept.version)
        kept = store.state.detector(DESK)
        if kept is not None:
            desk.restore(kept.state, kept.version)

    def write(
        self,
        position: Position,
        findings: Sequence[Finding],
        beside: Notes = Notes(),  # noqa: B008  frozen
    ) -> tuple[str, ...]:
        """Commits all that judging up to `position` brought; gives the ids of the new findings.

        Raises:
            OperatorError: the disk refused; nothing of it is stored.
        """
        now = {one.id: one for one in self._desk.all()}
        changed = [one for one in now.values() if self._incidents.get(one.id) != one]
        states = [
            *(DetectorState(one.name, one.version, one.snapshot()) for one in self._detectors),
            DetectorState(DESK, DESK_VERSION, self._desk.snapshot()),
        ]
        new = self._store.commit(position, findings, changed, states, beside)
        self._incidents = now
        return new
