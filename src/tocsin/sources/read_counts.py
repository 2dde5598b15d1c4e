"""What a reading counts, for a progress bar and the summary."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(slots=True)
class ReadCounts:
    """What was read so far; the reader counts up, others only look.

    Attributes:
        sources: Files and archive members.
        size: Bytes of decompressed content.
        records: Records, set-aside ones too.
        events: Events given.
        set_aside: Records, files and remainders that were set aside.
        passed_over: Files in folders and archives that are documents or settings by name and no known kind of log.
        passed_over_first: The first of them.
    """

    sources: int = 0
    size: int = 0
    records: int = 0
    events: int = 0
    set_aside: int = 0
    passed_over: int = 0
    passed_over_first: str = ""

    def taken(self) -> ReadCounts:
        """What was counted since the last call."""
        counted = replace(self)
        for one in fields(self):
            setattr(self, one.name, one.default)
        return counted

    def add(self, other: ReadCounts) -> None:
        """Counts what `other` counted, in files that come after these."""
        self.sources += other.sources
        self.size += other.size
        self.records += other.records
        self.events += other.events
        self.set_aside += other.set_aside
        self.passed_over += other.passed_over
        self.passed_over_first = self.passed_over_first or other.passed_over_first
