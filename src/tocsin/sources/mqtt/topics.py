"""Topics of MQTT: what to subscribe to, and which tag a topic means.

A pattern is a topic some of whose levels are open: `plant/{device}/{metric}` names what stands there, `+` does not, and
`#` at the end stands for any number of levels (MQTT 5.0, section 4.7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

_PLACE: Final = re.compile(r"\{([a-z]+)\}(/?)")


def subscription(pattern: str) -> str:
    """What to subscribe to for `pattern`: `plant/+/+`."""
    return "/".join("+" if _PLACE.fullmatch(level) else level for level in pattern.split("/"))


def places(pattern: str, topic: str) -> Mapping[str, str] | None:
    """What stands in the open places of `pattern` where `topic` fits it; None where it does not."""
    levels, found = topic.split("/"), {"topic": topic}
    wanted = pattern.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[: len(wanted)] if len(levels) >= len(wanted) else []
    if len(levels) != len(wanted) or (topic.startswith("$") and not pattern.startswith("$")):
        return None
    for want, level in zip(wanted, levels, strict=True):
        place = _PLACE.fullmatch(want)
        if place is not None:
            found[place[1]] = level
        elif want not in ("+", level):
            return None
    return found


def first_places(patterns: Sequence[str], topic: str) -> Mapping[str, str] | None:
    """What stands in the open places of the first of `patterns` that `topic` fits."""
    return next((found for one in patterns if (found := places(one, topic)) is not None), None)


def tag_of(template: str, found: Mapping[str, str]) -> str:
    """`template` with what was `found` in its places; a place that is empty goes with the slash behind it."""

    def put(place: re.Match[str]) -> str:
        value = found.get(place[1], "")
        return value + place[2] if value else ""

    return _PLACE.sub(put, template)
