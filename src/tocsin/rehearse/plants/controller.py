"""The programme of the plant's PLC: pumps and valves by the level of tanks and by the clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.rehearse.plants.network import Rule, Schedule


@dataclass(slots=True)
class Controller:
    """What opens and closes what. It remembers what it commanded, as a PLC does between its two levels.

    Attributes:
        rules: By level.
        schedules: By the hour.
        always: Links that stay open.
        commands: What it last commanded, by link.
    """

    rules: tuple[Rule, ...]
    schedules: tuple[Schedule, ...]
    always: tuple[str, ...]
    commands: dict[str, bool] = field(default_factory=dict)

    def scan(self, seconds: int, levels: Mapping[str, float], shifts: Mapping[str, float]) -> dict[str, bool]:
        """The commands at `seconds` from a midnight.

        Args:
            seconds: Now.
            levels: Level of each tank as its sensor tells it, in feet.
            shifts: By how many feet the two levels of a link's rule are moved.
        """
        hour = seconds / 3600 % 24
        for link in self.always:
            self.commands[link] = True
        for one in self.schedules:
            inside = (
                one.start <= hour < one.stop if one.start < one.stop else not one.stop <= hour < one.start
            )
            self.commands[one.link] = inside
        for rule in self.rules:
            self.commands[rule.link] = _by_level(
                rule, levels[rule.tank] - shifts.get(rule.link, 0.0), self.commands
            )
        return dict(self.commands)


def _by_level(rule: Rule, level: float, commands: Mapping[str, bool]) -> bool:
    if level < rule.low:
        return not rule.inverse
    if level > rule.high:
        return rule.inverse
    return commands.get(rule.link, not rule.inverse)
