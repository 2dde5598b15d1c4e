"""Sysmon's events and fields (Microsoft's Sysmon documentation, schema 4.90), for Windows and for Linux."""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import Kind, Supply, Switch, supply
from tocsin.detect.sigma.catalogue.windows import SYSTEM
from tocsin.records.event import Logsource

_CHANNEL = "Microsoft-Windows-Sysmon/Operational"
_RULE = "RuleName UtcTime"
_PROCESS = f"{_RULE} ProcessGuid ProcessId Image User"
_CREATION = (
    f"{_PROCESS} FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory LogonGuid LogonId "
    "TerminalSessionId IntegrityLevel Hashes ParentProcessGuid ParentProcessId ParentImage "
    "ParentCommandLine ParentUser"
)
_NETWORK = (
    f"{_PROCESS} Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 "
    "DestinationIp DestinationHostname DestinationPort DestinationPortName"
)
_REMOTE = f"{_RULE} SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId TargetImage SourceUser TargetUser"
_FILE = f"{_PROCESS} TargetFilename CreationUtcTime"
_DELETED = f"{_PROCESS} TargetFilename Hashes IsExecutable Archived"
_REGISTRY = f"{_PROCESS} EventType TargetObject"

# event id | categories | fields
_EVENTS = f"""
1 | process_creation | {_CREATION}
2 | file_change | {_FILE} PreviousCreationUtcTime
3 | network_connection | {_NETWORK}
4 | sysmon_status | UtcTime State Version SchemaVersion
5 | process_termination | {_PROCESS}
6 | driver_load | {_RULE} ImageLoaded Hashes Signed Signature SignatureStatus
7 | image_load | {_PROCESS} ImageLoaded FileVersion Description Product Company OriginalFileName Hashes Signed Signature SignatureStatus
8 | create_remote_thread | {_REMOTE} NewThreadId StartAddress StartModule StartFunction
9 | raw_access_thread | {_PROCESS} Device
10 | process_access | {_REMOTE} SourceProcessGUID TargetProcessGUID SourceThreadId GrantedAccess CallTrace
11 | file_event | {_FILE}
12 | registry_event registry_add registry_delete | {_REGISTRY}
13 | registry_event registry_set | {_REGISTRY} Details
14 | registry_event registry_rename | {_REGISTRY} NewName
15 | create_stream_hash | {_FILE} Hash Contents
16 | sysmon_status | UtcTime Configuration ConfigurationFileHash
17 | pipe_created | {_PROCESS} EventType PipeName
18 | pipe_created | {_PROCESS} EventType PipeName
19 | wmi_event | {_RULE} EventType Operation User EventNamespace Name Query
20 | wmi_event | {_RULE} EventType Operation User Name Type Destination
21 | wmi_event | {_RULE} EventType Operation User Consumer Filter
22 | dns_query | {_PROCESS} QueryName QueryStatus QueryResults
23 | file_delete | {_DELETED}
24 | clipboard_capture | {_PROCESS} Session ClientInfo Hashes Archived
25 | process_tampering | {_PROCESS} Type
26 | file_delete file_delete_detected | {_DELETED}
27 | file_block_executable | {_PROCESS} TargetFilename Hashes
28 | file_block_shredding | {_PROCESS} TargetFilename Hashes IsExecutable
29 | file_executable_detected | {_PROCESS} TargetFilename Hashes
255 | sysmon_error | UtcTime ID Description
"""

_LINUX_EVENTS = ("1", "3", "4", "5", "9", "11", "16", "23", "255")
_WITHOUT_CATEGORY = ("4", "16", "255")
"""Sysmon's word on itself, which Sigma's categories cover on Windows only."""


def _rows() -> list[tuple[str, tuple[str, ...], str]]:
    rows = []
    for line in _EVENTS.strip().splitlines():
        event_id, categories, fields = (part.strip() for part in line.split("|"))
        rows.append((event_id, tuple(categories.split()), fields))
    return rows


def _supplies(product: str, event_ids: tuple[str, ...] | None) -> tuple[Supply, ...]:
    supplies = []
    for event_id, categories, fields in _rows():
        if event_ids is not None and event_id not in event_ids:
            continue
        named = (None,) if product == "linux" and event_id in _WITHOUT_CATEGORY else categories
        of = Kind(
            f"{product}/Sysmon/{event_id}",
            frozenset(Logsource(product, category, "sysmon") for category in named),
            {
                "EventID": frozenset({event_id}),
                "Channel": frozenset({_CHANNEL if product == "windows" else "Linux-Sysmon/Operational"}),
            },
        )
        supplies.append(supply(of, f"{SYSTEM} {fields}"))
    return tuple(supplies)


SYSMON = Switch(
    "windows-sysmon",
    "Sysmon on Windows",
    "install Sysmon with a configuration that logs every event type",
    _supplies("windows", None),
    includes=("windows-default",),
)

SYSMON_LINUX = Switch(
    "linux-sysmon",
    "Sysmon for Linux",
    "install Sysmon for Linux with a configuration that logs every event type",
    _supplies("linux", _LINUX_EVENTS),
)
