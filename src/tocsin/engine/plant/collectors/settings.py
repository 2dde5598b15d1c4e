"""What the process that reads plants' sources is told, and what it tells; all of it passes through a pipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

from tocsin.config.plant_source import PlantSource

SOCKET: Final = "collect.sock"
"""Where intake takes readings, in the service's data folder."""

State = Literal["starts", "reads", "lost", "stopped"]


@dataclass(frozen=True, slots=True)
class CollectSettings:
    """What is read.

    Attributes:
        store: The service's data folder.
        sources: What to read.
        models: The file of each plant's model, by the plant's name; how its texts are read, and in which units, stands in it.
        digests: Of these files, by which plants are judged: where one changed, its sources are read anew by it.
    """

    store: Path
    sources: tuple[PlantSource, ...] = ()
    models: Mapping[str, Path] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


class Collected(msgspec.Struct):
    """How one source stands.

    Attributes:
        plant: Whose readings it has.
        kind: What it is.
        state: `starts`; `reads`; `lost`: it cannot be reached, and is tried again; `stopped`: it is not tried again.
        readings: Stored since the process was started.
        refused: Readings that intake would not take since then; they are kept aside.
        last: When readings were stored last (instant); 0: none were.
        said: Why it is lost or stopped, in a sentence or two; '' where it is neither.
    """

    plant: str
    kind: str
    state: State = "starts"
    readings: int = 0
    refused: int = 0
    last: int = 0
    said: str = ""


class Told(msgspec.Struct, frozen=True, tag=True):
    """Something that an operator should know, in a sentence."""

    text: str


class Counted(msgspec.Struct, frozen=True, tag=True):
    """How the sources stand, by name."""

    sources: dict[str, Collected]


Report = Told | Counted


@dataclass(frozen=True, slots=True)
class Around:
    """What a collector has around it.

    Attributes:
        tell: Told what an operator should know, in a sentence; the source's name is put before it.
        now: The present instant.
        model: The file of the plant's model; None where it is not known.
    """

    tell: Callable[[str], None]
    now: Callable[[], int]
    model: Path | None = None
