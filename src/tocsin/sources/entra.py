"""Entra ID sign-in, audit and risk logs and Azure's activity log, as portal, Graph and diagnostic settings export them.

Source: Microsoft Graph v1.0 (`signIn`, `directoryAudit`, `riskDetection`) and the Azure Monitor table and resource log
schemas. Graph and the portal write `createdDateTime`; diagnostic settings wrap the same in `properties` beside `category`.
Both get the names that SigmaHQ's rules use (`properties.message`, `OperationName`, `ResultType`…) beside their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.times import first_instant

Record = Mapping[str, Any]

_TIMES = (
    "createdDateTime", "activityDateTime", "detectedDateTime", "time", "TimeGenerated", "eventTimestamp", "timestamp",
)  # fmt: skip
_SIGN_IN_CATEGORIES = (
    "SignInLogs",
    "NonInteractiveUserSignInLogs",
    "ServicePrincipalSignInLogs",
    "ManagedIdentitySignInLogs",
)


class SignIn:
    """Sign-in logs."""

    name = "entra-signin"

    def recognises(self, record: Record) -> bool:
        """Graph's signIn, or a resource log of a sign-in category."""
        if record.get("category") in _SIGN_IN_CATEGORIES or record.get("Category") in _SIGN_IN_CATEGORIES:
            return True
        return (
            "createdDateTime" in record
            and "appDisplayName" in record
            and ("ipAddress" in record or "status" in record)
        )

    def draft(self, record: Record, context: ReadContext) -> Draft:  # noqa: ARG002  all its times are UTC
        """The draft."""
        fields, inner = _with_properties(record)
        status = _object(inner.get("status"))
        code = status.get("errorCode", inner.get("resultType", inner.get("ResultType")))
        reason = status.get("failureReason", inner.get("resultDescription", inner.get("ResultDescription")))
        device = _object(inner.get("deviceDetail"))
        additions = {
            "ResultType": None if code is None else str(code),
            "ResultDescription": reason,
            "Status": None if code is None else ("Success" if str(code) == "0" else "Failure"),
            "AuthenticationRequirement": inner.get("authenticationRequirement"),
            "RiskState": inner.get("riskState"),
            "ResourceDisplayName": inner.get("resourceDisplayName"),
            "NetworkLocationDetails": inner.get("networkLocationDetails"),
            "ClientApp": inner.get("clientAppUsed"),
            "Username": inner.get("userPrincipalName"),
            "DeviceDetail.deviceId": device.get("deviceId"),
            "DeviceDetail.isCompliant": device.get("isCompliant"),
            "DeviceDetail.trusttype": device.get("trustType"),
            "properties.message": reason,
        }
        _complete(fields, additions)
        return _SIGN_IN.draft(fields, inner, inner.get("userPrincipalName"))


class DirectoryAudit:
    """Audit logs."""

    name = "entra-audit"

    def recognises(self, record: Record) -> bool:
        """Graph's directoryAudit, or a resource log of category AuditLogs."""
        if record.get("category") == "AuditLogs" or record.get("Category") == "AuditLogs":
            return True
        return "activityDisplayName" in record and ("initiatedBy" in record or "loggedByService" in record)

    def draft(self, record: Record, context: ReadContext) -> Draft:  # noqa: ARG002  all its times are UTC
        """The draft."""
        fields, inner = _with_properties(record)
        activity = inner.get("activityDisplayName", record.get("operationName", record.get("OperationName")))
        initiator = _object(inner.get("initiatedBy"))
        by = _object(initiator.get("user")).get("userPrincipalName") or _object(initiator.get("app")).get(
            "displayName"
        )
        targets = inner.get("targetResources")
        additions = {
            "OperationName": activity,
            "operationName": activity,
            "ActivityDisplayName": activity,
            "properties.message": activity,
            "Category": inner.get("category"),
            "LoggedByService": inner.get("loggedByService"),
            "Status": inner.get("result"),
            "Initiatedby": by,
            "ActivityType": inner.get("operationType") or activity,
            "activityType": inner.get("operationType") or activity,
            "TargetResources": targets,
            "TargetResources.ModifiedProperties.DisplayName": _modified(targets, "displayName"),
            "TargetResources.ModifiedProperties.NewValue": _modified(targets, "newValue"),
        }
        _complete(fields, additions)
        return _AUDIT.draft(fields, inner, by)


class RiskDetection:
    """Identity Protection's risk detections."""

    name = "entra-risk"

    def recognises(self, record: Record) -> bool:
        """It has a riskEventType."""
        return "riskEventType" in record or "riskEventType" in _object(record.get("properties"))

    def draft(self, record: Record, context: ReadContext) -> Draft:  # noqa: ARG002  all its times are UTC
        """The draft."""
        fields, inner = _with_properties(record)
        return _RISK.draft(fields, inner, inner.get("userPrincipalName"))


class AzureActivity:
    """The Azure activity log: what was done to resources."""

    name = "azure-activity"

    def recognises(self, record: Record) -> bool:
        """An operation on a resource of a subscription."""
        operation = record.get("operationName", record.get("OperationNameValue"))
        has_resource = any(
            name in record for name in ("resourceId", "ResourceId", "_ResourceId", "resourceUri")
        )
        return operation is not None and has_resource

    def draft(self, record: Record, context: ReadContext) -> Draft:  # noqa: ARG002  all its times are UTC
        """The draft."""
        fields = dict(record)
        operation = record.get("operationName", record.get("OperationNameValue"))
        text = operation.get("value") if isinstance(operation, dict) else operation
        fields["operationName"] = text
        additions = {
            "OperationNameValue": text,
            "properties.message": text,
            "ResourceId": record.get("resourceId", record.get("resourceUri")),
            "CategoryValue": _value(record.get("category")),
            "ResourceProviderValue": _value(record.get("resourceProviderName")),
        }
        _complete(fields, additions)
        caller = record.get("caller", record.get("Caller"))
        return _ACTIVITY.draft(fields, record, caller)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _value(value: Any) -> Any:
    return value.get("value") if isinstance(value, dict) else value


def _with_properties(record: Record) -> tuple[dict[str, Any], Record]:
    """The record's fields with those of `properties` beside them, and the part that holds what happened."""
    inner = record.get("properties")
    if not isinstance(inner, dict):
        return dict(record), record
    return {**inner, **record}, {**record, **inner}


def _complete(fields: dict[str, Any], additions: Mapping[str, Any]) -> None:
    for name, value in additions.items():
        if value is not None:
            fields.setdefault(name, value)


def _modified(targets: Any, key: str) -> list[Any] | None:
    """`key` of every modified property of every target."""
    found = [
        prop.get(key)
        for target in (targets if isinstance(targets, list) else ())
        if isinstance(target, dict) and isinstance(target.get("modifiedProperties"), list)
        for prop in target["modifiedProperties"]
        if isinstance(prop, dict)
    ]
    return found or None


@dataclass(frozen=True, slots=True)
class _Kind:
    logsources: frozenset[Logsource]
    kind: str
    ocsf_class: int

    def draft(self, fields: dict[str, Any], record: Record, user: Any) -> Draft:
        return Draft(
            fields=fields,
            logsources=self.logsources,
            kind=self.kind,
            time=first_instant(record, _TIMES, UTC),  # whatever the operator's zone
            user=user if isinstance(user, str) and user else None,
            ocsf_class=self.ocsf_class,
        )


def _azure(*services: str) -> frozenset[Logsource]:
    return frozenset(Logsource("azure", None, service) for service in services)


_SIGN_IN = _Kind(_azure("signinlogs"), "entra/signin", 3002)
_AUDIT = _Kind(_azure("auditlogs"), "entra/audit", 3001)
_RISK = _Kind(_azure("riskdetection", "pim"), "entra/risk", 2004)
_ACTIVITY = _Kind(_azure("activitylogs"), "azure/activity", 6003)

OBJECT_FORMATS = (RiskDetection(), SignIn(), DirectoryAudit(), AzureActivity())
"""In the order in which they are asked."""
