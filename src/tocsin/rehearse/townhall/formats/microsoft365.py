"""Microsoft 365 unified audit records (Office 365 Management Activity API schema), one JSON object each."""

# ruff: noqa: PLR0913, PLR0917  a writer's parameters are the parts of its record

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tocsin.records.instants import to_datetime
from tocsin.rehearse.townhall.entry import Entry, guid
from tocsin.rehearse.townhall.people import Person, Town

FILE = "microsoft365/audit.json"

OUTLOOK, TEAMS, OFFICE, SHAREPOINT, GRAPH = (
    "d3590ed6-52b3-4102-aeff-aad2292ab01c",
    "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
    "4765445b-32c6-49b0-83e6-1d93765276ca",
    "00000003-0000-0ff1-ce00-000000000000",
    "00000003-0000-0000-c000-000000000000",
)
"""Application ids that are the same in every tenant."""

EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"
)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
CHROME_LINUX = (
    "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"
)

_ERRORS = {
    50126: "InvalidUserNameOrPassword",
    50053: "IdsLocked",
    50074: "UserStrongAuthClientAuthNRequired",
    50076: "UserStrongAuthClientAuthNRequiredInterrupt",
    50055: "InvalidPasswordExpiredPassword",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in the cloud, and from where."""

    town: Town
    person: Person
    address: str
    agent: str = EDGE


def properties(**values: str) -> list[dict[str, str]]:
    """`[{"Name": …, "Value": …}]` as audit records write lists of values."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


def record(
    rng: Random, time: int, actor: Actor, operation: str, workload: str, record_type: int, **more: Any
) -> Entry:
    """A record with the common schema and `more`, which may replace common values."""
    exchange = workload == "Exchange"
    body: dict[str, Any] = {
        "CreationTime": to_datetime(time).strftime("%Y-%m-%dT%H:%M:%S"),
        "Id": guid(rng),
        "Operation": operation,
        "OrganizationId": actor.town.tenant,
        "RecordType": record_type,
        "ResultStatus": "Succeeded" if exchange else "Success",
        "UserKey": actor.person.object_id,
        "UserType": 0,
        "Version": 1,
        "Workload": workload,
        "ClientIP": actor.address,
        "UserId": actor.person.upn,
    }
    return Entry(time, FILE, body | more)


def sign_in(
    rng: Random,
    time: int,
    actor: Actor,
    *,
    error: int = 0,
    app: str = OFFICE,
    request: str = "OAuth2:Authorize",
) -> Entry:
    """UserLoggedIn, or UserLoginFailed for an `error` (Entra's number).

    `request` is the step: `Login:login` takes a password, `SAS:ProcessAuth` a second factor, `OAuth2:Token` a refresh.
    """
    details = {"ResultStatusDetail": "UserError" if error else "Success", "UserAgent": actor.agent}
    if request == "Login:login":
        details["UserAuthenticationMethod"] = "1"
    more: dict[str, Any] = {
        "ResultStatus": "Failed" if error else "Success",
        "ObjectId": app,
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": properties(**details, RequestType=request),
        "ModifiedProperties": [],
        "Actor": [{"ID": actor.person.object_id, "Type": 0}, {"ID": actor.person.upn, "Type": 5}],
        "ActorContextId": actor.town.tenant,
        "ActorIpAddress": actor.address,
        "InterSystemsId": guid(rng),
        "IntraSystemId": guid(rng),
        "SupportTicketId": "",
        "Target": [{"ID": app, "Type": 0}],
        "TargetContextId": actor.town.tenant,
        "ApplicationId": app,
        "DeviceProperties": properties(OS=_os(actor.agent), BrowserType="Other", SessionId=guid(rng)),
        "ErrorNumber": str(error),
    }
    if error:
        more["LogonError"] = _ERRORS[error]
    operation = "UserLoginFailed" if error else "UserLoggedIn"
    return record(rng, time, actor, operation, "AzureActiveDirectory", 15, **more)


def _os(agent: str) -> str:
    if "iPhone" in agent:
        return "Ios"
    return "Windows10" if "Windows" in agent else "Linux"


def directory(
    rng: Random, time: int, actor: Actor, operation: str, target: str, modified: dict[str, tuple[str, str]]
) -> Entry:
    """A change in Entra ID; `modified` gives (old, new) by property."""
    return record(
        rng, time, actor, operation, "AzureActiveDirectory", 8,
        ObjectId=target,
        AzureActiveDirectoryEventType=1,
        ExtendedProperties=properties(additionalDetails='{"User-Agent":"' + actor.agent + '"}', extendedAuditEventCategory="User"),
        ModifiedProperties=[{"Name": name, "NewValue": new, "OldValue": old} for name, (old, new) in modified.items()],
        Actor=[{"ID": actor.person.upn, "Type": 5}, {"ID": actor.person.object_id, "Type": 3}],
        ActorContextId=actor.town.tenant,
        ActorIpAddress=actor.address,
        InterSystemsId=guid(rng),
        IntraSystemId=guid(rng),
        SupportTicketId="",
        Target=[{"ID": target, "Type": 5}],
        TargetContextId=actor.town.tenant,
    )  # fmt: skip


def exchange_admin(
    rng: Random, time: int, actor: Actor, cmdlet: str, target: str, parameters: dict[str, str]
) -> Entry:
    """A cmdlet that changes Exchange Online, run by hand or by Outlook for its user."""
    return record(
        rng, time, actor, cmdlet, "Exchange", 1,
        ResultStatus="True",
        ClientIP=f"{actor.address}:{rng.randrange(1024, 65536)}",
        ObjectId=target,
        AppId="00000002-0000-0ff1-ce00-000000000000",
        ClientAppId="",
        ExternalAccess=False,
        OrganizationName=f"{actor.town.domain.partition('.')[0]}.onmicrosoft.example",
        OriginatingServer="DB9P195MB1500 (15.20.8182.018)",
        Parameters=properties(**parameters),
        SessionId=guid(rng),
    )  # fmt: skip


def mailbox(
    rng: Random, time: int, actor: Actor, operation: str, subject: str, client: str = OUTLOOK
) -> Entry:
    """Something done to mail: Send, MailItemsAccessed, MoveToDeletedItems…; the client application's id in `client`."""
    owner = actor.person
    folder = {
        "Id": f"LgAAAAB{rng.getrandbits(40):010x}",
        "Path": "\\Inbox" if operation != "Send" else "\\Sent Items",
    }
    item = {
        "Id": f"RgAAAAB{rng.getrandbits(48):012x}",
        "InternetMessageId": f"<{rng.getrandbits(64):016X}@{actor.town.domain}>",
        "Subject": subject,
        "SizeInBytes": rng.randrange(4_000, 900_000),
    }
    more: dict[str, Any] = {
        "MailboxGuid": owner.object_id,
        "MailboxOwnerUPN": owner.upn,
        "MailboxOwnerSid": owner.account.sid,
        "LogonType": 0,
        "LogonUserSid": owner.account.sid,
        "InternalLogonType": 0,
        "ExternalAccess": False,
        "ClientIPAddress": actor.address,
        "ClientInfoString": "Client=REST;Client=RESTSystem;;"
        if client != OUTLOOK
        else "Client=MSExchangeRPC",
        "ClientAppId": client,
        "AppId": client,
        "OrganizationName": f"{actor.town.domain.partition('.')[0]}.onmicrosoft.example",
        "OriginatingServer": "DB9P195MB1500 (15.20.8182.018)",
        "SessionId": guid(rng),
    }
    if operation == "MailItemsAccessed":
        more["OperationProperties"] = properties(MailAccessType="Bind", IsThrottled="False")
        more["OperationCount"] = 1
        more["Folders"] = [{**folder, "FolderItems": [item]}]
        return record(rng, time, actor, operation, "Exchange", 50, **more)
    if operation in {"MoveToDeletedItems", "SoftDelete", "HardDelete"}:
        more["AffectedItems"] = [{**item, "ParentFolder": folder}]
        more["Folder"] = folder
        return record(rng, time, actor, operation, "Exchange", 3, **more)
    return record(rng, time, actor, operation, "Exchange", 2, Item={**item, "ParentFolder": folder}, **more)


def document(rng: Random, time: int, actor: Actor, operation: str, site: str, name: str) -> Entry:
    """A SharePoint or OneDrive file operation on `name` in the library of `site`."""
    tenant = actor.town.domain.partition(".")[0]
    host = f"https://{tenant}.sharepoint.example"
    own = site.startswith("personal/")
    url = f"{host}/{site}/" if own else f"{host}/sites/{site}/"
    folder = "Documents" if own else "Shared Documents"
    return record(
        rng, time, actor, operation, "OneDrive" if own else "SharePoint", 6,
        ObjectId=f"{url}{folder}/{name}",
        CorrelationId=guid(rng),
        EventSource="SharePoint",
        ItemType="File",
        ListId=guid(rng),
        ListItemUniqueId=guid(rng),
        Site=guid(rng),
        UserAgent=actor.agent,
        WebId=guid(rng),
        ApplicationId=OFFICE,
        SourceFileExtension=name.rpartition(".")[2],
        SiteUrl=url,
        SourceFileName=name,
        SourceRelativeUrl=folder,
    )  # fmt: skip


def team_message(rng: Random, time: int, actor: Actor) -> Entry:
    """A message in Teams."""
    return record(
        rng, time, actor, "MessageSent", "MicrosoftTeams", 25,
        CommunicationType="OneOnOne", ChatThreadId=f"19:{guid(rng)}@unq.gbl.spaces", MessageId=str(time // 1000),
        ItemName="", ExtraProperties=[],
    )  # fmt: skip
