"""What the columns of a CSV file mean, decided by its header."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.microsoft365 import m365_draft
from tocsin.sources.text.csv_times import csv_instant
from tocsin.sources.text.csv_windows import is_windows, windows_row
from tocsin.sources.text.json_payload import json_object
from tocsin.sources.text.known_messages import AUTHENTICATION

Reader = Callable[[Mapping[str, str], ReadContext], Draft]

_TIMES = (
    "timestamp", "time", "@timestamp", "datetime", "date", "date and time", "timegenerated", "timecreated", "eventtime",
    "event time", "creationdate", "createddatetime", "date (utc)", "ts", "start time", "logged",
)  # fmt: skip
_HOSTS = (
    "host",
    "hostname",
    "computer",
    "computername",
    "device",
    "device name",
    "machinename",
    "source host",
)
_USERS = (
    "user",
    "username",
    "user name",
    "userid",
    "user id",
    "account",
    "user principal name",
    "userprincipalname",
)


@dataclass(frozen=True, slots=True)
class Profile:
    """How the rows of one kind of export are read.

    Attributes:
        read: Makes a draft of a row's non-empty cells by column name.
        certain: Whether the header alone shows that the file is this export.
        extra_column: Name of a column that rows have beyond their header, '' where they have none.
    """

    read: Reader
    certain: bool = True
    extra_column: str = ""

    def draft(self, cells: Mapping[str, str], context: ReadContext) -> Draft:
        """The draft of a row."""
        return self.read(cells, context)


def profile_of(names: Sequence[str], context: ReadContext) -> Profile:
    """The profile that a header of `names` calls for; the operator's mapping wins."""
    lower = {name.lower() for name in names}
    if context.columns and any(name in context.columns for name in names):
        return Profile(_mapped)
    if "auditdata" in lower:
        return Profile(_m365)
    if (
        "date (utc)" in lower
        and {"user", "username", "user principal name", "user id"} & lower
        and {"application", "ip address"} & lower
    ):
        return Profile(_entra_signin)
    if (
        {"activity", "category"} <= lower
        and any(name.startswith("date") for name in lower)
        and {"result", "status"} & lower
    ):
        return Profile(_entra_audit)
    if is_windows(lower):
        return Profile(windows_row, extra_column="Message" if "message" not in lower else "")
    return Profile(_plain, certain=False)


def _first(cells: Mapping[str, str], names: Sequence[str]) -> str | None:
    lower = {name.lower(): value for name, value in cells.items()}
    return next((lower[name] for name in names if name in lower), None)


def _plain(cells: Mapping[str, str], context: ReadContext) -> Draft:
    when = _first(cells, _TIMES)
    return Draft(
        fields=dict(cells),
        logsources=frozenset(),
        kind="csv/plain",
        time=csv_instant(when, context) if when else None,
        host=_first(cells, _HOSTS),
        user=_first(cells, _USERS),
    )


def _mapped(cells: Mapping[str, str], context: ReadContext) -> Draft:
    """Columns under the operator's field names; `time`, `host`, `user` and `logsource` are what they say."""
    fields: dict[str, object] = {}
    special: dict[str, str] = {}
    for name, value in cells.items():
        target = context.columns.get(name, name)
        if target in ("time", "host", "user", "logsource"):
            special[target] = value
            fields.setdefault(name, value)
        else:
            fields[target] = value
    logsource = special.get("logsource")
    return Draft(
        fields=fields,
        logsources=frozenset({Logsource.parse(logsource)}) if logsource else frozenset(),
        kind="csv/mapped",
        time=csv_instant(special["time"], context) if "time" in special else None,
        host=special.get("host"),
        user=special.get("user"),
    )


def _m365(cells: Mapping[str, str], context: ReadContext) -> Draft:
    """A row of the unified audit export: the `AuditData` column holds the record itself."""
    data = next(value for name, value in [*cells.items(), ("AuditData", "")] if name.lower() == "auditdata")
    record = json_object(data)
    if record is None:
        raise BadRecord("The AuditData column holds no JSON object.")
    draft = m365_draft(record, context)
    if draft.time is None:
        when = _first(cells, ("creationdate", "creationtime"))
        draft.time = csv_instant(when, context) if when else None
    draft.user = draft.user or _first(cells, ("userids", "userid"))
    return draft


_SIGNIN_NAMES = {
    "date (utc)": "createdDateTime", "request id": "id", "user agent": "userAgent", "correlation id": "correlationId",
    "user id": "userId", "user": "userDisplayName", "username": "userPrincipalName",
    "user principal name": "userPrincipalName", "user type": "userType", "application": "appDisplayName",
    "application id": "appId", "resource": "resourceDisplayName", "resource id": "resourceId", "ip address": "ipAddress",
    "status": "Status", "sign-in error code": "ResultType", "failure reason": "ResultDescription",
    "client app": "clientAppUsed", "conditional access": "conditionalAccessStatus",
    "multifactor authentication result": "mfaResult", "multifactor authentication auth method": "mfaAuthMethod",
    "authentication requirement": "AuthenticationRequirement", "sign-in identifier": "signInIdentifier",
    "operating system": "deviceDetail.operatingSystem", "browser": "deviceDetail.browser", "device id": "DeviceDetail.deviceId",
    "compliant": "DeviceDetail.isCompliant", "managed": "DeviceDetail.isManaged", "join type": "DeviceDetail.trusttype",
    "risk state": "RiskState", "location": "location", "autonomous system number": "autonomousSystemNumber",
    "resource tenant id": "ResourceTenantId", "home tenant id": "HomeTenantId",
}  # fmt: skip
_AUDIT_NAMES = {
    "date (utc)": "activityDateTime", "date": "activityDateTime", "correlationid": "correlationId",
    "correlation id": "correlationId", "service": "LoggedByService", "category": "Category", "activity": "OperationName",
    "result": "Result", "resultreason": "ResultReason", "result reason": "ResultReason",
    "actoruserprincipalname": "userPrincipalName", "actor user principal name": "userPrincipalName",
    "ipaddress": "ipAddress", "ip address": "ipAddress", "initiated by (actor)": "userPrincipalName",
}  # fmt: skip


def _renamed(cells: Mapping[str, str], names: Mapping[str, str]) -> dict[str, object]:
    """The cells under their columns' names, and under the names of the JSON record where there is one."""
    fields: dict[str, object] = dict(cells)
    for name, value in cells.items():
        ours = names.get(name.lower())
        if ours:
            fields.setdefault(ours, value)
    return fields


def _entra_signin(cells: Mapping[str, str], context: ReadContext) -> Draft:
    fields = _renamed(cells, _SIGNIN_NAMES)
    when = _first(cells, ("date (utc)",))
    user = fields.get("userPrincipalName") or fields.get("userDisplayName")
    if "ResultType" not in fields and str(fields.get("Status", "")).lower() == "success":
        fields["ResultType"] = "0"
    return Draft(
        fields=fields,
        logsources=frozenset({Logsource("azure", None, "signinlogs")}),
        kind="entra/signin",
        time=csv_instant(when, replace(context, zone=UTC)) if when else None,
        user=str(user) if user else None,
        ocsf_class=AUTHENTICATION,
    )


def _entra_audit(cells: Mapping[str, str], context: ReadContext) -> Draft:
    fields = _renamed(cells, _AUDIT_NAMES)
    activity = fields.get("OperationName")
    if activity:
        for name in ("operationName", "ActivityDisplayName", "properties.message"):
            fields.setdefault(name, activity)
    when = _first(cells, ("date (utc)", "date"))
    user = fields.get("userPrincipalName")
    return Draft(
        fields=fields,
        logsources=frozenset({Logsource("azure", None, "auditlogs")}),
        kind="entra/audit",
        time=csv_instant(when, replace(context, zone=UTC)) if when else None,
        user=str(user) if user else None,
        ocsf_class=3004,
    )
