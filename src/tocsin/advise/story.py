"""From an incident to its story: what the evidence says, in order of time, repeats told once.

1. Every sentence cites the events it was read from, and names nothing that their claims (or Tocsin's rule) do not.
2. What a log says is told as that log's word; what Tocsin's rules made of it is told as Tocsin's.
3. At most `bounds.STORY_SENTENCES`: the gravest are told, the rest are counted, the last says how far it is proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tocsin.advise.phrases import between, counted, listed, quoted
from tocsin.advise.wording import ABSENT, BY_MODEL, VARIES, clause, lead, proven, whose
from tocsin.config import bounds
from tocsin.records import accounts
from tocsin.records.event import AUTH_ORDER, EventId
from tocsin.records.finding import LEVELS, Claim, Evidence, Finding
from tocsin.records.incident import Incident, Sentence
from tocsin.records.instants import HOUR, SECOND

_APART: Final = HOUR
"""The same thing again after this long is told again."""


@dataclass(slots=True)
class _Statement:
    """Claims that are told as one sentence; without any, a rule's bare word on its evidence."""

    whose: str
    claim: Claim | None
    first: int
    last: int
    evidence: dict[EventId, None] = field(default_factory=dict)
    varied: dict[str, None] = field(default_factory=dict)
    rules: dict[str, None] = field(default_factory=dict)
    severity: int = 0
    times: set[object] = field(default_factory=set)

    def take(self, claim: Claim | None, cited: Iterable[EventId], time: int, finding: Finding) -> None:
        """Adds one more telling of the same."""
        cited = tuple(cited)
        self.first, self.last = min(self.first, time), max(self.last, time)
        self.evidence.update(dict.fromkeys(cited))
        self.times.add(_occasion(claim, cited))
        self.rules[finding.rule_title] = None
        self.severity = max(self.severity, LEVELS.index(finding.level))
        if claim is not None and VARIES.get(claim.type) in claim.values:
            self.varied[claim.values[VARIES[claim.type]]] = None


def _occasion(claim: Claim | None, cited: tuple[EventId, ...]) -> object:
    """What is counted as once more. Two logs of one machine tell of one program start: Sysmon 1 and Security 4688."""
    return claim.time // SECOND if claim is not None and claim.type == "process_started" else cited


def story(incident: Incident) -> tuple[Sentence, ...]:
    """The sentences of `incident`."""
    statements = list(_statements(incident.findings))
    room = bounds.STORY_SENTENCES - 2
    chosen = sorted(statements, key=lambda one: (-one.severity, one.first))[:room]
    chosen.sort(key=lambda one: (one.first, one.last))
    told = [_sentence(one) for one in chosen]
    kept = {id(one) for one in chosen}
    rest = _rest([one for one in statements if id(one) not in kept], incident.further)
    return (*told, *rest, _whose_word(incident))


def _statements(findings: Sequence[Finding]) -> Iterator[_Statement]:
    """What the findings' claims say, like with like, in order of time."""
    open_: dict[tuple[object, ...], _Statement] = {}
    for told_by, claim, cited, time, finding in _tellings(findings):
        key = (told_by, *_likeness(claim, finding))
        statement = open_.get(key)
        if statement is None or time - statement.last > _APART:
            if statement is not None:
                yield statement
            statement = open_[key] = _Statement(told_by, claim, time, time)
        statement.take(claim, cited, time, finding)
    yield from open_.values()


_Telling = tuple[str, Claim | None, tuple[EventId, ...], int, Finding]


def _tellings(findings: Sequence[Finding]) -> list[_Telling]:
    tellings: list[_Telling] = []
    for finding in findings:
        evidence = {piece.event_id: piece for piece in finding.evidence}
        for claim in finding.claims:
            source = _source(claim.evidence, evidence) or finding.evidence[0]
            tellings.append(
                (whose(source), _without(claim, source.host), claim.evidence, claim.time, finding)
            )
        if not finding.claims:
            cited = tuple(evidence)
            tellings.append((whose(finding.evidence[0]), None, cited, finding.time, finding))
    tellings.sort(key=lambda telling: telling[3])
    return tellings


def _without(claim: Claim, host: str | None) -> Claim:
    """`claim` without its host where that is the one whose log it is: the sentence names it already."""
    if host is None or claim.values.get("host") != host:
        return claim
    return replace(claim, values={name: text for name, text in claim.values.items() if name != "host"})


def _source(cited: Iterable[EventId], evidence: dict[EventId, Evidence]) -> Evidence | None:
    return next((evidence[event] for event in cited if event in evidence), None)


def _likeness(claim: Claim | None, finding: Finding) -> tuple[object, ...]:
    if claim is None:
        return (finding.rule_id,)
    varies = VARIES.get(claim.type)
    same = tuple(sorted((name, _alike(name, text)) for name, text in claim.values.items() if name != varies))
    return (claim.type, same)


def _alike(name: str, text: str) -> str:
    r"""`TOWN\anna` and `anna` in the log of one machine are told as one."""
    return accounts.account(text).local if name in ("user", "as_user") else text


def _sentence(one: _Statement) -> Sentence:
    moment = between(one.first, one.last)
    times = len(one.times)
    rules = listed([quoted(title, 100) for title in one.rules])
    word = "rule" if len(one.rules) == 1 else "rules"
    if one.claim is None:
        records = counted(len(one.evidence), "record")
        text = (
            f"{_capital(moment)}: Tocsin's rule {rules} recognised its pattern in {records} of {one.whose}."
        )
        return Sentence(text, _cited(one))
    often = f", {times:,} times" if times > 1 else ""
    says = f"{'Tocsin counted in' if one.claim.type == 'repeated' else 'according to'} {one.whose}"
    if one.claim.type in BY_MODEL:
        says = f"by what Tocsin learnt of the plant, from {one.whose}"
    if one.claim.type in ABSENT:
        says = lead(one.claim, one.whose)
    text = f"{_capital(moment)}{often}, {says}: {clause(one.claim, tuple(one.varied))}."
    return Sentence(f"{text} Tocsin's {word} {rules} recognised this.", _cited(one))


def _cited(one: _Statement) -> tuple[EventId, ...]:
    return tuple(one.evidence)[: bounds.EVIDENCE_PER_FINDING]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rest(left: Sequence[_Statement], further: int) -> Iterator[Sentence]:
    """What is not told is counted."""
    if not left and not further:
        return
    parts = [counted(len(left), "milder statement") + " of the logs"] if left else []
    if further:
        parts.append(counted(further, "further finding") + " of the same rules")
    cited = dict.fromkeys(event for one in left for event in one.evidence)
    text = f"Not told here: {' and '.join(parts)}."
    yield Sentence(text, tuple(cited)[: bounds.EVIDENCE_PER_FINDING])


def _whose_word(incident: Incident) -> Sentence:
    """Whose word all this is, and how far its origin is proven: that of the weakest evidence."""
    weakest = min(
        (piece for finding in incident.findings for piece in finding.evidence),
        key=lambda piece: AUTH_ORDER.index(piece.auth),
    )
    logs = dict.fromkeys(whose(piece) for finding in incident.findings for piece in finding.evidence)
    text = f"All this is the word of {listed(list(logs))}. {proven(weakest.auth)}"
    return Sentence(text, (weakest.event_id,))
