"""Windows records about logging on: 4624, 4625, 4634, 4672 on the computer, 4768 to 4776 on the domain controller."""

# ruff: noqa: PLR0913  a writer's parameters are the parts of its record

from __future__ import annotations

from dataclasses import dataclass

from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats.windows import NULL_GUID, SECURITY, event, who
from tocsin.rehearse.townhall.hosts import Host
from tocsin.rehearse.townhall.people import SYSTEM, Account

_NOBODY = {
    "SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": "0x0",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a logon comes from: the other computer's name and address; `-` for this one."""

    name: str = "-"
    address: str = "-"
    port: int = 0


def logon(
    host: Host,
    time: int,
    account: Account,
    kind: int,
    origin: Origin = Origin(),
    *,
    package: str = "Kerberos",
) -> Entry:
    """4624 of logon type `kind`."""
    local = kind in {2, 5, 7, 10, 11}
    process, package = ("User32 ", "Negotiate") if local else (package, package)
    if kind == 5:
        process = "Advapi  "
    data = {
        **(who("Subject", host, SYSTEM) if local else _NOBODY),
        **who("Target", host, account),
        "LogonType": str(kind),
        "LogonProcessName": "NtLmSsp " if package == "NTLM" else process,
        "AuthenticationPackageName": package,
        "WorkstationName": host.name if kind in {2, 7, 11} else origin.name,
        "LogonGuid": NULL_GUID,
        "TransmittedServices": "-",
        "LmPackageName": "NTLM V2" if package == "NTLM" else "-",
        "KeyLength": "128" if package == "NTLM" else "0",
        "ProcessId": "0x2d4" if local else "0x0",
        "ProcessName": "C:\\Windows\\System32\\services.exe"
        if kind == 5
        else "C:\\Windows\\System32\\svchost.exe"
        if local
        else "-",
        "IpAddress": "127.0.0.1" if kind in {2, 7, 11} else origin.address,
        "IpPort": str(origin.port) if origin.port else "0",
        "ImpersonationLevel": "%%1833",
        "RestrictedAdminMode": "-",
        "TargetOutboundUserName": "-",
        "TargetOutboundDomainName": "-",
        "VirtualAccount": "%%1843",
        "TargetLinkedLogonId": "0x0",
        "ElevatedToken": "%%1842",
    }
    return event(host, time, SECURITY, 4624, data)


def logoff(host: Host, time: int, account: Account, kind: int) -> Entry:
    """4634."""
    return event(host, time, SECURITY, 4634, {**who("Target", host, account), "LogonType": str(kind)})


def failed_logon(
    host: Host, time: int, account: Account, kind: int, origin: Origin = Origin(), *, unknown: bool = False
) -> Entry:
    """4625: a wrong password, or a user name that does not exist."""
    data = {
        **(_NOBODY if kind == 3 else who("Subject", host, SYSTEM)),
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": account.name,
        "TargetDomainName": account.domain,
        "Status": "0xc000006d",
        "FailureReason": "%%2313",
        "SubStatus": "0xc0000064" if unknown else "0xc000006a",
        "LogonType": str(kind),
        "LogonProcessName": "NtLmSsp " if kind == 3 else "User32 ",
        "AuthenticationPackageName": "NTLM" if kind == 3 else "Negotiate",
        "WorkstationName": origin.name if kind == 3 else host.name,
        "TransmittedServices": "-",
        "LmPackageName": "-",
        "KeyLength": "0",
        "ProcessId": "0x0" if kind == 3 else "0x2d4",
        "ProcessName": "-" if kind == 3 else "C:\\Windows\\System32\\svchost.exe",
        "IpAddress": origin.address if kind != 2 else "127.0.0.1",
        "IpPort": str(origin.port),
    }
    return event(host, time, SECURITY, 4625, data, outcome="failure")


def explicit(host: Host, time: int, account: Account, used: Account, server: Host) -> Entry:
    """4648: on `host`, `account` gives the name and password of another account for `server`."""
    data = {
        **who("Subject", host, account), "LogonGuid": NULL_GUID, "TargetUserName": used.name,
        "TargetDomainName": used.domain, "TargetLogonGuid": NULL_GUID, "TargetServerName": server.fqdn,
        "TargetInfo": f"TERMSRV/{server.fqdn}", "ProcessId": "0x2d4",
        "ProcessName": "C:\\Windows\\System32\\lsass.exe", "IpAddress": "-", "IpPort": "-",
    }  # fmt: skip
    return event(host, time, SECURITY, 4648, data)


def privileges(host: Host, time: int, account: Account) -> Entry:
    """4672: an administrator's or the system's logon."""
    powers = "SeSecurityPrivilege\n\t\t\tSeBackupPrivilege\n\t\t\tSeRestorePrivilege\n\t\t\tSeDebugPrivilege"
    return event(host, time, SECURITY, 4672, {**who("Subject", host, account), "PrivilegeList": powers})


def ticket(
    controller: Host,
    time: int,
    account: Account,
    origin: Origin,
    service: str = "krbtgt",
    *,
    failed: bool = False,
) -> Entry:
    """4768 for `krbtgt`, 4769 for another service, 4771 when the password was wrong."""
    address = {"IpAddress": f"::ffff:{origin.address}", "IpPort": str(origin.port)}
    if failed:
        data = {
            "TargetUserName": account.name, "TargetSid": account.sid, "ServiceName": f"krbtgt/{account.domain}",
            "TicketOptions": "0x40810010", "Status": "0x18", "PreAuthType": "2", **address,
            "CertIssuerName": "", "CertSerialNumber": "", "CertThumbprint": "",
        }  # fmt: skip
        return event(controller, time, SECURITY, 4771, data, outcome="failure")
    common = {
        "ServiceName": service, "TicketOptions": "0x40810010", "TicketEncryptionType": "0x12", **address,
        "Status": "0x0",
    }  # fmt: skip
    if service == "krbtgt":
        whom = {"TargetUserName": account.name, "TargetDomainName": account.domain, "TargetSid": account.sid}
        return event(controller, time, SECURITY, 4768, {**whom, **common, "PreAuthType": "2"})
    realm = controller.fqdn.partition(".")[2].upper()
    whom = {"TargetUserName": f"{account.name}@{realm}", "TargetDomainName": realm}
    return event(controller, time, SECURITY, 4769, {**whom, **common, "TransmittedServices": "-"})


def validated(
    controller: Host, time: int, account: Account, workstation: str, *, failed: bool = False
) -> Entry:
    """4776: an NTLM check."""
    data = {
        "PackageName": "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0", "TargetUserName": account.name,
        "Workstation": workstation, "Status": "0xc000006a" if failed else "0x0",
    }  # fmt: skip
    return event(controller, time, SECURITY, 4776, data, outcome="failure" if failed else "success")
