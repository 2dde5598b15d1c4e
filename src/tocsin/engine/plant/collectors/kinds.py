"""The collector of each kind of source. What a kind needs is imported once a source is of that kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tocsin.config.plant_source import PlantSource
from tocsin.engine.plant.collectors.interface import Collector
from tocsin.engine.plant.collectors.settings import Around
from tocsin.records.errors import OperatorError


def collector_of(source: PlantSource, around: Around) -> Collector:
    """What reads `source`.

    Raises:
        OperatorError: a library that it needs is not installed.
    """
    try:
        return _KINDS[source.kind](source, around)
    except ImportError as error:
        raise OperatorError(
            f"The source {source.name} needs {error.name or error}, which is not installed.",
            "Install the extras; in a clone of Tocsin: pip install -e '.[plant,plant-sources]'",
        ) from error


def _folder(source: PlantSource, around: Around) -> Collector:
    from tocsin.engine.plant.collectors.folder import FolderCollector  # noqa: PLC0415  needs numpy

    return FolderCollector(source.settings, around)


def _sql(source: PlantSource, around: Around) -> Collector:
    from tocsin.engine.plant.collectors.sql import SqlCollector  # noqa: PLC0415  needs SQLAlchemy

    return SqlCollector(source.settings, around)


def _mqtt(source: PlantSource, around: Around) -> Collector:
    from tocsin.engine.plant.collectors.mqtt import MqttCollector  # noqa: PLC0415  only where it is asked for

    return MqttCollector(source.settings, around)


def _opcua(source: PlantSource, around: Around) -> Collector:
    from tocsin.engine.plant.collectors.opcua import OpcUaCollector  # noqa: PLC0415  only where it is asked for

    return OpcUaCollector(source.settings, around.tell)


_KINDS: Final[dict[str, Callable[[PlantSource, Around], Collector]]] = {
    "folder": _folder,
    "sql": _sql,
    "mqtt": _mqtt,
    "opcua": _opcua,
}
