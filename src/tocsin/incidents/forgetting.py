"""The desk's state without somebody: the grouping and all ids stay as they are, with a mark in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tocsin.incidents.desk import VERSION
from tocsin.incidents.desk_rows import blob, check_version, of_blob, restored
from tocsin.incidents.patterns import Key, Pattern, Slot, take
from tocsin.records.forgetting import Subject, finding_without
from tocsin.records.state_changes import WHOLE


def rows_without(
    rows: Mapping[str, bytes], version: str, subject: Subject
) -> tuple[Mapping[str, bytes], int]:
    """What `IncidentDesk.changes` came to, or its snapshot, without what names `subject`; and how many patterns named them.

    Raises:
        PluginError: the state cannot be read.
    """
    check_version(version, VERSION)
    state = of_blob(rows[WHOLE], VERSION) if WHOLE in rows else restored(rows, VERSION)
    patterns: dict[Slot, Pattern] = {}
    several = 0
    for slot, pattern in state.patterns.items():
        changed = _slot_without(slot, subject), _pattern_without(pattern, subject)
        several += changed != (slot, pattern)
        known = patterns.setdefault(*changed)
        if known is not changed[1]:
            _merge(known, changed[1])
    for use in state.uses.values():
        use.hosts = {subject.mark if subject.in_text(host) else host for host in use.hosts}
    state.patterns = patterns
    return {WHOLE: blob(state, VERSION)}, several


def _slot_without(slot: Slot, subject: Subject) -> Slot:
    origin, site, rule, keys, hour = slot
    return origin, site, rule, _keys_without(keys, subject) if site == subject.site else keys, hour


def _pattern_without(pattern: Pattern, subject: Subject) -> Pattern:
    if pattern.site != subject.site:
        return pattern
    findings = [finding_without(one, subject) for one in pattern.findings]
    return replace(pattern, keys=_keys_without(pattern.keys, subject), findings=findings)


def _keys_without(keys: Iterable[Key], subject: Subject) -> tuple[Key, ...]:
    return tuple(sorted({_key_without(key, subject) for key in keys}))


def _key_without(key: Key, subject: Subject) -> Key:
    whole = f"{key.local}@{key.realm}" if key.kind == "user" else f"{key.local}.{key.realm}"
    named = subject.in_text(key.local) or (bool(key.realm) and subject.in_text(whole))
    return Key(key.kind, subject.mark) if named else key


def _merge(known: Pattern, other: Pattern) -> None:
    """Two names of one subject make one pattern of two."""
    count = known.count + other.count
    for finding in other.findings:
        take(known, finding)
    known.first, known.last = min(known.first, other.first), max(known.last, other.last)
    known.count = count
