"""The incident desk: takes in findings, gives out ranked incidents whose ids hold.

1. The grouping depends on the findings only, not on how they were batched or when it was asked for
   (unless more came than is held: see 3).
2. An id that was given out stays: a group is known by the first findings that ids were given for. Where two known groups
   become one, the id given first is kept and the other becomes an alias of it.
3. Memory is bounded (`bounds.EVIDENCE_HELD`, `FINDINGS_PER_PATTERN`); what is not kept is counted.
4. Findings of a simulation form incidents of their own, never with live ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tocsin.config import bounds
from tocsin.incidents.desk_rows import DeskRows, DeskState, blob, check_version, of_blob, restored
from tocsin.incidents.linking import link
from tocsin.incidents.noise import noisy_rules
from tocsin.incidents.patterns import Key, Pattern, Rule, RuleUse, Slot, key_of, pattern_of, slot_of, take
from tocsin.incidents.ranking import Rank, needs_you, rank, tells
from tocsin.records import accounts
from tocsin.records.finding import Finding, weakest_auth
from tocsin.records.incident import Incident
from tocsin.records.state_changes import WHOLE, StateChanges

VERSION: Final = "1"
"""Of the state that `snapshot` writes."""

ID_PREFIX: Final = "inc-"
ID_DIGITS: Final = 10
"""An incident's id: the prefix and the first digits of its first finding's id; short enough to type."""


class IncidentDesk:
    """Findings in, incidents out."""

    def __init__(self) -> None:
        self._patterns: dict[Slot, Pattern] = {}
        self._uses: dict[Rule, RuleUse] = {}
        self._ids: dict[str, str] = {}  # first finding → incident id, in the order they were given out
        self._aliases: dict[str, tuple[str, ...]] = {}
        self._held = 0
        self._known: tuple[Incident, ...] | None = None
        self._rows: DeskRows | None = None
        self._touched: dict[Slot, None] = {}
        self.shed = 0

    def add(self, findings: Sequence[Finding]) -> None:
        """Takes in `findings`, in any order; one whose id it holds already is left out."""
        for finding in findings:
            self._add(finding)
        if findings:
            self._known = None
        if self._held > bounds.EVIDENCE_HELD:
            self._shed()

    def incidents(self) -> tuple[Incident, ...]:
        """Those that need somebody (`ranking.needs_you`), most urgent first."""
        return tuple(incident for incident in self.all() if needs_you(incident))

    def quiet(self) -> tuple[Incident, ...]:
        """The rest: noise and lone mild findings, kept for who wants to look."""
        return tuple(incident for incident in self.all() if not needs_you(incident))

    def all(self) -> tuple[Incident, ...]:
        """Every group as an incident, ranked: those that need somebody first, then by score."""
        if self._known is None:
            self._known = self._judge()
        return self._known

    def snapshot(self) -> bytes:
        """The whole state, for `restore`."""
        return blob(DeskState(self._patterns, self._uses, self._ids, self._aliases, self.shed), VERSION)

    def restore(self, state: bytes, version: str = VERSION) -> None:
        """Takes up `state` that `version` of this desk wrote.

        Raises:
            PluginError: the state is not of a version that this one reads, or damaged.
        """
        check_version(version, VERSION)
        self._take_up(of_blob(state, VERSION))

    def changes(self) -> StateChanges:
        """The rows of the state (`desk_rows.py`) that changed since the last call; the first time all of them."""
        if self._rows is None:
            self._rows = DeskRows(VERSION)
            self._touched = dict.fromkeys(self._patterns)
        state = DeskState(self._patterns, self._uses, self._ids, self._aliases, self.shed)
        touched, self._touched = self._touched, {}
        return self._rows.changes(state, touched)

    def unwrite(self) -> None:
        """What `changes` told was not kept: the next time it tells everything."""
        self._rows = None
        self._touched = {}

    def restore_rows(self, rows: Mapping[str, bytes], version: str = VERSION) -> None:
        """Takes up what all `changes` so far came to, or a snapshot, as `restore` does.

        Raises:
            PluginError: the rows are not of a version that this one reads, or damaged.
        """
        if WHOLE in rows:
            self.restore(rows[WHOLE], version)
        else:
            check_version(version, VERSION)
            self._take_up(restored(rows, VERSION))

    def _take_up(self, state: DeskState) -> None:
        self._patterns, self._uses, self._ids = state.patterns, state.uses, state.ids
        self._aliases, self.shed = state.aliases, state.shed
        self._held = sum(pattern.evidence() for pattern in self._patterns.values())
        self._known = None
        self.unwrite()

    def _add(self, finding: Finding) -> None:
        slot = slot_of(finding)
        pattern = self._patterns.get(slot)
        if pattern is None:
            pattern = self._patterns[slot] = pattern_of(finding, slot)
        before = pattern.evidence()
        if not take(pattern, finding):
            return
        self._held += pattern.evidence() - before
        if self._rows is not None:
            self._touched[slot] = None
        use = self._uses.get(pattern.rule)
        if use is None:
            use = self._uses[pattern.rule] = RuleUse(finding.level)
        use.note(finding, pattern.keys)

    def _shed(self) -> None:
        """Lets evidence go until three quarters of the bound are held: repeats first, then the mildest, most frequent rules."""
        self.unwrite()
        target = bounds.EVIDENCE_HELD * 3 // 4
        mildest = sorted(
            self._patterns,
            key=lambda slot: (
                self._patterns[slot].severity,
                -self._uses[slot[2]].count,
                self._patterns[slot].order,
            ),
        )
        for slot in mildest:
            if self._held <= target:
                return
            pattern = self._patterns[slot]
            self._held -= sum(len(finding.evidence) for finding in pattern.findings[1:])
            del pattern.findings[1:]
        for slot in mildest:
            if self._held <= target:
                return
            pattern = self._patterns.pop(slot)
            self._held -= pattern.evidence()
            self.shed += pattern.count

    def _judge(self) -> tuple[Incident, ...]:
        noisy = noisy_rules(self._uses)
        patterns_of = Counter(pattern.rule for pattern in self._patterns.values())
        groups = link(self._patterns.values(), noisy)
        judged = [(rank(group, noisy, patterns_of), group) for group in groups]
        incidents = [self._incident(ranked, group, noisy) for ranked, group in judged]
        incidents.sort(key=lambda one: (not needs_you(one), -one.score, one.first, one.id))
        return tuple(replace(one, rank=place) for place, one in enumerate(incidents, 1))

    def _incident(self, ranked: Rank, group: Sequence[Pattern], noisy: Collection[Rule]) -> Incident:
        found = _told(group)
        known = [pattern for pattern in group if tells(pattern, noisy)]
        keys = list(dict.fromkeys(key for pattern in (*known, *group) for key in pattern.keys))
        name = self._name(sorted(found, key=_when))
        return Incident(
            id=name,
            rank=0,
            severity=ranked.severity,
            score=ranked.score,
            first=min(pattern.first for pattern in group),
            last=max(pattern.last for pattern in group),
            hosts=_names(found, keys, "host"),
            users=_names(found, _most_told(keys, known or group), "user"),
            addresses=_names(found, keys, "address"),
            techniques=_distinct(technique for finding in found for technique in finding.techniques),
            tactics=_distinct(tactic for pattern in known or group for tactic in pattern.tactics),
            findings=tuple(found),
            auth=weakest_auth(finding.auth for finding in found),
            origin=group[0].origin,
            aliases=self._aliases.get(name, ()),
            further=sum(pattern.count for pattern in group) - len(found),
        )

    def _name(self, found: Sequence[Finding]) -> str:
        """The id given out first to any of these findings, the others its aliases; a new one where there is none."""
        given = [self._ids[finding.id] for finding in found if finding.id in self._ids]
        if not given:
            name = ID_PREFIX + found[0].id[:ID_DIGITS]
            self._ids[found[0].id] = name
            return name
        order = {name: place for place, name in enumerate(self._ids.values())}
        name, *merged = sorted(set(given), key=order.__getitem__)
        if merged:
            older = [alias for other in merged for alias in (other, *self._aliases.pop(other, ()))]
            self._aliases[name] = _distinct((*self._aliases.get(name, ()), *older))
            self._ids |= {finding: name for finding, other in self._ids.items() if other in merged}
        return name


def _when(finding: Finding) -> tuple[int, int, str]:
    return finding.start, finding.time, finding.id


def _told(group: Sequence[Pattern]) -> list[Finding]:
    """The findings an incident carries, in order of time: over the bound the gravest and earliest of each pattern stay."""
    found = [
        (place, -pattern.severity, finding)
        for pattern in group
        for place, finding in enumerate(pattern.findings)
    ]
    found.sort(key=lambda one: (one[0], one[1], _when(one[2])))
    return sorted((one[2] for one in found[: bounds.FINDINGS_PER_INCIDENT]), key=_when)


def _most_told(keys: Sequence[Key], group: Sequence[Pattern]) -> list[Key]:
    """`keys`, those that most different rules name first: who was hit stands before the forty who were only tried."""
    rules: dict[Key, set[Rule]] = {}
    for pattern in group:
        for key in pattern.keys:
            rules.setdefault(key, set()).add(pattern.rule)
    return sorted(keys, key=lambda key: -len(rules.get(key, ())))


def _names(found: Sequence[Finding], keys: Sequence[Key], kind: str) -> tuple[str, ...]:
    """The entities of `kind` as the logs write them, those that linked first, in `keys`' order; each spelled one way."""
    named: dict[tuple[str, str], dict[str, str]] = {}
    for finding in found:
        for entity in finding.entities:
            key = key_of(entity.kind, entity.id)
            if key is not None:
                spelling = accounts.account(entity.id).local if key.kind == "user" else key.local
                named.setdefault(key[:2], {}).setdefault(spelling, entity.id)
    linked = [name for key in keys if key.kind == kind for name in named.get(key[:2], {}).values()]
    shared = [e.id for f in found for e in f.entities if e.kind == kind and key_of(e.kind, e.id) is None]
    return _distinct((*linked, *shared))


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
