"""Microsoft 365, Entra, Azure and CloudTrail records in the shapes that their exports have."""

from __future__ import annotations

import json

import pytest
from tests.sources.reads import NOW, context, draft, everything

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.cloud import m365_draft

AUDIT = Logsource("m365", None, "audit")
INBOX_RULE = {
    "CreationTime": "2025-10-09T08:53:20", "Id": "a", "Operation": "New-InboxRule", "RecordType": 1, "ResultStatus": "True",
    "UserId": "anna@town.example", "Workload": "Exchange", "ClientIP": "203.0.113.9:4711", "ObjectId": "x",
    "Parameters": [{"Name": "ForwardTo", "Value": "x@evil.example"}, {"Name": "DeleteMessage", "Value": "True"}],
}  # fmt: skip
CONSENT = {
    "CreationTime": "2025-10-09T08:53:20", "Operation": "Consent to application.", "RecordType": 8, "Workload": "AzureActiveDirectory",
    "UserId": "anna@town.example", "ExtendedProperties": [{"Name": "additionalDetails", "Value": "{}"}],
    "ModifiedProperties": [{"Name": "ConsentAction.Permissions", "NewValue": "Mail.Read", "OldValue": ""}],
    "Actor": [{"ID": "anna@town.example", "Type": 5}, {"ID": "10032", "Type": 3}], "Target": [{"ID": "app", "Type": 1}],
}  # fmt: skip


@pytest.mark.parametrize("shape", ["alone", "AuditData as text", "AuditData as an object"])
def test_unified_audit_record(shape):
    record = {
        "alone": INBOX_RULE,
        "AuditData as text": {
            "RecordType": "ExchangeAdmin",
            "UserIds": "anna@town.example",
            "AuditData": json.dumps(INBOX_RULE),
        },
        "AuditData as an object": {"Operations": "New-InboxRule", "AuditData": INBOX_RULE},
    }[shape]
    found, name = draft(record)
    assert name == "m365"
    assert found.fields["Parameters.ForwardTo"] == "x@evil.example"
    assert found.fields["Parameters"] == INBOX_RULE["Parameters"]
    assert found.logsources == {AUDIT, Logsource("m365", None, "exchange")}
    assert (found.time, found.user) == (1_760_000_000_000_000, "anna@town.example")
    assert found.kind == "m365/Exchange"


def test_modified_properties_and_identities_are_flat_too():
    found = m365_draft(CONSENT, context())
    assert found.fields["ModifiedProperties.ConsentAction.Permissions"] == "Mail.Read"
    assert found.fields["ModifiedProperties.ConsentAction.Permissions.OldValue"] == ""
    assert found.fields["ExtendedProperties.additionalDetails"] == "{}"
    assert found.fields["Actor.UPN"] == "anna@town.example"
    assert found.fields["Target.Name"] == "app"
    assert found.logsources == {AUDIT}


@pytest.mark.parametrize("broken", [{"AuditData": "{"}, {"AuditData": "[1]"}, {"AuditData": ""}])
def test_audit_data_that_is_no_object_is_a_bad_record(broken):
    with pytest.raises(BadRecord, match="AuditData"):
        draft(broken)


@pytest.mark.parametrize(
    "hostile",
    [None, 7, "x", [], [1], [{}], [{"Name": 1}], [{"Name": ""}], {"a": 1}, [{"ID": [], "Type": {}}]],
)
def test_arrays_of_the_wrong_shape_are_only_kept(hostile):
    names = (
        "Parameters",
        "ModifiedProperties",
        "ExtendedProperties",
        "Actor",
        "Target",
        "UserId",
        "CreationTime",
    )
    found = m365_draft(INBOX_RULE | dict.fromkeys(names, hostile), context())
    assert all(found.fields[name] == hostile for name in names)


def test_compliance_centre_alerts():
    found, _ = draft(INBOX_RULE | {"Workload": "SecurityComplianceCenter", "Operation": "AlertTriggered"})
    assert Logsource("m365", None, "threat_management") in found.logsources


SIGN_IN = {
    "id": "s", "createdDateTime": "2025-10-09T08:53:20Z", "userPrincipalName": "anna@town.example", "appDisplayName": "Exchange",
    "ipAddress": "203.0.113.9", "authenticationRequirement": "singleFactorAuthentication", "riskState": "none",
    "status": {"errorCode": 50126, "failureReason": "Invalid password."}, "deviceDetail": {"deviceId": "", "isCompliant": False},
}  # fmt: skip


@pytest.mark.parametrize("wrapped", [False, True])
def test_sign_ins_of_graph_and_of_diagnostic_settings(wrapped):
    record = (
        {
            "time": "2025-10-09T08:53:20Z",
            "category": "SignInLogs",
            "operationName": "Sign-in activity",
            "properties": SIGN_IN,
        }
        if wrapped
        else SIGN_IN
    )
    found, name = draft(record)
    assert name == "entra-signin"
    want = {
        "ResultType": "50126",
        "ResultDescription": "Invalid password.",
        "Status": "Failure",
        "AuthenticationRequirement": "singleFactorAuthentication",
    }
    assert want.items() <= found.fields.items()
    assert found.logsources == {Logsource("azure", None, "signinlogs")}
    assert (found.user, found.time) == ("anna@town.example", 1_760_000_000_000_000)


AUDITED = {
    "activityDisplayName": "Add member to role", "activityDateTime": "2025-10-09T08:53:20Z", "category": "RoleManagement",
    "loggedByService": "Core Directory", "result": "success", "initiatedBy": {"user": {"userPrincipalName": "anna@town.example"}},
    "targetResources": [{"type": "User", "modifiedProperties": [{"displayName": "Role.DisplayName", "newValue": '"Global Administrator"'}]}],
}  # fmt: skip


@pytest.mark.parametrize("wrapped", [False, True])
def test_directory_audits(wrapped):
    record = (
        {
            "time": "2025-10-09T08:53:20Z",
            "category": "AuditLogs",
            "operationName": "Add member to role",
            "properties": AUDITED,
        }
        if wrapped
        else AUDITED
    )
    found, name = draft(record)
    assert name == "entra-audit"
    assert found.fields["properties.message"] == found.fields["OperationName"] == "Add member to role"
    assert found.fields["TargetResources.ModifiedProperties.NewValue"] == ['"Global Administrator"']
    assert found.fields["Category"] == "RoleManagement"
    assert found.logsources == {Logsource("azure", None, "auditlogs")}
    assert found.user == "anna@town.example"


def test_risk_detections_and_azure_activity():
    risk, _ = draft(
        {
            "riskEventType": "anonymizedIPAddress",
            "detectedDateTime": "2025-10-09T08:53:20Z",
            "userPrincipalName": "a",
        }
    )
    assert Logsource("azure", None, "riskdetection") in risk.logsources
    done, name = draft({
        "time": "2025-10-09T08:53:20Z", "resourceId": "/SUBSCRIPTIONS/X", "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE", "caller": "anna",
    })  # fmt: skip
    assert name == "azure-activity"
    assert done.fields["operationName"] == "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE"
    assert done.logsources == {Logsource("azure", None, "activitylogs")}
    portal, _ = draft(
        {
            "operationName": {"value": "X/DELETE", "localizedValue": "Delete"},
            "resourceId": "/x",
            "category": {"value": "Administrative"},
        }
    )
    assert portal.fields["operationName"] == "X/DELETE"
    assert portal.fields["CategoryValue"] == "Administrative"


def test_cloudtrail_files(tmp_path):
    record = {
        "eventVersion": "1.08", "eventTime": "2025-10-09T08:53:20Z", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
        "awsRegion": "eu-central-1", "userIdentity": {"type": "IAMUser", "userName": "anna"}, "requestParameters": {"userName": "eve"},
    }  # fmt: skip
    (tmp_path / "x.json").write_text(json.dumps({"Records": [record, record | {"eventName": "StopLogging"}]}))
    events, aside = everything(tmp_path)
    assert not aside
    assert [one.fields["eventName"] for one in events] == ["CreateUser", "StopLogging"]
    assert [json.loads(one.raw)["eventName"] for one in events] == ["CreateUser", "StopLogging"]
    assert events[0].logsources == {Logsource("aws", None, "cloudtrail")}
    assert (events[0].user, events[0].kind, events[0].format) == ("anna", "cloudtrail/iam", "cloudtrail")
    assert events[0].ingest == NOW
