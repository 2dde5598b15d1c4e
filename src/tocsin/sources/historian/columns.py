"""What a tag showed: numbers as they are, words as states, and nothing for anything else.

Texts among numbers (`Bad`, `#N/A`, `-`) are nothing read, never a number. A tag that shows more words than numbers shows
states (`OPEN`, `CLOSED`), numbered in the order in which they appear first; `Spelling` keeps these numbers for later files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.config import bounds
from tocsin.records.readings import Values
from tocsin.sources.historian.arrow import Column, pc
from tocsin.sources.historian.decimals import Either, matches, written
from tocsin.sources.historian.notices import Notices, counted, shown
from tocsin.sources.historian.time_column import flat

LARGEST: Final = 1e100
"""A larger number is a mistake, or a sign for something else: nothing was read."""

_NUMBER: Final = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"

MISSING: Final = frozenset(
    {
        "", "-", "--", "---", "?", "*", "#n/a", "n/a", "na", "nan", "nil", "null", "<null>", "none", "bad", "bad input",
        "bad data", "no data", "no good", "invalid", "i/o timeout", "comm fail", "pt created", "calc failed", "scan off",
        "no result", "arc off-line", "not connected", "missing", "#value!", "#ref!", "#div/0!", "#num!", "#name?", "inf", "-inf",
        "infinity", "-infinity", "+inf",
    }
)  # fmt: skip
"""Texts that say that nothing was read, written small."""

_FAR: Final = -2
"""The code of a word beyond as many as one tag may show."""


@dataclass(slots=True)
class Words:
    """The words that were met, each once, in order of appearance; `most` of them at most."""

    most: int
    known: dict[str, int] = field(default_factory=dict)
    beyond: int = 0

    def codes(self, texts: Iterable[str | None]) -> list[int]:
        """The number of each of `texts`; -1 for one that says that nothing was read, `_FAR` for one too many."""
        return [self._code(text) for text in texts]

    def _code(self, text: str | None) -> int:
        if text is None or text.casefold() in MISSING:
            return -1
        word = text[: bounds.HISTORIAN_NAME_CHARS]
        if word not in self.known:
            if len(self.known) >= self.most:
                return _FAR
            self.known[word] = len(self.known)
        return self.known[word]


@dataclass(frozen=True, slots=True)
class Cut:
    """Values of one block, apart: numbers (NaN for anything else), and for each the code of its word (-1: none).

    `either` where some have the other sign than their file's decimal one: the whole column decides.
    """

    numbers: Values
    codes: NDArray[np.int32] | None
    either: Either | None = None


def cut(column: Column, words: Words, *, decimal_comma: bool) -> Cut:
    """The values of one column in one block; new words are added to `words`."""
    column = flat(column)
    kind = column.type
    if pa.types.is_string(kind):
        return _cut_texts(column, words, decimal_comma=decimal_comma)
    if pa.types.is_boolean(kind):
        column = pc.cast(column, pa.uint8())
    if pa.types.is_integer(column.type) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Cut(_clean(pc.cast(column, pa.float64(), safe=False)), None)
    if pa.types.is_boolean(kind):
        return Cut(_clean(pc.cast(column, pa.float64())), None)
    return Cut(
        np.full(len(column), np.nan),
        np.full(len(column), _FAR, np.int32) if not pa.types.is_null(kind) else None,
    )


def _cut_texts(column: Column, words: Words, *, decimal_comma: bool) -> Cut:
    if not decimal_comma:
        try:
            return Cut(_clean(pc.cast(column, pa.float64())), None)
        except pa.ArrowInvalid:
            pass
    texts = pc.utf8_trim_whitespace(column)
    plain = pc.utf8_ltrim(texts, "+")
    apart = written(plain, decimal_comma=decimal_comma)
    plain = apart.numbers if apart else pc.replace_substring(plain, ",", ".") if decimal_comma else plain
    is_number = matches(plain, _NUMBER)
    numbers = _numbers(plain, is_number)
    others = pc.if_else(is_number, None, texts).dictionary_encode()
    table = np.array([*words.codes(others.dictionary.to_pylist()), -1], dtype=np.int32)
    at = pc.fill_null(others.indices, len(table) - 1).to_numpy(zero_copy_only=False)
    return Cut(
        numbers, table[at], Either(_numbers(apart.fractions, is_number), apart.sure) if apart else None
    )


def _numbers(texts: Column, where: Column) -> Values:
    return _clean(pc.cast(pc.if_else(where, texts, None), pa.float64()))


def _clean(numbers: Any) -> Values:
    values = numbers.to_numpy(zero_copy_only=False).astype(np.float64, copy=True)
    with np.errstate(invalid="ignore"):
        values[~(np.abs(values) <= LARGEST)] = np.nan
    return np.asarray(values)


_Mixed = tuple[Values, NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Shown:
    """What one tag showed in a whole file.

    Attributes:
        values: Shape (rows,); None for what is no tag: free text.
        words: Where it shows states, their words; a word's place is its number.
    """

    values: Values | None
    words: tuple[str, ...] = ()


def shown_by(
    name: str, found: Cut, met: tuple[str, ...], habit: tuple[str, ...] | None, notices: Notices
) -> Shown:
    """What the tag `name` showed.

    Args:
        name: Of the tag.
        found: All its values.
        met: The words, by their codes.
        habit: The words by which it was read before; () where it showed numbers then, None where it was never read.
        notices: What is found is told here.
    """
    numbers = found.numbers
    codes = found.codes if found.codes is not None else np.full(len(numbers), -1, np.int32)
    spoke, read = int((codes != -1).sum()), int(np.isfinite(numbers).sum())
    if habit or (habit is None and spoke > read):
        return _states(name, (numbers, codes), met, habit or (), notices)
    if spoke:
        first = met[int(codes[codes >= 0][0])] if bool((codes >= 0).any()) else "other texts"
        notices.tell(
            f"{shown(name)} shows {counted(spoke, 'text')} among its numbers, such as {shown(first)}: taken as not read.",
            lost=True,
        )
    return Shown(numbers)


def _states(
    name: str, found: _Mixed, met: tuple[str, ...], habit: tuple[str, ...], notices: Notices
) -> Shown:
    numbers, codes = found
    used = [met[code] for code in dict.fromkeys(codes[codes >= 0].tolist())]
    words = (*habit, *(one for one in used if one not in habit))
    if len(words) > bounds.HISTORIAN_WORDS or bool((codes == _FAR).any()):
        notices.tell(
            f"{shown(name)} holds free text, or what is neither number nor word, and is not used.",
            lost=bool(habit),
        )
        return Shown(None)
    places = {one: place for place, one in enumerate(words)}
    table = np.array([*(float(places.get(one, -1)) for one in met), np.nan])
    values = np.where(codes >= 0, table[np.minimum(codes, len(met))], np.nan)
    lost = int(np.isfinite(numbers).sum())
    if lost:
        notices.tell(
            f"{shown(name)} shows {counted(lost, 'number')} among its words: taken as not read.", lost=True
        )
    if not habit:
        pairs = ", ".join(f"{shown(one)} = {place}" for place, one in enumerate(words))
        notices.tell(f"{shown(name)} shows words, which are read as states: {pairs}.")
    elif len(words) > len(habit):
        notices.tell(
            f"{shown(name)} shows words that it never did before: {', '.join(map(shown, words[len(habit) :]))}."
        )
    return Shown(values, words)
