"""The desk's state in rows, so that a commit writes the patterns that a finding joined and not all of them.

| row | what it holds |
| --- | --- |
| `desk` | version, findings that were shed |
| `pattern/P` | a pattern without its findings, by a digest of its slot; the ids of its findings in order |
| `finding/P/F` | one of its findings, which never changes |
| `use/R` | how a rule fires |
| `id/F` | the incident's id that was given out for the finding F |
| `alias/I` | the aliases of the incident I |

Patterns, uses and ids are numbered in the order in which they came, which is the order that they have in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import msgspec

from tocsin.incidents.patterns import Pattern, Rule, RuleUse, Slot
from tocsin.records.errors import PluginError
from tocsin.records.finding import Finding
from tocsin.records.state_changes import StateChanges

_Row = TypeVar("_Row", "_PatternRow", "_UseRow", "_IdRow", "_AliasRow")

_DESK: Final = "desk"


class _DeskRow(msgspec.Struct, array_like=True):
    version: str
    shed: int


class _PatternRow(msgspec.Struct, array_like=True):
    number: int
    slot: Slot
    pattern: Pattern
    findings: list[str]


class _UseRow(msgspec.Struct, array_like=True):
    number: int
    rule: Rule
    use: RuleUse


class _IdRow(msgspec.Struct, array_like=True):
    number: int
    finding: str
    incident: str


class _AliasRow(msgspec.Struct, array_like=True):
    number: int
    incident: str
    aliases: tuple[str, ...]


class _Blob(msgspec.Struct, array_like=True):
    version: str
    patterns: list[tuple[Slot, Pattern]]
    uses: list[tuple[Rule, RuleUse]]
    ids: list[tuple[str, str]]
    aliases: dict[str, tuple[str, ...]]
    shed: int = 0


@dataclass(slots=True)
class DeskState:
    """What the desk knows; mappings are in the order in which their entries came.

    Attributes:
        patterns: By slot.
        uses: How each rule fires.
        ids: First finding → incident id.
        aliases: Incident id → ids that were merged into it.
        shed: Findings that were let go.
    """

    patterns: dict[Slot, Pattern] = field(default_factory=dict)
    uses: dict[Rule, RuleUse] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shed: int = 0


class DeskRows:
    """Writes the rows of one desk, and knows which it wrote.

    Args:
        version: Of the rows.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._numbers: dict[str, int] = {}
        self._findings: dict[str, set[str]] = {}
        self._small: dict[str, bytes] = {}
        self._put: dict[str, bytes] = {}
        self._gone: list[str] = []

    def changes(self, state: DeskState, touched: Iterable[Slot]) -> StateChanges:
        """What is new since the last call; the first time everything, as `touched` is to say.

        Args:
            state: As it is now; patterns only ever came.
            touched: The patterns that came or changed.
        """
        first = not self._small
        rules = dict.fromkeys(slot[2] for slot in touched)
        for slot in touched:
            self._put_pattern(slot, state.patterns[slot])
        for rule in rules if not first else state.uses:
            name = f"use/{_digest(rule)}"
            self._put[name] = encoded(_UseRow(self._number(name), rule, state.uses[rule]))
        small = {_DESK: encoded(_DeskRow(self._version, state.shed))}
        for number, (finding, incident) in enumerate(state.ids.items()):
            small[f"id/{finding}"] = encoded(_IdRow(number, finding, incident))
        for number, (incident, aliases) in enumerate(state.aliases.items()):
            small[f"alias/{incident}"] = encoded(_AliasRow(number, incident, aliases))
        self._put |= {name: row for name, row in small.items() if self._small.get(name) != row}
        self._gone += self._small.keys() - small.keys()
        self._small = small
        told = StateChanges(first, self._put, self._gone)
        self._put, self._gone = {}, []
        return told

    def _put_pattern(self, slot: Slot, pattern: Pattern) -> None:
        digest = _digest(slot)
        name = f"pattern/{digest}"
        ids = [finding.id for finding in pattern.findings]
        row = _PatternRow(self._number(name), slot, replace(pattern, findings=[]), ids)
        self._put[name] = encoded(row)
        known = self._findings.get(digest, set())
        self._put |= {
            f"finding/{digest}/{finding.id}": encoded(finding)
            for finding in pattern.findings
            if finding.id not in known
        }
        self._gone += [f"finding/{digest}/{ident}" for ident in known.difference(ids)]
        self._findings[digest] = set(ids)

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))


def restored(rows: Mapping[str, bytes], version: str) -> DeskState:
    """What the rows came to.

    Raises:
        PluginError: they are not of `version`, or damaged.
    """
    try:
        desk = msgspec.msgpack.decode(rows[_DESK], type=_DeskRow)
        check_version(desk.version, version)
        state = DeskState(shed=desk.shed)
        for name, row in _named(rows, "pattern/", _PatternRow):
            own = name.replace("pattern", "finding", 1)
            row.pattern.findings = [
                msgspec.msgpack.decode(rows[f"{own}/{ident}"], type=Finding) for ident in row.findings
            ]
            state.patterns[row.slot] = row.pattern
        state.uses = {row.rule: row.use for _, row in _named(rows, "use/", _UseRow)}
        state.ids = {row.finding: row.incident for _, row in _named(rows, "id/", _IdRow)}
        state.aliases = {row.incident: row.aliases for _, row in _named(rows, "alias/", _AliasRow)}
    except KeyError as missing:
        raise PluginError("incidents", f"its state lacks the row {missing}") from missing
    except (msgspec.DecodeError, UnicodeDecodeError) as damage:
        raise PluginError("incidents", f"its state cannot be read: {damage}") from damage
    return state


def blob(state: DeskState, version: str) -> bytes:
    """All of `state` in one piece, for `of_blob`."""
    lists = (list(one.items()) for one in (state.patterns, state.uses, state.ids))
    return encoded((version, *lists, state.aliases, state.shed))


def of_blob(state: bytes, version: str) -> DeskState:
    """What `blob` was given.

    Raises:
        PluginError: it is of another version, or damaged.
    """
    try:
        read = msgspec.msgpack.decode(state, type=_Blob)
    except (msgspec.DecodeError, UnicodeDecodeError) as damage:
        raise PluginError("incidents", f"its state cannot be read: {damage}") from damage
    check_version(read.version, version)
    return DeskState(dict(read.patterns), dict(read.uses), dict(read.ids), read.aliases, read.shed)


def check_version(found: str, read: str) -> None:
    """Raises PluginError where state is of another version than the one that is read."""
    if found != read:
        raise PluginError("incidents", f"its state is of version {found}, this one reads {read}")


def encoded(value: Any) -> bytes:
    """`value` as MessagePack; a lone surrogate in some record's text, which UTF-8 cannot hold, becomes a question mark."""
    try:
        return msgspec.msgpack.encode(value, order="deterministic")
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(_encodable(msgspec.to_builtins(value)), order="deterministic")


def _named(rows: Mapping[str, bytes], kind: str, row: type[_Row]) -> list[tuple[str, _Row]]:
    """The rows of one kind with their names, in the order of their numbers."""
    read = [
        (name, msgspec.msgpack.decode(body, type=row)) for name, body in rows.items() if name.startswith(kind)
    ]
    return sorted(read, key=lambda one: one[1].number)


def _digest(key: Slot | Rule) -> str:
    return hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value
