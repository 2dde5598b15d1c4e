"""One record or more of every format that is read, as its product writes it, with the claims that it makes.

`RECORDS`: name of the format (as `Event.format` has it) → pairs of a file's text and the claim types of its records.
"""

from __future__ import annotations

import json

SYSLOG = "Mar  1 03:14:07 web01 "
AUDIT = "type={} msg=audit(1772334847.123:456): "
FORTI = 'date=2026-03-01 time=03:14:07 devname="FGT60" devid="FG1" '
ZEEK = "#separator \\x09\n#set_separator\t,\n#unset_field\t-\n#path\t{}\n#fields\t{}\n#types\t{}\n{}\n"
ENDS = "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p"
END_TYPES = "time\tstring\taddr\tport\taddr\tport"
END_VALUES = "1772334847.123456\tCabc123456789\t10.0.0.5\t51515\t203.0.113.9\t{}"
NEW_USER = "useradd[9]: new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/sh"
SUDO = "sudo:   bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/cat /etc/shadow"
FAILED = "sshd[2212]: Failed password for invalid user oracle from 203.0.113.9 port 51122 ssh2"
ACCEPTED = "sshd[2212]: Accepted publickey for deploy from 2001:db8::7 port 40022 ssh2: ED25519 SHA256:abc"
PROCESS = {
    "Image": "C:\\Windows\\System32\\whoami.exe", "CommandLine": "whoami /all", "User": "TOWN\\anna", "ProcessId": "77",
    "ProcessGuid": "{1}", "UtcTime": "2026-03-01 03:14:07.000", "ParentImage": "C:\\Windows\\explorer.exe",
}  # fmt: skip
SYSMON = "Microsoft-Windows-Sysmon/Operational"


def zeek(log: str, columns: str = "", types: str = "", values: str = "", port: int = 53) -> str:
    """One row of the log, with a connection's end points."""
    rows = ((ENDS, columns), (END_TYPES, types), (END_VALUES.format(port), values))
    return ZEEK.format(log, *("\t".join(part for part in row if part) for row in rows))


def lines(*values: object) -> str:
    """JSON lines."""
    return "\n".join(json.dumps(value) for value in values) + "\n"


def system(channel: str, number: int, provider: str) -> dict[str, object]:
    """The System part of an event as evtx_dump writes it."""
    return {
        "Provider": {"#attributes": {"Name": provider}}, "EventID": number, "Channel": channel, "Computer": "PC-07",
        "TimeCreated": {"#attributes": {"SystemTime": "2026-03-01T03:14:07.000000Z"}}, "EventRecordID": 5,
    }  # fmt: skip


XML = (
    '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-Security-'
    'Auditing"/><EventID>4625</EventID><TimeCreated SystemTime="2026-03-01T03:14:07.000Z"/><EventRecordID>5</EventRecordID>'
    "<Channel>Security</Channel><Computer>PC-07</Computer></System><EventData><Data Name='TargetUserName'>anna</Data>"
    "<Data Name='SubStatus'>0xc000006a</Data></EventData></Event>"
)
FLOW = {
    "timestamp": "2026-03-01T03:14:07.000000+0000", "flow_id": 1, "src_ip": "10.0.0.5", "src_port": 51515,
    "dest_ip": "203.0.113.9", "dest_port": 53, "proto": "UDP",
}  # fmt: skip
CONN = {
    "ts": 1772334847.1, "uid": "C1", "id.orig_h": "10.0.0.5", "id.orig_p": 51515, "id.resp_h": "203.0.113.9",
    "id.resp_p": 53,
}  # fmt: skip
JOURNAL = {"__REALTIME_TIMESTAMP": "1772334847000000", "_HOSTNAME": "web01", "_PID": "7", "PRIORITY": "6"}
SIGN_IN = {
    "id": "1", "createdDateTime": "2026-03-01T03:14:07Z", "userPrincipalName": "anna@town.example", "userDisplayName": "Anna",
    "appDisplayName": "Office 365", "ipAddress": "203.0.113.7", "clientAppUsed": "Browser",
    "status": {"errorCode": 50126, "failureReason": "Invalid password"},
    "deviceDetail": {"operatingSystem": "Windows"}, "location": {"countryOrRegion": "NL"},
}  # fmt: skip
DIRECTORY = {
    "id": "1", "activityDateTime": "2026-03-01T03:14:07Z", "activityDisplayName": "Add member to role", "category": "RoleManagement",
    "result": "success", "loggedByService": "Core Directory",
    "initiatedBy": {"user": {"userPrincipalName": "anna@town.example", "ipAddress": "203.0.113.7"}},
    "targetResources": [{"displayName": "eve", "modifiedProperties": [{"displayName": "Role", "newValue": "x"}]}],
}  # fmt: skip
RISK = {
    "id": "1", "detectedDateTime": "2026-03-01T03:14:07Z", "riskEventType": "anonymizedIPAddress", "riskLevel": "high",
    "userPrincipalName": "anna@town.example", "ipAddress": "203.0.113.7", "activity": "signin",
}  # fmt: skip
ACTIVITY = {
    "time": "2026-03-01T03:14:07Z", "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE", "caller": "anna@town.example",
    "resourceId": "/SUBSCRIPTIONS/1", "category": "Administrative", "callerIpAddress": "203.0.113.7",
}  # fmt: skip
UNIFIED = {
    "CreationTime": "2026-03-01T03:14:07", "Operation": "New-InboxRule", "RecordType": 1, "Workload": "Exchange",
    "UserId": "anna@town.example", "ClientIP": "203.0.113.7", "Parameters": [{"Name": "ForwardTo", "Value": "x@y.example"}],
}  # fmt: skip
TRAIL = {
    "eventVersion": "1.08", "eventTime": "2026-03-01T03:14:07Z", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
    "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli", "recipientAccountId": "1",
    "userIdentity": {"type": "IAMUser", "userName": "anna"}, "requestParameters": {"userName": "eve"},
}  # fmt: skip
CONSOLE = {**TRAIL, "eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com",
           "responseElements": {"ConsoleLogin": "Failure"}}  # fmt: skip

QUOTED = json.dumps(UNIFIED).replace('"', '""')

RECORDS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "rfc3164": (
        (
            "\n".join(SYSLOG + line for line in (FAILED, ACCEPTED, SUDO, NEW_USER)),
            ("logon_failed", "logon_succeeded", "privilege_used", "account_changed"),
        ),
        (SYSLOG + "CRON[4001]: (root) CMD (   /usr/local/bin/backup.sh)", ("process_started",)),
        (SYSLOG + "crontab[9]: (www-data) REPLACE (www-data)", ("task_scheduled",)),
        (
            SYSLOG + "kernel: [UFW BLOCK] IN=eth0 OUT= MAC=00:11 SRC=203.0.113.5 DST=10.0.0.4 LEN=60 TTL=50 PROTO=TCP SPT=4444 DPT=22",
            ("network_connection",),
        ),
        (SYSLOG + "clamd[9]: /srv/x.php: PHP.Webshell-1 FOUND", ("alert_raised",)),
        (SYSLOG + 'vsftpd[9]: [bob] FAIL LOGIN: Client "203.0.113.5"', ("logon_failed",)),
        (SYSLOG + "su[9]: (to root) bob on pts/0", ("privilege_used",)),
        (SYSLOG + "passwd[9]: pam_unix(passwd:chauthtok): password changed for bob", ("account_changed",)),
        (
            SYSLOG + "filterlog[51021]: 5,,,1000000103,igb0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,203.0.113.5,10.0.0.4,51515,3389,0,S,1,,64240,,mss",
            ("network_connection",),
        ),
        (
            SYSLOG + "php-fpm[9]: /index.php: Successful login for user 'admin' from: 203.0.113.5 (Local Database)",
            ("logon_succeeded",),
        ),
        (
            SYSLOG + "php-fpm[9]: /system_usermanager.php: Configuration Change: admin@203.0.113.5 (Local Database): Added user eve",
            ("device_changed",),
        ),
        (
            "<166>Mar 01 2026 03:14:07: %ASA-6-302013: Built inbound TCP connection 1 for outside:203.0.113.5/4444 to inside:10.0.0.4/23",
            ("network_connection",),
        ),
        (
            ("<189>Mar  1 03:14:07 r1 99: Mar  1 03:14:07: %SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: admin] [Source: 203.0.113.5] "
            "[localport: 22] [Reason: Login Authentication Failed]"),
            ("logon_failed",),
        ),
        (
            "172.16.5.10 6705: Feb 17 13:40:03.673: %PARSER-5-CFGLOG_LOGGEDCMD: User:admin  logged command:no logging host",
            ("device_changed",),
        ),
        (
            "<187>Mar  1 03:14:07 r1 99: Mar  1 03:14:07: %TCP-3-BADAUTH: No MD5 digest from 203.0.113.5(646) to 10.0.0.1(646): LDP",
            ("record_says",),
        ),
        (
            "<187>Mar  1 03:14:07 r1 99: Mar  1 03:14:07: %LDP-4-PWD: MD5 protection is required for peer 203.0.113.5:0",
            ("record_says",),
        ),
        (
            SYSLOG + "Connection: User [bob] from [203.0.113.5] failed to sign in to [DSM] via [password] due to authorization failure.",
            ("logon_failed",),
        ),
        (
            "<14>Mar  1 03:14:07 nas1 WinFileService Event: delete, Path: /backup, File/Folder: Folder, Size: NA, User: bob, IP: 10.0.0.9",
            ("file_changed",),
        ),
        (
            "<30>Mar  1 03:14:07 qnap1 qulogd[1]: conn log: Users: admin, Source IP: 203.0.113.5, Action: Login Fail",
            ("logon_failed",),
        ),
        (
            SYSLOG + "CEF:0|Trend Micro|Deep Security|20|4000000|Eicar|6|dvchost=srv cs1Label=Signature cs1=Eicar",
            ("alert_raised",),
        ),
        (SYSLOG + 'audispd: type=EXECVE msg=audit(1772334847.123:456): argc=2 a0="cat" a1="x"', ("process_started",)),
        (SYSLOG + "System: User [admin] created user [eve].", ("account_changed",)),
        (SYSLOG + "System: User [admin] deleted shared folder [backup].", ("device_changed",)),
        (
            "<189>Mar  1 03:14:07 r1 99: Mar  1 03:14:07: %SYS-5-CONFIG_I: Configured from console by admin on vty0 (203.0.113.5)",
            ("device_changed",),
        ),
        (SYSLOG + "myprogram[9]: nothing that anybody knows", ("record_says",)),
    ),
    "rfc5424": (
        (
            "<38>1 2026-03-01T03:14:07.003Z web01 sshd 99 - - " + FAILED.partition(": ")[2],
            ("logon_failed",),
        ),
        ("<86>1 2026-03-01T03:14:07.003Z web01 sudo 99 - - " + SUDO.partition(": ")[2].strip(), ("privilege_used",)),
    ),
    "auditd": (
        (
            AUDIT.format("SYSCALL")
            + 'arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 items=2 ppid=1 pid=2 auid=1000 uid=0 comm="cat" exe="/usr/bin/cat" key="exec"'
            + '\x1dARCH=x86_64 SYSCALL=execve AUID="bob" UID="root"\n'
            + AUDIT.format("EXECVE")
            + 'argc=2 a0="cat" a1="/etc/shadow"\n'
            + AUDIT.format("CWD")
            + 'cwd="/root"\n'
            + AUDIT.format("PATH")
            + 'item=0 name="x" inode=1 dev=08:01 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=CREATE cap_fp=0',
            ("process_started", "process_started", "record_says", "file_changed"),
        ),
        (
            AUDIT.format("USER_LOGIN")
            + "pid=1 uid=0 auid=1000 ses=1 msg='op=login acct=\"root\" exe=\"/usr/sbin/sshd\" hostname=203.0.113.5 addr=203.0.113.5 terminal=ssh res=failed'",
            ("logon_failed",),
        ),
        (AUDIT.format("ADD_USER") + "pid=1 uid=0 auid=1000 msg='op=add-user acct=\"eve\" res=success'", ("account_changed",)),
    ),
    "zeek_tsv": (
        (zeek("conn", "proto\tconn_state", "enum\tstring", "tcp\tSF"), ("network_connection",)),
        (zeek("dns", "query\tqtype_name\tanswers", "string\tstring\tvector[string]", "x.example\tA\t203.0.113.1"), ("name_looked_up",)),
        (
            zeek("http", "method\thost\turi\tuser_agent\tstatus_code", "string\tstring\tstring\tstring\tcount", "GET\tx.example\t/a\tcurl\t200", 80),
            ("web_request",),
        ),
        (zeek("notice", "note\tmsg", "enum\tstring", "Scan::Port_Scan\t10.0.0.5 scanned"), ("alert_raised",)),
        (zeek("modbus", "func", "string", "WRITE_SINGLE_COIL", 502), ("control_command",)),
        (zeek("s7comm", "rosctr_name\tfunction_name", "string\tstring", "Job\tWrite Variable", 102), ("control_command",)),
        (zeek("cip", "cip_service", "string", "Reset", 44818), ("control_command",)),
        (zeek("ssl", "server_name", "string", "x.example", 443), ("network_connection",)),
    ),
    "zeek-json": (
        (
            lines(CONN | {"_path": "conn", "proto": "udp"}, CONN | {"_path": "dns", "query": "x.example"}, CONN | {"_path": "modbus", "func": "READ_COILS"}),
            ("network_connection", "name_looked_up", "control_command"),
        ),
    ),
    "suricata": (
        (
            lines(
                FLOW | {"event_type": "alert", "alert": {"signature": "ET X", "severity": 1}},
                FLOW | {"event_type": "dns", "dns": {"type": "query", "rrname": "x.example"}},
                FLOW | {"event_type": "http", "http": {"http_method": "GET", "url": "/a", "hostname": "x.example"}},
                FLOW | {"event_type": "tls", "tls": {"sni": "x.example"}},
            ),
            ("alert_raised", "name_looked_up", "web_request", "network_connection"),
        ),
    ),
    "journald": (
        (
            lines(
                JOURNAL | {"SYSLOG_IDENTIFIER": "sshd", "SYSLOG_FACILITY": "10", "MESSAGE": FAILED.partition(": ")[2]},
                JOURNAL | {"SYSLOG_IDENTIFIER": "sudo", "MESSAGE": SUDO.partition(": ")[2].strip(), "_COMM": "sudo"},
            ),
            ("logon_failed", "privilege_used"),
        ),
    ),
    "web_access": (
        (
            '203.0.113.5 - alice [01/Mar/2026:03:14:07 +0100] "GET /a/b.php?cmd=id HTTP/1.1" 200 512 "-" "Mozilla/5.0" 0.012',
            ("web_request",),
        ),
    ),
    "web_error": (
        (
            '2026/03/01 03:14:07 [error] 77#77: *5 open() failed, client: 203.0.113.5, server: x.org, request: "GET /x HTTP/1.1", host: "x.org"',
            ("web_request",),
        ),
        ("[Sun Mar 01 03:14:07 2026] [error] [client 203.0.113.5:5] File does not exist: /x", ("record_says",)),
    ),
    "w3c": (
        (
            ("#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port "
            "cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"
            "2026-03-01 03:14:07 10.0.0.4 GET /owa/auth.aspx a=1 443 - 203.0.113.5 Mozilla/5.0+(X) - 200 0 0 15"),
            ("web_request",),
        ),
        (
            ("#Fields: date time c-ip s-action cs-method cs-host cs-uri-path cs(User-Agent) sc-status\n"
            "2026-03-01 03:14:07 10.0.0.5 MISS GET x.example /a curl 200"),
            ("web_request",),
        ),
        ("#Fields: date time c-ip cs-method cs-uri sc-status\n2026-03-01 03:14:07 10.0.0.5 GET /a 200", ("web_request",)),
    ),
    "cef": (
        (
            "CEF:0|Trend Micro|Deep Security|20|4000000|Eicar|6|filePath=C:\\\\x.exe dvchost=srv cs1Label=Signature cs1=Eicar rt=1772334847000",
            ("alert_raised",),
        ),
        (
            "CEF:0|Palo Alto Networks|PAN-OS|10.1|traffic|end|3|src=10.0.0.5 dst=203.0.113.9 spt=5 dpt=443 proto=tcp act=allow rt=1772334847000",
            ("network_connection",),
        ),
    ),
    "leef": (
        ("LEEF:1.0|Check Point|VPN-1|1.0|drop|src=192.0.2.1\tdst=203.0.113.9\tsev=5\tsrcPort=81\tdstPort=23", ("network_connection",)),
        ("LEEF:1.0|ESET|PROTECT|1.0|Threat_Event|cat=Threat\tsev=8\tdevTime=Mar 01 2026 03:14:07", ("alert_raised",)),
    ),
    "fortigate": (
        (FORTI + 'logid="0000000013" type="traffic" subtype="forward" srcip=10.0.0.5 dstip=203.0.113.9 dstport=23 action="deny"', ("network_connection",)),
        (FORTI + 'logid="0100032002" type="event" subtype="system" logdesc="Admin login failed" user="admin" srcip=203.0.113.5 action="login" status="failed"', ("logon_failed",)),
        (FORTI + 'logid="0100044547" type="event" subtype="system" logdesc="Object attribute configured" user="admin" action="Add" cfgpath="system.admin" cfgobj="eve"', ("device_changed",)),
        (FORTI + 'logid="0101039424" type="event" subtype="vpn" logdesc="SSL VPN tunnel up" user="bob" remip=203.0.113.5 action="tunnel-up"', ("logon_succeeded",)),
    ),
    "key_value": (("srcip=10.0.0.1 dstip=10.0.0.2 dstport=23 action=pass user=bob time=1772334847", ("network_connection",)),),
    "daemon_log": (
        ('Sun Mar  1 03:14:07 2026 [pid 2] [bob] FAIL LOGIN: Client "203.0.113.5"', ("logon_failed",)),
        ("Sun Mar  1 03:14:07 2026 -> /srv/x.exe: Win.Trojan.Agent-1 FOUND", ("alert_raised",)),
    ),
    "csv": (
        (
            ("CreationDate,UserIds,Operations,AuditData\n2026-03-01T03:14:07Z,anna,New-InboxRule,"
            f'"{QUOTED}"'),
            ("cloud_operation",),
        ),
        (
            ("Date (UTC),User,Username,Application,IP address,Status,Sign-in error code\n"
            "2026-03-01T03:14:07Z,Anna,anna@town.example,Office 365,203.0.113.7,Failure,50126"),
            ("logon_failed",),
        ),
        (
            ("Date (UTC),Service,Category,Activity,Result,ActorUserPrincipalName\n"
            "2026-03-01T03:14:07Z,Core Directory,RoleManagement,Add member to role,success,anna@town.example"),
            ("cloud_operation",),
        ),
        (
            ("Id,LogName,ProviderName,MachineName,TimeCreated,Message\n4625,Security,Microsoft-Windows-Security-Auditing,PC-07,"
            '2026-03-01T03:14:07Z,"An account failed to log on.\nAccount For Which Logon Failed:\n\tAccount Name:\t\tanna"'),
            ("logon_failed",),
        ),
    ),
    "text": (("any line at all", ("record_says",)),),
    "json": ((lines({"timestamp": 1772334847000, "level": "warn", "what": "x"}), ("record_says",)),),
    "cloudtrail": ((lines(TRAIL, CONSOLE), ("cloud_operation", "logon_failed")),),
    "m365": (
        (
            lines(
                UNIFIED,
                UNIFIED | {"Operation": "UserLoginFailed", "Workload": "AzureActiveDirectory", "RecordType": 15, "Parameters": []},
                {**UNIFIED, "Operation": "AlertTriggered", "Workload": "SecurityComplianceCenter", "RecordType": 40, "Name": "Forwarding", "Severity": "High"},
            ),
            ("cloud_operation", "logon_failed", "cloud_operation"),
        ),
    ),
    "entra-signin": ((lines(SIGN_IN, SIGN_IN | {"status": {"errorCode": 0}}), ("logon_failed", "logon_succeeded")),),
    "entra-audit": ((lines(DIRECTORY), ("cloud_operation",)),),
    "entra-risk": ((lines(RISK), ("alert_raised",)),),
    "azure-activity": ((lines(ACTIVITY), ("cloud_operation",)),),
    "evtx": (
        (
            lines(
                {"Event": {"System": system(SYSMON, 1, "Microsoft-Windows-Sysmon"), "EventData": PROCESS}},
                {"Event": {"System": system("Linux-Sysmon/Operational", 1, "Linux-Sysmon"), "EventData": PROCESS | {"Image": "/bin/cat"}}},
            ),
            ("process_started", "process_started"),
        ),
    ),
    "windows-xml": ((XML, ("logon_failed",)),),
    "event-xml": ((lines({"message": XML, "agent": "x"}), ("logon_failed",)),),
    "winlogbeat": (
        (
            lines(
                {
                    "@timestamp": "2026-03-01T03:14:07Z", "message": "Process Create",
                    "winlog": {"channel": SYSMON, "event_id": "1", "provider_name": "Microsoft-Windows-Sysmon", "computer_name": "PC-07",
                               "record_id": 5, "event_data": PROCESS},
                }
            ),
            ("process_started",),
        ),
    ),
    "wazuh": (
        (
            lines(
                {
                    "agent": {"name": "PC-07"}, "timestamp": "2026-03-01T03:14:07.000+0000",
                    "data": {"win": {"system": {"eventID": "4625", "channel": "Security", "providerName": "Microsoft-Windows-Security-Auditing",
                                                "computer": "PC-07"}, "eventdata": {"targetUserName": "anna"}}},
                }
            ),
            ("logon_failed",),
        ),
    ),
    "wazuh-line": (
        (lines({"timestamp": "2026-03-01T03:14:07.000+0000", "agent": {"name": "web01"}, "decoder": {"name": "sshd"}, "full_log": SYSLOG + FAILED}), ("logon_failed",)),
    ),
    "windows-json": (
        (
            lines({"EventID": 4625, "Channel": "Security", "Hostname": "PC-07", "SourceName": "Microsoft-Windows-Security-Auditing",
                   "EventTime": "2026-03-01 03:14:07", "TargetUserName": "anna"}),
            ("logon_failed",),
        ),
    ),
    "get-winevent": (
        (
            lines({"Id": 4625, "LogName": "Security", "ProviderName": "Microsoft-Windows-Security-Auditing", "MachineName": "PC-07",
                   "TimeCreated": "/Date(1772334847000)/", "RecordId": 5,
                   "Message": "An account failed to log on.\n\nAccount For Which Logon Failed:\n\tAccount Name:\t\tanna\n"}),
            ("logon_failed",),
        ),
    ),
}  # fmt: skip
