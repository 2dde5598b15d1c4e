"""Windows event channels: what arrives as installed, and what each audit setting adds.

Sources: Microsoft's "Audit … subcategory" reference pages (which events a subcategory logs, and its default on clients
and servers), the event templates of the providers, and the field names that events carry. Fields are written as the
event's EventData names them; `Image`, `ParentImage` and `User` on 4688 are the names that process_creation rules use.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import Kind, Supply, Switch, kind, supply

SYSTEM = (
    "EventID Channel Provider_Name ProviderGuid Computer EventRecordID Keywords Level Opcode Task Version UserID ActivityID "
    "ExecutionProcessID ExecutionThreadID Message"
)
"""The System part that every Windows event has; `Message`, its rendered text, is added by winlogbeat, Wazuh and
Get-WinEvent and is not in an EVTX file."""

_SUBJECT = "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"
_TARGET = "TargetUserName TargetDomainName TargetSid"
_ACCOUNT = (
    f"{_SUBJECT} {_TARGET} SamAccountName DisplayName UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath "
    "UserWorkstations PasswordLastSet AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue "
    "UserAccountControl UserParameters SidHistory LogonHours PrivilegeList"
)
_GROUP = f"{_SUBJECT} {_TARGET} PrivilegeList SamAccountName SidHistory"
_MEMBER = f"{_SUBJECT} {_TARGET} MemberName MemberSid PrivilegeList"
_OBJECT = f"{_SUBJECT} ObjectServer ObjectType ObjectName HandleId ProcessId ProcessName"
_FILTER = (
    f"UserSid UserName ProcessId ProviderKey ProviderName ChangeType FilterKey FilterName FilterType FilterId LayerKey "
    f"LayerName LayerId Weight Conditions Action CalloutKey CalloutName ProviderContextKey ProviderContextName {_SUBJECT}"
)
_PACKET = (
    "ProcessID ProcessId Application Direction SourceAddress SourcePort DestAddress DestPort Protocol FilterRTID "
    "FilterOrigin LayerName LayerRTID RemoteUserID RemoteMachineID OriginalProfile CurrentProfile InterfaceIndex"
)
_KERBEROS = "TargetUserName TargetDomainName TicketOptions Status IpAddress IpPort"
_CERTIFICATE = "RequestId Requester Attributes SubjectKeyIdentifier Subject Disposition"
_TEMPLATE = (
    "TemplateInternalName TemplateVersion TemplateSchemaVersion TemplateOID TemplateDSObjectFQDN DCDNSName "
    "TemplateContent SecurityDescriptor NewTemplateContent OldTemplateContent NewSecurityDescriptor OldSecurityDescriptor"
)

# Logged with no policy set: logon, account and group management, audit policy change, authentication policy change,
# security state, system integrity, and on domain controllers computer accounts, credential validation and Kerberos.
_SECURITY_DEFAULT = f"""
1102 {_SUBJECT}
4608
4616 {_SUBJECT} PreviousTime NewTime ProcessId ProcessName
4624 {_SUBJECT} TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort ImpersonationLevel RestrictedAdminMode RemoteCredentialGuard TargetOutboundUserName TargetOutboundDomainName VirtualAccount TargetLinkedLogonId ElevatedToken
4625 {_SUBJECT} TargetUserSid TargetUserName TargetDomainName Status FailureReason SubStatus LogonType LogonProcessName AuthenticationPackageName WorkstationName TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort
4634 TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType
4647 TargetUserSid TargetUserName TargetDomainName TargetLogonId
4648 {_SUBJECT} LogonGuid TargetUserName TargetDomainName TargetLogonGuid TargetServerName TargetInfo ProcessId ProcessName IpAddress IpPort
4672 {_SUBJECT} PrivilegeList
4706 {_SUBJECT} DomainName DomainSid TdoType TdoDirection TdoAttributes SidFilteringEnabled
4713 {_SUBJECT} KerberosPolicyChange
4716 {_SUBJECT} DomainName DomainSid TdoType TdoDirection TdoAttributes SidFilteringEnabled
4717 {_SUBJECT} TargetSid AccessGranted
4718 {_SUBJECT} TargetSid AccessRemoved
4719 {_SUBJECT} CategoryId SubcategoryId SubcategoryGuid AuditPolicyChanges
4720 {_ACCOUNT}
4722 {_SUBJECT} {_TARGET}
4723 {_SUBJECT} {_TARGET} PrivilegeList
4724 {_SUBJECT} {_TARGET}
4725 {_SUBJECT} {_TARGET}
4726 {_SUBJECT} {_TARGET} PrivilegeList
4727 {_GROUP}
4728 {_MEMBER}
4729 {_MEMBER}
4730 {_GROUP}
4731 {_GROUP}
4732 {_MEMBER}
4733 {_MEMBER}
4734 {_GROUP}
4735 {_GROUP}
4737 {_GROUP}
4738 {_ACCOUNT} Dummy
4739 {_SUBJECT} DomainPolicyChanged DomainName DomainSid MinPasswordAge MaxPasswordAge MinPasswordLength LockoutThreshold PrivilegeList
4740 {_SUBJECT} {_TARGET}
4741 {_ACCOUNT} DnsHostName ServicePrincipalNames
4742 {_ACCOUNT} ComputerAccountChange DnsHostName ServicePrincipalNames
4743 {_SUBJECT} {_TARGET} PrivilegeList
4754 {_GROUP}
4755 {_GROUP}
4756 {_MEMBER}
4757 {_MEMBER}
4758 {_GROUP}
4764 {_GROUP} GroupTypeChange
4765 {_SUBJECT} {_TARGET} SourceUserName SourceSid PrivilegeList SidList
4766 {_SUBJECT} {_TARGET} SourceUserName PrivilegeList
4767 {_SUBJECT} {_TARGET}
4768 {_KERBEROS} TargetSid ServiceName ServiceSid TicketEncryptionType PreAuthType CertIssuerName CertSerialNumber CertThumbprint
4769 {_KERBEROS} ServiceName ServiceSid TicketEncryptionType LogonGuid TransmittedServices
4770 {_KERBEROS} ServiceName ServiceSid TicketEncryptionType
4771 {_KERBEROS} TargetSid ServiceName PreAuthType CertIssuerName CertSerialNumber CertThumbprint
4776 PackageName TargetUserName Workstation Status
4780 {_SUBJECT} {_TARGET} PrivilegeList
4781 {_SUBJECT} OldTargetUserName NewTargetUserName TargetDomainName TargetSid PrivilegeList
4794 {_SUBJECT} Workstation Status
4798 {_SUBJECT} {_TARGET} CallerProcessId CallerProcessName
4799 {_SUBJECT} {_TARGET} CallerProcessId CallerProcessName
4902 PuaCount PuaPolicyId
4904 {_SUBJECT} AuditSourceName EventSourceId ProcessId ProcessName
4905 {_SUBJECT} AuditSourceName EventSourceId ProcessId ProcessName
4907 {_OBJECT} OldSd NewSd
5024
5025
5038 param1
5379 {_SUBJECT} TargetName Type CountOfCredentialsReturned ReadOperation ReturnCode ProcessCreationTime ClientProcessId
5381 {_SUBJECT} Flags CountOfCredentialsReturned ProcessCreationTime ClientProcessId
6281 param1
"""

# "Advanced audit policy" subcategories that are off as installed, and need nothing but the policy.
_SECURITY_AUDIT = f"""
4611 {_SUBJECT} LogonProcessName
4649 {_SUBJECT} TargetUserName TargetDomainName RequestType LogonProcessName AuthenticationPackage WorkstationName TransmittedServices ProcessId ProcessName
4673 {_SUBJECT} ObjectServer Service PrivilegeList ProcessId ProcessName
4674 {_OBJECT} AccessMask PrivilegeList
4689 {_SUBJECT} Status ProcessId ProcessName
4692 {_SUBJECT} MasterKeyId RecoveryServer RecoveryKeyId FailureReason
4693 {_SUBJECT} MasterKeyId RecoveryReason RecoveryServer RecoveryKeyId FailureId
4697 {_SUBJECT} ServiceName ServiceFileName ServiceType ServiceStartType ServiceAccount ClientProcessStartKey ClientProcessId ParentProcessId
4698 {_SUBJECT} TaskName TaskContent ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN
4699 {_SUBJECT} TaskName TaskContent ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN
4700 {_SUBJECT} TaskName TaskContent ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN
4701 {_SUBJECT} TaskName TaskContent ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN
4702 {_SUBJECT} TaskName TaskContentNew ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN
4703 {_SUBJECT} TargetUserSid TargetUserName TargetDomainName TargetLogonId ProcessName ProcessId EnabledPrivilegeList DisabledPrivilegeList
4704 {_SUBJECT} TargetSid PrivilegeList
4705 {_SUBJECT} TargetSid PrivilegeList
4778 AccountName AccountDomain LogonID SessionName ClientName ClientAddress
4779 AccountName AccountDomain LogonID SessionName ClientName ClientAddress
4800 TargetUserSid TargetUserName TargetDomainName TargetLogonId SessionId
4801 TargetUserSid TargetUserName TargetDomainName TargetLogonId SessionId
4825 AccountName AccountDomain LogonID ClientAddress
4946 ProfileChanged RuleId RuleName
4947 ProfileChanged RuleId RuleName
4948 ProfileChanged RuleId RuleName
4950 ProfileChanged SettingType SettingValue
5140 {_SUBJECT} ObjectType IpAddress IpPort ShareName ShareLocalPath AccessMask AccessList
5142 {_SUBJECT} ShareName ShareLocalPath
5143 {_SUBJECT} ObjectType ShareName ShareLocalPath OldRemark NewRemark OldMaxUsers NewMaxUsers OldSD NewSD
5144 {_SUBJECT} ShareName ShareLocalPath
5145 {_SUBJECT} ObjectType IpAddress IpPort ShareName ShareLocalPath RelativeTargetName AccessMask AccessList AccessReason
6416 {_SUBJECT} DeviceId DeviceDescription ClassId ClassName VendorIds CompatibleIds LocationInformation
6423 {_SUBJECT} DeviceId DeviceDescription ClassId ClassName VendorIds CompatibleIds LocationInformation
"""

# Certification Services: the policy, and "Auditing" ticked in the certification authority's own properties.
_SECURITY_CA = f"""
4886 {_CERTIFICATE}
4887 {_CERTIFICATE}
4888 {_CERTIFICATE}
4898 {_TEMPLATE}
4899 {_TEMPLATE}
4900 {_TEMPLATE}
"""

# Filtering Platform: one event a connection, so nobody has it on by accident.
_SECURITY_FILTERING = f"""
5152 {_PACKET}
5156 {_PACKET}
5157 {_PACKET}
5158 {_PACKET}
5441 {_FILTER}
5447 {_FILTER}
5449 {_FILTER}
"""

# File system, registry, kernel object and SAM auditing: the policy and an audit entry (SACL) on the object.
_SECURITY_OBJECTS = f"""
4656 {_OBJECT} TransactionId AccessList AccessReason AccessMask PrivilegeList RestrictedSidCount ResourceAttributes
4657 {_OBJECT} ObjectValueName OperationType OldValueType OldValue NewValueType NewValue
4658 {_OBJECT}
4660 {_OBJECT} TransactionId
4661 {_OBJECT} TransactionId AccessList AccessMask PrivilegeList Properties RestrictedSidCount
4663 {_OBJECT} AccessList AccessMask ResourceAttributes
4670 {_OBJECT} OldSd NewSd
"""

# On domain controllers: Directory Service Access and Changes, with an audit entry on the objects.
_SECURITY_AD = f"""
4662 {_SUBJECT} ObjectServer ObjectType ObjectName OperationType HandleId AccessList AccessMask Properties AdditionalInfo AdditionalInfo2
5136 {_SUBJECT} OpCorrelationID AppCorrelationID DSName DSType ObjectDN ObjectGUID ObjectClass AttributeLDAPDisplayName AttributeSyntaxOID AttributeValue OperationType
5137 {_SUBJECT} OpCorrelationID AppCorrelationID DSName DSType ObjectDN ObjectGUID ObjectClass
5139 {_SUBJECT} OpCorrelationID AppCorrelationID DSName DSType OldObjectDN NewObjectDN ObjectGUID ObjectClass
5141 {_SUBJECT} OpCorrelationID AppCorrelationID DSName DSType ObjectDN ObjectGUID ObjectClass TreeDelete
"""

_PROCESS = (
    f"{_SUBJECT} NewProcessId NewProcessName TokenElevationType ProcessId ParentProcessId TargetUserSid TargetUserName "
    "TargetDomainName TargetLogonId ParentProcessName MandatoryLabel Image ParentImage User LogonId IntegrityLevel"
)


def _security(text: str) -> tuple[Supply, ...]:
    supplies = []
    for line in text.strip().splitlines():
        event_id, _, fields = line.strip().partition(" ")
        of = kind(
            f"Security/{event_id}",
            ("windows", None, "security"),
            EventID=event_id,
            Channel="Security",
            Provider_Name="Microsoft-Windows-Eventlog"
            if event_id == "1102"
            else "Microsoft-Windows-Security-Auditing",
        )
        supplies.append(supply(of, f"{SYSTEM} {fields}"))
    return tuple(supplies)


PROCESS_4688: Kind = kind(
    "Security/4688",
    ("windows", "process_creation", "security"),
    EventID="4688",
    Channel="Security",
    Provider_Name="Microsoft-Windows-Security-Auditing",
)

SECURITY_DEFAULT = _security(_SECURITY_DEFAULT)

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "windows-process",
        "Windows process creation (Security 4688)",
        "switch on the audit subcategory 'Audit Process Creation'",
        (supply(PROCESS_4688, f"{SYSTEM} {_PROCESS}"),),
        includes=("windows-default",),
    ),
    Switch(
        "windows-cmdline",
        "the command line in Windows process creation events",
        "switch on 'Audit Process Creation' and the policy 'Include command line in process creation events'",
        (supply(PROCESS_4688, "CommandLine", only_fields=True),),
        includes=("windows-process",),
    ),
    Switch(
        "windows-audit",
        "Windows advanced auditing",
        "switch on the advanced audit subcategories Security System Extension, Sensitive Privilege Use, File Share, "
        "Detailed File Share, Other Object Access Events, Other Logon/Logoff Events, Authorization Policy Change, "
        "Plug and Play Events and DPAPI Activity",
        _security(_SECURITY_AUDIT),
        includes=("windows-default",),
    ),
    Switch(
        "windows-objects",
        "Windows auditing of single files, registry keys and kernel objects",
        "switch on the Object Access subcategories File System, Registry, Kernel Object, SAM and Handle Manipulation, "
        "and put an audit entry (SACL) on what matters",
        _security(_SECURITY_OBJECTS),
        includes=("windows-default",),
    ),
    Switch(
        "windows-ad",
        "Active Directory auditing on domain controllers",
        "switch on 'Audit Directory Service Access' and 'Audit Directory Service Changes' on domain controllers, "
        "and put audit entries on the domain",
        _security(_SECURITY_AD),
        includes=("windows-default",),
    ),
    Switch(
        "windows-ca",
        "certification authority auditing",
        "switch on 'Audit Certification Services' and every box of the authority's Auditing page",
        _security(_SECURITY_CA),
        includes=("windows-default",),
    ),
    Switch(
        "windows-filtering",
        "Windows filtering platform (each connection)",
        "switch on 'Audit Filtering Platform Connection', 'Packet Drop' and 'Policy Change' (many events)",
        _security(_SECURITY_FILTERING),
        includes=("windows-default",),
    ),
)
