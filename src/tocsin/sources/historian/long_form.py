"""One reading a row: time, tag, value and perhaps its quality; told by the names of the columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Flags, Instants, Values
from tocsin.sources.historian.arrow import Column, pc
from tocsin.sources.historian.columns import Cut, Words, cut, shown_by
from tocsin.sources.historian.decimals import Either, Signs, either_of
from tocsin.sources.historian.notices import Notices, counted, listed, shown
from tocsin.sources.historian.time_column import flat
from tocsin.sources.historian.unit_names import unit_of

_TAG: Final = re.compile(
    r"_?(tag|tag[ _]?name|tag[ _]?path|tag[ _]?id|point|point[ _]?name|name|item|item[ _]?id|variable|sensor|signal|field|messstelle|kanal|channel)",
    re.IGNORECASE,
)
_VALUE: Final = re.compile(
    r"_?(value|val|v|wert|messwert|reading|valor|valeur|vvalue|float[ _]?value)", re.IGNORECASE
)
_QUALITY: Final = re.compile(
    r"_?(quality|quality[ _]?(code|detail)|qual|q|status|opc[ _]?quality|qualit.*|good)", re.IGNORECASE
)
_UNIT: Final = re.compile(
    r"_?(units?|uom|eng[ _]?units?|engineering[ _]?units?|einheit|unidad|unité)", re.IGNORECASE
)

_WORDS: Final = 4_096
"""Different words of all tags together."""

_PAIRS: Final = 1 << 32
"""A tag and its unit as one number: so many times the tag's, and one more than the unit's (-1: it has none)."""

_GOOD_WORDS: Final = ("good", "ok", "g", "gut", "valid", "normal", "true", "uncertain", "substituted")


@dataclass(frozen=True, slots=True)
class LongForm:
    """The columns of a long table; `quality` and `unit` are '' where there is none."""

    tag: str
    value: str
    quality: str
    unit: str = ""


def long_form_of(names: tuple[str, ...], time: str) -> LongForm | None:
    """The columns of a long table, None where the table is wide."""
    others = [name for name in names if name != time]
    tag = next((one for one in others if _TAG.fullmatch(one)), None)
    value = next((one for one in others if _VALUE.fullmatch(one)), None)
    if tag is None or value is None:
        return None
    quality = next((one for one in others if one not in {tag, value} and _QUALITY.fullmatch(one)), "")
    unit = next((one for one in others if one not in {tag, value, quality} and _UNIT.fullmatch(one)), "")
    return LongForm(tag, value, quality, unit)


class Long:
    """The readings of a long table, taken block by block."""

    def __init__(self, form: LongForm, *, decimal_comma: bool, file: str) -> None:
        self._form, self._comma, self._file = form, decimal_comma, file
        self._tags: dict[str, int] = {}
        self._words = Words(_WORDS)
        self._parts: list[tuple[NDArray[np.int32], Values, NDArray[np.int32]]] = []
        self._either: dict[int, Either] = {}
        self._qualities: dict[str, int] = {}
        self._quality_parts: list[NDArray[np.int32]] = []
        self._units: dict[str, int] = {}
        self._units_of: dict[int, set[int]] = {}
        self._rows = 0

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that were met."""
        return tuple(self._tags)

    def take(self, block: pa.RecordBatch, kept: Flags) -> None:
        """Takes the rows of `block` that are `kept`.

        Raises:
            OperatorError: there are more than fit into memory, or too many tags.
        """
        rows = pa.array(kept)
        self._rows += int(kept.sum())
        if self._rows * 3 > bounds.HISTORIAN_CELLS:
            raise self._too_much(f"more than {self._rows:,} readings")
        tags = self._coded(
            self._column(block, self._form.tag).filter(rows), self._tags, bounds.HISTORIAN_TAGS
        )
        found = cut(
            self._column(block, self._form.value).filter(rows), self._words, decimal_comma=self._comma
        )
        codes = found.codes if found.codes is not None else np.full(len(tags), -1, np.int32)
        if found.either is not None:
            self._either[len(self._parts)] = found.either
        self._parts.append((tags, found.numbers, codes))
        if self._form.quality:
            self._quality_parts.append(
                self._coded(self._column(block, self._form.quality).filter(rows), self._qualities, _WORDS)
            )
        if self._form.unit:
            units = self._coded(self._column(block, self._form.unit).filter(rows), self._units, _WORDS)
            for pair in np.unique(tags.astype(np.int64) * _PAIRS + units + 1).tolist():
                self._units_of.setdefault(pair // _PAIRS, set()).add(pair % _PAIRS - 1)

    def units(self, ignored: frozenset[str]) -> dict[str, str]:
        """The unit of each tag that a column of units gives, those that are `ignored` left out.

        Raises:
            OperatorError: a tag has several.
        """
        texts, found = list(self._units), {}
        for name, tag in self._tags.items():
            if name in ignored:
                continue
            said = [texts[one] for one in sorted(self._units_of.get(tag, ())) if one >= 0]
            units = [unit for one in said if (unit := unit_of(one)) is not None]
            if any(not one.same_as(units[0]) for one in units):
                raise OperatorError(
                    f"{self._file}: {shown(name)} is read in {listed([one.said for one in units])}.",
                    "Export it in one unit, or leave it out with --ignore (in settings: ignore).",
                )
            if units:
                found[name] = units[0].said
        return found

    def _column(self, block: pa.RecordBatch, name: str) -> Column:
        return flat(block.column(block.schema.get_field_index(name)))

    def _coded(self, column: Column, known: dict[str, int], most: int) -> NDArray[np.int32]:
        """A number for each text; -1 where there is none."""
        try:
            texts = pc.utf8_trim_whitespace(pc.cast(column, pa.string())).dictionary_encode()
        except pa.ArrowException as error:
            raise OperatorError(
                f"{self._file}: the names of its tags are no texts.", "Export it anew."
            ) from error
        table = [
            -1 if not one else known.setdefault(one[: bounds.HISTORIAN_NAME_CHARS], len(known))
            for one in texts.dictionary.to_pylist()
        ]
        if len(known) > most:
            raise self._too_much(f"more than {most:,} different tags or qualities")
        at = pc.fill_null(texts.indices, len(table)).to_numpy(zero_copy_only=False)
        return np.asarray(np.array([*table, -1], dtype=np.int32)[at])

    def values(
        self,
        times: Instants,
        ignored: frozenset[str],
        habits: Mapping[str, tuple[str, ...]],
        notices: Notices,
    ) -> tuple[tuple[str, ...], Instants, Values, dict[str, tuple[str, ...]]]:
        """The tags, one row an instant, its readings of shape (rows, tags), and the words of tags that show states.

        Args:
            times: Of every reading that was kept; in the order of the file.
            ignored: Tags to leave out.
            habits: The words by which tags were read before.
            notices: What is found is told here.

        Raises:
            OperatorError: there are more than fit into memory.
        """
        either = either_of([numbers for _, numbers, _ in self._parts], self._either)
        tags, numbers, codes = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        numbers, codes = self._of_good_quality(numbers, codes, notices)
        instants, row = np.unique(times, return_inverse=True)
        if len(instants) * len(self._tags) > bounds.HISTORIAN_CELLS:
            raise self._too_much(f"{len(instants):,} instants of {len(self._tags):,} tags")
        order = np.argsort(tags, kind="stable")
        starts = np.searchsorted(tags[order], np.arange(len(self._tags) + 1))
        names, columns, words, signs = [], [], {}, Signs()
        repeated = 0
        for name, at in self._tags.items():
            own = order[starts[at] : starts[at + 1]]
            read = signs.decided(name, numbers[own], either.picked(own) if either else None)
            found = shown_by(name, Cut(read, codes[own]), tuple(self._words.known), habits.get(name), notices)
            if name not in ignored and found.values is not None:
                column = np.full(len(instants), np.nan)
                there = np.isfinite(found.values)
                column[row[own][there]] = found.values[there]
                repeated += len(own) - len(np.unique(row[own]))
                names.append(name)
                columns.append(column)
                words[name] = found.words
        signs.tell(notices, decimal_comma=self._comma)
        if repeated:
            notices.tell(
                f"{counted(repeated, 'reading')} at an instant that their tag had already: the later one counts."
            )
        return (
            tuple(names),
            instants,
            np.stack(columns, axis=1) if columns else np.empty((len(instants), 0)),
            words,
        )

    def _of_good_quality(
        self, numbers: Values, codes: NDArray[np.int32], notices: Notices
    ) -> tuple[Values, NDArray[np.int32]]:
        if not self._quality_parts:
            return numbers, codes
        good = np.array([*_good(list(self._qualities)), True])[np.concatenate(self._quality_parts)]
        bad = int((~good).sum())
        if bad:
            notices.tell(f"{counted(bad, 'reading')} of bad quality: taken as not read.", lost=True)
        return np.where(good, numbers, np.nan), np.where(good, codes, -1).astype(np.int32)

    def _too_much(self, what: str) -> OperatorError:
        return OperatorError(
            f"{self._file} holds {what}, more than fit into memory.",
            "Export values at even intervals, a shorter stretch or fewer tags.",
        )


def _good(qualities: list[str]) -> list[bool]:
    """Which qualities are good: OPC's 192 to 255 where there are such, else 0 (OPC UA's Good), or a word for it."""
    numbers = [int(one) for one in qualities if one.isascii() and one.isdigit() and len(one) < 12]
    classic = any(192 <= one <= 255 for one in numbers)
    found = []
    for one in qualities:
        if one.isascii() and one.isdigit() and len(one) < 12:
            found.append(192 <= int(one) <= 255 if classic else int(one) == 0 or numbers == [1])
        else:
            found.append(one.casefold().startswith(_GOOD_WORDS))
    return found
