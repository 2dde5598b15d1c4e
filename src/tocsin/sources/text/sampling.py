"""How much of a sample of lines looks like a format."""

from __future__ import annotations

from collections.abc import Callable, Sequence

LINES_JUDGED = 100
"""Lines of the sample that are looked at; formats do not change their mind after so many."""


def share(sample: Sequence[str], looks_right: Callable[[str], object]) -> float:
    """The part, 0 to 1, of the first `LINES_JUDGED` non-blank lines that `looks_right` says yes to; 0 for none."""
    judged = [line for line in sample if line.strip()][:LINES_JUDGED]
    return sum(1 for line in judged if looks_right(line)) / len(judged) if judged else 0.0
