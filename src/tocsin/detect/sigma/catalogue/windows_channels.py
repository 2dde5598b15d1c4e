"""Windows channels beside Security: which are on as installed, PowerShell's settings, and channels that are off.

Source: the channels' `enabled` flag on an installed Windows 10/11 and Server 2019/2022 (`wevtutil gl CHANNEL`), and the
providers' event templates. The System and Application channels carry every program's events, so their fields are any.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import Kind, Supply, Switch, kind, supply
from tocsin.detect.sigma.catalogue.windows import SECURITY_DEFAULT, SYSTEM

_FIREWALL_RULE = (
    "RuleId RuleName Origin ApplicationPath ServiceName Direction Protocol LocalPorts RemotePorts Action Profiles "
    "LocalAddresses RemoteAddresses RemoteMachineAuthorizationList RemoteUserAuthorizationList EmbeddedContext Flags "
    "Active EdgeTraversal LooseSourceMapped SecurityOptions ModifyingUser ModifyingApplication SchemaVersion RuleStatus "
    "ErrorCode"
)
_THREAT = (
    "Product_Name Product_Version Detection_ID Detection_Time Threat_ID Threat_Name ThreatName Severity_ID Severity_Name "
    "Category_ID Category_Name FWLink Status_Code Status_Description State Source_ID Source_Name SourceName Process_Name "
    "ProcessName Detection_User Path Origin_ID Origin_Name Execution_ID Execution_Name Type_ID Type_Name "
    "Pre_Execution_Status Action_ID Action_Name Error_Code Error_Description Post_Clean_Status Additional_Actions_ID "
    "Additional_Actions_String Remediation_User Security_intelligence_Version Engine_Version"
)
_INTEGRITY = (
    "FileNameLength FileNameBuffer ProcessNameLength ProcessNameBuffer RequestedPolicy ValidatedPolicy Status "
    "RequestedSigningLevel ValidatedSigningLevel PolicyName PolicyGUID"
)
_PACKAGE = (
    "Path PackageFullName PackageSourceUri PackageDisplayName CallingProcess DeploymentOperation ErrorCode Flags "
    "HasFullTrust MainPackageFullName User SummaryError"
)

# service | channel | event ids | fields
_ON_AS_INSTALLED = f"""
windefend | Microsoft-Windows-Windows Defender/Operational | 1000 1001 1002 1006 1007 1008 1009 1011 1013 1015 1116 1117 1118 1119 1120 | {_THREAT}
windefend | Microsoft-Windows-Windows Defender/Operational | 1121 1122 1123 1124 1125 1126 1127 1131 1132 1133 1134 | Product_Name Product_Version ID Detection_Time User Path Process_Name ProcessName Target_Commandline Parent_Commandline Involved_File Inheritance_Flags RuleType Security_intelligence_Version Engine_Version
windefend | Microsoft-Windows-Windows Defender/Operational | 2000 2001 2010 3002 3007 5000 5001 5004 5007 5008 5009 5010 5011 5012 5013 5100 5101 | Product_Name Product_Version Old_Value OldValue New_Value NewValue Value Changed_Type Feature_Name Feature_ID Reason Error_Code Error_Description Current_security_intelligence_Version Previous_security_intelligence_Version Current_Engine_Version Previous_Engine_Version Security_intelligence_Type Update_Source Update_Type Update_State Source_Path Domain User SID
firewall-as | Microsoft-Windows-Windows Firewall With Advanced Security/Firewall | 2002 2003 2004 2005 2006 2008 2009 2010 2011 2032 2033 2052 2059 2060 2071 2073 2082 2083 2097 | {_FIREWALL_RULE} SettingType SettingValueSize SettingValue SettingValueString Profiles
codeintegrity-operational | Microsoft-Windows-CodeIntegrity/Operational | 3001 3004 3021 3022 3023 3032 3033 3034 3035 3036 3037 3063 3065 3066 3076 3077 3082 3083 3089 3099 3104 | {_INTEGRITY}
appxdeployment-server | Microsoft-Windows-AppXDeploymentServer/Operational | 400 401 404 412 441 442 453 454 603 854 855 | {_PACKAGE}
appxpackaging-om | Microsoft-Windows-AppxPackaging/Operational | 157 171 172 | subjectName packageFullName
appmodel-runtime | Microsoft-Windows-AppModel-Runtime/Admin | 39 65 201 202 210 211 217 | ProcessID PackageName ImageName ApplicationName
bits-client | Microsoft-Windows-Bits-Client/Operational | 3 4 5 59 60 61 16403 | jobTitle jobId jobOwner User processPath processId ClientProcessStartKey string transferId name Id url peer bytesTotal bytesTransferred LocalName RemoteName fileList
terminalservices-localsessionmanager | Microsoft-Windows-TerminalServices-LocalSessionManager/Operational | 21 22 23 24 25 39 40 | User SessionID Address Session Reason TargetSession Source
shell-core | Microsoft-Windows-Shell-Core/Operational | 9705 9706 9707 9708 28115 | Name AppID Flags Command PID KeyName
security-mitigations | Microsoft-Windows-Security-Mitigations/KernelMode | 1 2 3 4 5 6 7 8 9 10 11 12 | ProcessPathLength ProcessPath ProcessCommandLineLength ProcessCommandLine ProcessId ProcessCreateTime ProcessStartKey ProcessSignatureLevel ImageNameLength ImageName
wmi | Microsoft-Windows-WMI-Activity/Operational | 5857 5858 5859 5860 5861 | ProviderName Code HostProcess ProcessID ProviderPath NamespaceName Namespace Query User Provider queryid PossibleCause ESS CONSUMER Operation ClientMachine Component ResultCode Id ClientProcessId
smbclient-security | Microsoft-Windows-SmbClient/Security | 31000 31001 31010 31012 31013 31014 31017 | Reason Status SecurityStatus ServerName UserName LogonId ObjectName PrincipalName
smbclient-connectivity | Microsoft-Windows-SMBClient/Connectivity | 30800 30803 30804 30805 30806 30807 30808 | Reason Status ServerName Address ServerAddress RemoteAddress LocalAddress InstanceName ConnectionType SessionId
smbserver-connectivity | Microsoft-Windows-SMBServer/Connectivity | 1009 1010 4000 | ClientAddress ClientName ShareName ServerName UserName SigningUsed EncyptionUsed EncryptionUsed
printservice-admin | Microsoft-Windows-PrintService/Admin | 315 372 808 823 4909 | param1 param2 param3 PluginDllName ErrorCode
diagnosis-scripted | Microsoft-Windows-Diagnosis-Scripted/Operational | 100 101 102 103 104 105 | PackagePath PackageId
certificateservicesclient-lifecycle-system | Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational | 1001 1002 1003 1004 1006 1007 | SubjectNames Thumbprint Template NotAfter
lsa-server | Microsoft-Windows-LSA/Operational | 300 301 302 303 304 305 | TargetUserSid TargetUserName TargetDomainName TargetLogonId EventIdx EventCountTotal SidList
"""

_OFF_AS_INSTALLED = """
taskscheduler | Microsoft-Windows-TaskScheduler/Operational | 100 102 106 110 129 140 141 142 200 201 | TaskName UserContext UserName Path ProcessID Priority ActionName TaskInstanceId ResultCode EnginePID Name
dns-client | Microsoft-Windows-DNS Client Events/Operational | 3006 3008 3010 3011 3018 3019 3020 | QueryName QueryType QueryOptions QueryStatus QueryResults ServerList Address Interface
ntlm | Microsoft-Windows-NTLM/Operational | 8001 8002 8003 8004 4001 4002 4003 | TargetName UserName DomainName WorkstationName SChannelName SChannelType CallerPID ProcessName ClientLUID ClientUserName ClientDomainName MechanismOID
printservice-operational | Microsoft-Windows-PrintService/Operational | 300 301 307 316 354 805 842 848 | param1 param2 param3 param4 param5 param6 param7 param8 UserData
driver-framework | Microsoft-Windows-DriverFrameworks-UserMode/Operational | 1003 1004 2003 2004 2100 2101 2102 2105 2106 | lifetime instance InstanceId DeviceInstanceId
capi2 | Microsoft-Windows-CAPI2/Operational | 11 30 50 70 80 81 90 | *
ldap | Microsoft-Windows-LDAP-Client/Debug | 30 | ScopeOfSearch SearchFilter DistinguishedName AttributeList ProcessId
iis-configuration | Microsoft-IIS-Configuration/Operational | 29 50 | Configuration EditOperationType OldValue NewValue ConfigPath PhysicalPath PathName
dns-server-analytic | Microsoft-Windows-DNS-Server/Analytical | 256 257 259 260 261 | QNAME QTYPE Source Destination InterfaceIP RD TCP Port Flags XID Zone PacketData BufferSize RCODE
"""

_APPLOCKER = """
applocker | Microsoft-Windows-AppLocker/EXE and DLL | 8002 8003 8004 | PolicyName RuleId RuleName RuleSddl TargetUser TargetProcessId FilePath FileHash Fqbn FullFilePath
applocker | Microsoft-Windows-AppLocker/MSI and Script | 8005 8006 8007 | PolicyName RuleId RuleName RuleSddl TargetUser TargetProcessId FilePath FileHash Fqbn FullFilePath
applocker | Microsoft-Windows-AppLocker/Packaged app-Deployment | 8023 8024 8025 | PolicyName RuleId RuleName RuleSddl TargetUser TargetProcessId Package Fqbn
applocker | Microsoft-Windows-AppLocker/Packaged app-Execution | 8020 8021 8022 | PolicyName RuleId RuleName RuleSddl TargetUser TargetProcessId Package Fqbn
"""

_ROLES = """
dns-server | DNS Server | 2 4 150 770 771 6004 6522 | param1 param2 param3 param4 DllName
openssh | OpenSSH/Operational | 4 | process payload
microsoft-servicebus-client | Microsoft-ServiceBus-Client | 40300 40301 40302 | *
msexchange-management | MSExchange Management | 1 2 6 8 | Data
"""


def _channel_kinds(text: str) -> tuple[Supply, ...]:
    supplies = []
    for line in text.strip().splitlines():
        service, channel, event_ids, fields = (part.strip() for part in line.split("|"))
        if service == "windefend":  # its names hold blanks, which rules may leave out (`ThreatName`)
            fields += " " + fields.replace("_", "")
        for event_id in event_ids.split():
            of = Kind(
                f"{channel}/{event_id}",
                kind("", ("windows", None, service)).logsources,
                {"EventID": frozenset({event_id}), "Channel": frozenset({channel})},
            )
            supplies.append(supply(of, f"{SYSTEM} {fields}"))
    return tuple(supplies)


_OPERATIONAL = "Microsoft-Windows-PowerShell/Operational"


def _powershell(event_id: str, category: str) -> Kind:
    return kind(
        f"{_OPERATIONAL}/{event_id}",
        ("windows", category, "powershell"),
        EventID=event_id,
        Channel=_OPERATIONAL,
    )


def _classic(event_id: str, category: str | None) -> Kind:
    return Kind(
        f"Windows PowerShell/{event_id}",
        kind("", ("windows", category, "powershell-classic")).logsources,
        {
            "EventID": frozenset({event_id}),
            "Channel": frozenset({"Windows PowerShell"}),
            "Provider_Name": frozenset({"PowerShell"}),
        },
    )


_DEFAULT: tuple[Supply, ...] = (
    *SECURITY_DEFAULT,
    supply(kind("System", ("windows", None, "system"), Channel="System"), "*"),
    supply(kind("Application", ("windows", None, "application"), Channel="Application"), "*"),
    supply(_classic("400", "ps_classic_start"), f"{SYSTEM} Data Binary"),
    supply(_classic("403", None), f"{SYSTEM} Data Binary"),
    supply(_classic("600", "ps_classic_provider_start"), f"{SYSTEM} Data Binary"),
    *_channel_kinds(_ON_AS_INSTALLED),
)

DEFAULT = Switch(
    "windows-default",
    "Windows as installed (Security, System, Application, Defender, firewall and other channels that are on)",
    "collect the Windows event logs; nothing has to be switched on",
    _DEFAULT,
)

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "windows-scriptblock",
        "PowerShell script block logging (4104)",
        "switch on the policy 'Turn on PowerShell Script Block Logging'",
        (
            supply(
                _powershell("4104", "ps_script"),
                f"{SYSTEM} MessageNumber MessageTotal ScriptBlockText ScriptBlockId Path",
            ),
        ),
        includes=("windows-default",),
    ),
    Switch(
        "windows-modulelog",
        "PowerShell module logging (4103)",
        "switch on the policy 'Turn on Module Logging' for all modules (*)",
        (
            supply(_powershell("4103", "ps_module"), f"{SYSTEM} ContextInfo UserData Payload"),
            supply(_classic("800", "ps_classic_script"), f"{SYSTEM} Data Binary"),
        ),
        includes=("windows-default",),
    ),
    Switch(
        "windows-channels",
        "Windows channels that are off as installed (task scheduler, DNS client, NTLM, print, LDAP, IIS…)",
        "enable these channels (`wevtutil sl CHANNEL /e:true`); for NTLM also set 'Restrict NTLM: Audit…'",
        _channel_kinds(_OFF_AS_INSTALLED),
        includes=("windows-default",),
    ),
    Switch(
        "windows-applocker",
        "AppLocker in audit mode",
        "set AppLocker rules to 'Audit only' and start the Application Identity service",
        _channel_kinds(_APPLOCKER),
        includes=("windows-default",),
    ),
    Switch(
        "windows-roles",
        "logs of Windows server roles (Exchange, DNS server, OpenSSH)",
        "collect the role's own channel on the servers that have the role",
        _channel_kinds(_ROLES),
        includes=("windows-default",),
    ),
)
