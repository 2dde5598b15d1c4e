"""What happens to a grid beside its routine: upkeep, which is normal, and attacks. Each is a label.

An attack is a manipulation of the simulated process or of what is recorded of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HOUR: Final = 3600
DAY: Final = 24 * HOUR


class Kind(StrEnum):
    """What happens; attacks first."""

    CONSISTENT = "consistent injection"
    """All readings are those of a grid whose load at one bus is another: every flow equation holds, residuals show nothing
    (Liu, Ning, Reiter, "False data injection attacks against state estimation in electric power grids", ACM TISSEC 14 (2011))."""
    BIAS = "bias at a bus"
    REPLAY = "replayed bus"
    CONCEALED_OUTAGE = "concealed outage"
    LOAD_SCALED = "load scaled"
    RAMP = "slow ramp"
    HIDDEN_BREAKER = "hidden breaker"
    HIDDEN_TAP = "hidden tap"
    DECEIVED_REGULATOR = "deceived regulator"
    FROZEN = "frozen meter"
    NOISE_RAISED = "grid noise raised"
    LINE_SERVICE = "line service"
    RING_MOVED = "open point moved"
    METER_SWAP = "meter swap"
    PRECISION = "meter precision"
    SEASON = "season set point"


ATTACKS: Final = tuple(Kind)[:11]
UPKEEP: Final = tuple(Kind)[11:]


@dataclass(frozen=True, slots=True)
class Happening:
    """One of them.

    Attributes:
        kind: What happens.
        start: When, in seconds from the start of the play.
        end: Until when; the first second after it.
        target: The bus, branch or tag that it is done to.
        size: How much, in the kind's own measure (a factor, MW, kV, taps, …).
        tags: The tags that show it, or lie.
    """

    kind: Kind
    start: int
    end: int
    target: str
    size: float
    tags: tuple[str, ...]

    @property
    def is_attack(self) -> bool:
        """Whether it is one; else it is upkeep."""
        return self.kind in ATTACKS
