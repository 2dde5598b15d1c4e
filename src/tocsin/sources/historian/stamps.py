"""Times as historians write them: texts of several families, numbers since an epoch, or Parquet's own stamps.

Whether `03/04/2026` is in March or in April cannot be told from one date. So texts are cut into their numbers while
the file is read, and `Stamps.instants` decides from the whole column: the order that fits all of them, else the one in
which the rows follow each other most closely. It is always told how dates were read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.records.errors import OperatorError
from tocsin.records.instants import DAY, HOUR, MINUTE, SECOND, rfc3339
from tocsin.records.readings import Flags, Instants
from tocsin.sources.historian.arrow import Column, pc
from tocsin.sources.historian.notices import Notices, shown
from tocsin.sources.historian.zones import in_utc

_CLOCK: Final = (
    r"(?P<H>\d{1,2})(?:[:.h](?P<M>\d{2})(?:[:.](?P<S>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?)?"
    r"\s*(?P<ap>[AaPp]\.?[Mm]\.?)?\s*(?P<z>[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
)
_END: Final = rf"(?:[T ,_]+{_CLOCK})?\s*$"

FAMILIES: Final = {
    "year first": rf"^\s*(?P<a>\d{{4}})[-/.](?P<b>\d{{1,2}})[-/.](?P<c>\d{{1,2}}){_END}",
    "three numbers": rf"^\s*(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<c>\d{{4}}|\d{{2}}){_END}",
    "month by name": rf"^\s*(?P<a>\d{{1,2}})[-/ .]+(?P<b>[A-Za-z]{{3,9}})[-/ .,]+(?P<c>\d{{4}}|\d{{2}}){_END}",
    "compact": r"^\s*(?P<a>(?:19|20|21)\d{2})(?P<b>\d{2})(?P<c>\d{2})"
    r"(?:[T ]?(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})?(?:[.,](?P<f>\d{1,9}))?(?P<ap>X)?(?P<z>[Zz]|[+-]\d{2}:?\d{2})?)?\s*$",
    "number": r"^\s*(?P<n>\d+(?:[.,]\d+)?)\s*$",
}
"""Shapes of texts that name a time."""

CLOCK_ONLY: Final = r"^\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*$"
"""The shape of a time of day in a column of its own."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NO_ZONE: Final = np.int64(1 << 62)
_NO_TIME: Final = np.int64(np.iinfo(np.int64).min)
_EARLIEST, _LATEST = -70 * 366 * DAY, 230 * 366 * DAY

_OLE_EPOCH: Final = -25_569 * DAY
"""1899-12-30, from which spreadsheets count days."""

_UNITS: Final = (
    (1e8, 1e11, "seconds since 1970", SECOND, 0),
    (1e11, 1e14, "milliseconds since 1970", 1000, 0),
    (1e14, 1e17, "microseconds since 1970", 1, 0),
    (1e17, 1e19, "nanoseconds since 1970", 1e-3, 0),
    (1e4, 1e5, "days since 1899-12-30 (as spreadsheets count)", DAY, _OLE_EPOCH),
)  # fmt: skip
"""What a number may count: from, to, in words, microseconds each, where it begins."""

_LIKELY: Final = 0.99
"""Share of the dates that an order must fit."""

_CLOSER: Final = 0.5
"""An order is the right one where its rows lie closer together than this share of what any other gives."""


@dataclass(frozen=True, slots=True)
class Zoned:
    """How times without more about them are meant.

    Attributes:
        zone: Of times that name none.
        day_first: Whether the day comes before the month; None to decide from the column.
    """

    zone: tzinfo
    day_first: bool | None


def family_of(texts: Column, *, compact: bool, numbers: bool) -> tuple[str, float]:
    """The family that most of `texts` belong to, and their share."""
    left_out = {"compact": not compact, "number": not numbers}
    best, most = "", 0.0
    for name, pattern in FAMILIES.items():
        if not left_out.get(name) and len(texts):
            share = (pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0) / len(texts)
            if share > most:
                best, most = name, share
    return best, most


class Stamps:
    """The times of one file's rows, taken block by block."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.day_first: bool | None = None
        self._parts: list[NDArray[np.int64]] = []
        self._numbers: list[NDArray[np.float64]] = []
        self._example = ""

    def take(self, column: Column) -> Flags:
        """Takes a block's times; gives which rows have one, of shape (rows,). Those alone are kept."""
        if self.family == "stamp":
            return self._take_stamps(column)
        if self.family == "number":
            return self._take_numbers(column)
        found = pc.extract_regex(column, pattern=FAMILIES[self.family])
        good = np.asarray(pc.is_valid(found).to_numpy(zero_copy_only=False))
        kept = found.filter(pa.array(good))
        if len(kept):
            self._example = self._example or column.filter(pa.array(good))[0].as_py()
            self._parts.append(self._numbers_of(kept))
        return good

    def _take_stamps(self, column: Column) -> Flags:
        good = np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False))
        whole = pc.cast(column.filter(pa.array(good)), pa.timestamp("us", tz=column.type.tz), safe=False)
        instants = pc.cast(whole, pa.int64()).to_numpy(zero_copy_only=False)
        zone = 0 if column.type.tz is not None else _NO_ZONE
        self._parts.append(np.stack([instants, np.full(len(instants), zone)]))
        return good

    def _take_numbers(self, column: Column) -> Flags:
        if pa.types.is_string(column.type):
            found = pc.struct_field(pc.extract_regex(column, pattern=FAMILIES["number"]), "n")
            numbers = pc.cast(pc.replace_substring(found, ",", "."), pa.float64())
        else:
            numbers = pc.cast(column, pa.float64(), safe=False)
        values = numbers.to_numpy(zero_copy_only=False)
        good = np.isfinite(values)
        self._numbers.append(values[good])
        return np.asarray(good)

    def _numbers_of(self, found: Column) -> NDArray[np.int64]:
        """Shape (5, rows): three numbers of the date, microseconds of the day, microseconds ahead of UTC."""
        a, b, c = (
            _whole(pc.struct_field(found, part)) if part != "b" else self._month(found) for part in "abc"
        )
        hour, minute, second = (_whole(pc.struct_field(found, part)) for part in "HMS")
        late = pc.match_substring_regex(pc.fill_null(pc.struct_field(found, "ap"), ""), "^[Pp]").to_numpy(
            zero_copy_only=False
        )
        halved = pc.not_equal(pc.fill_null(pc.struct_field(found, "ap"), ""), "").to_numpy(
            zero_copy_only=False
        )
        hour = np.where(halved, hour % 12 + 12 * late, hour)
        fraction = pc.utf8_rpad(pc.fill_null(pc.struct_field(found, "f"), "0"), 9, "0")
        micros = _whole(fraction) // 1000
        return np.stack([a, b, c, hour * HOUR + minute * MINUTE + second * SECOND + micros, _ahead(found)])

    def _month(self, found: Column) -> NDArray[np.int64]:
        texts = pc.struct_field(found, "b")
        if self.family != "month by name":
            return _whole(texts)
        short = pc.utf8_slice_codeunits(pc.utf8_lower(texts), 0, 3)
        places = pc.fill_null(pc.index_in(short, value_set=pa.array(_MONTHS)), -1)
        return np.asarray(places.to_numpy(zero_copy_only=False).astype(np.int64) + 1)

    def instants(self, zoned: Zoned, column: str, notices: Notices) -> Instants:
        """The time of each row that `take` said has one; microseconds, `_NO_TIME` where no calendar has it.

        Raises:
            OperatorError: they are numbers that count nothing known.
        """
        if self.family == "number":
            return self._from_numbers(column, notices)
        if not self._parts:
            return np.empty(0, np.int64)
        parts = np.concatenate(self._parts, axis=1)
        local = parts[0] if self.family == "stamp" else self._local(parts, zoned, column, notices)
        ahead = parts[-1]
        unzoned = ahead == _NO_ZONE
        known = np.where(local == _NO_TIME, 0, local)
        if unzoned.any():
            known = np.where(unzoned, in_utc(known, zoned.zone, notices), known - np.where(unzoned, 0, ahead))
        else:
            known = known - ahead
        return np.where((local == _NO_TIME) | (known < _EARLIEST) | (known > _LATEST), _NO_TIME, known)

    def _from_numbers(self, column: str, notices: Notices) -> Instants:
        numbers = np.concatenate(self._numbers) if self._numbers else np.empty(0)
        if not len(numbers):
            return np.empty(0, np.int64)
        middle = float(np.median(numbers))
        for low, high, words, each, begin in _UNITS:
            if low <= middle < high:
                notices.tell(f"The times in {shown(column)} are read as {words}.")
                micros = np.where(np.abs(numbers) < high * 10, numbers, 0.0) * each
                whole = np.rint(micros / 1000) * 1000 if each == DAY else np.rint(micros)
                instants = whole.astype(np.int64) + begin
                fits = (np.abs(numbers) < high * 10) & (instants >= _EARLIEST) & (instants <= _LATEST)
                return np.where(fits, instants, _NO_TIME)
        raise OperatorError(
            f"{notices.file}: the numbers in {shown(column)} are no times that are known (the middle one is {middle:g}).",
            "Export dates and times, or seconds since 1970.",
        )

    def _local(self, parts: NDArray[np.int64], zoned: Zoned, column: str, notices: Notices) -> Instants:
        """What a clock on the wall showed, as if it were UTC."""
        a, b, c, clock, _ = parts
        if self.family in {"year first", "compact"}:
            return _dated(a, b, c, clock)
        if self.family == "month by name":
            return _dated(_year(c), b, a, clock)
        found = {"day": _dated(_year(c), b, a, clock), "month": _dated(_year(c), a, b, clock)}
        if c.max() < 100:
            found["year"] = _dated(_year(a), b, c, clock)
        chosen, because = _chosen(found, zoned)
        self.day_first = {"day": True, "month": False}.get(chosen)
        first = found[chosen][0]
        example = f": {shown(self._example)} is {rfc3339(int(first))[:10]}" if first != _NO_TIME else ""
        notices.tell(f"Dates in {shown(column)} are read with the {chosen} first{example}; {because}.")
        return found[chosen]


def is_instant(instants: Instants) -> Flags:
    """Which of `instants` are some."""
    return np.asarray(instants != _NO_TIME)


def _chosen(found: dict[str, Instants], zoned: Zoned) -> tuple[str, str]:
    """The order of the numbers of a date, and why it is that one."""
    fits = {name: float((one != _NO_TIME).mean()) for name, one in found.items()}
    likely = {name: found[name] for name, share in fits.items() if share >= _LIKELY}
    if zoned.day_first is not None and (told := "day" if zoned.day_first else "month") in (likely or found):
        return told, "as was asked, or as when the model was learnt"
    if len(likely) == 1:
        return next(iter(likely)), "no other order fits all of them"
    if not likely:
        return max(fits, key=lambda name: fits[name]), "no order fits all of them, and this one fits most"
    ways = {name: _way(one) for name, one in likely.items()}
    best = min(ways, key=lambda name: ways[name])
    if all(ways[best] < _CLOSER * way for name, way in ways.items() if name != best):
        return best, "so the rows follow each other most closely"
    return next(iter(likely)), "other orders fit too: say --month-first if that is wrong"


def _way(instants: Instants) -> float:
    """How far it is from row to row, all together."""
    known = instants[instants != _NO_TIME]
    return float(np.abs(np.diff(known).astype(np.float64)).sum())


def _dated(
    year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64], clock: NDArray[np.int64]
) -> Instants:
    """The instants, in UTC; `_NO_TIME` where no calendar has such a day, or no clock such an hour."""
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1900) & (year < 2200)
    good &= (clock >= 0) & (clock <= DAY)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(good, day - 1, 0)
    good &= days.astype("datetime64[M]") == months
    return np.where(good, days.astype(np.int64) * DAY + clock, _NO_TIME)


def _year(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(numbers >= 100, numbers, np.where(numbers < 70, 2000 + numbers, 1900 + numbers))


def _whole(texts: Any) -> NDArray[np.int64]:
    """Texts of digits as whole numbers; 0 where there is none (RE2 gives '' for a group that was not met)."""
    filled = pc.fill_null(pc.if_else(pc.equal(texts, ""), None, texts), "0")
    return np.asarray(pc.cast(filled, pa.int64()).to_numpy(zero_copy_only=False))


def _ahead(found: Column) -> NDArray[np.int64]:
    """How far each text's own zone is ahead of UTC, in microseconds; `_NO_ZONE` where it names none."""
    zones = pc.fill_null(pc.struct_field(found, "z"), "").dictionary_encode()
    known = np.array([_offset(one) for one in zones.dictionary.to_pylist()], dtype=np.int64)
    return np.asarray(known[zones.indices.to_numpy(zero_copy_only=False)])


def _offset(text: str) -> int:
    match = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", text)
    if match is None:
        return 0 if text else int(_NO_ZONE)
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return minutes * MINUTE * (1 if match[1] == "+" else -1)
