"""What is told about a file: each thing once, with how often it was met and one example."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tocsin.records.inert import inert, shortened
from tocsin.records.readings import Notice

_EXAMPLE_CHARS: Final = 40
_LISTED: Final = 5


def shown(text: str) -> str:
    """A text of a file, harmless and short, in quotes."""
    return f"“{shortened(inert(text), _EXAMPLE_CHARS)}”"


def listed(names: list[str]) -> str:
    """Names, the first five spelt out."""
    rest = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(shortened(inert(name), _EXAMPLE_CHARS) for name in names[:_LISTED]) + rest


def counted(count: int, one: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


@dataclass(slots=True)
class Notices:
    """Notices about one file, in the order in which they came.

    Attributes:
        file: How the file is called.
        odd_rows: Rows with more or fewer fields than the header.
        stopped: Why the rest of the file could not be read; '' where it could.
    """

    file: str
    odd_rows: int = 0
    stopped: str = ""
    said: list[Notice] = field(default_factory=list)

    def tell(self, sentence: str, *, lost: bool = False) -> None:
        """One thing more, `lost` where something could not be read."""
        self.said.append(Notice(f"{self.file}: {sentence}", lost))

    def done(self) -> list[Notice]:
        """All of them, once the file was read."""
        if self.odd_rows:
            rows = counted(self.odd_rows, "row")
            self.tell(f"{rows} with more or fewer fields than the header left out.", lost=True)
        if self.stopped:
            self.tell(f"Only its beginning could be read: {self.stopped}.", lost=True)
        return self.said
