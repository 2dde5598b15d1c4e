"""Microsoft 365 unified audit records, from every way they are exported, in JSON.

Source: the Office 365 Management Activity API schema. A record may stand alone (the API, Microsoft Sentinel's
OfficeActivity is close to it) or as JSON text in `AuditData` of what Search-UnifiedAuditLog gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from functools import lru_cache
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.json_values import parse_line
from tocsin.sources.times import first_instant

Record = Mapping[str, Any]

_NAMED_VALUES = (
    "Parameters",
    "ExtendedProperties",
    "ModifiedProperties",
    "DeviceProperties",
    "OperationProperties",
)
_VALUE_KEYS = ("Value", "NewValue")
_ACTOR_TYPES = {0: "Claim", 1: "Name", 2: "Other", 3: "PUID", 4: "SPN", 5: "UPN", 6: "ObjectId"}
"""IdentityTypeValue of the API schema, for Actor and Target."""

_TIMES = ("CreationTime", "CreationDate", "TimeGenerated")
_OPERATION_CHARS = 256
_PARTS = re.compile(r"[\[\]\"\s]+")
_CLASSES = (
    (re.compile(r"UserLogg(edIn|inFailed)|UserLoginFailed|.*MailboxLogin"), 3002),
    (re.compile(r".*(user|password|member|role|StrongAuth|security info).*", re.IGNORECASE), 3001),
    (re.compile(r"File.*|Folder.*"), 1001),
)


class UnifiedAudit:
    """`ObjectFormat` of unified audit records."""

    name = "m365"

    def recognises(self, record: Record) -> bool:
        """An operation with a workload, a record type and a user; or text in AuditData."""
        if isinstance(record.get("AuditData"), str | dict):
            return True
        return (
            "Operation" in record
            and "Workload" in record
            and ("RecordType" in record or "CreationTime" in record)
        )

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft.

        Raises:
            BadRecord: AuditData is no JSON object.
        """
        inner = record.get("AuditData")
        if inner is None:
            return m365_draft(record, context)
        parsed = parse_line(inner) if isinstance(inner, str) else inner
        if not isinstance(parsed, dict):
            raise BadRecord("the AuditData holds no JSON object")
        draft = m365_draft(parsed, context)
        if draft.time is None:
            draft.time = first_instant(record, _TIMES, UTC)
        draft.user = draft.user or _name(record.get("UserIds"))
        return draft


def m365_draft(record: Record, context: ReadContext) -> Draft:
    """The draft of one unified audit record (the object that `AuditData` holds).

    Its arrays of name and value stand beside themselves as `Parameters.ForwardTo`, `ModifiedProperties.Role.DisplayName`
    (a modified property's new value; its old one as `….OldValue`), `Actor.UPN`.
    """
    del context  # all its times are UTC, whatever the operator's zone
    fields = dict(record)
    for array in _NAMED_VALUES:
        _flatten(fields, array, record.get(array))
    for array in ("Actor", "Target"):
        _flatten_identities(fields, array, record.get(array))
    operation, workload = str(record.get("Operation", "")), str(record.get("Workload", ""))
    return Draft(
        fields=fields,
        logsources=_BY_WORKLOAD.get(workload, _AUDIT),
        kind=f"m365/{workload or 'other'}"[:100],
        time=first_instant(record, _TIMES, UTC),
        user=_name(record.get("UserId")) or _name(record.get("UserKey")),
        ocsf_class=_ocsf_class(operation[:_OPERATION_CHARS]),
    )


@lru_cache(maxsize=1024)
def _ocsf_class(operation: str) -> int:
    return next((number for names, number in _CLASSES if names.fullmatch(operation)), 6003)


def _logsources(*services: str) -> frozenset[Logsource]:
    return frozenset(Logsource("m365", None, service) for service in ("audit", *services))


_AUDIT = _logsources()
_BY_WORKLOAD = {
    "Exchange": _logsources("exchange"),
    "SecurityComplianceCenter": _logsources("threat_management", "threat_detection"),
    "ThreatIntelligence": _logsources("threat_management", "threat_detection"),
}


def _flatten(fields: dict[str, Any], array: str, pairs: Any) -> None:
    """`[{"Name": n, "Value": v}]` as `array.n`: v; the first of two equal names counts."""
    if not isinstance(pairs, list):
        return
    for pair in pairs:
        name = pair.get("Name") if isinstance(pair, dict) else None
        if not isinstance(name, str) or not name:
            continue
        value = next((pair[key] for key in _VALUE_KEYS if key in pair), None)
        fields.setdefault(f"{array}.{name}", value)
        if "OldValue" in pair:
            fields.setdefault(f"{array}.{name}.OldValue", pair["OldValue"])


def _flatten_identities(fields: dict[str, Any], array: str, identities: Any) -> None:
    """`[{"ID": x, "Type": 5}]` as `Actor.UPN`: x; identities of one type as a list."""
    if not isinstance(identities, list):
        return
    found: dict[str, list[Any]] = {}
    for identity in identities:
        kind = identity.get("Type") if isinstance(identity, dict) else None
        if isinstance(kind, int) and kind in _ACTOR_TYPES:
            found.setdefault(_ACTOR_TYPES[kind], []).append(identity.get("ID"))
    for name, ids in found.items():
        fields.setdefault(f"{array}.{name}", ids[0] if len(ids) == 1 else ids)


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
