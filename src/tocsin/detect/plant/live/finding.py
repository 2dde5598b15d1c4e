"""What is told of a plant: findings with typed claims, each resting on the events whose readings it is about.

No ATT&CK technique stands in them: that a tag leaves what the others say does not tell what was done to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tocsin.config import bounds
from tocsin.detect.plant.conformal import Promise
from tocsin.detect.plant.gathering import Piece, Row
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.notices import NoticeKind
from tocsin.detect.plant.tags import TagKind
from tocsin.records.finding import (
    Claim,
    Entity,
    Finding,
    Level,
    combined_origin,
    finding_id,
    weakest_auth,
)

DETECTOR: Final = "plant"
VERSION: Final = "1"
ENTITY: Final = "plant"

_GRAVE: Final = frozenset(
    {NoticeKind.DRIFT, NoticeKind.REPEATED, NoticeKind.ASIDE, NoticeKind.UNTIMED, NoticeKind.FAILED}
)
"""Notices that may be an attack which shows in no row (a slow one, a recording that is played back), and those of readings that
are judged no more: a low finding alone needs nobody, so nobody would learn of it."""

_INNOCENT: Final = (
    "Maintenance, a new sensor, a rebuild, or a way of running the plant that was not learnt.",
)


class Fault(NamedTuple):
    """A tag at fault: its column, what it showed, and what would fit the others (NaN where that is not known)."""

    column: int
    shown: float
    expected: float


def p_value(promise: Promise) -> float:
    """An upper bound of the conformal p-value of any score above the threshold, for a whole block of normal operation.

    Of the blocks that it rests on `by_alarm` go above the threshold, so no more of them reach such a score (Vovk et al. 2005).
    """
    return (promise.by_alarm + 1) / (promise.blocks + 1)


def alarm(  # noqa: PLR0913  what an alarm is made of
    plant: str, model: PlantModel, words: Mapping[str, Sequence[str]], row: Row, faults: Sequence[Fault], *,
    units: Mapping[str, str] | None = None, lasts: bool = False,
) -> Finding:  # fmt: skip
    """An episode of alarms began with `row`, or `lasts`; `faults`: the tags at fault, most first; `units` of tags, as they are spelt."""
    values = {"plant": plant, **_promised(model.promise)}
    title = f"The plant {plant} is {'still ' if lasts else ''}out of step"
    if faults:
        values |= _shown(model, words, faults[0])
        unit = (units or {}).get(values["tag"])
        values |= {"measured in": unit} if unit else {}
        values |= {f"also {place}": model.tags[one.column].name for place, one in enumerate(faults[1:], 1)}
        title += f", {model.tags[faults[0].column].name} first"
    pieces = cited(row, [one.column for one in faults])
    return _finding(plant, "alarm", title, "high", row.time, pieces, Claim("plant_out_of_step", values, (), row.time),
                    p_value(model.promise))  # fmt: skip


def notice(  # noqa: PLR0913, PLR0917  what a notice is made of
    plant: str, kind: NoticeKind, tags: Sequence[str], amount: float, at: int, pieces: Sequence[Piece]
) -> Finding:
    """Something that is told beside the alarms began at the instant `at`, with `tags`; it shows in `pieces`."""
    values = {"plant": plant, "notice": kind.value, "amount": repr(float(amount)), "at": str(at)}
    if tags:
        values |= {"tag": tags[0]} | ({"more": str(len(tags) - 1)} if len(tags) > 1 else {})
    level: Level = "medium" if kind in _GRAVE else "low"
    title = f"{_TITLES[kind]} the plant {plant}"
    return _finding(
        plant, kind.value, title, level, at, pieces, Claim("plant_notice", values, (), at), None, tags[:1]
    )


_TITLES: Final = {
    NoticeKind.DRIFT: "A tag drifts in",
    NoticeKind.MISSING: "Tags are not read in",
    NoticeKind.COARSE: "Readings lost digits in",
    NoticeKind.GAP: "Rows are missing in",
    NoticeKind.REPEATED: "Rows come again in",
    NoticeKind.CLOCK: "A clock went back in",
    NoticeKind.GONE: "Tags are gone in",
    NoticeKind.NEW: "Tags are read that the model does not know in",
    NoticeKind.SILENT: "No reading counts any more in",
    NoticeKind.LATE: "Readings come too late in",
    NoticeKind.UNTIMED: "Readings are too old, or ahead of the clock, in",
    NoticeKind.ASIDE: "Tags are left out of the score in",
    NoticeKind.FAILED: "An error of Tocsin's stopped the watching of",
}


def _finding(  # noqa: PLR0913, PLR0917  what a finding is made of
    plant: str, rule: str, title: str, level: Level, at: int, pieces: Sequence[Piece], claim: Claim, p: float | None,
    group: Sequence[str] = (),
) -> Finding:  # fmt: skip
    ordered = sorted(
        {piece.evidence.event_id: piece for piece in pieces}.values(),
        key=lambda one: (one.evidence.time, one.evidence.event_id),
    )
    evidence = tuple(piece.evidence for piece in ordered)
    events = tuple(piece.event_id for piece in evidence)
    subject = Entity(ordered[0].site, ENTITY, plant)
    rule_id = f"plant-{rule}/{plant}"  # a plant that is noisy makes no other plant's alarms noise
    return Finding(
        finding_id(DETECTOR, rule_id, "\x1f".join((plant, *group)), at, events), DETECTOR, VERSION, rule_id, title, level, (),
        (), subject, evidence[-1].time, evidence[0].time, evidence, (subject,),
        weakest_auth(piece.auth for piece in evidence), combined_origin(piece.origin for piece in ordered),
        (Claim(claim.type, claim.values, events, claim.time),), falsepositives=_INNOCENT if p is not None else (),
        group={"plant": plant}, p_value=p,
    )  # fmt: skip


def cited(row: Row, columns: Sequence[int]) -> list[Piece]:
    """The events of `row`, those with readings of `columns` first; so many as a finding may cite."""
    first = [row.read_in.get(column, -1) for column in columns]
    order = dict.fromkeys([*(index for index in first if index >= 0), *range(len(row.pieces))])
    return [row.pieces[index] for index in order][: bounds.PLANT_EVIDENCE]


def _promised(promise: Promise) -> dict[str, str]:
    return {"unit": promise.unit, "blocks": str(promise.blocks), "kept": repr(float(promise.kept))}


def _shown(model: PlantModel, words: Mapping[str, Sequence[str]], fault: Fault) -> dict[str, str]:
    """What is told of the tag that is most at fault; numbers as Python writes them."""
    tag = model.tags[fault.column]
    shown = {
        "tag": tag.name, "shown": repr(fault.shown), "expected": repr(fault.expected), "step": repr(tag.step),
        "low": repr(tag.low), "high": repr(tag.high),
    }  # fmt: skip
    if tag.kind is TagKind.COUNTER:
        shown["counter"] = "yes"
    if tag.states:
        shown["states"] = " ".join(map(repr, tag.states))
    if words.get(tag.name):
        shown["words"] = "\n".join(words[tag.name])
    return shown
