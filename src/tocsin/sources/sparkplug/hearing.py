"""Hears the edge nodes of Sparkplug B and makes readings of what they say (specification 3.0, sections 5 and 6).

A birth says by which names and types the data that follows is read; a death takes every value back. Data whose names are
not known would have a host command a rebirth. That is a write, so it is never sent: what cannot be named is left out, counted
and told, until the node is born again or the broker shows the birth that it kept. A gap in `seq` is told and read on,
with the names of the last birth; data that does not fit them shows that a birth was missed, and they are dropped. A birth
that is sent again once a later one, or its node's death, was heard names nothing any more: only its values count.
"""

from __future__ import annotations

import itertools

from tocsin.config import bounds
from tocsin.sources.protobuf_wire import BadMessage
from tocsin.sources.sparkplug.node import UNNUMBERED, Born, Node, born_by, nodes_kept, nodes_of
from tocsin.sources.sparkplug.payload import Payload, Unreadable, parse_payload
from tocsin.sources.sparkplug.showing import Showing, Shown, instant_of
from tocsin.sources.sparkplug.telling import Telling
from tocsin.sources.sparkplug.topic import Topic, parse_topic


class Hearing:
    """All edge nodes of one source, as they were heard so far.

    Holds at most `bounds.SPARKPLUG_METRICS` names, of `SPARKPLUG_NODES` nodes and `SPARKPLUG_DEVICES` devices.

    Attributes:
        counts: How many messages or metrics were left out or are worth a note, by why.
        changed: Whether names came or went since this was last set to False.
    """

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], Node] = {}
        self._telling = Telling()
        self._showing = Showing(self._telling)
        self.counts = self._telling.counts
        self.changed = False

    def hear(
        self, topic: str, data: bytes, now: int, *, retained: bool = False, repeated: bool = False
    ) -> list[Shown]:
        """What the message `data` on `topic` shows, in its order; what cannot be read is counted.

        Args:
            topic: Where it was published.
            data: The payload.
            now: Microseconds since 1970, for what says no time, and for deaths, which are sent late.
            retained: Whether the broker had kept it: births then give names only, anything else is passed over.
            repeated: Whether the broker may have sent it before.
        """
        said = parse_topic(topic)
        if said is None:
            self.counts["other topics"] += 1
            return []
        try:
            payload = parse_payload(data)
        except BadMessage as error:
            self._set_aside("not readable", said, f"sent a payload that cannot be read: {error}")
            return []
        if payload.compressed:
            self._set_aside("compressed", said, "sends compressed payloads, which are not read")
            return []
        node = self._node(said)
        if node is None:
            self.counts["too many nodes"] += 1
            self._telling.say(f"More than {bounds.SPARKPLUG_NODES} edge nodes: further ones are left out.")
            return []
        if retained or said.certificate:
            self._learn_kept(said, node, payload)
            return []
        return self._heard(said, node, payload, now, repeated=repeated)

    def notices(self) -> list[str]:
        """Sentences about what was heard since the last call."""
        return self._telling.taken()

    def kept(self) -> str:
        """The names, for after a restart."""
        data = nodes_kept(self._nodes)
        if len(data) > bounds.SPARKPLUG_KEPT_BYTES:
            self._telling.say(
                "The names of the Sparkplug nodes are too long to be kept: after a restart births are waited for."
            )
            data = nodes_kept({})
        return data.decode()

    def restore(self, kept: str) -> None:
        """Takes up what `kept` said; what it never said is passed over."""
        try:
            self._nodes = nodes_of(kept)
        except (ValueError, TypeError, KeyError, AttributeError):
            self._telling.say(
                "What was kept of the births of Sparkplug nodes cannot be read; they are waited for."
            )

    def alive(self, group: str, node: str, device: str) -> bool:
        """Whether a device (or, where that is "", a node) was heard to be born, and not to die."""
        known = self._nodes.get((group, node))
        return known is not None and device in known.devices

    def _heard(self, said: Topic, node: Node, payload: Payload, now: int, *, repeated: bool) -> list[Shown]:
        if said.kind == "NDEATH":
            return self._node_dies(said, node, payload, now)
        if said.kind != "NBIRTH":
            self._follow(said, node, payload, repeated=repeated)
        if said.kind in {"NBIRTH", "DBIRTH"}:
            return self._born(said, node, payload, now, repeated=repeated)
        if said.kind == "DDEATH":
            return self._device_dies(said, node, now)
        return self._data(said, node, payload, now)

    # --- births ---------------------------------------------------------------------------------------------

    def _born(self, said: Topic, node: Node, payload: Payload, now: int, *, repeated: bool) -> list[Shown]:
        if repeated and node.outlived(said.device, payload.timestamp or 0, payload.bd_seq):
            self.counts["births of before"] += 1
            shown = self._data(said, node, payload, now, birth=born_by(payload.metrics))
            return [one._replace(current=False) for one in shown]
        before = node.tags(said.device)
        if said.kind == "NBIRTH":
            node.told.clear()
            self._learn_node(node, payload)
            node.dead = None
            node.due = None if repeated else 1 if payload.seq is None else (payload.seq + 1) % 256
        self._learn(said, node, payload)
        gone = sorted(before - node.tags(said.device))
        return [
            *self._gone(said, gone, instant_of(payload.timestamp, now)),
            *self._data(said, node, payload, now, birth=node.devices.get(said.device, Born())),
        ]

    def _learn_kept(self, said: Topic, node: Node, payload: Payload) -> None:
        """Names from a birth that the broker kept, where it is newer than what is known."""
        self.counts["kept by the broker"] += 1
        at = payload.timestamp or 0
        known = node.devices.get(said.device)
        if said.kind not in {"NBIRTH", "DBIRTH"} or at < node.born or (known is not None and at <= known.at):
            return
        if said.kind == "NBIRTH":
            node.due = None
            self._learn_node(node, payload)
        self._learn(said, node, payload)

    def _learn_node(self, node: Node, payload: Payload) -> None:
        """A node's birth ends its devices, but for those whose births the broker showed before it."""
        node.born = payload.timestamp or 0
        for device in [name for name, one in node.devices.items() if not node.born or one.at < node.born]:
            node.drop(device)
        node.bd_seq = payload.bd_seq

    def _learn(self, said: Topic, node: Node, payload: Payload) -> None:
        """The names of a birth."""
        self.changed = True
        node.drop(said.device)
        room = bounds.SPARKPLUG_METRICS - sum(other.names for other in self._nodes.values())
        if sum(len(other.devices) for other in self._nodes.values()) >= bounds.SPARKPLUG_DEVICES:
            room = 0
        named = {metric.name: metric for metric in payload.metrics if metric.name}
        self.counts["metrics without a usable name"] += sum(not metric.name for metric in payload.metrics)
        if len(named) > room:
            self.counts["metrics beyond the bound"] += len(named) - room
            self._telling.say(
                f"The Sparkplug nodes have more than {bounds.SPARKPLUG_METRICS} metrics or {bounds.SPARKPLUG_DEVICES} devices:"
                " further ones are left out. Subscribe to fewer."
            )
        if room > 0:
            node.put(said.device, born_by(itertools.islice(named.values(), room), payload.timestamp or 0))

    # --- data -----------------------------------------------------------------------------------------------

    def _data(
        self, said: Topic, node: Node, payload: Payload, now: int, *, birth: Born | None = None
    ) -> list[Shown]:
        try:
            return self._showing.shown(said, node, payload, now, birth=birth)
        except Unreadable:
            self._misfit(said, node)
            return []

    def _misfit(self, said: Topic, node: Node) -> None:
        """Data of another type than the birth said: a birth was missed, and names may mean something else now."""
        self.counts["messages that do not fit the birth"] += 1
        node.clear()
        self.changed = True
        self._telling.once(
            "misfit",
            node,
            said,
            "sends data that does not fit its birth: it is left out until it is born again",
        )

    def _follow(self, said: Topic, node: Node, payload: Payload, *, repeated: bool) -> None:
        """Tells of a gap in what the node says."""
        if payload.seq is None:
            self.counts["messages without seq"] += 1
            return
        due = node.due
        if due is None and repeated:  # what is sent again does not say what comes next
            return
        if due is not None and payload.seq != due:
            if repeated or payload.seq == (due - 1) % 256:  # sent anew, or for each of two subscriptions
                self.counts["repeats"] += 1
                return
            self.counts["gaps"] += 1
            what = f"lost messages on their way: number {payload.seq} came where {due} was due; further gaps are counted"
            self._telling.once("gap", node, said, what)
        node.due = (payload.seq + 1) % 256

    # --- deaths ---------------------------------------------------------------------------------------------

    def _node_dies(self, said: Topic, node: Node, payload: Payload, now: int) -> list[Shown]:
        number = payload.bd_seq
        if number is not None and node.bd_seq is not None and 0 < (node.bd_seq - number) % 256 < 128:
            self.counts["deaths of an earlier birth"] += 1
            return []
        found = self._gone(said, sorted(node.tags()), now)
        node.dead = UNNUMBERED if number is None else number
        self.changed = self.changed or bool(node.devices)
        node.clear()
        node.due = node.bd_seq = None
        self._telling.of(said, "went off line")
        return found

    def _device_dies(self, said: Topic, node: Node, now: int) -> list[Shown]:
        born = node.drop(said.device)
        if born is None:
            return []
        self.changed = True
        self._telling.of(said, "went off line")
        return self._gone(said, sorted((said.device, name) for name in born.tags()), now)

    def _gone(self, said: Topic, tags: list[tuple[str, str]], at: int) -> list[Shown]:
        return [Shown(said.group, said.node, device, name, at, None) for device, name in tags]

    # --- who is told ----------------------------------------------------------------------------------------

    def _node(self, said: Topic) -> Node | None:
        key = said.group, said.node
        node = self._nodes.get(key)
        if node is None and len(self._nodes) < bounds.SPARKPLUG_NODES:
            node = self._nodes[key] = Node()
        return node

    def _set_aside(self, why: str, said: Topic, what: str) -> None:
        self.counts[why] += 1
        node = self._node(said)
        if node is not None:
            self._telling.once(why, node, said, what)
