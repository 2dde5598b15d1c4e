"""One self-contained page: what needs somebody, why, and what to do. No script, nothing loaded from anywhere.

Its Content-Security-Policy allows the one style sheet inside it (by its SHA-256) and nothing else, so that even text that
slipped past escaping could neither run nor call home. Everything a log says goes through `inert` and autoescape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.config import bounds
from tocsin.console.paper import environment, style
from tocsin.console.timeline import timeline
from tocsin.records.attack import tactic_name, technique_name, technique_tactics
from tocsin.records.event import EventId, SetAside
from tocsin.records.finding import Evidence
from tocsin.records.incident import Incident, Sentence, Told


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence of the story, its time apart, with the numbers of the evidence rows it cites that are shown."""

    when: str
    text: str
    shown: tuple[int, ...]
    more: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One evidence row."""

    number: int
    evidence: Evidence
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Card:
    """One incident as the page shows it."""

    incident: Incident
    title: str
    story: tuple[_Line, ...]
    whose: str
    steps: tuple[str, ...]
    rows: tuple[_Row, ...]
    unshown: int
    techniques: tuple[tuple[str, str, str], ...]


_MINUTE = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
_WHEN = re.compile(
    rf"At {_MINUTE}|Between \d\d:\d\d and \d\d:\d\d UTC on \d{{4}}-\d\d-\d\d|Between {_MINUTE} and {_MINUTE}"
)
"""The time that a sentence opens with (`advise.phrases.between`): set in bold, so that the eye can run down the times."""

_REFERENCES = 4
"""Evidence rows that a sentence points to by number."""


def render_page(
    told: Sequence[Told],
    summary: Mapping[str, Any],
    set_aside: Sequence[SetAside],
    generated: int,
    problems: Sequence[str] = (),
) -> str:
    """The page as HTML text, UTF-8 when written.

    Args:
        told: The incidents that need somebody, most urgent first.
        summary: The summary object of the JSON contract; `ordinary` (events that no told incident rests on), `quiet`
            (groups of findings that need nobody), `suspended` (rules stopped while running) and `unjudged` (what
            correlations missed) are told where it has them.
        set_aside: Records that could not be read, as many as are kept; `summary` has their true count.
        generated: When the page was made (instant).
        problems: Sentences about anything else that could not be read or judged.
    """
    text_of_style, digest = style("page.css")
    rules = summary.get("rules") or {}
    text = (
        environment()
        .get_template("page.html")
        .render(
            style=text_of_style,
            digest=digest,
            cards=[_card(one) for one in told[: bounds.PAGE_INCIDENTS]],
            further=told[bounds.PAGE_INCIDENTS :],
            need=len(told),
            ordinary=summary["ordinary"] if "ordinary" in summary else _ordinary(told, summary),
            timeline=timeline(told),
            events=summary.get("events", 0),
            sources=summary.get("sources", 0),
            unreadable=summary.get("set_aside", 0),
            active=rules.get("active", 0),
            unsupported=rules.get("unsupported", 0),
            set_aside=set_aside[: bounds.PAGE_SET_ASIDE],
            generated=generated,
            quiet=summary.get("quiet", 0),
            problems=[
                *problems,
                *(f"A rule was stopped while it ran: {why}" for why in summary.get("suspended", ())),
                *summary.get("unjudged", ()),
            ],
        )
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def _ordinary(told: Iterable[Told], summary: Mapping[str, Any]) -> int:
    cited = {
        piece.event_id for one in told for finding in one.incident.findings for piece in finding.evidence
    }
    return max(0, int(summary.get("events", 0)) - len(cited))


def _card(told: Told) -> _Card:
    rows, unshown = _rows(told)
    numbers = {row.evidence.event_id: row.number for row in rows}
    *story, whose = told.story or (Sentence(""),)
    return _Card(
        told.incident,
        told.title,
        tuple(_line(sentence, numbers) for sentence in story),
        whose.text,
        told.steps,
        rows,
        unshown,
        tuple(_technique(one) for one in told.incident.techniques),
    )


def _rows(told: Told) -> tuple[tuple[_Row, ...], int]:
    """The evidence in order of time: what the sentences cite first comes first when not all can be shown."""
    pieces: dict[EventId, Evidence] = {}
    rules: dict[EventId, dict[str, None]] = {}
    for finding in told.incident.findings:
        for piece in finding.evidence:
            pieces.setdefault(piece.event_id, piece)
            rules.setdefault(piece.event_id, {})[finding.rule_title] = None
    spread = (
        sentence.evidence[at]
        for at in range(_REFERENCES)
        for sentence in told.story
        if at < len(sentence.evidence)
    )
    order = dict.fromkeys((*(event for event in spread if event in pieces), *pieces))
    chosen = sorted(list(order)[: bounds.PAGE_EVIDENCE], key=lambda event: (pieces[event].time, event))
    rows = tuple(_Row(at, pieces[event], tuple(rules[event])) for at, event in enumerate(chosen, 1))
    return rows, len(pieces) - len(rows)


def _line(sentence: Sentence, numbers: Mapping[EventId, int]) -> _Line:
    shown = tuple(numbers[event] for event in sentence.evidence if event in numbers)[:_REFERENCES]
    told = _WHEN.match(sentence.text)
    when = told[0] if told else ""
    return _Line(when, sentence.text[len(when) :], tuple(sorted(shown)), len(sentence.evidence) - len(shown))


def _technique(technique: str) -> tuple[str, str, str]:
    """(id, name, what it serves)."""
    serves = ", ".join(tactic_name(tactic) for tactic in technique_tactics(technique))
    return technique, technique_name(technique), serves
