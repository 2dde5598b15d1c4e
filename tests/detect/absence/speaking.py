"""Sources that speak to order, and the rule of silence over them; spans are in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from tocsin.detect.absence.listening import Listening
from tocsin.detect.absence.silence import SilenceRule
from tocsin.detect.absence.voices import Voices
from tocsin.records.event import Event
from tocsin.records.instants import SECOND

T0 = 1_772_000_000 * SECOND


def event(at: float, source="hec:first", host=None, auth="token", **fields) -> Event:
    """An event that comes `at` seconds after T0."""
    when = T0 + round(at * SECOND)
    return Event(
        f"s-{source}", when, when, when, frozenset(), fields, "a record", source, "json", host=host, auth=auth
    )


@dataclass
class Ear:
    """What Tocsin would say of who speaks; looks once in a grain, as the engine does."""

    rule: SilenceRule = field(default_factory=SilenceRule)

    def __post_init__(self) -> None:
        self.voices, self.listening = Voices(self.rule), Listening()
        self.told: list[tuple[float, str]] = []
        self.again: list[tuple[float, str]] = []

    def passes(self, at: float) -> None:
        """The log says that it is `at`."""
        before = self.listening.listened // self.rule.grain
        self.listening.reach(T0 + round(at * SECOND), self.rule.apart)
        if self.listening.listened // self.rule.grain == before:
            return
        for key in list(self.voices.silent(self.listening)):
            self.voices.all[key].incident = f"abs-{len(self.told)}"
            self.told.append((at, key))

    def hears(self, *events: Event) -> None:
        """These came, as one body."""
        at = (events[0].ingest - T0) / SECOND
        self.passes(at)
        _, spoke = self.voices.hear(events, self.listening)
        self.again += [(at, one.key) for one in spoke]
