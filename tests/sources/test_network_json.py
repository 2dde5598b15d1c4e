"""Zeek, Suricata and the journal in JSON, and what is left for the generic reader."""

from __future__ import annotations

import pytest
from tests.sources.reads import draft

from tocsin.records.event import Logsource

WHEN = 1_760_000_000_250_000


def test_zeek_by_path_or_by_the_files_name():
    conn = {
        "ts": 1760000000.25,
        "uid": "C1",
        "id.orig_h": "10.0.0.1",
        "id.resp_h": "10.0.0.2",
        "id.resp_p": 22,
    }
    by_path, name = draft(conn | {"_path": "conn"})
    by_name, _ = draft(conn, source="logs/zeek.tar.gz!2025/conn.08:00:00-09:00:00.log.gz")
    streamed, _ = draft(
        {"ts": "2025-10-09T08:53:20.250000Z", "uid": "C1", "id": {"orig_h": "10.0.0.1"}, "_path": "conn"}
    )
    assert name == "zeek-json"
    for one in (by_path, by_name, streamed):
        assert one.fields["id.orig_h"] == "10.0.0.1"
        assert {(source.product, source.service) for source in one.logsources} == {("zeek", "conn")}
        assert (one.time, one.kind, one.ocsf_class) == (WHEN, "zeek/conn", 4001)


def test_suricata():
    found, name = draft(
        {
            "timestamp": "2025-10-09T10:53:20.250000+0200",
            "event_type": "alert",
            "src_ip": "10.0.0.1",
            "alert": {"signature": "ET"},
        }
    )
    assert (name, found.kind, found.ocsf_class, found.time) == ("suricata", "suricata/alert", 2004, WHEN)
    assert found.logsources == {Logsource("suricata", None, "alert")}
    assert draft({"event_type": "made up" * 50, "flow_id": 1})[0].kind == "suricata/other"


def test_journal():
    record = {
        "__REALTIME_TIMESTAMP": "1760000000250000", "_HOSTNAME": "web1", "SYSLOG_IDENTIFIER": "sshd", "_PID": "7", "PRIORITY": "6",
        "SYSLOG_FACILITY": "10", "MESSAGE": "Failed password for invalid user bob from 203.0.113.9 port 4711 ssh2", "_UID": "0",
    }  # fmt: skip
    found, name = draft(record)
    assert (name, found.time, found.host) == ("journald", WHEN, "web1")
    assert record.items() <= found.fields.items()
    assert found.fields["message"] == record["MESSAGE"]
    assert {"sshd", "auth"} <= {one.service for one in found.logsources}
    bytes_, _ = draft(record | {"MESSAGE": [104, 105, 255]})
    assert bytes_.fields["message"] == "hi\ufffd"


@pytest.mark.parametrize("hostile", [None, 1, "", "x", [], {}, [1, 2], True, 10**40, {"errorCode": {}}])
def test_fields_of_the_wrong_type_never_raise_more_than_a_bad_record(hostile):
    shapes = [
        {"_path": hostile, "ts": hostile}, {"event_type": "dns", "flow_id": hostile, "timestamp": hostile, "host": hostile},
        {"__REALTIME_TIMESTAMP": hostile, "MESSAGE": hostile, "_HOSTNAME": hostile, "SYSLOG_FACILITY": hostile, "PRIORITY": hostile},
        {"createdDateTime": hostile, "appDisplayName": hostile, "status": hostile, "deviceDetail": hostile, "userPrincipalName": hostile},
        {"activityDisplayName": hostile, "initiatedBy": hostile, "targetResources": hostile}, {"riskEventType": hostile, "properties": hostile},
        {"eventName": hostile, "eventSource": hostile, "awsRegion": hostile, "userIdentity": hostile, "eventTime": hostile},
        {"operationName": hostile, "resourceId": hostile, "category": hostile}, {"full_log": "x", "agent": hostile, "decoder": hostile},
        {"winlog": {"event_id": 1, "channel": hostile, "keywords": hostile}, "host": hostile, "log": hostile, "message": hostile},
        {"EventID": 1, "Channel": hostile, "SourceName": hostile, "TimeCreated": hostile, "EventData": hostile, "EventType": hostile},
        {"Id": 1, "LogName": hostile, "Message": hostile, "Properties": hostile, "TimeCreated": hostile},
        {"Event": {"System": {"EventID": 1, "Channel": hostile, "Provider": hostile, "TimeCreated": hostile}, "EventData": hostile, "UserData": hostile}},
        {"data": {"win": {"system": {"eventID": 1, "channel": hostile}, "eventdata": hostile}}}, {"_source": hostile, "preview": hostile, "result": hostile},
        {"timestamp": hostile, "host": hostile, "user": hostile},
    ]  # fmt: skip
    for shape in shapes:
        found, _ = draft(shape)
        assert found.time is None or isinstance(found.time, int)
        assert found.host is None or isinstance(found.host, str)
        assert found.user is None or isinstance(found.user, str)
        assert isinstance(found.kind, str)


def test_any_other_object_is_kept_with_its_guessed_time():
    found, name = draft({"timestamp": 1760000000250, "host": {"name": "h"}, "user": "u", "x": {"y": 1}})
    assert (name, found.kind, found.time, found.host, found.user) == ("json", "json", WHEN, "h", "u")
    assert not found.logsources


def test_wazuh_alerts_of_other_agents_are_what_their_line_is():
    line = "Oct  9 08:53:20 web1 sshd[7]: Failed password for root from 203.0.113.9 port 4711 ssh2"
    found, name = draft(
        {
            "timestamp": "2025-10-09T08:53:20.250+0000",
            "agent": {"name": "web1"},
            "decoder": {"name": "sshd"},
            "full_log": line,
        }
    )
    assert name == "wazuh-line"
    assert "sshd" in {one.service for one in found.logsources}
    assert (found.time, found.host) == (WHEN, "web1")
    assert found.fields["full_log"] == line
