"""One log record on its way into a file."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that some product wrote.

    Attributes:
        time: Instant at which it happened, as the record says.
        file: Name of the file it goes to, relative to the day's folder; its first part is the log family.
        body: A JSON object for families that write JSON, else the line without its end.
        stage: Name of the intrusion's stage it belongs to; None for ordinary life.
    """

    time: int
    file: str
    body: dict[str, Any] | str
    stage: str | None = None


def staged(stage: str, entries: Iterable[Entry]) -> list[Entry]:
    """`entries`, marked as belonging to the intrusion's `stage`."""
    return [replace(entry, stage=stage) for entry in entries]


def guid(rng: Random) -> str:
    """A version 4 UUID drawn from `rng`."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
