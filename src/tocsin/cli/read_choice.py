"""How the logs that a command names are read, as its options say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.config.mapping_files import load_mapping
from tocsin.records.errors import OperatorError
from tocsin.records.event import Logsource
from tocsin.sources.reading import ReadOptions


@dataclass(frozen=True, slots=True)
class ReadChoice:
    """What the user wrote for `READ_OPTIONS`."""

    format_name: str | None = None
    zone: str = "UTC"
    columns: Path | None = None
    logsource: str | None = None

    def options(self, ingest: int) -> ReadOptions:
        """What that means to readers.

        Args:
            ingest: Now (instant).

        Raises:
            OperatorError: there is no such zone, or the column file cannot be used.
        """
        return ReadOptions(
            ingest,
            self.format_name,
            zone_named(self.zone),
            _columns(self.columns),
            Logsource.parse(self.logsource) if self.logsource else None,
        )


def zone_named(name: str) -> tzinfo:
    """The time zone `name`.

    Raises:
        OperatorError: there is none.
    """
    if name == "UTC":
        return UTC  # needs no time zone data, which a bare system may lack
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise OperatorError(
            f"There is no time zone {name}.", "Name one such as Europe/Berlin or UTC."
        ) from error


def _columns(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    hint = "Write one `column: field` a line, such as `When: time`."
    loaded = load_mapping(path, "column file", hint)
    many = next((column for column, names in loaded.items() if len(names) != 1), None)
    if many is not None:
        raise OperatorError(f"The column file {path} gives {many!r} no one field.", hint)
    return {column: names[0] for column, names in loaded.items()}
