"""Which Sigma logsources a Windows event is: the tables channel → service and (channel, EventID) → categories.

Source: the Sigma specification's list of Windows log sources (appendix "Taxonomy") and the services that SigmaHQ's rules
name. Categories that only exist as ETW (file_access, file_rename…) are in no file and stand in no table.
"""

from __future__ import annotations

from functools import lru_cache

from tocsin.records.event import Logsource

SYSMON = "Microsoft-Windows-Sysmon/Operational"
POWERSHELL = "Microsoft-Windows-PowerShell/Operational"
POWERSHELL_CORE = "PowerShellCore/Operational"
POWERSHELL_CLASSIC = "Windows PowerShell"
SYSMON_LINUX = "Linux-Sysmon/Operational"
REGISTRY_OBJECT = 12
"""Sysmon's event of a registry key or value that was made or deleted: its EventType says which."""

_APPLOCKER = "Microsoft-Windows-AppLocker"

SERVICES: dict[str, tuple[str, ...]] = {
    "application": ("Application",),
    "applocker": (
        f"{_APPLOCKER}/EXE and DLL",
        f"{_APPLOCKER}/MSI and Script",
        f"{_APPLOCKER}/Packaged app-Deployment",
        f"{_APPLOCKER}/Packaged app-Execution",
    ),
    "appmodel-runtime": ("Microsoft-Windows-AppModel-Runtime/Admin",),
    "appxdeployment-server": ("Microsoft-Windows-AppXDeploymentServer/Operational",),
    "appxpackaging-om": ("Microsoft-Windows-AppxPackaging/Operational",),
    "bitlocker": ("Microsoft-Windows-BitLocker/BitLocker Management",),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational",),
    "capi2": ("Microsoft-Windows-CAPI2/Operational",),
    "certificateservicesclient-lifecycle-system": (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    ),
    "codeintegrity-operational": ("Microsoft-Windows-CodeIntegrity/Operational",),
    "dhcp": ("Microsoft-Windows-DHCP-Server/Operational",),
    "diagnosis-scripted": ("Microsoft-Windows-Diagnosis-Scripted/Operational",),
    "dns-client": (
        "Microsoft-Windows-DNS Client Events/Operational",
        "Microsoft-Windows-DNS-Client/Operational",
    ),
    "dns-server": ("DNS Server",),
    "dns-server-analytic": ("Microsoft-Windows-DNS-Server/Analytical",),
    "dns-server-audit": ("Microsoft-Windows-DNS-Server/Audit",),
    "driver-framework": ("Microsoft-Windows-DriverFrameworks-UserMode/Operational",),
    "firewall-as": ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    "hyper-v-worker": (
        "Microsoft-Windows-Hyper-V-Worker",
        "Microsoft-Windows-Hyper-V-Worker-Admin",
        "Microsoft-Windows-Hyper-V-Worker-Operational",
    ),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "kernel-event-tracing": (
        "Microsoft-Windows-Kernel-EventTracing",
        "Microsoft-Windows-Kernel-EventTracing/Admin",
    ),
    "kernel-shimengine": (
        "Microsoft-Windows-Kernel-ShimEngine/Operational",
        "Microsoft-Windows-Kernel-ShimEngine/Diagnostic",
    ),
    "ldap": ("Microsoft-Windows-LDAP-Client/Debug",),
    "lsa-server": ("Microsoft-Windows-LSA/Operational",),
    "microsoft-servicebus-client": (
        "Microsoft-ServiceBus-Client",
        "Microsoft-ServiceBus-Client/Admin",
        "Microsoft-ServiceBus-Client/Operational",
    ),
    "msexchange-management": ("MSExchange Management",),
    "ntfs": ("Microsoft-Windows-Ntfs/Operational",),
    "ntlm": ("Microsoft-Windows-NTLM/Operational",),
    "openssh": ("OpenSSH/Operational",),
    "powershell": (POWERSHELL, POWERSHELL_CORE),
    "powershell-classic": (POWERSHELL_CLASSIC,),
    "printservice-admin": ("Microsoft-Windows-PrintService/Admin",),
    "printservice-operational": ("Microsoft-Windows-PrintService/Operational",),
    "security": ("Security",),
    "security-mitigations": (
        "Microsoft-Windows-Security-Mitigations/KernelMode",
        "Microsoft-Windows-Security-Mitigations/UserMode",
        "Microsoft-Windows-Security-Mitigations/Kernel Mode",
        "Microsoft-Windows-Security-Mitigations/User Mode",
    ),
    "sense": ("Microsoft-Windows-SENSE/Operational",),
    "shell-core": ("Microsoft-Windows-Shell-Core/Operational",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbclient-security": ("Microsoft-Windows-SmbClient/Security",),
    "smbserver-connectivity": ("Microsoft-Windows-SMBServer/Connectivity",),
    "sysmon": (SYSMON,),
    "system": ("System",),
    "taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational",),
    "terminalservices-localsessionmanager": (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    ),
    "vhdmp": ("Microsoft-Windows-VHDMP/Operational", "Microsoft-Windows-VHDMP-Operational"),
    "windefend": ("Microsoft-Windows-Windows Defender/Operational",),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational",),
}
"""Sigma service → the channels that it reads."""

CHANNELS: dict[str, str] = {
    channel.lower(): channel
    for channel in [name for names in SERVICES.values() for name in names]
    + [SYSMON_LINUX, "Setup", "ForwardedEvents"]
}
"""Lower-case channel name → its canonical spelling: exporters change the case."""

CATEGORIES: dict[tuple[str, int], tuple[str, ...]] = {
    (SYSMON, 1): ("process_creation",),
    (SYSMON, 2): ("file_change",),
    (SYSMON, 3): ("network_connection",),
    (SYSMON, 4): ("sysmon_status",),
    (SYSMON, 5): ("process_termination",),
    (SYSMON, 6): ("driver_load",),
    (SYSMON, 7): ("image_load",),
    (SYSMON, 8): ("create_remote_thread",),
    (SYSMON, 9): ("raw_access_thread",),
    (SYSMON, 10): ("process_access",),
    (SYSMON, 11): ("file_event",),
    (SYSMON, 12): ("registry_add", "registry_delete", "registry_event"),  # see `_REGISTRY`
    (SYSMON, 13): ("registry_set", "registry_event"),
    (SYSMON, 14): ("registry_rename", "registry_event"),
    (SYSMON, 15): ("create_stream_hash",),
    (SYSMON, 16): ("sysmon_status",),
    (SYSMON, 17): ("pipe_created",),
    (SYSMON, 18): ("pipe_created",),
    (SYSMON, 19): ("wmi_event",),
    (SYSMON, 20): ("wmi_event",),
    (SYSMON, 21): ("wmi_event",),
    (SYSMON, 22): ("dns_query",),
    (SYSMON, 23): ("file_delete",),
    (SYSMON, 24): ("clipboard_capture",),
    (SYSMON, 25): ("process_tampering",),
    (SYSMON, 26): ("file_delete", "file_delete_detected"),
    (SYSMON, 27): ("file_block_executable",),
    (SYSMON, 28): ("file_block_shredding",),
    (SYSMON, 29): ("file_executable_detected",),
    (SYSMON, 255): ("sysmon_error",),
    ("Security", 4688): ("process_creation",),
    (POWERSHELL, 4103): ("ps_module",),
    (POWERSHELL, 4104): ("ps_script",),
    (POWERSHELL_CORE, 4103): ("ps_module",),
    (POWERSHELL_CORE, 4104): ("ps_script",),
    (POWERSHELL_CLASSIC, 400): ("ps_classic_start",),
    (POWERSHELL_CLASSIC, 600): ("ps_classic_provider_start",),
    (POWERSHELL_CLASSIC, 800): ("ps_classic_script",),
    (SYSMON_LINUX, 1): ("process_creation",),
    (SYSMON_LINUX, 3): ("network_connection",),
    (SYSMON_LINUX, 5): ("process_termination",),
    (SYSMON_LINUX, 9): ("raw_access_thread",),
    (SYSMON_LINUX, 11): ("file_event",),
    (SYSMON_LINUX, 23): ("file_delete",),
}
"""(channel, EventID) → the Sigma categories it is."""

_REGISTRY = {
    "create": ("registry_add", "registry_event"),
    "delete": ("registry_delete", "registry_event"),
}
"""What Sysmon's EventType makes of event 12: CreateKey or DeleteKey, DeleteValue."""

_SERVICE_OF = {channel: service for service, channels in SERVICES.items() for channel in channels}

OCSF_CLASSES: dict[tuple[str, int], int] = {
    **dict.fromkeys([(SYSMON, number) for number in (1, 5, 8, 9, 10, 25)], 1007),
    **dict.fromkeys([(SYSMON, number) for number in (2, 11, 15, 23, 26, 27, 28, 29)], 1001),
    **dict.fromkeys([(SYSMON, number) for number in (6, 7)], 1005),
    (SYSMON, 3): 4001,
    (SYSMON, 22): 4003,
    **dict.fromkeys([(SYSMON, number) for number in (12, 13, 14)], 201001),
    **dict.fromkeys([("Security", number) for number in (4688, 4689)], 1007),
    **dict.fromkeys(
        [("Security", number) for number in (4624, 4625, 4634, 4647, 4648, 4768, 4769, 4771, 4776)], 3002
    ),
    **dict.fromkeys(
        [("Security", number) for number in (4720, 4722, 4723, 4724, 4725, 4726, 4738, 4740, 4767, 4781)],
        3001,
    ),
    **dict.fromkeys(
        [("Security", number) for number in (4727, 4728, 4729, 4731, 4732, 4733, 4735, 4756, 4757)], 3006
    ),
    **dict.fromkeys([("Security", number) for number in (5156, 5157, 5158)], 4001),
    **dict.fromkeys([("Security", number) for number in (4656, 4660, 4663)], 1001),
    **dict.fromkeys([("Security", number) for number in (4698, 4699, 4700, 4701, 4702)], 1006),
    ("Microsoft-Windows-Windows Defender/Operational", 1116): 2004,
    ("Microsoft-Windows-Windows Defender/Operational", 1117): 2004,
    (SYSMON_LINUX, 1): 1007,
    (SYSMON_LINUX, 3): 4001,
    (SYSMON_LINUX, 11): 1001,
}
"""(channel, EventID) → OCSF 1.x class_uid; 201001 is the Windows extension's registry key activity."""


def canonical_channel(channel: str) -> str:
    """`channel` in the spelling that Windows uses, itself where it is not known."""
    return CHANNELS.get(channel.lower(), channel)


@lru_cache(maxsize=4096)
def logsources(channel: str, event_id: int, event_type: str = "") -> frozenset[Logsource]:
    """Every Sigma logsource of an event; each names product, category and service together.

    Args:
        channel: In its canonical spelling.
        event_id: The EventID.
        event_type: Sysmon's EventType, which tells registry events 12 apart; both kinds where it is not known.
    """
    product = "linux" if channel == SYSMON_LINUX else "windows"
    service = "sysmon" if channel == SYSMON_LINUX else _SERVICE_OF.get(channel)
    categories = CATEGORIES.get((channel, event_id), ())
    if channel == SYSMON and event_id == REGISTRY_OBJECT:
        categories = _REGISTRY.get(event_type[:6].lower(), categories)
    if not categories:
        return frozenset({Logsource(product, None, service)})
    return frozenset(Logsource(product, category, service) for category in categories)
