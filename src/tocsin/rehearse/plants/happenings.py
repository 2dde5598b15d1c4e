"""What happens to a plant beside its routine: upkeep, which is normal, and attacks. Each is a label.

An attack is a manipulation of the simulated process, of what the controller is told, or of what is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HOUR: Final = 3600
DAY: Final = 24 * HOUR


class Kind(StrEnum):
    """What happens; attacks first."""

    STUCK_LEVEL = "stuck level"
    OFFSET_LEVEL = "offset level"
    REPLAY = "replayed readings"
    HIDDEN_PUMP = "hidden pump"
    FORCED_ON = "pump forced on"
    FORCED_OFF = "pump forced off"
    SETPOINT_DRIFT = "setpoint drift"
    VALVE_CLOSED = "valve closed"
    FLOW_SCALED = "flow scaled"
    NOISE_RAISED = "noise raised"
    STEPWISE_DRIFT = "stepwise drift"
    LEAK = "leak"
    PUMP_SERVICE = "pump service"
    SENSOR_SWAP = "sensor swap"
    PRECISION = "precision change"
    SEASON = "season change"


ATTACKS: Final = tuple(Kind)[:11]
UPKEEP: Final = tuple(Kind)[11:]


@dataclass(frozen=True, slots=True)
class Happening:
    """One of them.

    Attributes:
        kind: What happens.
        start: When, in seconds from the start of the play.
        end: Until when; the first second after it.
        target: The link, tank, junction or tag that it is done to.
        size: How much, in the kind's own measure (feet, a factor, …).
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
