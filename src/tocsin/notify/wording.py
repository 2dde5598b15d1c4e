"""A message's words: what it is, what to do first, and where to read on. Short, plain, and nothing that `advise` did not say.

Who reads it was asleep: the title says how grave it is, what and where; the first lines what to do, the next ones how it
began and what came last; then come commands that work as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tocsin.advise.phrases import counted, when
from tocsin.config import bounds
from tocsin.config.bell import Detail
from tocsin.records.incident import Told
from tocsin.records.inert import inert, shortened
from tocsin.store.outbox import Message

OVER: Final = "over"
"""The change that says that something ended by itself."""

_LATEST: Final = 3
"""The last sentences of the story, which a message holds beside the first; the rest is read where it is explained."""

_TITLE_BYTES: Final = 200
_GRAVE_BYTES: Final = 30
"""What a title holds beside the incident's own one."""


def title_of(told: Told, change: str, detail: Detail) -> str:
    """One line: how grave, what, and where; with `little` detail no more than how grave."""
    incident = told.incident
    if detail == "little":
        return _little_title(incident.severity, change)
    if change == OVER:
        return headed(f"Over: {_still(told.title)}", _TITLE_BYTES)
    return headed(f"{_grave(incident.severity, change)}: {_still(told.title)}", _TITLE_BYTES)


def text_of(told: Told, detail: Detail, command: str = "tocsin") -> str:
    """What to do first, what happened, and how to go on; lines of plain text.

    Args:
        told: The incident with its words.
        detail: How much may be said.
        command: How Tocsin is called on its own computer.
    """
    incident = told.incident
    if detail == "little":
        return _little_text(incident.id, command)
    steps = [f"{place}. {_still(step)}" for place, step in enumerate(told.steps, 1)]
    whole = (
        [_still(told.title), ""]
        if len(told.title.encode("utf-8", "replace")) > _TITLE_BYTES - _GRAVE_BYTES
        else []
    )
    body = "\n".join([*whole, "What to do first:", *steps, "", *_story(told)])
    end = _commands(incident.id, command)
    return f"{fitting(body, bounds.BELL_TEXT_BYTES - len(end) - 2)}\n\n{end}"


def over_text(incident: str, command: str = "tocsin") -> str:
    """That what was absent was heard again; for channels of any detail."""
    return (
        "What was not heard, and was told of, was heard again. There is nothing more to do.\n\n"
        f"Read all of it, with the proof: {command} explain {incident}"
    )


def together(messages: Sequence[Message], command: str = "tocsin") -> tuple[str, str]:
    """Title and text of one message in place of many, the gravest first."""
    first = messages[0]
    if len(messages) == 1:
        return first.title, first.text
    listed = [f"- {one.title}" for one in messages[: bounds.BELL_LISTED]]
    more = len(messages) - bounds.BELL_LISTED
    if more > 0:
        listed.append(f"- and {more:,} more.")
    end = (
        f"All of them, the most urgent first: {command} incidents\n"
        f"One of them whole: {command} explain ID\n"
        f"To stop the bell for one that you look after: {command} acknowledge ID"
    )
    text = fitting("\n".join(listed), bounds.BELL_TEXT_BYTES - len(end) - 2)
    they = "are over" if all(one.change == OVER for one in messages) else "need you"
    title = headed(f"{len(messages):,} things {they}. First: {first.title}", _TITLE_BYTES)
    return title, f"{text}\n\n{end}"


def thrifty(message: Message, command: str = "tocsin") -> Message:
    """`message` for a channel of `little` detail, whatever channel it was made for."""
    if message.kind == "incident":
        title = _little_title(message.severity, message.change)
        little = over_text if message.change == OVER else _little_text
        return replace(message, title=title, text=little(message.subject, command))
    if message.kind == "notice":
        return replace(message, text=f"Look at it at the computer that runs Tocsin: {command} doctor")
    return message


def headed(text: str, size: int) -> str:
    """`text` on one line of at most `size` bytes of UTF-8, its beginning kept; what stands in brackets at its end goes first."""
    if len(text.encode("utf-8", "replace")) > size and text.endswith(")"):
        text = text[: text.rfind(" (")] if " (" in text else text
    if len(text.encode("utf-8", "replace")) <= size:
        return text
    return text.encode("utf-8", "replace")[: size - 3].decode("utf-8", "ignore") + "…"


def _story(told: Told) -> list[str]:
    """How it began and what came last, a line each."""
    incident, several = told.incident, [f"- {_still(one.text)}" for one in told.story]
    if len(several) > _LATEST + 2:
        left = f"- ({len(several) - _LATEST - 1} more between)"
        several = [several[0], left, *several[-_LATEST:]]
    first, last = when(incident.first), when(incident.last)
    span = f"At {first}" if first == last else f"From {first} to {last}"
    return ["What happened:", *several, f"{span}; {counted(incident.count, 'finding')} in all."]


def _still(text: str) -> str:
    """`text` inert, and without an address that an attacker wrote becoming a link where it is read."""
    return inert(text).replace("://", "[:]//")


def fitting(text: str, size: int) -> str:
    """`text`, cut in its middle to at most `size` bytes of UTF-8: services count bytes, and refuse what is longer."""
    while len(text.encode("utf-8", "replace")) > size:
        text = shortened(text, min(len(text) - 1, len(text) * size // len(text.encode("utf-8", "replace"))))
    return text


def _grave(severity: str, change: str) -> str:
    kind, _, _ = change.partition(":")
    news = {"severity": "graver now, ", "regressed": "back again, "}.get(kind, "")
    return f"{news}{severity}".capitalize()


def _little_title(severity: str, change: str) -> str:
    return (
        "Over: something was heard again"
        if change == OVER
        else f"{_grave(severity, change)}: something needs you"
    )


def _little_text(incident: str, command: str) -> str:
    return f"Look at it at the computer that runs Tocsin.\n\n{_commands(incident, command)}"


def _commands(incident: str, command: str) -> str:
    """What to type on the computer that runs Tocsin."""
    return (
        f"Read all of it, with the proof: {command} explain {incident}\n"
        f"Say that you look after it, and the bell stops: {command} acknowledge {incident}"
    )
