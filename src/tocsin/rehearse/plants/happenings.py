"""What happens to a plant beside its routine: upkeep, which is normal, and attacks. Each is a label.

An attack is a manipulation of the simulated process, of what the controller is told, or of what is recorded.
"""

from __future__ import annotations

from typing import Final

from tocsin.rehearse import happening
from tocsin.rehearse.happening import DAY, HOUR

__all__ = ["ATTACKS", "DAY", "HOUR", "UPKEEP", "Happening", "Kind"]


class Kind(happening.AnyKind):
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

    @property
    def is_attack(self) -> bool:
        """Whether it is one; else it is upkeep."""
        return self in ATTACKS


ATTACKS: Final = tuple(Kind)[:11]
UPKEEP: Final = tuple(Kind)[11:]


Happening = happening.Happening[Kind]
"""One of them."""
