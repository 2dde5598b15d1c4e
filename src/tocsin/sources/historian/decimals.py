"""Numbers as texts, with either decimal sign: what a column means by `1.125` is decided by all of it, not by a part.

A column may have the other decimal sign than its file: `1.5` among decimal commas. Then `1.125` is no thousand either, in
whichever block of the file it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.records.readings import Flags, Values
from tocsin.sources.historian.arrow import Column, pc
from tocsin.sources.historian.notices import Notices, listed


@dataclass(frozen=True, slots=True)
class Written:
    """Texts of numbers as SQL writes them; null, or anything, for what is none.

    Attributes:
        numbers: As the file writes them: signs between thousands left out, and with a decimal point.
        fractions: Likewise, but those that could be either (`1.125` among decimal commas) with their sign as a decimal one.
        sure: Which have the other decimal sign without doubt, shape (rows,).
    """

    numbers: Column
    fractions: Column
    sure: Flags


@dataclass(frozen=True, slots=True)
class Either:
    """Numbers of which some have the other sign than their file's decimal one; both of shape (rows,).

    Attributes:
        fractions: The numbers if that is this column's decimal sign.
        sure: Which of them leave no doubt.
    """

    fractions: Values
    sure: Flags

    def picked(self, rows: NDArray[np.int64]) -> Either:
        """Those of some `rows`."""
        return Either(self.fractions[rows], self.sure[rows])


def either_of(blocks: Sequence[Values], found: Mapping[int, Either]) -> Either | None:
    """That of a whole column, from the numbers of its `blocks` and what was `found` in some of them; None where in none."""
    if not found:
        return None
    parts = [found.get(at, Either(one, np.zeros(len(one), bool))) for at, one in enumerate(blocks)]
    return Either(
        np.concatenate([one.fractions for one in parts]), np.concatenate([one.sure for one in parts])
    )


def written(texts: Column, *, decimal_comma: bool) -> Written | None:
    """The numbers of a file whose decimal sign is a comma, or a point; None where no text has the other sign in it."""
    sign, between = (",", ".") if decimal_comma else (".", ",")
    marked = pc.fill_null(pc.match_substring(texts, between), False)  # noqa: FBT003  pyarrow's own
    if not pc.any(marked).as_py():
        return None
    thousands = matches(texts, rf"^[+-]?[1-9]\d{{0,2}}(?:[{between}]\d{{3}})+(?:[{sign}]\d*)?$")
    other = matches(texts, rf"^[+-]?\d*[{between}]\d+(?:[eE][+-]?\d+)?$")
    sure, doubt = pc.and_not(other, thousands), pc.and_(other, thousands)
    fraction = pc.replace_substring(texts, between, ".")
    whole = pc.replace_substring(pc.replace_substring(texts, between, ""), sign, ".")
    plain = pc.if_else(marked, None, whole)  # `1,000.5` is no number where commas are decimal
    numbers = pc.if_else(thousands, whole, pc.if_else(sure, fraction, plain))
    return Written(
        numbers, pc.if_else(doubt, fraction, numbers), np.asarray(sure.to_numpy(zero_copy_only=False))
    )


def matches(texts: Column, pattern: str) -> Column:
    """Which of `texts` are as `pattern` says."""
    return pc.fill_null(pc.match_substring_regex(texts, pattern), False)  # noqa: FBT003  pyarrow's own


class Signs:
    """Decides the decimal sign of each tag, and tells where it is not plainly the file's."""

    def __init__(self) -> None:
        self._other: list[str] = []
        self._thousands: list[str] = []

    def decided(self, name: str, numbers: Values, either: Either | None) -> Values:
        """The readings of the tag `name`: `numbers`, as its file writes them, or fractions where most of its fractions that leave
        no doubt have the other sign.
        """
        if either is None:
            return numbers
        broken = np.isfinite(numbers) & (numbers != np.rint(numbers))
        if 2 * int(np.count_nonzero(broken & either.sure)) > int(np.count_nonzero(broken)):
            self._other.append(name)
            return np.where(np.isfinite(numbers), either.fractions, np.nan)
        if bool((np.isfinite(numbers) & (numbers != either.fractions)).any()):
            self._thousands.append(name)
        return numbers

    def tell(self, notices: Notices, *, decimal_comma: bool) -> None:
        """What was decided, once all tags of a file were."""
        sign, example = ("point", "1.125") if decimal_comma else ("comma", "1,125")
        if self._other:
            notices.tell(f"The numbers of some tags are read with a decimal {sign}: {listed(self._other)}.")
        if self._thousands:
            notices.tell(
                f"A {sign} before three digits stands between thousands ({example} is 1125): {listed(self._thousands)}."
            )
