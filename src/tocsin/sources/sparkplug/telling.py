"""What is told of edge nodes: each sentence once between two births, and counts of the rest."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tocsin.records.inert import inert
from tocsin.sources.sparkplug.node import Node
from tocsin.sources.sparkplug.topic import Topic

_MOST: Final = 100


class Telling:
    """Holds at most 100 sentences until they are taken.

    Attributes:
        counts: How many messages or metrics were left out or are worth a note, by why.
    """

    def __init__(self) -> None:
        self._sentences: list[str] = []
        self.counts: Counter[str] = Counter()

    def taken(self) -> list[str]:
        """The sentences since the last call."""
        found, self._sentences = self._sentences, []
        return found

    def say(self, sentence: str) -> None:
        """One sentence."""
        if len(self._sentences) < _MOST and sentence not in self._sentences:
            self._sentences.append(sentence)

    def of(self, said: Topic, what: str) -> None:
        """A sentence about the node or device that speaks, without its start and its full stop."""
        kind = "device" if said.device else "node"
        called = inert("/".join(filter(None, (said.group, said.node, said.device))))
        self.say(f"The Sparkplug {kind} {called} {what}.")

    def once(self, key: str, node: Node, said: Topic, what: str) -> None:
        """As `of`, once for each `key` between two births of `node`."""
        if key not in node.told:
            node.told.add(key)
            self.of(said, what)
