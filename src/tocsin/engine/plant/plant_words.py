"""How the plants that are watched stand, in sentences; from the figures alone, so that nothing of them is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.advise.phrases import counted, listed, name
from tocsin.engine.figures import PlantFigures
from tocsin.records.instants import rfc3339


def plant_lines(plants: dict[str, PlantFigures]) -> Iterator[str]:
    """A sentence or more for each plant."""
    for plant, one in sorted(plants.items()):
        yield f"Plant {name(plant)}: {how(one)} {promise(one)}"


def how(one: PlantFigures) -> str:
    """Its last row, its score, and what is missing."""
    if one.row is None:
        heard = (
            "readings come, and no row is complete yet (those more than 7 days old are not judged)"
            if one.heard is not None
            else "no reading that counts came yet"
        )
        return f"{heard}.{untimed(one)}"
    state = "it rings" if one.rings else "quiet"
    said = f"last row {rfc3339(one.row)[:19]}Z, score {one.score:.2f} (it rings above 1), {state}; "
    late = f" {counted(one.late, 'reading')} came too late to count." if one.late else ""
    return f"{said}{missing(one)}{late}{untimed(one)}"


def untimed(one: PlantFigures) -> str:
    """What came that says a time at which nothing is judged, and what to do."""
    if not one.untimed:
        return ""
    said = f" {counted(one.untimed, 'reading')} said a time more than 7 days before coming, or 10 minutes after: stored, and not judged"
    return f"{said} (an older history is for `tocsin plant watch`)."


def missing(one: PlantFigures) -> str:
    """Which tags are not read."""
    if not one.missing_tags:
        return f"all {counted(one.tags, 'tag')} are read."
    named = [name(tag) for tag in one.missing[:3]]
    rest = one.missing_tags - len(named)
    more = f" and {rest:,} more" if rest > 0 else ""
    shown = ", ".join(named) + more if rest > 0 else listed(named)
    return f"{one.missing_tags:,} of {counted(one.tags, 'tag')} are not read: {shown}."


def promise(one: PlantFigures) -> str:
    """What is promised of it, and what that rests on."""
    share = f"{100 * one.kept:.2g}%" if one.kept < 0.995 else "all"
    said = f"On normal operation at most {share} of {one.unit}s are interrupted, which rests on {counted(one.blocks, one.unit)}."
    return said + (f" {100 * one.asked:.2g}% was asked for." if one.kept > one.asked else "")


def plant_needs(plants: dict[str, PlantFigures]) -> Iterator[str]:
    """What of the plants needs somebody, beside what incidents tell."""
    for plant, one in sorted(plants.items()):
        if one.silent and one.heard is not None:
            yield f"No reading that counts came of the plant {name(plant)} since {rfc3339(one.heard)[:19]}Z."
        elif one.missing_tags:
            yield f"Of the plant {name(plant)}, {missing(one)}"
