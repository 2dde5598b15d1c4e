"""Windows event log records as winlogbeat 8 writes them, one JSON object a line."""

# ruff: noqa: PLR0913, PLR0917  a writer's parameters are the parts of its record

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from random import Random
from typing import Any

from tocsin.records.instants import SECOND, to_datetime
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.hosts import Host
from tocsin.rehearse.townhall.people import SYSTEM, Account

NULL_GUID = "{00000000-0000-0000-0000-000000000000}"


@dataclass(frozen=True, slots=True)
class Log:
    """A channel and the provider that writes to it."""

    channel: str
    provider: str
    guid: str = ""


SECURITY = Log("Security", "Microsoft-Windows-Security-Auditing", "{54849625-5478-4994-A5BA-3E3B0328C30D}")
SERVICES = Log("System", "Service Control Manager", "{555908d1-a6d7-4695-8e1e-26931d2012f4}")
EVENTLOG = Log("System", "Microsoft-Windows-Eventlog", "{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}")
AUDIT_CLEARED = Log("Security", "Microsoft-Windows-Eventlog", "{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}")
KERNEL = Log("System", "Microsoft-Windows-Kernel-General", "{a68ca8b7-004f-d7b6-a698-07e2de0f1f5d}")
UPDATES = Log("System", "Microsoft-Windows-WindowsUpdateClient", "{945a8954-c147-4acd-923f-40c45405a658}")
DATABASE = Log("Application", "ESENT")
INSTALLER = Log("Application", "MsiInstaller")
POWERSHELL = Log(
    "Microsoft-Windows-PowerShell/Operational",
    "Microsoft-Windows-PowerShell",
    "{a0c1853b-5c40-4b15-8766-3cf1c58f985a}",
)
DEFENDER = Log(
    "Microsoft-Windows-Windows Defender/Operational",
    "Microsoft-Windows-Windows Defender",
    "{11cd958a-c507-4ef3-b3f2-5fd9dfbd2c78}",
)
TASKS = Log(
    "Microsoft-Windows-TaskScheduler/Operational",
    "Microsoft-Windows-TaskScheduler",
    "{de7b24ea-73c8-4a09-985d-5bdadcfa9017}",
)
TERMINAL = Log(
    "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    "Microsoft-Windows-TerminalServices-LocalSessionManager",
    "{5d896912-022d-40aa-a3a8-4fa5515c76d7}",
)
SYSMON = Log(
    "Microsoft-Windows-Sysmon/Operational",
    "Microsoft-Windows-Sysmon",
    "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}",
)

_TITLES = {
    ("Security", 1102): ("Log clear", "The audit log was cleared."),
    ("Security", 4624): ("Logon", "An account was successfully logged on."),
    ("Security", 4625): ("Logon", "An account failed to log on."),
    ("Security", 4634): ("Logoff", "An account was logged off."),
    ("Security", 4648): ("Logon", "A logon was attempted using explicit credentials."),
    ("Security", 4672): ("Special Logon", "Special privileges assigned to new logon."),
    ("Security", 4688): ("Process Creation", "A new process has been created."),
    ("Security", 4720): ("User Account Management", "A user account was created."),
    ("Security", 4724): ("User Account Management", "An attempt was made to reset an account's password."),
    ("Security", 4728): ("Security Group Management", "A member was added to a security-enabled global group."),
    ("Security", 4732): ("Security Group Management", "A member was added to a security-enabled local group."),
    ("Security", 4740): ("User Account Management", "A user account was locked out."),
    ("Security", 4768): ("Kerberos Authentication Service", "A Kerberos authentication ticket (TGT) was requested."),
    ("Security", 4769): ("Kerberos Service Ticket Operations", "A Kerberos service ticket was requested."),
    ("Security", 4771): ("Kerberos Authentication Service", "Kerberos pre-authentication failed."),
    ("Security", 4776): (
        "Credential Validation", "The computer attempted to validate the credentials for an account.",
    ),
    ("System", 104): ("Log clear", "The log file was cleared."),
    ("System", 7036): ("", "A service changed its state."),
    ("System", 7040): ("", "The start type of a service was changed."),
    ("System", 7045): ("", "A service was installed in the system."),
}  # fmt: skip


def event(
    host: Host,
    time: int,
    log: Log,
    event_id: int,
    data: dict[str, str],
    *,
    outcome: str = "success",
    in_user_data: bool = False,
) -> Entry:
    """One record of `host`; `render` adds its EventRecordID. `in_user_data` for the few providers that write UserData."""
    stamp = to_datetime(time).isoformat(timespec="milliseconds")[:-6] + "Z"
    task, title = _TITLES.get((log.channel, event_id), ("", ""))
    winlog: dict[str, Any] = {
        "api": "wineventlog",
        "channel": log.channel,
        "computer_name": host.fqdn,
        "event_id": str(event_id),
        "keywords": [f"Audit {outcome.title()}"] if log.channel == "Security" else [],
        "opcode": "Info",
        "process": {"pid": 4 if log is SECURITY else 1208, "thread": {"id": 4100 + time % 97 * 4}},
        "provider_guid": log.guid,
        "provider_name": log.provider,
        "record_id": 0,
        "task": task,
        "user_data" if in_user_data else "event_data": data,
    }
    described = "\n".join(f"{key}:\t\t{value}" for key, value in data.items())
    body = {
        "@timestamp": stamp,
        "agent": {"hostname": host.name, "type": "winlogbeat", "version": "8.15.3"},
        "ecs": {"version": "8.0.0"},
        "event": {"code": str(event_id), "kind": "event", "outcome": outcome, "provider": log.provider},
        "host": {"name": host.fqdn},
        "log": {"level": "information"},
        "message": f"{title}\n\n{described}",
        "winlog": winlog,
    }
    return Entry(time, file_of(host), body)


def file_of(host: Host) -> str:
    """The file that `host` ships to: servers have their own, PCs share one."""
    return (
        "windows/workstations.ndjson"
        if host.name.startswith("PC-")
        else f"windows/{host.name.lower()}.ndjson"
    )


def number(entries: list[Entry]) -> None:
    """Gives the records, which stand in order of time, the EventRecordIDs that their computers would have given."""
    last: dict[tuple[str, str], int] = {}
    for entry in entries:
        assert isinstance(entry.body, dict)
        winlog = entry.body["winlog"]
        key = (winlog["computer_name"], winlog["channel"])
        last[key] = last.get(key, zlib.crc32("/".join(key).encode()) % 900_000) + 1
        winlog["record_id"] = last[key]


def logon_id(host: Host, account: Account) -> str:
    """The id of the day's session of `account` on `host`."""
    if account.sid == SYSTEM.sid:
        return "0x3e7"
    return f"0x{zlib.crc32(f'{host.name}/{account.name}'.encode()) & 0xFFFFFF:x}"


def who(prefix: str, host: Host, account: Account, *, session: bool = True) -> dict[str, str]:
    """The four fields that say who: `SubjectUserSid`, `SubjectUserName`…, for the prefix `Subject`."""
    fields = {
        f"{prefix}UserSid": account.sid,
        f"{prefix}UserName": account.name,
        f"{prefix}DomainName": account.domain,
    }
    return fields | ({f"{prefix}LogonId": logon_id(host, account)} if session else {})


def process(
    rng: Random,
    host: Host,
    time: int,
    account: Account,
    image: str,
    command: str,
    parent: str,
    *,
    elevated: bool = False,
) -> list[Entry]:
    """A program starts: 4688, and Sysmon's event 1 where Sysmon is installed."""
    pid, parent_pid = rng.randrange(1000, 15000) * 4, rng.randrange(200, 3000) * 4
    system = account.sid == SYSTEM.sid
    elevated = elevated or system or account.name.startswith(("adm.", "svc-"))
    data = {
        **who("Subject", host, account),
        "NewProcessId": f"0x{pid:x}",
        "NewProcessName": image,
        "TokenElevationType": "%%1936" if elevated else "%%1938",
        "ProcessId": f"0x{parent_pid:x}",
        "CommandLine": command,
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": "-",
        "TargetDomainName": "-",
        "TargetLogonId": "0x0",
        "ParentProcessName": parent,
        "MandatoryLabel": "S-1-16-16384" if system else "S-1-16-12288" if elevated else "S-1-16-8192",
    }
    entries = [event(host, time, SECURITY, 4688, data)]
    if host.sysmon:
        entries.append(_sysmon_process(host, time, account, data))
    return entries


def _sysmon_process(host: Host, time: int, account: Account, data: dict[str, str]) -> Entry:
    image = data["NewProcessName"]
    levels = {"S-1-16-16384": "System", "S-1-16-12288": "High", "S-1-16-8192": "Medium"}
    return sysmon(host, time, 1, {
        "ProcessGuid": process_guid(host, time),
        "ProcessId": str(int(data["NewProcessId"], 16)),
        "Image": image,
        "FileVersion": "-",
        "Description": "-",
        "Product": "-",
        "Company": "-",
        "OriginalFileName": image.rpartition("\\")[2],
        "CommandLine": data["CommandLine"],
        "CurrentDirectory": "C:\\Windows\\system32\\",
        "User": f"{account.domain}\\{account.name}",
        "LogonGuid": NULL_GUID,
        "LogonId": data["SubjectLogonId"],
        "TerminalSessionId": "0" if account.sid == SYSTEM.sid else "2",
        "IntegrityLevel": levels[data["MandatoryLabel"]],
        "Hashes": "SHA256=" + hashlib.sha256(image.lower().encode()).hexdigest().upper(),
        "ParentProcessGuid": process_guid(host, time - SECOND),
        "ParentProcessId": str(int(data["ProcessId"], 16)),
        "ParentImage": data["ParentProcessName"],
        "ParentCommandLine": data["ParentProcessName"],
        "ParentUser": f"{account.domain}\\{account.name}",
    })  # fmt: skip


def process_guid(host: Host, time: int) -> str:
    """A Sysmon ProcessGuid: machine, start time, a number."""
    return f"{{{zlib.crc32(host.fqdn.encode()):08x}-{time // SECOND & 0xFFFF:04x}-{time // SECOND >> 16 & 0xFFFF:04x}-{time % 0xFFFF:04x}-000000000000}}"


def sysmon(host: Host, time: int, event_id: int, data: dict[str, str]) -> Entry:
    """A Sysmon event; the first two fields are always the same."""
    utc = to_datetime(time).isoformat(sep=" ", timespec="milliseconds")[:-6]
    return event(host, time, SYSMON, event_id, {"RuleName": "-", "UtcTime": utc, **data})


def script_block(rng: Random, host: Host, time: int, text: str, path: str = "") -> Entry:
    """4104: a PowerShell script block."""
    data = {
        "MessageNumber": "1", "MessageTotal": "1", "ScriptBlockText": text,
        "ScriptBlockId": f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4a5b-9c0d-{rng.getrandbits(48):012x}",
        "Path": path,
    }  # fmt: skip
    return event(host, time, POWERSHELL, 4104, data)


def service_installed(host: Host, time: int, name: str, image: str, account: str = "LocalSystem") -> Entry:
    """System 7045."""
    data = {
        "ServiceName": name, "ImagePath": image, "ServiceType": "user mode service", "StartType": "demand start",
        "AccountName": account,
    }  # fmt: skip
    return event(host, time, SERVICES, 7045, data)


def log_cleared(host: Host, time: int, account: Account, channel: str) -> Entry:
    """Security 1102, or System 104 for any other channel."""
    if channel == "Security":
        return event(host, time, AUDIT_CLEARED, 1102, who("Subject", host, account), in_user_data=True)
    data = {
        "SubjectUserName": account.name, "SubjectDomainName": account.domain, "Channel": channel, "BackupPath": "",
    }  # fmt: skip
    return event(host, time, EVENTLOG, 104, data, in_user_data=True)
