"""What was not heard, in sentences: `written` with a commit, and read again for the daily message, `status` and `doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import msgspec

from tocsin.advise.titles import title
from tocsin.config import bounds
from tocsin.config.expect import Expected
from tocsin.detect.absence.expected import Waiting, heard_on
from tocsin.records.incident import Incident
from tocsin.records.instants import rfc3339
from tocsin.store.state import State

SAID: Final = "absence"
"""Under which name what people are told beside incidents stands among the store's settings."""


class Stands(NamedTuple):
    """Something that is expected: what was said of it, how it stands, and whether it was `slow` to look for too often."""

    said: Expected
    waiting: Waiting
    slow: bool


class _Said(msgspec.Struct):
    groups: list[str] = []
    wrong: list[str] = []
    watched: int = 0


@dataclass(frozen=True, slots=True)
class Absence:
    """What is stored of it.

    Attributes:
        incidents: Those that tell of an absence that is not over, nor done with.
        groups: How many of each group were heard, a sentence each.
        wrong: What could not be judged, a sentence each.
        watched: How many sources and hosts are watched.
    """

    incidents: Sequence[Incident] = ()
    groups: Sequence[str] = ()
    wrong: Sequence[str] = ()
    watched: int = 0

    def sentences(self) -> Iterator[str]:
        """What is absent, and what is not known, a sentence each; of many the first ones."""
        for one in self.incidents[: bounds.BELL_LISTED]:
            yield absent_sentence(one)
        more = len(self.incidents) - bounds.BELL_LISTED
        if more > 0:
            yield f"And {more:,} more are not heard."
        yield from self.wrong


def absent_sentence(incident: Incident) -> str:
    """What is absent, and since when."""
    return f"{title(incident)}; last on {rfc3339(incident.last)[:16]}Z ({incident.id})."


def absence_of(state: State) -> Absence:
    """What `state` holds of it."""
    try:
        said = msgspec.json.decode(state.settings().get(SAID, "{}"), type=_Said)
    except msgspec.DecodeError:
        said = _Said()
    return Absence(state.absences(), said.groups, said.wrong, said.watched)


def written(expected: Iterable[Stands], today: date, watched: int, unwatched: int) -> str:
    """What people are told beside incidents: groups, nights that could not be judged, what is not watched.

    Args:
        expected: All that is.
        today: The day that it is by the log, where the settings say.
        watched: How many sources and hosts are watched.
        unwatched: How often somebody was heard today who is not.
    """
    said = _Said(watched=watched)
    for one in expected:
        name = one.said.name
        if one.said.count is not None:
            said.groups.append(_group(one, today))
        if one.waiting.unjudged:
            said.wrong.append(
                f"Whether {name} came on {one.waiting.unjudged} is not known: Tocsin did not listen all the while."
            )
        if one.slow:
            said.wrong.append(
                f"What is expected as {name} takes too long to look for, and is looked for no more."
            )
    if unwatched:
        said.wrong.append(
            f"{unwatched:,} times somebody was heard within a day whose silence is not watched: more sources or computers came "
            "than are taken up at once, or in all."
        )
    return msgspec.json.encode(said).decode()


def _group(one: Stands, today: date) -> str:
    """How many of a group were heard today, and on the last day that was judged."""
    counts = [(today.isoformat(), *heard_on(one.waiting, one.said, today))]
    if one.waiting.told is not None and one.waiting.told[0] != counts[0][0]:
        counts.append(one.waiting.told)
    told = [f"{heard} of {of} heard on {day}" for day, heard, of in counts if of]
    return f"{one.said.name}: {', '.join(told) or 'nobody heard yet'}."
