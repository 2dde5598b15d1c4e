"""Where an incident stands: open → acknowledged → resolved or dismissed (with a reason) → regressed (DESIGN section 3).

1. The operator's last word counts, until the incident becomes something else than what that word was about.
2. What was resolved is regressed as soon as it has a finding more.
3. What was dismissed is a false alarm, and more of the same is too: it is regressed only by a rule that it did not have, or
   where it became graver.
4. What is acknowledged stays so: somebody looks after it, and the bell rings again where it becomes graver.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.records.finding import LEVELS
from tocsin.records.incident import Decided, Decision, Incident, Status


def is_done(incident: Incident) -> bool:
    """Whether nobody need look at it any more."""
    return incident.status in ("resolved", "dismissed")


def decision(incident: Incident, status: Decided, at: int, reason: str = "") -> Decision:
    """The operator's word on `incident` as it is."""
    rules = tuple(dict.fromkeys(finding.rule_id for finding in incident.findings))
    return Decision(incident.id, status, at, reason, incident.count, incident.severity, rules)


def status_of(incident: Incident, decisions: Mapping[str, Decision]) -> Status:
    """Where `incident` stands.

    Args:
        incident: As it is now.
        decisions: By the id that the incident had then: it may be an alias now.
    """
    said = [decisions[one] for one in (incident.id, *incident.aliases) if one in decisions]
    if not said:
        return incident.status
    last = max(said, key=lambda one: one.at)
    if last.status == "acknowledged":
        return "acknowledged"
    if last.status == "resolved":
        return "regressed" if incident.count > last.count else "resolved"
    graver = LEVELS.index(incident.severity) > LEVELS.index(last.severity)
    other = any(finding.rule_id not in last.rules for finding in incident.findings)
    return "regressed" if graver or other else "dismissed"
