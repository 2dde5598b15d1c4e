"""The correlations' state without somebody: windows go on with the counts that they have, and a mark in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tocsin.detect.sigma.correlations.evidence import decoded, encoded_testimony
from tocsin.detect.sigma.correlations.rows import encode
from tocsin.records.errors import PluginError
from tocsin.records.forgetting import Subject, entity_without, evidence_without

_TELLING: Final = ("hits/", "group/", "run/", "ready")


def rows_without(rows: Mapping[str, bytes], subject: Subject) -> tuple[dict[str, bytes], int]:
    """The rows that `Correlations.changes` came to, without what names `subject`; and how many of them named them.

    Raises:
        PluginError: the state cannot be read.
    """
    kept = dict(rows)
    several = 0
    for name, row in rows.items():
        if name.startswith(_TELLING):
            try:
                clean = encode(_without(msgspec.msgpack.decode(row), subject))
            except msgspec.MsgspecError as error:
                raise PluginError("sigma-correlation", f"the saved state cannot be read: {error}") from error
            several += clean != row
            kept[name] = clean
    return kept, several


def _without(value: Any, subject: Subject) -> Any:
    if isinstance(value, str):
        return subject.mark if subject.in_text(value) else value
    if isinstance(value, bytes):
        return testimony_without(value, subject)
    if isinstance(value, list):
        return [_without(one, subject) for one in value]
    if isinstance(value, dict):
        return {
            name: _without(one, subject) for name, one in value.items()
        }  # names of parts and of fields in rules
    return value


def testimony_without(proof: bytes, subject: Subject) -> bytes:
    """What a waiting hit states, without what names `subject`.

    Raises:
        msgspec.MsgspecError: it is no such thing.
    """
    told = decoded(proof)
    evidence = tuple(evidence_without(one, subject) for one in told.evidence)
    spoken = any(subject.in_value(claim.values) for claim in told.claims)
    named = any(subject.in_text(one.id) for one in told.entities)
    if evidence == told.evidence and not spoken and not named:
        return proof
    return encoded_testimony(
        evidence,
        tuple(dict.fromkeys(entity_without(one, subject) for one in told.entities)),
        (),
        told.origin,
    )
