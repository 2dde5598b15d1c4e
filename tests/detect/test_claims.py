"""Claims state what the record states: each family with real field names, each trap with a near miss."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.detect.claims import claims_of, entities_of
from tocsin.records.claims import CLAIM_TYPES
from tocsin.records.event import Event, Logsource


def event(
    fields, product=None, service=None, *, category=None, host=None, user=None, raw="raw text", fmt="x"
):
    sources = (
        frozenset({Logsource(product, category, service)}) if product or service or category else frozenset()
    )
    return Event("s", 3, 5, 9, sources, fields, raw, "logs", fmt, host, user)


def only(*args, **kwargs):
    claims = claims_of(event(*args, **kwargs))
    assert len(claims) == 1
    assert claims[0].evidence == (("s", 3),)
    assert claims[0].time == 5
    return claims[0].type, dict(claims[0].values)


SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational"}
SECURITY = {"Channel": "Security"}


def test_sysmon_process():
    kind, values = only(
        {**SYSMON, "EventID": 1, "Image": "C:\\a.exe", "CommandLine": "a.exe /x", "User": "TOWN\\anna"},
        "windows",
        "sysmon",
        host="WS-014",
    )
    assert kind == "process_started"
    assert values == {
        "image": "C:\\a.exe",
        "command_line": "a.exe /x",
        "user": "TOWN\\anna",
        "host": "WS-014",
    }


@pytest.mark.parametrize("number", [4688, "4688"])
def test_security_process(number):
    kind, values = only(
        {**SECURITY, "EventID": number, "NewProcessName": "C:\\a.exe", "SubjectUserName": "anna"},
        "windows",
        "security",
    )
    assert (kind, values) == ("process_started", {"image": "C:\\a.exe", "user": "anna"})


@pytest.mark.parametrize(
    ("fields", "kind", "expected"),
    [
        ({"EventID": 4624, "TargetUserName": "anna", "LogonType": 10}, "logon_succeeded", {"method": "by remote desktop"}),
        ({"EventID": 4625, "TargetUserName": "a", "SubStatus": "0xC000006A"}, "logon_failed", {"reason": "wrong password"}),
        ({"EventID": 4625, "TargetUserName": "a", "SubStatus": "0x0", "Status": "0xC0000234"}, "logon_failed",
         {"reason": "account locked out"}),
        ({"EventID": 4776, "TargetUserName": "a", "Status": "0x0"}, "logon_succeeded", {}),
        ({"EventID": 4776, "TargetUserName": "a", "Status": "0xc0000064"}, "logon_failed", {"reason": "no such user"}),
        ({"EventID": 4648, "SubjectUserName": "a", "TargetUserName": "b"}, "credentials_used", {"as_user": "b"}),
        ({"EventID": 4720, "TargetUserName": "new", "SubjectUserName": "a"}, "account_changed", {"action": "created"}),
        ({"EventID": 4732, "MemberSid": "S-1-5-21-1", "TargetUserName": "Administrators"}, "account_changed",
         {"group": "Administrators", "action": "added to a group"}),
        ({"EventID": 1102, "SubjectUserName": "a"}, "log_cleared", {"log": "Security", "user": "a"}),
        ({"EventID": 4698, "TaskName": "\\t", "SubjectUserName": "a"}, "task_scheduled", {"name": "\\t"}),
        ({"EventID": 4697, "ServiceName": "svc", "ServiceFileName": "x"}, "service_installed", {"path": "x"}),
    ],
)  # fmt: skip
def test_security_events(fields, kind, expected):
    found, values = only({**SECURITY, **fields}, "windows", "security")
    assert found == kind
    assert expected.items() <= values.items()


def test_7045_names_no_installer():
    kind, values = only(
        {
            "Channel": "System",
            "EventID": 7045,
            "ServiceName": "s",
            "ImagePath": "p",
            "AccountName": "LocalSystem",
        },
        "windows",
        "system",
    )
    assert (kind, values) == ("service_installed", {"name": "s", "path": "p"})


def test_104_tells_which_log_was_cleared():
    fields = {"Channel": "System", "EventID": 104, "UserData.Channel": "Application", "SubjectUserName": "a"}
    assert only(fields, "windows", "system") == ("log_cleared", {"log": "Application", "user": "a"})
    assert only({"Channel": "System", "EventID": 104}, "windows", "system")[0] == "record_says"


def test_a_web_log_of_windows_is_a_web_log():
    fields = {"cs-method": "POST", "cs-uri-stem": "/x.aspx", "c-ip": "198.51.100.7"}
    assert only(fields, "windows", "iis", category="webserver")[0] == "web_request"


def test_a_category_counts_where_the_service_is_another():
    assert only({"cs-method": "GET", "c-uri": "/"}, None, "access", category="webserver")[0] == "web_request"


def test_known_messages_of_services_are_log_ons():
    one = event({"action": "failed", "user": "anna", "src_ip": "198.51.100.7"}, "synology", "connection")
    one.ocsf_class = 3002
    assert claims_of(one)[0].type == "logon_failed"
    one.ocsf_class = 0
    assert claims_of(one)[0].type == "record_says"


def test_4776_without_a_status_claims_no_outcome():
    assert (
        only({**SECURITY, "EventID": 4776, "TargetUserName": "a"}, "windows", "security")[0] == "record_says"
    )


def test_an_event_id_of_another_channel_is_not_taken_for_sysmon():
    assert (
        only({"Channel": "Application", "EventID": 1, "Image": "x"}, "windows", "application")[0]
        == "record_says"
    )


@pytest.mark.parametrize(
    ("program", "message", "kind", "expected"),
    [
        ("sshd", "Accepted publickey for anna from 198.51.100.7 port 22 ssh2: RSA SHA256:x", "logon_succeeded",
         {"user": "anna", "address": "198.51.100.7", "method": "publickey"}),
        ("sshd", "Failed password for invalid user bo from 198.51.100.7 port 22 ssh2", "logon_failed",
         {"user": "bo", "reason": "no such user"}),
        ("sshd[312]", "Invalid user root from 192.0.2.1 from 198.51.100.7 port 9", "logon_failed",
         {"user": "root from 192.0.2.1", "address": "198.51.100.7"}),
        ("sudo", "   anna : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/cat /etc/shadow", "privilege_used",
         {"user": "anna", "as_user": "root", "command": "/bin/cat /etc/shadow"}),
        ("sudo", "anna : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh", "privilege_refused",
         {"reason": "user NOT in sudoers"}),
        ("useradd", "new user: name=eve, UID=1001, GID=1001", "account_changed", {"target": "eve", "action": "created"}),
        ("usermod", "add 'eve' to group 'sudo'", "account_changed", {"group": "sudo"}),
        ("passwd", "pam_unix(passwd:chauthtok): password changed for eve", "account_changed", {"target": "eve"}),
        ("webapp", "Accepted password for root from 198.51.100.7 port 22 ssh2", "record_says", {}),
    ],
)  # fmt: skip
def test_linux_lines(program, message, kind, expected):
    found, values = only({"program": program, "message": message}, "linux", "auth", host="web1", fmt="syslog")
    assert found == kind
    assert expected.items() <= values.items()


@pytest.mark.parametrize(
    ("fields", "kind", "expected"),
    [
        (
            {"type": "EXECVE", "argc": "2", "a0": "nc", "a1": "-l"},
            "process_started",
            {"command_line": "nc -l"},
        ),
        (
            {"type": "USER_LOGIN", "acct": "a", "addr": "198.51.100.7", "res": "failed"},
            "logon_failed",
            {"user": "a"},
        ),
        ({"type": "USER_LOGIN", "acct": "a"}, "record_says", {}),
        ({"type": "PATH", "nametype": "DELETE", "name": "/x"}, "file_changed", {"action": "deleted"}),
        ({"type": "PATH", "nametype": "NORMAL", "name": "/x"}, "object_accessed", {"object": "/x"}),
        ({"type": "SYSCALL", "syscall": "2", "exe": "/bin/cat"}, "record_says", {}),
    ],
)
def test_auditd(fields, kind, expected):
    found, values = only(fields, "linux", "auditd", fmt="auditd")
    assert found == kind
    assert expected.items() <= values.items()


def test_microsoft_365():
    fields = {
        "Operation": "New-InboxRule",
        "UserId": "anna@town.example",
        "ClientIP": "198.51.100.7:443",
        "Workload": "Exchange",
        "Parameters": [{"Name": "ForwardTo", "Value": "x@y.example"}],
    }
    kind, values = only(fields, "m365", "audit")
    assert kind == "cloud_operation"
    assert values["detail"] == "ForwardTo=x@y.example"
    assert [str(e) for e in entities_of(event(fields, "m365"), claims_of(event(fields, "m365")))] == [
        "user:anna@town.example",
        "address:198.51.100.7",
    ]


def test_cloud_sign_ins_need_an_outcome():
    base = {"userPrincipalName": "a@town.example", "ipAddress": "198.51.100.7"}
    assert only({**base, "status": {"errorCode": 0}}, "azure", "signinlogs")[0] == "logon_succeeded"
    assert only({**base, "status": {"errorCode": 50126}}, "azure", "signinlogs")[0] == "logon_failed"
    assert only({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Failure"},
                 "userIdentity": {"userName": "a"}}, "aws", "cloudtrail")[0] == "logon_failed"  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "source", "kind"),
    [
        ({"cs-method": "GET", "c-uri": "/a", "c-ip": "198.51.100.7"}, {"category": "webserver"}, "web_request"),
        ({"action": "deny", "srcip": "10.0.0.1", "dstip": "198.51.100.7"}, {"category": "firewall"}, "network_connection"),
        ({"action": "login", "status": "failed", "user": "admin", "srcip": "198.51.100.7"}, {"product": "fortigate"},
         "logon_failed"),
        ({"logdesc": "Object attribute configured", "cfgpath": "system.admin", "user": "admin"}, {"product": "fortigate"},
         "device_changed"),
        ({"query": "x.example", "id.orig_h": "10.0.0.1"}, {"product": "zeek", "service": "dns"}, "name_looked_up"),
        ({"event_type": "alert", "alert": {"signature": "ET X"}, "src_ip": "1.2.3.4"}, {"product": "suricata"},
         "alert_raised"),
    ],
)  # fmt: skip
def test_network(fields, source, kind):
    assert (
        only(fields, source.get("product"), source.get("service"), category=source.get("category"))[0] == kind
    )


def test_an_unknown_record_is_quoted():
    assert only({"foo": "bar"}) == ("record_says", {"text": "foo=bar"})
    assert only({}, raw="only raw") == ("record_says", {"text": "only raw"})
    assert only({}, raw="") == ("record_says", {"text": "(an empty record)"})


def test_a_machine_account_is_its_host():
    one = event({**SECURITY, "EventID": 4624, "TargetUserName": "WS-014$"}, "windows", "security", host="DC1")
    assert [str(e) for e in entities_of(one, claims_of(one))] == ["host:DC1", "host:WS-014"]


NAMES = st.sampled_from(
    ["EventID", "Channel", "type", "message", "program", "Operation", "UserId", "action", "srcip", "dstip", "Image", "user",
     "TargetUserName", "Status", "a0", "status", "event_type", "alert", "Parameters", "cs-method", "c-uri", "t_origin", ""]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=12)
    | st.sampled_from(["1", "4624", "Security", "EXECVE", "sshd", "login", "alert", "dns"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@given(
    st.dictionaries(NAMES, VALUES, max_size=8),
    st.sampled_from([None, "windows", "linux", "m365", "azure", "aws", "zeek", "suricata", "fortigate"]),
)
@settings(max_examples=300)
def test_any_record_gives_lawful_claims_of_its_own_words(fields, product):
    one = event(fields, product)
    for claim in claims_of(one):
        required, optional = CLAIM_TYPES[claim.type]
        assert set(required) <= set(claim.values) <= {*required, *optional}
        assert all(isinstance(text, str) and text for text in claim.values.values())
        assert claim.evidence == (one.id,)
    entities_of(one, claims_of(one))
