"""Windows events in CSV: Event Viewer's "Save All Events As… CSV" and `Get-WinEvent | Export-Csv`.

The event's data stands only in the rendered message. Its `Name: value` lines are read back: Sysmon's carry the very
names of the event data, those of the Security log are told apart by their section (`_SECURITY`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.csv_times import csv_instant
from tocsin.sources.windows_fields import windows_draft

_GET_WINEVENT = {"id", "logname", "providername"}
_EVENT_VIEWER = {"event id", "source", "task category"}
_COLUMNS = {
    "id": "EventID", "event id": "EventID", "eventid": "EventID", "logname": "Channel", "log name": "Channel",
    "log": "Channel", "providername": "Provider_Name", "source": "Provider_Name", "machinename": "Computer",
    "computer": "Computer", "recordid": "EventRecordID", "leveldisplayname": "LevelDisplayName", "message": "Message",
    "task category": "TaskCategory", "taskdisplayname": "TaskCategory", "keywords": "Keywords", "level": "Level",
    "userid": "UserId", "processid": "Execution_ProcessID", "threadid": "Execution_ThreadID",
}  # fmt: skip
_CHANNELS = {
    "microsoft-windows-security-auditing": "Security",
    "microsoft-windows-eventlog": "Security",
    "microsoft-windows-sysmon": "Microsoft-Windows-Sysmon/Operational",
    "sysmon": "Microsoft-Windows-Sysmon/Operational",
    "microsoft-windows-powershell": "Microsoft-Windows-PowerShell/Operational",
    "powershell (microsoft-windows-powershell)": "Microsoft-Windows-PowerShell/Operational",
    "powershell": "Windows PowerShell",
    "microsoft-windows-windows defender": "Microsoft-Windows-Windows Defender/Operational",
    "windows defender": "Microsoft-Windows-Windows Defender/Operational",
    "service control manager": "System",
    "microsoft-windows-taskscheduler": "Microsoft-Windows-TaskScheduler/Operational",
    "taskscheduler": "Microsoft-Windows-TaskScheduler/Operational",
}
"""Event Viewer's export leaves the channel out; the provider implies it."""

_SECURITY: dict[tuple[str, str], str] = {
    ("Subject", "Security ID"): "SubjectUserSid",
    ("Subject", "Account Name"): "SubjectUserName",
    ("Subject", "Account Domain"): "SubjectDomainName",
    ("Subject", "Logon ID"): "SubjectLogonId",
    ("Logon Information", "Logon Type"): "LogonType",
    ("", "Logon Type"): "LogonType",
    ("New Logon", "Security ID"): "TargetUserSid",
    ("New Logon", "Account Name"): "TargetUserName",
    ("New Logon", "Account Domain"): "TargetDomainName",
    ("New Logon", "Logon ID"): "TargetLogonId",
    ("Account For Which Logon Failed", "Account Name"): "TargetUserName",
    ("Account For Which Logon Failed", "Account Domain"): "TargetDomainName",
    ("Account Information", "Account Name"): "TargetUserName",
    ("Target Account", "Account Name"): "TargetUserName",
    ("New Account", "Account Name"): "TargetUserName",
    ("Account That Was Locked Out", "Account Name"): "TargetUserName",
    ("Group", "Group Name"): "TargetUserName",
    ("Member", "Account Name"): "MemberName",
    ("Failure Information", "Status"): "Status",
    ("Failure Information", "Sub Status"): "SubStatus",
    ("Network Information", "Source Network Address"): "IpAddress",
    ("Network Information", "Client Address"): "IpAddress",
    ("Network Information", "Source Port"): "IpPort",
    ("Network Information", "Workstation Name"): "WorkstationName",
    ("Detailed Authentication Information", "Logon Process"): "LogonProcessName",
    ("Detailed Authentication Information", "Authentication Package"): "AuthenticationPackageName",
    ("Process Information", "New Process Name"): "NewProcessName",
    ("Process Information", "New Process ID"): "NewProcessId",
    ("Process Information", "Process Command Line"): "CommandLine",
    ("Process Information", "Creator Process Name"): "ParentProcessName",
    ("Process Information", "Token Elevation Type"): "TokenElevationType",
    ("Task Information", "Task Name"): "TaskName",
    ("Task Information", "Task Content"): "TaskContent",
    ("Service Information", "Service Name"): "ServiceName",
    ("Service Information", "Service File Name"): "ServiceFileName",
}
_MESSAGE_LINE = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9 ]{0,63}):[ \t]*(.*?)[ \t\r]*")
_MESSAGE_LINES = 400


def is_windows(columns: AbstractSet[str]) -> bool:
    """Whether lower-case `columns` are those of one of the two exports."""
    return columns >= _GET_WINEVENT or columns >= _EVENT_VIEWER


def windows_row(cells: Mapping[str, str], context: ReadContext) -> Draft:
    """The draft of a row.

    Raises:
        BadRecord: it has no event id.
    """
    fields: dict[str, Any] = {_COLUMNS.get(name.lower(), name): value for name, value in cells.items()}
    number = str(fields.get("EventID", ""))
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise BadRecord("The row has no event id.")
    fields["EventID"] = int(number)
    provider = str(fields.get("Provider_Name", ""))
    fields.setdefault("Channel", _CHANNELS.get(provider.lower(), "unknown"))
    for name, value in message_fields(str(fields.get("Message", ""))).items():
        fields.setdefault(name, value)
    when = next(
        (value for name, value in cells.items() if name.lower() in ("timecreated", "date and time")), ""
    )
    return windows_draft(fields, csv_instant(when, context))


def message_fields(message: str) -> dict[str, str]:
    """The event data that a rendered message states; the first of two equal names counts."""
    found: dict[str, str] = {}
    section = ""
    for line in message.split("\n")[:_MESSAGE_LINES]:
        match = _MESSAGE_LINE.fullmatch(line)
        if match is None:
            continue
        name, value = match.groups()
        if not value:
            section = name
        elif (section, name) in _SECURITY or ("", name) in _SECURITY:
            found.setdefault(_SECURITY.get((section, name)) or _SECURITY["", name], value)
        elif name.isalnum():
            found.setdefault(name, value)
    return found
