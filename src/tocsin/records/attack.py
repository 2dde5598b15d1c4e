"""ATT&CK techniques and tactics by name, from the table of 18.1 (`attack_table.py`)."""

from __future__ import annotations

from tocsin.records.attack_table import TECHNIQUES

TACTICS: dict[str, str] = {
    "reconnaissance": "Reconnaissance",
    "resource-development": "Resource Development",
    "initial-access": "Initial Access",
    "execution": "Execution",
    "persistence": "Persistence",
    "privilege-escalation": "Privilege Escalation",
    "defense-evasion": "Defense Evasion",
    "credential-access": "Credential Access",
    "discovery": "Discovery",
    "lateral-movement": "Lateral Movement",
    "collection": "Collection",
    "command-and-control": "Command and Control",
    "exfiltration": "Exfiltration",
    "impact": "Impact",
    "inhibit-response-function": "Inhibit Response Function",
    "impair-process-control": "Impair Process Control",
}
"""Tactic short names to the names people know, in kill-chain order (the last two are of the ICS matrix)."""


def technique_name(technique: str) -> str:
    """The name of `technique`; for a sub-technique `Parent: Sub`. The id itself where the table lacks it."""
    entry = TECHNIQUES.get(technique)
    if entry is None:
        return technique
    parent = TECHNIQUES.get(technique.partition(".")[0]) if "." in technique else None
    return f"{parent[0]}: {entry[0]}" if parent else entry[0]


def technique_tactics(technique: str) -> tuple[str, ...]:
    """The tactics (short names) that `technique` serves, () where the table lacks it."""
    entry = TECHNIQUES.get(technique)
    return entry[1] if entry else ()


def tactic_name(tactic: str) -> str:
    """The name of a tactic from its short name, in either of the spellings Sigma tags use."""
    return TACTICS.get(tactic.replace("_", "-"), tactic)
