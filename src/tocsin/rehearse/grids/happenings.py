"""What happens to a grid beside its routine: upkeep, which is normal, and attacks. Each is a label.

An attack is a manipulation of the simulated process or of what is recorded of it.
"""

from __future__ import annotations

from typing import Final

from tocsin.rehearse import happening
from tocsin.rehearse.happening import DAY, HOUR

__all__ = ["ATTACKS", "DAY", "HOUR", "UPKEEP", "Happening", "Kind"]


class Kind(happening.AnyKind):
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

    @property
    def is_attack(self) -> bool:
        """Whether it is one; else it is upkeep."""
        return self in ATTACKS


ATTACKS: Final = tuple(Kind)[:11]
UPKEEP: Final = tuple(Kind)[11:]


Happening = happening.Happening[Kind]
"""One of them."""
