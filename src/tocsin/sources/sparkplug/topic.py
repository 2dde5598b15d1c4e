"""Topics of Sparkplug B: `spBv1.0/group/type/node[/device]` (specification 3.0, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from tocsin.config import bounds

Kind = Literal["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"]
"""Messages that tell of a plant. Commands (NCMD, DCMD) and STATE do not."""

NAMESPACE: Final = "spBv1.0"
CERTIFICATES: Final = "$sparkplug/certificates/"
"""Before the topic of a birth, where a Sparkplug Aware MQTT Server keeps the last one (section 10)."""

_KINDS: Final = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True)
class Topic:
    """Who speaks, and of what.

    Attributes:
        kind: What is told.
        group: The group of edge nodes.
        node: The edge node.
        device: Its device; "" where it speaks of itself.
        certificate: Whether it is a birth that the broker kept.
    """

    kind: Kind
    group: str
    node: str
    device: str = ""
    certificate: bool = False


def parse_topic(text: str) -> Topic | None:
    """The topic `text`; None where it tells of no plant, or has a name that is too long or does not print."""
    certificate = text.startswith(CERTIFICATES)
    levels = text.removeprefix(CERTIFICATES).split("/")
    if not 4 <= len(levels) <= 5 or levels[0] != NAMESPACE or levels[2] not in _KINDS:
        return None
    if (len(levels) == 5) != levels[2].startswith("D"):
        return None
    names = (levels[1], *levels[3:])
    if not all(0 < len(name) <= bounds.HISTORIAN_NAME_CHARS and name.isprintable() for name in names):
        return None
    return Topic(cast("Kind", levels[2]), names[0], names[1], "".join(names[2:]), certificate)
