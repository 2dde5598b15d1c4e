"""A message's words: what it is, what to do first, and where to read on. Short, plain, and nothing that `advise` did not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tocsin.advise.phrases import when
from tocsin.config import bounds
from tocsin.config.bell import Detail
from tocsin.records.incident import Told
from tocsin.records.inert import inert, shortened
from tocsin.store.outbox import Message

_STORY: Final = 3
"""Sentences of the story that a message holds; the rest is read where the incident is explained."""

_TITLE_CHARS: Final = 160


def title_of(told: Told, change: str, detail: Detail) -> str:
    """One line: how grave, what, and where; with `little` detail no more than how grave."""
    incident = told.incident
    kind, _, _ = change.partition(":")
    news = {"severity": "graver now, ", "regressed": "back again, "}.get(kind, "")
    grave = f"{news}{incident.severity}"
    if detail == "little":
        return f"{grave[0].upper()}{grave[1:]}: something needs you"
    return shortened(f"{grave[0].upper()}{grave[1:]}: {inert(told.title)}", _TITLE_CHARS)


def text_of(told: Told, detail: Detail) -> str:
    """What to do first, what happened, and how to read the rest; lines of plain text."""
    incident = told.incident
    read_on = f"The rest, with its proof: tocsin explain {incident.id}"
    heard = f"Somebody looks after it: tocsin acknowledge {incident.id}"
    if detail == "little":
        return f"Look at it at the computer that runs Tocsin.\n\n{read_on}\n{heard}"
    steps = [f"{place}. {inert(step)}" for place, step in enumerate(told.steps, 1)]
    story = [f"- {inert(one.text)}" for one in told.story[:_STORY]]
    more = len(told.story) - _STORY
    if more > 0:
        story.append(f"- and {more} more.")
    first = f"First seen {when(incident.first)}, last {when(incident.last)}; {incident.count:,} findings."
    body = "\n".join(["What to do first:", *steps, "", "What happened:", *story, "", first])
    room = bounds.BELL_TEXT_CHARS - len(read_on) - len(heard) - 4
    return f"{shortened(body, room)}\n\n{read_on}\n{heard}"


def together(messages: Sequence[Message]) -> tuple[str, str]:
    """Title and text of one message in place of many."""
    if len(messages) == 1:
        return messages[0].title, messages[0].text
    listed = [f"- {one.title}" for one in messages[: bounds.BELL_LISTED]]
    more = len(messages) - bounds.BELL_LISTED
    if more > 0:
        listed.append(f"- and {more:,} more.")
    text = shortened("\n".join(listed), bounds.BELL_TEXT_CHARS - 100)
    return (
        f"{len(messages):,} things need you",
        f"{text}\n\nAll of them, the most urgent first: tocsin incidents",
    )
