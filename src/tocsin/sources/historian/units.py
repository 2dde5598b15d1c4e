"""In which unit every tag is read: as files state it, and all of them made one, the model's where it has one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from tocsin.records.errors import OperatorError
from tocsin.records.readings import Notice, Readings
from tocsin.sources.historian.conversion import Conversion, Unlike, conversion
from tocsin.sources.historian.notices import Notices, listed, shown
from tocsin.sources.historian.unit_names import Unit, unit_of, units_in

Stated = Mapping[str, Unit]
"""Names of tags to their units; without those whose source states none."""


class Measured:
    """Knows in which units a model's tags were learnt, and makes those of files alike.

    Args:
        known: The model's tags; () where there is no model.
        learnt: Their units, as their source spelt them.
    """

    def __init__(self, known: Sequence[str], learnt: Mapping[str, str]) -> None:
        self._known, self._said, self._renamed = known, learnt, dict[str, str]()
        in_names = {tag: found[1] for tag, found in units_in(known).items()}
        units = {tag: unit for tag, text in learnt.items() if (unit := unit_of(text)) is not None}
        self._learnt: Stated = in_names | units

    def named(
        self,
        names: Sequence[str],
        words: Mapping[str, Sequence[str]],
        told: Mapping[str, str],
        notices: Notices,
    ) -> tuple[tuple[str, ...], dict[str, Unit]]:
        """The tags of one file by the model's names, and their units; as `stated`, where a column means the model's tag in
        another unit as `known_as`.
        """
        return self._as_known(names, stated(names, words, told, notices), self._learnt, self._known)

    def alike(
        self, parts: Sequence[Readings], units: Sequence[Stated]
    ) -> tuple[list[Readings], dict[str, str], list[Notice]]:
        """As `made_alike`, the units as they are spelt, those of the model's tags that are not there too.

        Raises:
            OperatorError: a tag comes in a unit that cannot be converted.
        """
        known = set(self._known)
        if not known:
            parts, units = self._as_the_newest(parts, units)
        else:  # what the model does not know is not judged, whatever its units
            units = [{name: unit for name, unit in one.items() if name in known} for one in units]
        alike, found, notices = made_alike(parts, units, self._learnt)
        if self._renamed:
            pairs = [f"{new} as {tag}" for new, tag in sorted(self._renamed.items())]
            told = f"Columns whose headings differ in their unit are one tag: {listed(pairs)}."
            notices = [Notice(told), *notices]
        return alike, {**self._said, **{tag: unit.said for tag, unit in found.items()}}, notices

    def _as_the_newest(
        self, parts: Sequence[Readings], units: Sequence[Stated]
    ) -> tuple[list[Readings], list[Stated]]:
        """Where there is no model, the tags of all files by the names that they have in the file with the newest row."""
        newest, there = max(
            zip(parts, units, strict=True), key=lambda one: (int(one[0].times[-1]), one[0].tags)
        )
        renamed, stating = list[Readings](), list[Stated]()
        for part, own in zip(parts, units, strict=True):
            names, said = self._as_known(part.tags, own, there, newest.tags)
            renamed.append(Readings(names, part.times, part.values))
            stating.append(said)
        return renamed, stating

    def _as_known(
        self, names: Sequence[str], units: Stated, learnt: Stated, known: Sequence[str]
    ) -> tuple[tuple[str, ...], dict[str, Unit]]:
        other = known_as(units, names, learnt, known)
        self._renamed |= other
        return tuple(other.get(name, name) for name in names), {
            other.get(name, name): unit for name, unit in units.items()
        }


def stated(
    names: Sequence[str], words: Mapping[str, Sequence[str]], told: Mapping[str, str], notices: Notices
) -> dict[str, Unit]:
    """The units of the tags `names` of one file: what is `told` beside their names, else what stands in these.

    Args:
        names: Of its tags.
        words: The words of each; a tag that shows words has no unit.
        told: By a row of units, a column of units or the file's own description; texts.
        notices: Contradictions are told here.
    """
    headings, found = units_in(names), {}
    for name in names:
        if words.get(name):
            continue
        beside, inside = unit_of(told.get(name, "")), headings.get(name, ("", None))[1]
        if beside is not None and inside is not None and not beside.same_as(inside):
            notices.tell(
                f"{shown(name)} is said to be in {shown(beside.said)} beside its name, which counts."
            )
        unit = beside or inside
        if unit is not None:
            found[name] = unit
    return found


def known_as(units: Stated, names: Sequence[str], learnt: Stated, known: Sequence[str]) -> dict[str, str]:
    """Which tags of a file are the model's in another unit: `Flow 1 [l/s]` is `Flow 1 [m3/h]` where neither has both. What cannot
    be converted is another tag: `Motor [kW]` is not `Motor [A]`.

    Args:
        units: Of the file's tags.
        names: All its tags.
        learnt: The units of the model's tags.
        known: All the model's tags.

    Returns:
        The file's names to the model's.
    """
    there, model = set(names), set(known)
    lacking = _by_stem(known, {name for name in known if name in learnt and name not in there})
    new = _by_stem(names, {name for name in names if name in units and name not in model})
    found: dict[str, str] = {}
    for one in lacking.keys() & new.keys():
        fit = [pair for pair in product(new[one], lacking[one]) if _fits(units[pair[0]], learnt[pair[1]])]
        often = Counter(name for pair in fit for name in pair)
        found |= {name: tag for name, tag in fit if often[name] == often[tag] == 1}
    return found


def _by_stem(names: Sequence[str], asked: Collection[str]) -> dict[str, list[str]]:
    """Those of `names` that are `asked` for, by what stands before the unit in them."""
    found: dict[str, list[str]] = {}
    headings = units_in(names)
    for name in filter(asked.__contains__, names):
        found.setdefault(headings[name][0] if name in headings else name, []).append(name)
    return found


def _fits(one: Unit, other: Unit) -> bool:
    try:
        conversion(one, other)
    except Unlike:
        return False
    return True


_LEARNT: Final = "was learnt in"
_NEWEST: Final = "elsewhere in"


def made_alike(
    parts: Sequence[Readings], units: Sequence[Stated], learnt: Stated
) -> tuple[list[Readings], dict[str, Unit], list[Notice]]:
    """Readings of several files, each tag in one unit: that of the model, else that of the file with the newest row.

    A file that states no unit of a tag is taken to have that one.

    Args:
        parts: The readings of each file.
        units: What each states.
        learnt: The units of the model's tags.

    Returns:
        The readings, the unit of each tag, and what is to be told.

    Raises:
        OperatorError: a tag comes in a unit that cannot be converted.
    """
    wanted = {**_newest(parts, units), **learnt}
    told: dict[str, None] = {}
    whose: dict[str, None] = {}
    alike = []
    for part, own in zip(parts, units, strict=True):
        values = part.values
        for column, name, unit in _others(part, own, wanted):
            values = values.copy() if values is part.values else values
            values[:, column] = _conversion(name, unit, wanted[name], learnt).of(values[:, column])
            told[f"{name} from {unit.said} to {wanted[name].said}"] = None
            whose["that were learnt" if name in learnt else "of the newest file"] = None
        alike.append(part if values is part.values else Readings(part.tags, part.times, values))
    tags = {name for part in parts for name in part.tags}
    notices = []
    if told:
        notices.append(
            Notice(
                f"Readings in other units are converted to those {' or '.join(whose)}: {listed(sorted(told))}.",
                meaning=True,
            )
        )
    return alike, {name: unit for name, unit in wanted.items() if name in tags}, notices


def _others(part: Readings, own: Stated, wanted: Stated) -> Iterator[tuple[int, str, Unit]]:
    """The columns of `part` in another unit than is `wanted`."""
    for column, name in enumerate(part.tags):
        unit = own.get(name)
        if unit is not None and not unit.same_as(wanted[name]):
            yield column, name, unit


def _newest(parts: Sequence[Readings], units: Sequence[Stated]) -> dict[str, Unit]:
    """For each tag the unit of the file whose rows end last, whatever the order of the files."""
    found: dict[str, tuple[int, str, Unit]] = {}
    for part, own in zip(parts, units, strict=True):
        for name, unit in own.items():
            one = (int(part.times[-1]), unit.said, unit)
            found[name] = max(found.get(name, one), one, key=lambda it: it[:2])
    return {name: one[2] for name, one in found.items()}


def _conversion(name: str, unit: Unit, wanted: Unit, learnt: Stated) -> Conversion:
    try:
        return conversion(unit, wanted)
    except Unlike:
        raise OperatorError(
            f"{shown(name)} is read in {shown(unit.said)} and {_LEARNT if name in learnt else _NEWEST} {shown(wanted.said)}: "
            "the one cannot be converted to the other.",
            f"Export it in {wanted.said}, leave it out with --ignore (in settings: ignore), or learn anew.",
        ) from None
