"""Cloud services' records in JSON: CloudTrail, and those of Microsoft (`microsoft365.py`, `entra.py`).

Source: the AWS CloudTrail record reference, event version 1.08 and later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from tocsin.records.event import Logsource
from tocsin.sources import entra
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.microsoft365 import UnifiedAudit, m365_draft
from tocsin.sources.times import first_instant

__all__ = ["OBJECT_FORMATS", "CloudTrail", "m365_draft"]


_CLOUDTRAIL = frozenset({Logsource("aws", None, "cloudtrail")})


class CloudTrail:
    """AWS CloudTrail."""

    name = "cloudtrail"

    def recognises(self, record: Mapping[str, Any]) -> bool:
        """An event name and source, with the fields that every record has."""
        return (
            "eventName" in record
            and "eventSource" in record
            and ("eventVersion" in record or "awsRegion" in record)
        )

    def draft(self, record: Mapping[str, Any], context: ReadContext) -> Draft:
        """The draft; nested fields are reached with dots (`userIdentity.type`)."""
        del context  # its times are UTC
        name, source = str(record.get("eventName")), str(record.get("eventSource"))
        return Draft(
            fields=dict(record),
            logsources=_CLOUDTRAIL,
            kind=f"cloudtrail/{source.removesuffix('.amazonaws.com')}"[:100],
            time=first_instant(record, ("eventTime",), UTC),
            user=_who(record.get("userIdentity")),
            ocsf_class=3002 if name in {"ConsoleLogin", "AssumeRole", "GetSessionToken"} else 6003,
        )


def _who(identity: Any) -> str | None:
    if not isinstance(identity, dict):
        return None
    names = (identity.get(key) for key in ("userName", "arn", "principalId", "invokedBy", "type"))
    return next((name for name in names if isinstance(name, str) and name), None)


OBJECT_FORMATS = (CloudTrail(), UnifiedAudit(), *entra.OBJECT_FORMATS)
"""In the order in which they are asked."""
