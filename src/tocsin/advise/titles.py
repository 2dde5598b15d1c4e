"""One line for an incident: what, and where. It says "signs of", because that is all that logs can give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tocsin.advise.phrases import computer, listed, name, person
from tocsin.advise.scene import Scene
from tocsin.records.attack import TACTICS
from tocsin.records.finding import LEVELS, Finding
from tocsin.records.incident import Incident
from tocsin.records.inert import inert, shortened

PLAIN_TACTICS: Final[dict[str, str]] = {
    "reconnaissance": "someone looking you over",
    "resource-development": "an attack being prepared",
    "initial-access": "someone getting in",
    "execution": "unwanted programs running",
    "persistence": "someone settling in to stay",
    "privilege-escalation": "someone gaining more rights",
    "defense-evasion": "tracks being hidden",
    "evasion": "tracks being hidden",
    "stealth": "tracks being hidden",
    "defense-impairment": "protection being switched off",
    "credential-access": "passwords being stolen or guessed",
    "discovery": "someone looking around inside",
    "lateral-movement": "moving from computer to computer",
    "collection": "data being gathered",
    "command-and-control": "a program taking orders from outside",
    "exfiltration": "data being carried out",
    "impact": "data being destroyed, locked or altered",
    "inhibit-response-function": "plant safety functions being blocked",
    "impair-process-control": "the plant's control being tampered with",
}
"""ATT&CK tactics in plain words."""

_TITLE_CHARS: Final = 100
_STEPS: Final = 3
"""Different rules and tactics from which findings are told as an attack in steps."""


def title(incident: Incident) -> str:
    """What `incident` is about and where, in one line."""
    where = place(incident)
    rules = {finding.rule_id for finding in incident.findings}
    tactics = [tactic for tactic in TACTICS if tactic in incident.tactics]
    if min(len(rules), len(tactics)) < _STEPS:
        return f"{_gravest(incident.findings)}{where}"
    return f"Signs of an attack in steps, from {PLAIN_TACTICS[tactics[0]]} to {PLAIN_TACTICS[tactics[-1]]}{where}"


def _gravest(findings: Sequence[Finding]) -> str:
    """The title of the gravest rule, earliest first; it is Tocsin's own word."""
    worst = max(findings, key=lambda one: LEVELS.index(one.level))
    return shortened(inert(worst.rule_title), _TITLE_CHARS)


def place(incident: Incident) -> str:
    """` on WS-014 and FS-01 (anna.berg)`, as far as it is known."""
    hosts = [computer(host) for host in incident.hosts]
    people = [person(user) for user in Scene(incident).people]
    on = f" on {listed(hosts, 2)}" if hosts else ""
    if people:
        return f"{on} ({listed(people, 2)})"
    if not on and incident.addresses:
        return f" ({listed([name(address) for address in incident.addresses], 2)})"
    return on
