"""What intake counts, to be shown and to be summed over a night."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Totals since the process started; plain data, to be sent over a pipe.

    Attributes:
        bodies: Bodies acknowledged, gathered syslog messages among them.
        records: Records in them.
        bytes: Their bytes, decompressed.
        repeats: Bodies acknowledged and dropped because they were stored already.
        groups: Syncs that acknowledged something.
        refused: Bodies, connections and log-ins refused, by reason.
        udp_dropped: Datagrams dropped because they came faster than the disk takes them.
        cut: Syslog messages over the bound on their length.
    """

    bodies: int = 0
    records: int = 0
    bytes: int = 0
    repeats: int = 0
    groups: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    udp_dropped: int = 0
    cut: int = 0

    def refuse(self, reason: str, count: int = 1) -> None:
        """Counts what was refused for `reason`."""
        self.refused[reason] = self.refused.get(reason, 0) + count
