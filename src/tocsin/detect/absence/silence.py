"""The rule of silence, for one source or host, in the time that Tocsin listened.

1. Its *usual longest silence* is the third longest of this week and the four before.
2. It is silent when nothing came for more than twice that, and for ten minutes at least (`SilenceRule`).
3. It is *steady* where its usual longest silence is within the hour: then its silence rings. Else it takes breaks (an
   office PC at night), and its silence is only listed.
4. Before it has spoken over a week (three weeks where it takes breaks) and in 20 different minutes it has no habit, and is
   not judged.
5. After Tocsin itself was away, it has all of that time once more before it is silent; a silence that spans such a time
   is not learnt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from tocsin.config import bounds
from tocsin.records.event import Auth, Event
from tocsin.records.finding import Evidence, evidence_of
from tocsin.records.instants import DAY, MINUTE, SECOND

WEEK = 7 * DAY

Habit = Literal["none", "steady", "breaks"]


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """What counts as silence, in microseconds.

    Attributes:
        floor: No shorter silence counts.
        learn: How long a source must have spoken before it is judged.
    """

    floor: int = bounds.SILENCE_SECONDS * SECOND
    learn: int = bounds.SILENCE_LEARN_SECONDS * SECOND

    @property
    def grain(self) -> int:
        """How exactly it is known when something was heard: a minute, less only where the floor is below ten."""
        return min(MINUTE, self.floor // 10)

    @property
    def apart(self) -> int:
        """Stamps of the log further apart than this mean that Tocsin did not listen."""
        return self.floor * 3 // 10


class Voice(msgspec.Struct, array_like=True):
    """When one source or host was heard; instants are of `Listening.listened`.

    Attributes:
        auth: How its events are proven.
        first: When it was first heard.
        last: When it was last heard, to the grain.
        turns: How often it was heard, a grain apart.
        weeks: For each of the last weeks its number and the longest silences that ended in it, the longest first.
        evidence: The first event that it was last heard by.
        back: When it was heard again after it had been silent.
        incident: Id of the incident that tells of its silence; empty while it is not silent.
    """

    auth: Auth
    first: int
    last: int
    turns: int = 1
    weeks: list[tuple[int, list[int]]] = []
    evidence: Evidence | None = None
    back: int = 0
    incident: str = ""


def hear(voice: Voice, event: Event, listened: int, resumed: int, grain: int) -> bool:
    """Takes note that `event` came at `listened`; False where that is known already, to the grain."""
    silence = listened - voice.last
    if listened // grain == voice.last // grain and not voice.incident:
        return False
    if voice.last >= resumed:
        _learn(voice, silence, listened // WEEK)
    if voice.incident:
        voice.back = listened
    voice.last = listened
    voice.turns += 1
    voice.evidence = last_heard(event)
    return True


def last_heard(event: Event) -> Evidence:
    """`event` as what is kept to prove an absence: short, and without what is no character."""
    piece = evidence_of(event, bounds.WATCHED_RAW_CHARS)
    host = None if piece.host is None else encodable(piece.host)
    return replace(piece, source=encodable(piece.source), host=host, raw=encodable(piece.raw))


def encodable(text: str) -> str:
    """`text`, what is no character replaced."""
    return text.encode("utf-8", "replace").decode()


def _learn(voice: Voice, silence: int, week: int) -> None:
    kept = [one for one in voice.weeks if one[0] >= week - bounds.SILENCE_WEEKS]
    if not kept or kept[-1][0] != week:
        kept.append((week, []))
    longest = sorted((*kept[-1][1], silence), reverse=True)[: bounds.SILENCE_USUAL]
    kept[-1] = (week, longest)
    voice.weeks = kept


def usual(voice: Voice) -> int:
    """Its usual longest silence; 0 where it had too few."""
    silences = sorted((one for _, several in voice.weeks for one in several), reverse=True)
    return silences[bounds.SILENCE_USUAL - 1] if len(silences) >= bounds.SILENCE_USUAL else 0


def allowed(voice: Voice, rule: SilenceRule) -> int:
    """How long it may be silent."""
    return max(rule.floor, bounds.SILENCE_TIMES * usual(voice))


def habit(voice: Voice, rule: SilenceRule) -> Habit:
    """Whether it is judged, and how."""
    known = voice.last - voice.first
    if known < rule.learn or voice.turns < bounds.SILENCE_TURNS:
        return "none"
    if usual(voice) <= bounds.SILENCE_STEADY_SECONDS * SECOND:
        return "steady"
    return "breaks" if known >= bounds.SILENCE_BREAKS_LEARN * rule.learn else "none"


def is_silent(voice: Voice, rule: SilenceRule, listened: int, since: int) -> bool:
    """Whether it is silent at `listened`, where it could have been heard from `since` on."""
    silence = listened - max(voice.last, since) - rule.grain  # it may have been heard until the grain's end
    return silence > rule.floor and silence > allowed(voice, rule) and habit(voice, rule) != "none"
