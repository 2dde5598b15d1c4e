"""What is kept of plants without somebody: the events that readings came in lose their text where it names them, and names of
readings that the model does not know go.

The readings stay: they are the plant's. Needs no numpy, as whoever is forgotten may be so where no plant is watched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.records.errors import PluginError
from tocsin.records.forgetting import Subject


def rows_without(rows: Mapping[str, bytes], version: str, subject: Subject) -> tuple[dict[str, bytes], int]:
    """`rows` without `subject`, and how many events named it.

    Raises:
        PluginError: the rows are damaged.
    """
    del version  # there was one only
    clean, named = {}, 0
    for name, body in rows.items():
        clean[name] = body
        if "/grid/" not in name and not name.endswith("/known"):
            continue
        try:
            state = msgspec.msgpack.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise PluginError("plant", f"its state is damaged: {error}") from error
        last, strange = state.get("last"), state.get("strange", [])
        found = sum(_clear(piece, subject) for piece in [*state.get("pieces", ()), *([last] if last else ())])
        if strange:
            state["strange"] = [one for one in strange if not subject.in_text(one)]
            found += len(strange) - len(state["strange"])
        if found:
            clean[name], named = msgspec.msgpack.encode(state, order="sorted"), named + found
    return clean, named


def _clear(piece: dict[str, Any], subject: Subject) -> bool:
    """Whether the event named `subject`; it does no more."""
    texts = [piece.get(key) or "" for key in ("raw", "source", "host")]
    if not any(subject.in_text(text) for text in texts):
        return False
    piece |= {"raw": "", "source": "plant:forgotten", "host": None}
    return True
