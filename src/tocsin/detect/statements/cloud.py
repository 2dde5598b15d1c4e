"""What cloud audit logs state: Microsoft 365's unified audit log, Entra, AWS CloudTrail, Google Workspace and Okta."""

from __future__ import annotations

from typing import Any, Final

from tocsin.detect.statements.shapes import Shape, claim_of, lookup, pick, text_of
from tocsin.records.event import Event
from tocsin.records.finding import Claim

USER: Final = (
    "UserId", "userPrincipalName", "properties.userPrincipalName", "initiatedBy.user.userPrincipalName",
    "InitiatedBy.user.userPrincipalName", "initiatedBy.app.displayName", "userIdentity.userName",
    "userIdentity.arn", "userIdentity.principalId", "actor.alternateId", "actor.email", "UserKey",
)  # fmt: skip
ADDRESS: Final = (
    "ClientIP", "ClientIPAddress", "ActorIpAddress", "ipAddress", "properties.ipAddress", "IPAddress",
    "initiatedBy.user.ipAddress", "callerIpAddress", "sourceIPAddress", "client.ipAddress",
)  # fmt: skip
OPERATION: Final = (
    "Operation", "activityDisplayName", "operationName", "OperationName", "eventName", "eventType", "eventtype",
)  # fmt: skip
TARGET: Final = (
    "ObjectId", "targetResources.userPrincipalName", "targetResources.displayName", "TargetResources.displayName",
    "requestParameters.userName", "requestParameters.bucketName", "target.alternateId",
)  # fmt: skip
SERVICE: Final = ("Workload", "appDisplayName", "eventSource", "loggedByService", "category")

_DETAILS: Final = 8
"""Parameters that are told; a record may carry hundreds."""

_OPERATION = Shape(
    "cloud_operation",
    {"operation": OPERATION, "user": USER, "address": ADDRESS, "target": TARGET, "service": SERVICE},
)
_RISK = Shape(
    "alert_raised",
    {"signature": ("riskEventType", "properties.riskEventType"), "source": ADDRESS},
    {"product": "Entra ID Protection"},
)


def claims(event: Event) -> tuple[Claim, ...]:
    """The claims of a cloud audit record, () where it is none."""
    made = _RISK.claim(event) or _logon(event) or _operation(event)
    return (made,) if made else ()


def _operation(event: Event) -> Claim | None:
    base = _OPERATION.claim(event)
    if base is None:
        return None
    return claim_of(event, base.type, {**base.values, "detail": _detail(event)})


def _logon(event: Event) -> Claim | None:
    """A sign-in, only where the record says how it ended."""
    succeeded = _signed_in(event)
    if succeeded is None:
        return None
    values = {
        "user": pick(event.fields, USER),
        "address": pick(event.fields, ADDRESS),
        "service": pick(event.fields, SERVICE),
    }
    if not succeeded:
        values["reason"] = pick(
            event.fields,
            (
                "LogonError",
                "status.failureReason",
                "properties.status.failureReason",
                "errorMessage",
                "ResultDescription",
            ),
        )
    return claim_of(event, "logon_succeeded" if succeeded else "logon_failed", values)


def _signed_in(event: Event) -> bool | None:
    operation = pick(event.fields, OPERATION)
    if operation == "UserLoggedIn":
        return True
    if operation == "UserLoginFailed":
        return False
    if operation == "ConsoleLogin":  # AWS: the outcome stands in the response
        answer = pick(event.fields, ("responseElements.ConsoleLogin",))
        return {"Success": True, "Failure": False}.get(answer or "")
    if operation is None or operation.casefold().startswith("sign-in"):
        code = pick(event.fields, ("ResultType", "status.errorCode", "properties.status.errorCode"))
        return None if code is None else code == "0"
    return None


def _detail(event: Event) -> str | None:
    """`Name=Value` pairs of a record's parameters or modified properties, as the record lists them."""
    for name in (
        "Parameters",
        "ModifiedProperties",
        "targetResources.modifiedProperties",
        "ExtendedProperties",
    ):
        listed = lookup(event.fields, name)
        if isinstance(listed, list):
            pairs = [pair for pair in map(_pair, listed[:_DETAILS]) if pair]
            if pairs:
                return "; ".join(pairs)
    return None


def _pair(item: Any) -> str | None:
    if not isinstance(item, dict):
        return text_of(item)
    name = pick(item, ("Name", "displayName", "name"))
    value = pick(item, ("Value", "NewValue", "newValue", "value"))
    return f"{name}={value}" if name and value else name
