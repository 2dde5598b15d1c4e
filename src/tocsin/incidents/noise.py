"""Which rules are noise in this data: they fire all day long, or on dozens of hosts for hours.

Noise is judged by persistence, never by volume alone: ransomware deletes the shadow copies of fifty machines within ten
minutes, and that is news. A noisy rule still counts, but less (`ranking.py`), and never joins two incidents (`linking.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tocsin.incidents.patterns import Rule, RuleUse
from tocsin.records.finding import LEVELS

ALL_DAY_HOURS: Final = 6
"""A rule of medium level or below is noise when it fired in this many different hours…"""

ALL_DAY_SHARE: Final = 0.25
"""…that are at least this share of the hours the data spans."""

GRAVE_HOURS: Final = 12
"""A rule of high or critical level is noise only from this many different hours on…"""

GRAVE_SHARE: Final = 0.5
"""…and this share."""

MANY_HOSTS: Final = 12
"""A rule of medium level or below on this many hosts is noise…"""

MANY_HOSTS_HOURS: Final = 3
"""…once it did so in this many different hours…"""

MANY_HOSTS_SHARE: Final = 0.05
"""…that are at least this share of the hours the data spans."""


def noisy_rules(uses: Mapping[Rule, RuleUse]) -> frozenset[Rule]:
    """The rules of `uses` that are noise."""
    hours = [hour for use in uses.values() for hour in (min(use.hours), max(use.hours))]
    span = max(hours) - min(hours) + 1 if hours else 1
    return frozenset(rule for rule, use in uses.items() if _is_noise(use, span))


def _is_noise(use: RuleUse, span: int) -> bool:
    hours = len(use.hours)
    if LEVELS.index(use.level) >= LEVELS.index("high"):
        return hours >= GRAVE_HOURS and hours >= GRAVE_SHARE * span
    all_day = hours >= ALL_DAY_HOURS and hours >= ALL_DAY_SHARE * span
    often = hours >= MANY_HOSTS_HOURS and hours >= MANY_HOSTS_SHARE * span
    return all_day or (often and len(use.hosts) >= MANY_HOSTS)
