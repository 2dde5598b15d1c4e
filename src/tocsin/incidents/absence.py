"""Absences as incidents: each is one of its own, never linked with others, and resolved by itself when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tocsin.incidents.desk import ID_DIGITS
from tocsin.incidents.ranking import LEVEL_SCORE, needs_you
from tocsin.records.finding import Finding
from tocsin.records.incident import Incident

ABSENCE_PREFIX: Final = "abs-"
"""Before the id of an incident that tells of an absence; other incidents have `desk.ID_PREFIX`."""


def absence(finding: Finding) -> Incident:
    """The incident that tells of `finding`, the absence of something."""
    return Incident(
        ABSENCE_PREFIX + finding.id[:ID_DIGITS], 0, finding.level, LEVEL_SCORE[finding.level], finding.start,
        finding.time, finding.hosts, (), (), (), (), (finding,), finding.auth, finding.origin,
    )  # fmt: skip


def placed(incident: Incident, incidents: Iterable[Incident]) -> Incident:
    """`incident` with the rank of the first of `incidents` (as the desk ranks them) that it stands before: none other moves."""
    before = sum(needs_you(other) and other.score >= incident.score for other in incidents)
    return replace(incident, rank=before + 1)
