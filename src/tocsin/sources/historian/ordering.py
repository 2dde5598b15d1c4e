"""Rows in order of time, one an instant: those of one file, and those of several together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Instants, Notice, Readings, Values
from tocsin.sources.historian.notices import Notices, counted, listed
from tocsin.sources.historian.stamps import is_instant

GAPS: Final = 0.1
"""A tag that was not read in this share of the rows is told."""


def in_order(names: tuple[str, ...], times: Instants, values: Values, notices: Notices) -> Readings:
    """Readings oldest first, rows of one instant made one.

    Raises:
        OperatorError: no row has a time, or there is no tag.
    """
    good = is_instant(times)
    if not good.all():
        notices.tell(
            f"{counted(int((~good).sum()), 'row')} whose date is on no calendar left out.", lost=True
        )
        times, values = times[good], values[good]
    if not len(times):
        raise OperatorError(f"{notices.file} holds no row with a time.", "Export it anew.")
    if not names:
        raise OperatorError(
            f"{notices.file} holds no tag beside its time.", "Export one column for each tag."
        )
    backward = int((np.diff(times) < 0).sum())
    if backward and backward < len(times) - 1:
        notices.tell(
            f"The time goes back {counted(backward, 'time')}: rows are put in order (a clock that was changed? see --zone)."
        )
    ordered, merged = _merged(times, values)
    gaps = [name for name, share in zip(names, np.isnan(merged).mean(axis=0), strict=True) if share >= GAPS]
    if gaps:
        tags = "1 tag shows" if len(gaps) == 1 else f"{len(gaps):,} tags show"
        notices.tell(
            f"{tags} nothing in a tenth of the rows or more (empty, Bad, #N/A and the like): {listed(gaps)}."
        )
    if len(ordered) < len(times):
        notices.tell(
            f"{counted(len(times) - len(ordered), 'row')} at an instant that there was already: the later one counts."
        )
    return Readings(names, ordered, merged)


def _merged(times: Instants, values: Values) -> tuple[Instants, Values]:
    """Rows in order of time, those of one instant as one: of each tag the last that was read."""
    if len(times) < 2 or bool((np.diff(times) > 0).all()):
        return times, values
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    new = np.diff(times, prepend=times[0] - 1) > 0
    first = np.cumsum(new) - 1
    merged = values[new]
    for row in np.flatnonzero(~new):
        read = np.isfinite(values[row])
        merged[first[row], read] = values[row, read]
    return times[new], merged


def joined(parts: Sequence[Readings], notices: list[Notice]) -> Readings:
    """Several files' readings as one; a tag that a file lacks was not read there.

    Raises:
        OperatorError: they are more than fit into memory.
    """
    if len(parts) == 1:
        return parts[0]
    tags = tuple(dict.fromkeys(name for part in parts for name in part.tags))
    if sum(map(len, parts)) * len(tags) > bounds.HISTORIAN_CELLS:
        raise OperatorError(
            "The files hold more readings than fit into memory.", "Give fewer files, or a wider interval."
        )
    uneven = [name for name in tags if any(name not in part.tags for part in parts)]
    if uneven:
        notices.append(Notice(f"{counted(len(uneven), 'tag')} in some of the files only: {listed(uneven)}."))
    together = [part.of(tags) for part in parts]
    times, values = _merged(
        np.concatenate([one.times for one in together]), np.concatenate([one.values for one in together])
    )
    double = sum(map(len, parts)) - len(times)
    if double:
        notices.append(Notice(f"{counted(double, 'instant')} in more than one file: the later one counts."))
    return Readings(tags, times, values)
