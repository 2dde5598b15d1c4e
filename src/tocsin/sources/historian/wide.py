"""One column of time and one a tag."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Flags, Values
from tocsin.sources.historian.columns import Cut, Words, cut, shown_by
from tocsin.sources.historian.decimals import Either, Signs, either_of
from tocsin.sources.historian.notices import Notices


class Wide:
    """The tags of a wide table, taken block by block.

    Args:
        tags: The columns that are tags.
        decimal_comma: Whether a comma in a text is a decimal sign.
        file: How the file is called.
    """

    def __init__(self, tags: tuple[str, ...], *, decimal_comma: bool, file: str) -> None:
        self._tags, self._comma, self._file = tags, decimal_comma, file
        self._words = [Words(bounds.HISTORIAN_WORDS) for _ in tags]
        self._numbers: list[list[Values]] = [[] for _ in tags]
        self._codes: list[dict[int, NDArray[np.int32]]] = [{} for _ in tags]
        self._either: list[dict[int, Either]] = [{} for _ in tags]
        self._lengths: list[int] = []

    def take(self, block: pa.RecordBatch, kept: Flags) -> None:
        """Takes the rows of `block` that are `kept`.

        Raises:
            OperatorError: there are more than fit into memory.
        """
        self._lengths.append(int(kept.sum()))
        if sum(self._lengths) * len(self._tags) > bounds.HISTORIAN_CELLS:
            raise OperatorError(
                f"{self._file} holds more than {bounds.HISTORIAN_CELLS:,} readings, more than fit into memory.",
                "Export a shorter stretch, fewer tags or a wider interval.",
            )
        rows = None if bool(kept.all()) else pa.array(kept)
        for at, name in enumerate(self._tags):
            column = block.column(block.schema.get_field_index(name))
            found = cut(
                column if rows is None else column.filter(rows), self._words[at], decimal_comma=self._comma
            )
            self._numbers[at].append(found.numbers)
            if found.codes is not None and bool((found.codes != -1).any()):
                self._codes[at][len(self._lengths) - 1] = found.codes
            if found.either is not None:
                self._either[at][len(self._lengths) - 1] = found.either

    def values(
        self, habits: Mapping[str, tuple[str, ...]], notices: Notices
    ) -> tuple[tuple[str, ...], Values, dict[str, tuple[str, ...]]]:
        """The tags, their readings of shape (rows, tags), and the words of those that show states."""
        names, columns, words, signs = [], [], {}, Signs()
        for at, name in enumerate(self._tags):
            numbers = np.concatenate(self._numbers[at]) if self._numbers[at] else np.empty(0)
            numbers = signs.decided(name, numbers, either_of(self._numbers[at], self._either[at]))
            self._numbers[at].clear()
            found = shown_by(
                name,
                Cut(numbers, self._all_codes(at)),
                tuple(self._words[at].known),
                habits.get(name),
                notices,
            )
            if found.values is not None:
                names.append(name)
                columns.append(found.values)
                words[name] = found.words
        signs.tell(notices, decimal_comma=self._comma)
        rows = sum(self._lengths)
        return tuple(names), np.stack(columns, axis=1) if columns else np.empty((rows, 0)), words

    def _all_codes(self, at: int) -> NDArray[np.int32] | None:
        if not self._codes[at]:
            return None
        parts = [
            self._codes[at].get(block, np.full(length, -1, np.int32))
            for block, length in enumerate(self._lengths)
        ]
        return np.concatenate(parts)
