"""Cloud services' audit logs: Microsoft 365, Entra, Azure, AWS, Google Cloud, and identity and code services.

Sources: Microsoft's "Audit log activities" and Office 365 Management Activity API schema; the Entra sign-in and audit
log schema; the CloudTrail record reference; the other vendors' API references.
"""

from __future__ import annotations

from tocsin.detect.sigma.catalogue.model import UNREAD, Switch, kind, supply

_AUDIT_RECORD = (
    "Id RecordType CreationTime Operation OrganizationId UserType UserKey Workload ResultStatus ObjectId UserId ClientIP "
    "Scope AppAccessContext ActorIpAddress ClientIPAddress ClientInfoString ExternalAccess LogonType MailboxOwnerUPN "
    "Parameters Parameters.* ExtendedProperties ExtendedProperties.* ModifiedProperties ModifiedProperties.* Actor "
    "Actor.* Target Target.* TargetContextId ActorContextId AzureActiveDirectoryEventType ApplicationId ErrorNumber "
    "LogonError DeviceProperties DeviceProperties.* UserAgent SiteUrl SourceFileName SourceFileExtension "
    "SourceRelativeUrl ItemType EventSource EventData TargetUserOrGroupName TargetUserOrGroupType OperationProperties "
    "OperationProperties.* Item Item.* Folder Folder.* AffectedItems AffectedItems.* OperationCount "
    "RequestType Directionality DeliveryAction SessionId AppId ClientAppId ExchangeLocations Query Name CaseName "
    "Version CorrelationId OrganizationName OriginatingServer OperationProperties DeviceProperties Folders Folders.* "
    "InternalLogonType LogonUserSid MailboxGuid MailboxOwnerSid MailboxOwnerMasterAccountSid ClientProcessName "
    "ClientVersion CrossMailboxOperation DestFolder DestFolder.* InterSystemsId IntraSystemId SupportTicketId "
    "Site WebId ListId ListItemUniqueId UserSharedWith SharingType IsManagedDevice DeviceDisplayName BrowserName Platform "
    "AuthenticationType DestinationRelativeUrl DestinationFileName ApplicationDisplayName ChatThreadId CommunicationType "
    "ExtraProperties ExtraProperties.* ItemName MessageId TeamName TeamGuid ChannelName ChannelGuid Members Members.* "
    "AlertId AlertType AlertEntityId EntityType AlertLinks PolicyId PolicyDetails Severity Status Source Category Data "
    "Comments"
)
_SIGN_IN = (
    "createdDateTime userDisplayName userPrincipalName userId appDisplayName appId ipAddress clientAppUsed userAgent "
    "id correlationId conditionalAccessStatus isInteractive riskDetail riskLevelAggregated riskLevelDuringSignIn riskState RiskState "
    "resourceDisplayName ResourceDisplayName status status.* Status deviceDetail deviceDetail.* DeviceDetail.* location location.* ResultType "
    "resultType ResultDescription resultDescription AuthenticationRequirement authenticationRequirement "
    "authenticationDetails appliedConditionalAccessPolicies NetworkLocationDetails networkLocationDetails ClientApp "
    "ActivityDetails Username properties properties.* operationName category time tenantId identity Level correlationId "
    "callerIpAddress durationMs resourceId operationVersion resultSignature riskEventTypes riskEventTypes_v2 userType "
    "signInEventTypes resourceId authenticationMethodsUsed mfaDetail mfaDetail.* autonomousSystemNumber uniqueTokenIdentifier"
)
_DIRECTORY_AUDIT = (
    "activityDateTime activityDisplayName ActivityDisplayName OperationName operationName category Category result Result "
    "resultReason ResultReason id correlationId operationType userPrincipalName ipAddress time tenantId identity Level "
    "durationMs resourceId operationVersion resultSignature resultType resultDescription callerIpAddress properties "
    "Status loggedByService LoggedByService initiatedBy initiatedBy.* Initiatedby targetResources TargetResources "
    "targetResources.* TargetResources.* additionalDetails additionalDetails.* properties.* ActivityType activityType"
)

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "m365-audit",
        "Microsoft 365 unified audit log (in every business plan)",
        "export or collect the unified audit log (Microsoft Purview, Audit)",
        (
            supply(kind("m365/audit", ("m365", None, "audit")), _AUDIT_RECORD),
            supply(kind("m365/Exchange", ("m365", None, "audit"), ("m365", None, "exchange")), _AUDIT_RECORD),
            supply(
                kind(
                    "m365/SecurityComplianceCenter",
                    ("m365", None, "audit"),
                    ("m365", None, "threat_management"),
                    ("m365", None, "threat_detection"),
                ),
                _AUDIT_RECORD,
            ),
        ),
    ),
    Switch(
        "entra-p1",
        "Entra sign-in and directory logs (need an Entra ID P1 licence)",
        "have Entra ID P1 and export the sign-in and audit logs",
        (
            supply(kind("entra/signin", ("azure", None, "signinlogs")), _SIGN_IN),
            supply(kind("entra/audit", ("azure", None, "auditlogs")), _DIRECTORY_AUDIT),
        ),
    ),
    Switch(
        "entra-p2",
        "Entra risk detections and privileged identity management (need an Entra ID P2 licence)",
        "have Entra ID P2 and export the risk detections",
        (supply(kind("entra/risk", ("azure", None, "riskdetection"), ("azure", None, "pim")), "*"),),
    ),
    Switch(
        "azure-activity",
        "Azure activity log",
        "export the activity log of the subscription",
        (supply(kind("azure/activity", ("azure", None, "activitylogs")), "*"),),
    ),
    Switch(
        "m365-defender",
        "Microsoft Defender for Cloud Apps alerts in their own form",
        UNREAD,
        tuple(
            supply(kind(f"cloud-apps/{service}", ("m365", None, service)), "*")
            for service in ("threat_management", "threat_detection", "exchange")
        ),
        read=False,
    ),
    Switch(
        "aws",
        "AWS CloudTrail",
        "collect CloudTrail's files from its bucket",
        (
            supply(
                kind("cloudtrail", ("aws", None, "cloudtrail")),
                "eventVersion userIdentity userIdentity.* eventTime eventSource eventName awsRegion sourceIPAddress userAgent "
                "errorCode errorMessage requestParameters requestParameters.* responseElements responseElements.* "
                "additionalEventData additionalEventData.* requestID eventID readOnly resources resources.* eventType "
                "managementEvent recipientAccountId sharedEventID vpcEndpointId eventCategory tlsDetails.* "
                "serviceEventDetails serviceEventDetails.*",
            ),
        ),
    ),
    *(
        Switch(
            name,
            title,
            UNREAD,
            tuple(supply(kind(f"{name}/{number}", parts), "*") for number, parts in enumerate(sources)),
            read=False,
        )
        for name, title, sources in (
            ("gcp", "Google Cloud audit logs", [("gcp", None, "gcp.audit")]),
            (
                "google-workspace",
                "Google Workspace audit logs",
                [("gcp", None, "google_workspace.admin"), ("gcp", None, "google_workspace.login")],
            ),
            ("okta", "Okta system log", [("okta", None, "okta")]),
            ("onelogin", "OneLogin events", [("onelogin", None, "onelogin.events")]),
            ("duo", "Cisco Duo log", [("cisco", None, "duo")]),
            ("github", "GitHub audit log", [("github", None, "audit")]),
            ("bitbucket", "Bitbucket audit log", [("bitbucket", None, "audit")]),
            (
                "kubernetes",
                "Kubernetes audit log",
                [("kubernetes", None, "audit"), ("kubernetes", "application", "audit")],
            ),
        )
    ),
)
