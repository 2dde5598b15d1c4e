"""One log-on and one process start in every shape that shippers and exports give them: the same fields, every time."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from tests.sources.reads import context, draft, everything

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.recognise import ObjectReader
from tocsin.sources.windows_event import xml_event

SYSMON = "Microsoft-Windows-Sysmon/Operational"
WHEN = 1_760_000_000_250_000
STAMP = "2025-10-09T08:53:20.25Z"
DATA = {
    "UtcTime": "2025-10-09 08:53:20.250", "ProcessGuid": "{0197231E-8BFF-6926-1308-000000000D00}", "ProcessId": 4460,
    "Image": "C:\\Windows\\System32\\whoami.exe", "CommandLine": '"C:\\Windows\\System32\\whoami.exe" /all',
    "User": "TOWN\\anna", "ParentImage": "C:\\Windows\\System32\\cmd.exe",
}  # fmt: skip
ATTRIBUTES = {
    "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
    "TimeCreated": {"#attributes": {"SystemTime": STAMP}},
}
SYSTEM = ATTRIBUTES | {
    "EventID": 1,
    "Level": 4,
    "Task": 1,
    "EventRecordID": 77,
    "Channel": SYSMON,
    "Computer": "ws1.town.example",
}


def xml(data=DATA):
    inner = "".join(
        f'<Data Name="{name}">{str(value).replace("&", "&amp;")}</Data>' for name, value in data.items()
    )
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f'<Provider Name="Microsoft-Windows-Sysmon"/><EventID>1</EventID><Level>4</Level><Task>1</Task>'
        f'<TimeCreated SystemTime="{STAMP}"/><EventRecordID>77</EventRecordID><Channel>{SYSMON}</Channel>'
        f"<Computer>ws1.town.example</Computer></System><EventData>{inner}</EventData></Event>"
    )


def escaped(value):
    return value.replace("\\", "\\\\").replace('"', '\\"') if isinstance(value, str) else str(value)


SHAPES = {
    "evtx_dump": {"Event": {"System": SYSTEM, "EventData": DATA}},
    "evtx_dump, texts": {"Event": {"System": SYSTEM | {"EventID": {"#attributes": {"Qualifiers": 0}, "#text": 1}}, "EventData": DATA}},
    "evtx_dump, attributes apart": {
        "Event": {
            "System": {name: value for name, value in SYSTEM.items() if name not in ATTRIBUTES}
            | {"Provider_attributes": {"Name": "Microsoft-Windows-Sysmon"}, "TimeCreated_attributes": {"SystemTime": STAMP}},
            "EventData": DATA,
        }
    },
    "xml to dict": {
        "Event": {
            "System": SYSTEM | {"EventID": "1", "Provider": {"@Name": "Microsoft-Windows-Sysmon"}, "TimeCreated": {"@SystemTime": STAMP}},
            "EventData": {"Data": [{"@Name": name, "#text": value} for name, value in DATA.items()]},
        }
    },
    "winlogbeat 8": {
        "@timestamp": STAMP, "event": {"code": "1", "kind": "event"}, "host": {"name": "other"}, "log": {"level": "information"},
        "winlog": {"channel": SYSMON, "event_id": "1", "provider_name": "Microsoft-Windows-Sysmon", "record_id": 77, "task": "1",
                   "computer_name": "ws1.town.example", "event_data": DATA},
    },
    "winlogbeat 6": {
        "@timestamp": STAMP, "event_id": 1, "log_name": SYSMON, "source_name": "Microsoft-Windows-Sysmon", "record_number": "77",
        "task": "1", "level": "Information", "computer_name": "ws1.town.example", "event_data": DATA,
    },
    "Elasticsearch": {"_index": "winlogbeat", "_source": {
        "@timestamp": STAMP, "log": {"level": "information"}, "winlog": {
            "channel": SYSMON, "event_id": 1, "provider_name": "Microsoft-Windows-Sysmon", "record_id": "77", "task": 1,
            "computer_name": "ws1.town.example", "event_data": DATA}}},
    "flat": {"EventID": 1, "Channel": SYSMON.lower(), "SourceName": "Microsoft-Windows-Sysmon", "Hostname": "ws1.town.example",
             "TimeCreated": STAMP, "Level": "4", "Task": "1", "RecordNumber": 77, **DATA},
    "wazuh": {"timestamp": "2025-10-09T08:53:25.000+0000", "agent": {"name": "ws1"}, "data": {"win": {
        "system": {"eventID": "1", "channel": SYSMON, "providerName": "Microsoft-Windows-Sysmon", "computer": "ws1.town.example",
                   "level": "4", "task": "1", "eventRecordID": "77", "systemTime": STAMP},
        "eventdata": {name[0].lower() + name[1:]: escaped(value) for name, value in DATA.items()}}}},
    "Sentinel Syslog": {"TimeGenerated": STAMP, "Computer": "relay", "Facility": "user", "SyslogMessage": xml()},
    "Get-WinEvent": {"Id": 1, "LogName": SYSMON, "ProviderName": "Microsoft-Windows-Sysmon", "MachineName": "ws1.town.example", "Level": 4,
                     "Task": 1, "RecordId": 77, "TimeCreated": "/Date(1760000000250)/", "Properties": [{"Value": "-"}],
                     "Message": "Process Create:\r\n" + "\r\n".join(f"{name}: {value}" for name, value in DATA.items())},
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_fields(shape):
    found, _ = draft(SHAPES[shape])
    want = DATA | {
        "EventID": 1,
        "Channel": SYSMON,
        "Provider_Name": "Microsoft-Windows-Sysmon",
        "Level": 4,
        "Task": 1,
    }
    assert {name: str(found.fields.get(name)) for name in want} == {
        name: str(value) for name, value in want.items()
    }
    assert isinstance(found.fields["EventID"], int)
    assert found.fields["EventRecordID"] == 77
    assert (found.host, found.user, found.time) == ("ws1.town.example", "TOWN\\anna", WHEN)
    assert found.logsources == {Logsource("windows", "process_creation", "sysmon")}
    assert found.kind == f"{SYSMON}/1"
    assert found.ocsf_class == 1007


def test_exported_xml_is_read_event_by_event(tmp_path):
    broken = xml().replace("</System>", "")
    (tmp_path / "log.xml").write_text(
        f"<?xml version='1.0'?>\n<Events>\n{xml()}\n<Event><oops></Event>{xml()}\n{broken}</Events>"
    )
    events, aside = everything(tmp_path)
    assert [one.seq for one in events] == [0, 2, 3]
    assert all(one.fields["CommandLine"] == DATA["CommandLine"] for one in events)
    assert events[0].raw == xml()
    assert [one.record for one in aside] == [1]


def test_xml_that_a_relay_cut_or_spoilt_is_read_as_far_as_it_is_whole():
    whole = xml(DATA | {"Product": "a", "Last": "of all"})
    cut = xml_event(whole[: whole.index("of all")])["Event"]
    assert {one["#attributes"]["Name"] for one in cut["EventData"]["Data"]} == {*DATA, "Product"}
    found, _ = draft(
        {"SyslogMessage": xml(DATA | {"Image": "X"}).replace(">X<", ">&lt unknown process&gt <")}
    )
    assert found.fields["Image"] == "< unknown process> "
    assert found.time == WHEN


def test_xml_with_entities_of_its_own_is_refused():
    with pytest.raises(BadRecord, match="document type"):
        xml_event('<!DOCTYPE x [<!ENTITY a "aaaa">]><Event><System><EventID>1</EventID></System></Event>')


def test_data_without_names_stays_a_list_and_user_data_is_flat():
    system = SYSTEM | {"Channel": "Windows PowerShell", "EventID": 400}
    found, _ = draft(
        {
            "Event": {
                "System": system,
                "EventData": {"Data": {"#text": ["Available", "None", "HostName=ConsoleHost"]}},
            }
        }
    )
    assert found.fields["Data"] == ["Available", "None", "HostName=ConsoleHost"]
    assert found.logsources == {Logsource("windows", "ps_classic_start", "powershell-classic")}
    one, _ = draft({"Event": {"System": system, "EventData": {"Data": "only"}}})
    assert one.fields["Data"] == "only"
    user = {
        "LogFileCleared": {
            "#attributes": {"xmlns": "x"},
            "SubjectUserName": "anna",
            "Channel": "forged",
            "Deep": {"Er": {"Est": 1}},
        }
    }
    cleared, _ = draft(
        {"Event": {"System": SYSTEM | {"Channel": "Security", "EventID": 1102}, "UserData": user}}
    )
    assert cleared.fields["SubjectUserName"] == "anna"
    assert cleared.fields["Channel"] == "Security", "event data never shadows the system's fields"
    assert cleared.fields["UserData.Channel"] == "forged"
    assert cleared.fields["Est"] == 1
    shipped, _ = draft(
        {
            "winlog": {
                "event_id": 400,
                "channel": "Windows PowerShell",
                "event_data": {"param1": "a", "param2": "b"},
            }
        }
    )
    assert shipped.fields["Data"] == ["a", "b"]
    message, _ = draft({"EventID": 400, "Channel": "Windows PowerShell", "Message": "HostApplication=x"})
    assert message.fields["Data"] == "HostApplication=x"


def test_security_4688_has_the_names_of_process_creation_beside_its_own():
    data = {
        "SubjectUserName": "anna", "SubjectDomainName": "TOWN", "SubjectLogonId": "0x3e7", "NewProcessId": "0x24d4",
        "NewProcessName": "C:\\x.exe", "ProcessId": "0x255c", "CommandLine": "x", "TargetUserName": "-",
        "ParentProcessName": "C:\\p.exe", "MandatoryLabel": "S-1-16-12288",
    }  # fmt: skip
    found, _ = draft(
        {"Event": {"System": SYSTEM | {"Channel": "Security", "EventID": 4688}, "EventData": data}}
    )
    assert data.items() <= found.fields.items()
    aliases = {
        "Image": "C:\\x.exe",
        "ParentImage": "C:\\p.exe",
        "ParentProcessId": 0x255C,
        "User": "TOWN\\anna",
        "IntegrityLevel": "High",
    }
    assert aliases.items() <= found.fields.items()
    assert found.logsources == {Logsource("windows", "process_creation", "security")}
    runas, _ = draft(
        {"EventID": 4688, "Channel": "Security", **data, "TargetUserName": "root", "TargetDomainName": "TOWN"}
    )
    assert runas.fields["User"] == "TOWN\\root"


@pytest.mark.parametrize(
    ("value", "good"),
    [("4624", True), (4624.0, True), ("x", False), (None, False), (True, False), (-1, False), (2**40, False)],
)
def test_event_ids(value, good):
    record = {"EventID": value, "Channel": "Security"}
    if good:
        assert draft(record)[0].fields["EventID"] == 4624
    else:
        with pytest.raises(BadRecord, match="EventID"):
            draft(record)


@pytest.mark.parametrize(
    "text", ["\\\\server\\share", "C:\\Windows", 'say "x"', "\\\\server\\share\\a b", "plain", "tail\\"]
)
def test_wazuh_escapes_are_undone_and_plain_values_left(text):
    def seen(value):
        return draft({"data": {"win": {"system": {"eventID": "1"}, "eventdata": {"path": value}}}})[0].fields[
            "Path"
        ]

    assert seen(escaped(text)) == text
    assert seen(text) == text


def stripped(fields):
    """The twins' writer took the blanks off the ends of values, and mended the case of one path by hand."""
    return {
        name: value.strip().lower() if isinstance(value, str) else value for name, value in fields.items()
    }


def test_regression_twins_are_the_same(data):
    """The EVTX file and the JSON beside it, which another tool wrote, hold the same record."""
    events, aside = everything(data / "sigma-regression")
    assert not aside
    by_source = {}
    for event in events:
        by_source.setdefault(event.source, []).append(event)
    logs = [source for source in by_source if source.endswith(".evtx")]
    assert len(logs) == 91
    for log in logs:
        ours = {event.fields["EventRecordID"]: event for event in by_source[log]}
        theirs = by_source[log.removesuffix(".evtx") + ".json"]
        assert len(ours) == len(theirs)
        for event in theirs:
            same = ours[event.fields["EventRecordID"]]
            assert stripped(same.fields) == stripped(event.fields), log
            assert (same.time, same.host, same.user) == (event.time, event.host, event.user)
            assert same.logsources == event.logsources


def test_json_of_every_recording_round_trips(data):
    (path,) = (data / "sigma-regression").rglob("*.jsoncls")
    events, aside = everything(path)
    assert len(events) == 1
    assert not aside
    assert json.loads(events[0].raw)["Event"]["System"]["EventID"] == events[0].fields["EventID"]


def test_times_of_the_event_schema_are_utc_whatever_the_operators_zone() -> None:
    """python-evtx writes them without a zone, and Sysmon's UtcTime never has one."""
    zone = ZoneInfo("Europe/Berlin")
    system = {"EventID": 1, "TimeCreated": {"#attributes": {"SystemTime": "2026-03-01 08:00:00"}}}
    for record in (
        {"Event": {"System": system, "EventData": None}},
        {"EventID": 1, "Channel": "Sysmon", "UtcTime": "2026-03-01 08:00:00"},
    ):
        assert ObjectReader(context(zone=zone)).draft(record)[0].time == 1_772_352_000_000_000


def test_evtx_dump_with_its_record_lines(tmp_path):
    def one(number):
        event = {"System": {"EventID": number, "Channel": "Security"}, "EventData": {"A": "x" * 500}}
        return f"Record {number}\n{json.dumps({'Event': event}, indent=2)}\n"

    xml = '<?xml version="1.0"?>\n<Event><System><EventID>{}</EventID></System></Event>\n'
    (tmp_path / "a.json").write_text("".join(map(one, range(1, 2001))))
    (tmp_path / "b.xml").write_text("".join(f"Record {at}\n{xml.format(at)}" for at in range(1, 4)))
    for name, count in (("a.json", 2000), ("b.xml", 3)):
        events, aside = everything(tmp_path / name)
        assert (len(events), aside) == (count, [])
        assert [event.fields["EventID"] for event in events] == list(range(1, count + 1))


def test_sysmon_for_linux_in_syslog(tmp_path):
    data = '<Data Name="Image">/bin/sh</Data><Data Name="CommandLine">sh -c id</Data>'
    system = "<EventID>1</EventID><Channel>Linux-Sysmon/Operational</Channel><Computer>web01</Computer>"
    system += '<TimeCreated SystemTime="2026-03-01T08:00:00.25Z"/>'
    event = f"<Event><System>{system}</System><EventData>{data}</EventData></Event>"
    (tmp_path / "syslog").write_text(f"Mar  1 08:00:01 web01 sysmon: {event}\n")
    ((found,), aside) = everything(tmp_path / "syslog")
    assert aside == []
    assert Logsource("linux", "process_creation", "sysmon") in found.logsources
    assert (found.fields["Image"], found.fields["CommandLine"]) == ("/bin/sh", "sh -c id")
    assert found.time == 1_772_352_000_250_000
