import pytest
from tests.sources.text.reading import chosen, context, instant, named, one, read

from tocsin.records.event import Logsource
from tocsin.sources.interface import SpanningParser
from tocsin.sources.text.csv_rows import is_open

AUDIT = """\
RecordId,CreationDate,RecordType,Operation,UserId,AuditData
1,2026-03-01T03:14:07.0000000Z,1,New-InboxRule,bob@example.org,"{""CreationTime"":""2026-03-01T03:14:07"",""Operation"":""New-InboxRule"",""Workload"":""Exchange"",""UserId"":""bob@example.org"",""ClientIP"":""203.0.113.5""}"
"""


def test_unified_audit_export():
    assert chosen(AUDIT) == "csv"
    (draft,), reasons = read("csv", AUDIT)
    assert not reasons
    assert draft.fields["Operation"] == "New-InboxRule"
    assert any(source.satisfies(Logsource("m365", None, "audit")) for source in draft.logsources)
    assert (draft.user, draft.time) == ("bob@example.org", instant("2026-03-01T03:14:07Z"))
    assert read("csv", AUDIT.replace('"{""Cr', '"{{""Cr'))[1] == [
        "The AuditData column holds no JSON object."
    ]


def test_entra_sign_ins():
    text = (
        "Date (UTC),Request ID,User agent,User,Username,Application,IP address,Location,Status,Sign-in error code,Failure reason,Client app\n"
        '2026-03-01T03:14:07Z,r1,Mozilla/5.0,Bob,bob@example.org,Azure Portal,203.0.113.5,"Berlin, DE",Failure,50126,Invalid username or password.,Browser\n'
    )
    assert chosen(text) == "csv"
    (draft,), _ = read("csv", text)
    wanted = {
        "userPrincipalName": "bob@example.org",
        "ipAddress": "203.0.113.5",
        "ResultType": "50126",
        "Status": "Failure",
        "Username": "bob@example.org",
        "Location": "Berlin, DE",
    }
    assert wanted.items() <= draft.fields.items()
    assert draft.logsources == {Logsource("azure", None, "signinlogs")}
    assert (draft.time, draft.user) == (instant("2026-03-01T03:14:07Z"), "bob@example.org")


def test_entra_audit():
    text = "Date (UTC),CorrelationId,Service,Category,Activity,Result,ActorUserPrincipalName,IPAddress\n2026-03-01T03:14:07Z,c,Core Directory,RoleManagement,Add member to role,success,bob@example.org,203.0.113.5\n"
    (draft,), _ = read("csv", text)
    assert {
        "operationName": "Add member to role",
        "properties.message": "Add member to role",
        "Category": "RoleManagement",
    }.items() <= draft.fields.items()
    assert draft.logsources == {Logsource("azure", None, "auditlogs")}


SYSMON = """\
"Message","Id","Level","ProviderName","LogName","MachineName","TimeCreated","LevelDisplayName"
"Process Create:
RuleName: -
UtcTime: 2026-03-01 03:14:07.123
Image: C:\\Windows\\System32\\cmd.exe
CommandLine: cmd.exe /c ""echo x""
User: CORP\\bob","1","4","Microsoft-Windows-Sysmon","Microsoft-Windows-Sysmon/Operational","WS1","3/1/2026 3:14:07 AM","Information"
"""


def test_windows_events_whose_message_spans_lines():
    assert chosen(SYSMON) == "csv"
    (draft,), reasons = read("csv", "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\n" + SYSMON)
    assert not reasons
    wanted = {
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Image": "C:\\Windows\\System32\\cmd.exe",
        "CommandLine": 'cmd.exe /c "echo x"',
    }
    assert wanted.items() <= draft.fields.items()
    assert any(
        source.satisfies(Logsource("windows", "process_creation", "sysmon")) for source in draft.logsources
    )
    assert (draft.host, draft.time) == ("WS1", instant("2026-03-01T03:14:07Z"))


def test_event_viewer_leaves_the_message_without_a_header():
    text = (
        "Level,Date and Time,Source,Event ID,Task Category\n"
        'Information,3/1/2026 3:14:07 AM,Microsoft-Windows-Security-Auditing,4625,Logon,"An account failed to log on.\n\nSubject:\n\tAccount Name:\t\t-\n\n'
        'Logon Type:\t\t\t3\n\nAccount For Which Logon Failed:\n\tAccount Name:\t\tadministrator\n\nNetwork Information:\n\tSource Network Address:\t203.0.113.5"\n'
    )
    (draft,), reasons = read("csv", text)
    assert not reasons
    assert {
        "EventID": 4625,
        "Channel": "Security",
        "TargetUserName": "administrator",
        "IpAddress": "203.0.113.5",
        "LogonType": "3",
    }.items() <= draft.fields.items()
    assert any(source.satisfies(Logsource("windows", None, "security")) for source in draft.logsources)


def test_a_mapping():
    where = context(
        columns={"When": "time", "Box": "host", "Who": "user", "Where": "src_ip", "Kind": "logsource"}
    )
    text = "When;Box;Who;Where;Kind;Rest\n01.03.2026 03:14:07;fw1;bob;203.0.113.5;acme/firewall;x\n"
    assert chosen(text, where) == "csv"
    (draft,), _ = read("csv", text, where)
    assert (draft.host, draft.user, draft.time) == ("fw1", "bob", instant("2026-03-01T03:14:07Z"))
    assert draft.fields["src_ip"] == "203.0.113.5"
    assert draft.fields["Rest"] == "x"
    assert draft.logsources == {Logsource("acme", "firewall", None)}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_plain_csv(delimiter):
    text = 'time|user name|note\n2026-03-01T03:14:07Z|bob|"a ""b""\nc"\n'.replace("|", delimiter)
    (draft,), reasons = read("csv", text)
    assert not reasons
    assert draft.fields == {"time": "2026-03-01T03:14:07Z", "user name": "bob", "note": 'a "b"\nc'}
    assert (draft.user, draft.time, draft.logsources) == ("bob", instant("2026-03-01T03:14:07Z"), frozenset())


def test_pending_says_which_lines_belong_together():
    parser = named("csv").parser(context())
    assert isinstance(parser, SpanningParser)
    seen = [(parser.parse(line), parser.pending) for line in ("a,b", '1,"x', "", 'y"')]
    assert [pending for _, pending in seen] == [False, True, True, False]
    assert [draft for draft, _ in seen[:3]] == [None] * 3
    assert seen[3][0].fields == {"a": "1", "b": "x\n\ny"}
    assert parser.finish() is None


def test_a_quote_inside_a_bare_field_opens_nothing():
    drafts, reasons = read("csv", 'a,b\n5" disk,x\n2,y\n')
    assert ([draft.fields["b"] for draft in drafts], reasons) == (["x", "y"], [])
    assert not is_open('5" disk', ",")


def test_rows_that_do_not_fit_and_the_end_inside_a_field():
    drafts, reasons = read("csv", 'sep=;\na;b\n1;2;3\n1;2\n"open;x\n')
    assert len(drafts) == 1
    assert reasons == ["The row has 3 columns, its header 2.", "The file ends inside a quoted field."]


def test_an_endless_quote_is_set_aside_in_time():
    drafts, reasons = read("csv", 'a,b\n"open,1\n' + "x,y\n" * 10_001)
    assert reasons == ["A quoted field does not end within 10000 lines."]
    assert len(drafts) == 1


def test_json_is_no_csv():
    assert chosen('{"a":1,"b":2}\n{"a":3,"b":4}') != "csv"


def test_plain_text_is_the_last_resort():
    assert chosen("a line\nanother") == "text"
    draft = one("text", "a line")
    assert (draft.fields, draft.logsources) == ({"message": "a line"}, frozenset())
    assert named("text").recognises(["\x00\x01\x02"], context()) == 0
