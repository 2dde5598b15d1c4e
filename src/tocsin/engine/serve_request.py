"""What `serve` is asked for, who is told, and what may be wanted of it while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tocsin.config.bell import Bell
from tocsin.config.service import Retention
from tocsin.detect.sigma.plans.account import Clock
from tocsin.engine.absence import Awaited
from tocsin.engine.flow import Listener
from tocsin.engine.intake.settings import Files, Listening
from tocsin.engine.plant.collectors.settings import CollectSettings
from tocsin.engine.rule_sets import LoadedRules
from tocsin.notify.changes import Ringing
from tocsin.sources.listened.received import ReceivedOptions

if TYPE_CHECKING:
    from tocsin.detect.plant.live.plant import Plant


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What holds after a reload: how many rules judge the next portion on, how many tokens are let in."""

    rules: int
    tokens: int


class Attendant(Listener, Protocol):
    """Who is told what the service does."""

    def on_ready(self, ports: tuple[int, ...]) -> None:
        """The listeners listen on these ports, in the order in which they were asked for."""

    def on_notice(self, text: str) -> None:
        """Something that an operator should know, in a sentence."""

    def on_reloaded(self, reloaded: Reloaded) -> None:
        """Rules and tokens were read anew, and hold."""


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """What to run.

    Attributes:
        store: Folder of the store.
        rules: What judges.
        listeners: Where to listen.
        tokens: Name → SHA-256 over the token's text.
        reading: How to read what comes.
        clock: As `PlannedEvaluator`'s.
        now: The present instant; a function that another process finds by its name.
        unreadable: Paths of rule files that could not be read.
        ringing: Whom to tell of incidents; nobody by default.
        files: What to follow; how far it was read stands in the store.
        keep: How much is kept; None: all.
        awaited: Whose silence, and the lack of what, is an alarm; None: nobody's.
        plants: Names of the plants whose readings are taken.
        watched: Plants that are judged, with their models.
        collected: Sources of plants that are read; None: none.
    """

    store: Path
    rules: LoadedRules
    listeners: tuple[Listening, ...]
    tokens: Mapping[str, bytes]
    reading: ReceivedOptions
    clock: Clock
    now: Callable[[], int]
    unreadable: frozenset[str] = frozenset()
    ringing: Ringing = field(default_factory=lambda: Ringing(Bell()))
    files: Files = field(default_factory=Files)
    keep: Retention | None = None
    awaited: Awaited | None = None
    plants: tuple[str, ...] = ()
    watched: Sequence[Plant] = ()
    collected: CollectSettings | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody outside wants of the service while it runs.

    Attributes:
        stops: Whether it is to stop.
        reloads: Whether settings are to be read anew; once True, it is not True again until that is asked for again.
        reread: The request as the settings say it now, with sentences to tell; called in a thread of its own.
            Raises OperatorError where they cannot be used.
    """

    stops: Callable[[], bool]
    reloads: Callable[[], bool]
    reread: Callable[[], tuple[ServeRequest, Sequence[str]]]
