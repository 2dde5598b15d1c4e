"""Plants as one of the service's detectors: numpy and all that needs it is loaded once there is a plant to watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tocsin.engine.figures import PlantFigures
from tocsin.records.errors import OperatorError, PluginError
from tocsin.records.event import EventBatch
from tocsin.records.finding import Finding
from tocsin.records.state_changes import StateChanges

if TYPE_CHECKING:
    from tocsin.config.plant import Plant as Named
    from tocsin.detect.plant.live.detector import PlantDetector
    from tocsin.detect.plant.live.plant import Now, Plant

DETECTOR: Final = "plant"
VERSION: Final = "1"
_MISSING: Final = 20
"""Tags that are not read which are told by name."""


def plants_of(named: Sequence[Named]) -> Sequence[Plant]:
    """The plants that the settings name, with their models; without any, nothing is loaded.

    Raises:
        OperatorError: a model cannot be read, or what is needed for plants is not installed.
    """
    if not named:
        return ()
    try:
        from tocsin.engine.plant.live_models import read_plants  # noqa: PLC0415  needs numpy
    except ImportError as error:
        raise OperatorError(
            "[[run.plant]] names plants, and what watching them needs is not installed.",
            "Install the extra `plant`; in a clone of Tocsin: pip install -e '.[plant]'",
        ) from error
    return read_plants(named)


class LivePlants:
    """The detector of the plants that are watched now, none included.

    Args:
        plants: To begin with.

    Attributes:
        memory_bound: Of the detector that judges now, in bytes.
    """

    name = DETECTOR
    version = VERSION

    def __init__(self, plants: Sequence[Plant]) -> None:
        self._detector: PlantDetector | None = None
        self._stale = self._told = False
        self.memory_bound = 1024
        self._make(plants)

    def take_up(self, plants: Sequence[Plant]) -> None:
        """Watches these from the next portion on; cannot fail."""
        if self._detector is not None:
            self._detector.take_up(plants)
            self.memory_bound = self._detector.memory_bound
        else:
            self._make(plants)

    def _make(self, plants: Sequence[Plant]) -> None:
        if plants:
            from tocsin.detect.plant.live.detector import PlantDetector  # noqa: PLC0415  needs numpy

            self._detector = PlantDetector(plants)
            self.memory_bound = self._detector.memory_bound

    def figures(self) -> dict[str, PlantFigures]:
        """How each plant is, by name."""
        if self._detector is None:
            return {}
        now = self._detector.now()
        return {plant.name: _figures(plant, now[plant.name]) for plant in self._detector.plants}

    def process(self, batch: EventBatch) -> Sequence[Finding]:
        """What begins with the rows that `batch` completes."""
        return self._detector.process(batch) if self._detector is not None else ()

    def advance(self, watermark: int) -> Sequence[Finding]:
        """What begins with the rows that are complete by now."""
        return self._detector.advance(watermark) if self._detector is not None else ()

    def snapshot(self) -> bytes:
        """The whole state."""
        return self._detector.snapshot() if self._detector is not None else b"\x80"

    def restore(self, state: bytes, version: str) -> None:
        """Takes up `state`.

        Raises:
            PluginError: it is of another version, or damaged.
        """
        if self._detector is not None:
            self._detector.restore(state, version)
        elif version != self.version:
            raise PluginError(self.name, f"its state is of version {version}, which this one does not read")

    def changes(self) -> StateChanges:
        """What of the state changed since the last call."""
        if self._detector is not None:
            return self._detector.changes()
        self._told, self._stale = self._stale, False
        return StateChanges(reset=self._told)

    def unwrite(self) -> None:
        """What `changes` told was not kept."""
        if self._detector is not None:
            self._detector.unwrite()
        self._stale = self._stale or self._told

    def restore_rows(self, rows: Mapping[str, bytes], version: str) -> None:
        """Takes up what all `changes` so far came to; where no plant is watched any more, it goes with the next commit.

        Raises:
            PluginError: it is of another version, or damaged.
        """
        if self._detector is not None:
            self._detector.restore_rows(rows, version)
        else:
            self._stale = bool(rows)


def _figures(plant: Plant, now: Now) -> PlantFigures:
    promise = plant.model.promise
    return PlantFigures(
        now.row, round(now.score, 4), now.rings, now.rows, len(plant.model.tags), now.missing[:_MISSING], len(now.missing),
        now.late, now.heard, now.silent, now.untimed, promise.unit, promise.blocks, promise.kept, promise.asked,
    )  # fmt: skip
