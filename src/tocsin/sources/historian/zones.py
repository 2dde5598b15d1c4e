"""What clocks on a wall showed, as instants: the hour that autumn has twice is told apart by the order of the rows."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Final

import numpy as np
import pyarrow as pa

from tocsin.records.errors import OperatorError
from tocsin.records.instants import HOUR
from tocsin.records.readings import Instants
from tocsin.sources.historian.arrow import pc
from tocsin.sources.historian.notices import Notices, counted

_SAME_NIGHT: Final = 3 * HOUR


def in_utc(local: Instants, zone: tzinfo, notices: Notices) -> Instants:
    """The instants at which clocks of `zone` showed `local` (microseconds as if that were UTC), in the rows' order.

    Raises:
        OperatorError: this system does not know the zone.
    """
    name = str(zone)
    if zone is UTC or name in {"UTC", "Etc/UTC"}:
        return local
    stamps = pa.array(local, pa.timestamp("us"))
    try:
        early, late = (
            np.asarray(
                pc.cast(
                    pc.assume_timezone(stamps, name, ambiguous=which, nonexistent=which), pa.int64()
                ).to_numpy(zero_copy_only=False)
            )
            for which in ("earliest", "latest")
        )
    except pa.ArrowException as error:
        raise OperatorError(
            f"The zone {name} is not known to this system.", "Install its zone data (tzdata)."
        ) from error
    twice = early != late
    if not twice.any():
        return early
    chosen = np.where(_second(local, twice), late, early)
    notices.tell(
        f"{counted(int(twice.sum()), 'row')} stand in an hour that {name} has twice, or not at all: read in their order."
    )
    return chosen


def _second(
    local: Instants, twice: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows of an hour that comes `twice` belong to its second time: those after the clock went back.

    Of rows by the hour the same time comes twice then; that tells only where no other time of the file does, and no clock goes
    back in such an hour. A file that begins with the newest row is read from its end.
    """
    steps = np.diff(local)
    if np.count_nonzero(steps < 0) > np.count_nonzero(steps > 0):
        return _second(local[::-1], twice[::-1])[::-1]
    again = twice[1:] & (steps == 0)
    if np.count_nonzero(again) == np.count_nonzero(steps == 0) and not (twice[1:] & (steps < 0)).any():
        steps = steps - again
    back = np.flatnonzero(steps < 0) + 1
    found = np.zeros(len(local), bool)
    for at in back[twice[back]]:
        until = at if not found[at] else len(local)
        while until < len(local) and twice[until] and abs(int(local[until] - local[at])) < _SAME_NIGHT:
            found[until] = True
            until += 1
    return found
