"""Who is watched: every source, and the hosts behind it, within bounds that no sender can push others out of.

1. A source is what `Event.source` names together with how it is proven: what comes unproven under the name of a proven
   source is another one, and cannot speak for it.
2. A host is judged by what its source goes on to say without it: while the source itself is silent, its hosts are not judged.
3. Who has no habit yet can be forgotten for a new one, the longest silent first, within the same source; who has one stays.
4. At most `bounds.WATCHED_NEW` new ones of a kind are taken up a minute. What is not watched is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tocsin.config import bounds
from tocsin.detect.absence.listening import Listening
from tocsin.detect.absence.silence import SilenceRule, Voice, encodable, habit, hear, is_silent, last_heard
from tocsin.records.errors import PluginError
from tocsin.records.event import Event

_BETWEEN = "\n"
"""Between a source's key and a host: no printable name holds it."""


@dataclass(frozen=True, slots=True)
class Spoke:
    """Somebody was heard again after being silent; `incident` told of that."""

    key: str
    incident: str


class Voices:
    """All that are watched.

    Args:
        rule: What counts as silence.

    Attributes:
        changed: Keys of those that changed since they were written down.
        unwatched: How often somebody was heard who was not taken up.
    """

    def __init__(self, rule: SilenceRule) -> None:
        self._rule = rule
        self.all: dict[str, Voice] = {}
        self._hosts: dict[str, dict[str, None]] = {}  # source → keys of its hosts
        self._host_count = 0
        self._unproven = 0
        self._seen: dict[str, set[str | None]] = {}  # source → hosts heard in this grain
        self._new: dict[str, int] = {}
        self._grain = -1
        self.changed: set[str] = set()
        self.unwatched = 0

    # --- hearing ------------------------------------------------------------------------------------------

    def hear(self, events: Sequence[Event], listening: Listening) -> tuple[list[Event], list[Spoke]]:
        """Takes note of the events of one body, all of one source.

        Returns:
            One event of each host that was not heard within this grain yet, and who was heard again.
        """
        if not events:
            return [], []
        grain = listening.listened // self._rule.grain
        if grain != self._grain:
            self._grain = grain
            self._seen, self._new = {}, {}
        source = source_key(events[0])
        spoke = [*self._speak(source, events[0], listening, "")]
        if source not in self.all:
            return [], spoke
        seen = self._seen.setdefault(source, set())
        fresh: list[Event] = []
        for event in events:
            if event.host not in seen and len(seen) < bounds.WATCHED_HOSTS:
                seen.add(event.host)
                fresh.append(event)
        for event in fresh:
            if event.host:
                spoke += self._speak(host_key(source, event.host), event, listening, source)
        return fresh, spoke

    def _speak(self, key: str, event: Event, listening: Listening, source: str) -> Iterator[Spoke]:
        voice = self.all.get(key)
        if voice is None:
            if self._admitted(event, source):
                self._add(
                    key,
                    Voice(
                        event.auth,
                        listening.listened,
                        listening.listened,
                        evidence=last_heard(event),
                    ),
                )
                self.changed.add(key)
            else:
                self.unwatched += 1
            return
        incident = voice.incident
        if hear(voice, event, listening.listened, listening.resumed, self._rule.grain):
            self.changed.add(key)
            if incident:
                voice.incident = ""
                yield Spoke(key, incident)

    def _admitted(self, event: Event, source: str) -> bool:
        """Whether there is room for a new one, if need be in the place of one without a habit."""
        if source and source not in self.all:
            return False
        kind = source or event.auth
        self._new[kind] = self._new.get(kind, 0) + 1
        if self._new[kind] > bounds.WATCHED_NEW:
            return False
        if source:
            full = len(self._hosts[source]) >= bounds.WATCHED_HOSTS
            if not full and self._host_count < bounds.WATCHED_ALL_HOSTS:
                return True
            return self._displaced(list(self._hosts[source]))
        sources = list(self._hosts)
        if event.auth == "none" and self._unproven >= bounds.WATCHED_UNPROVEN:
            return self._displaced([one for one in sources if self.all[one].auth == "none"])
        return len(sources) < bounds.WATCHED_SOURCES or self._displaced(sources)

    def _displaced(self, keys: Sequence[str]) -> bool:
        """Whether one of `keys` could be forgotten: the longest silent of those without a habit."""
        loose = [
            key for key in keys if not self.all[key].incident and habit(self.all[key], self._rule) == "none"
        ]
        if not loose:
            return False
        self._remove(min(loose, key=lambda key: (self.all[key].last, key)))
        return True

    def _add(self, key: str, voice: Voice) -> None:
        self.all[key] = voice
        source, _, host = key.partition(_BETWEEN)
        if host:
            self._hosts[source][key] = None
            self._host_count += 1
        else:
            self._hosts[key] = {}
            self._unproven += voice.auth == "none"

    def _remove(self, key: str) -> None:
        source, _, host = key.partition(_BETWEEN)
        voice = self.all.pop(key)
        self.changed.add(key)
        if host:
            del self._hosts[source][key]
            self._host_count -= 1
            return
        self._unproven -= voice.auth == "none"
        for one in self._hosts.pop(key):
            del self.all[one]
            self._host_count -= 1
            self.changed.add(one)

    # --- silence ------------------------------------------------------------------------------------------

    def silent(self, listening: Listening) -> Iterator[str]:
        """Keys of those that are silent, and were not told of yet."""
        for source, hosts in self._hosts.items():
            voice = self.all[source]
            if not voice.incident and is_silent(voice, self._rule, listening.listened, listening.resumed):
                yield source
            since = max(listening.resumed, voice.back)
            for key in hosts:
                host = self.all[key]
                if not host.incident and is_silent(host, self._rule, voice.last, since):
                    yield key

    def forget(self, longer: int, listened: int) -> list[Spoke]:
        """Forgets who was not heard for `longer`; gives those whose silence was told of, which nobody waits for any more."""
        gone = [key for key, one in self.all.items() if listened - one.last > longer]
        told = [Spoke(key, self.all[key].incident) for key in gone if self.all[key].incident]
        for key in gone:
            if key in self.all:
                self._remove(key)
        return told

    # --- what is kept -------------------------------------------------------------------------------------

    def written(self) -> dict[str, bytes | None]:
        """What changed since this was asked last, by key; None for what was forgotten."""
        rows = {key: msgspec.json.encode(self.all[key]) if key in self.all else None for key in self.changed}
        self.changed.clear()
        return rows

    def restore(self, rows: Mapping[str, bytes]) -> None:
        """Takes up what `written` gave.

        Raises:
            PluginError: it is damaged.
        """
        for key in sorted(rows):  # a source stands before its hosts
            try:
                voice = msgspec.json.decode(rows[key], type=Voice)
            except (msgspec.DecodeError, UnicodeDecodeError) as damage:
                raise PluginError("absence", f"its state cannot be read: {damage}") from damage
            if key.partition(_BETWEEN)[0] in self._hosts or _BETWEEN not in key:
                self._add(key, voice)


def source_key(event: Event) -> str:
    """By what the source of `event` is watched."""
    return f"{event.auth} {_plain(event.source)}"


def host_key(source: str, host: str) -> str:
    """By what `host` behind `source` (a key) is watched."""
    return f"{source}{_BETWEEN}{_plain(host.casefold())}"


def named(key: str) -> tuple[str, str]:
    """The source and the host ("" where the source itself is meant) of a key."""
    source, _, host = key.partition(_BETWEEN)
    return source.partition(" ")[2], host


def _plain(name: str) -> str:
    """`name` as it can be kept: cut, and without what is no character or ends a line."""
    return encodable(name[: bounds.WATCHED_NAME_CHARS]).replace(_BETWEEN, " ")
