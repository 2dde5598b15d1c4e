"""What was not heard, in sentences, from what is stored: for the daily message, `status` and `doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from tocsin.advise.titles import title
from tocsin.config import bounds
from tocsin.engine.absence import SAID
from tocsin.records.incident import Incident
from tocsin.records.instants import rfc3339
from tocsin.store.state import State


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
