"""What listeners took in, as events: like the same records read from a file, with what the sender says beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.invariants import NOW
from tests.fuzz.listened import PEER, checked, received
from tests.sources.reads import everything

from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.instants import SECOND, parse_rfc3339
from tocsin.sources.listened.received import ReceivedOptions, events_of
from tocsin.sources.listened.syslog_frames import pack

SSHD = "sshd[1]: Failed password for root from 203.0.113.9 port 5 ssh2"
WINDOWS = {"Channel": "Security", "EventID": 4624, "Computer": "ws1", "TargetUserName": "anna"}


def hec(*events: dict[str, Any]) -> EventBatch:
    batch = checked("hec-event", "".join(map(json.dumps, events)).encode())
    assert batch is not None
    return batch


def bulk(*documents: dict[str, Any]) -> EventBatch:
    text = "".join(f'{{"create":{{}}}}\n{json.dumps(one)}\n' for one in documents)
    batch = checked("bulk", text.encode(), {"index": "logs"})
    assert batch is not None
    return batch


def only(batch: EventBatch) -> Event:
    assert not batch.set_aside
    (event,) = batch
    return event


# --- what the sender says counts where the record says nothing --------------------------------------------
def test_an_object_without_time_and_host_gets_the_senders() -> None:
    event = only(
        hec(
            {
                "time": "1767225000.5",
                "host": "h1",
                "sourcetype": "app",
                "source": "/a",
                "fields": {"site": "n"},
                "event": {"a": 1},
            }
        )
    )
    assert (event.time, event.time_known, event.host) == (1_767_225_000 * SECOND + 500_000, True, "h1")
    assert event.fields == {"a": 1, "sourcetype": "app", "source": "/a", "site": "n"}
    assert (event.raw, event.source, event.format) == ('{"a": 1}', "hec:office", "json")


def test_the_record_itself_is_believed_first() -> None:
    event = only(
        hec(
            {
                "time": 1,
                "host": "h1",
                "source": "s",
                "event": {"time": 1767225000, "host": "own", "source": "mine"},
            }
        )
    )
    assert (event.time, event.host, event.fields["source"]) == (1_767_225_000 * SECOND, "own", "mine")


@pytest.mark.parametrize("time", [None, "soon", True, {"a": 1}, -1e300, "9" * 70])
def test_without_any_time_it_is_that_of_its_arrival(time: Any) -> None:
    event = only(hec({"time": time, "host": 5, "sourcetype": [], "fields": 3, "event": "prose"}))
    assert (event.time, event.time_known, event.host) == (NOW, False, None)
    assert (event.fields, event.format) == ({"message": "prose"}, "text")


def test_no_sender_sets_the_envelope() -> None:
    forged = dict.fromkeys(
        ("t_auth", "t_stream", "t_seq", "t_origin", "auth", "stream", "seq", "origin"), "forged"
    )
    for event in (
        only(hec({"event": forged | {"b": 1}, "fields": forged})),
        only(bulk(forged)),
        only(hec({"event": "x", "fields": forged})),
    ):
        assert (event.auth, event.stream, event.seq, event.origin) == ("token", "str", 5, "live")
        assert event.fields["t_auth"] == "forged"


def test_texts_beside_a_windows_record_are_among_what_its_raw_does_not_spell() -> None:
    event = only(hec({"sourcetype": "xyzzy", "event": WINDOWS}))
    plain = only(hec({"event": WINDOWS}))
    assert event.logsources == plain.logsources
    assert plain.unspelt is None or "xyzzy" in (event.unspelt or "")
    assert only(hec({"fields": {"n": {"m": "x"}}, "event": WINDOWS})).unspelt is None


# --- texts ------------------------------------------------------------------------------------------------
def test_a_text_is_read_in_the_format_that_the_sender_names() -> None:
    line = f"Jan  1 00:00:00 web1 {SSHD}"
    for sourcetype in ("linux_secure", "rfc3164", "nonsense", ""):
        event = only(hec({"sourcetype": sourcetype, "host": "relay", "event": line}))
        assert (event.format, event.host, event.raw) == ("rfc3164", "web1", line)
        assert Logsource("linux", None, "sshd") in event.logsources


def test_a_wrong_name_harms_nothing() -> None:
    event = only(hec({"sourcetype": "access_combined", "event": f"<38>Jan  1 00:00:00 web1 {SSHD}"}))
    assert event.format == "rfc3164"


def test_lines_of_one_origin_are_judged_apart_from_others() -> None:
    access = '203.0.113.5 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "x"'
    batch = hec(
        {"source": "a", "event": access}, {"source": "b", "event": f"Jan  1 00:00:00 h {SSHD}"},
        {"source": "a", "event": "prose"}, {"source": "a", "event": json.dumps(WINDOWS)}, {"event": " "},
    )  # fmt: skip
    assert [event.format for event in batch] == ["web_access", "rfc3164", "text", "windows-flat", "text"] or [
        event.format for event in batch
    ][:3] == ["web_access", "rfc3164", "text"]
    assert batch[3].fields["TargetUserName"] == "anna"


def test_windows_events_as_xml() -> None:
    xml = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P'/>"
        "<EventID>4624</EventID><TimeCreated SystemTime='2026-01-01T00:00:00Z'/><Channel>Security</Channel>"
        "<Computer>ws1</Computer></System><EventData><Data Name='TargetUserName'>anna</Data></EventData></Event>"
    )
    event = only(hec({"sourcetype": "XmlWinEventLog", "event": xml}))
    assert (event.kind, event.fields["TargetUserName"], event.raw) == ("Security/4624", "anna", xml)


def test_a_line_that_its_format_knows_and_that_is_broken_is_set_aside() -> None:
    batch = hec(
        {"sourcetype": "linux_audit", "event": "type=EXECVE msg=audit(1:2):" + " a=1" * 5000}, {"event": 1}
    )
    assert [one.record for one in batch.set_aside] in ([5], [])
    assert len(batch) + len(batch.set_aside) == 2


def test_lines_of_a_raw_body() -> None:
    body = f"Jan  1 00:00:00 web1 {SSHD}\r\n\nJan  1 00:00:01 web1 su: bob \xff\n".encode("latin-1")
    batch = checked("hec-raw", body, {"sourcetype": "syslog", "source": "/var/log/auth.log", "host": "x"})
    assert batch is not None
    assert [(event.host, event.fields["source"]) for event in batch] == [("web1", "/var/log/auth.log")] * 2
    assert batch[1].raw.endswith("bob \ufffd")


# --- documents --------------------------------------------------------------------------------------------
def test_a_line_inside_a_document_is_what_the_event_says() -> None:
    filebeat = {
        "@timestamp": "2026-01-01T00:00:05Z",
        "log": {"file": {"path": "/var/log/auth.log"}},
        "host": {"name": "relay"},
    }
    event = only(bulk(filebeat | {"message": f"Jan  1 00:00:00 web1 {SSHD}"}))
    assert (event.format, event.host, event.time) == ("rfc3164", "web1", NOW)
    assert event.fields["src_ip"] == "203.0.113.9"
    assert event.fields["log"] == filebeat["log"]
    assert json.loads(event.raw)["message"].endswith("ssh2")
    fluent_bit = {"date": 1767225605.0, "log": "prose about nothing", "tag": "x"}
    event = only(bulk(fluent_bit))
    assert (event.format, event.fields, event.time) == ("json", fluent_bit, 1_767_225_605 * SECOND)
    docker = {"log": json.dumps(WINDOWS) + "\n", "stream": "stdout"}
    assert only(bulk(docker)).fields["TargetUserName"] == "anna"


def test_items_that_are_answered_as_errors_are_no_records() -> None:
    body = b'{"delete":{"_id":"1"}}\n{"index":{}}\n[]\n{"index":{}}\n{"a":1}\n'
    batch = checked("bulk", body, {"index": "i"})
    assert batch is not None
    assert [(event.seq, event.fields) for event in batch] == [(5, {"a": 1})]


# --- syslog -----------------------------------------------------------------------------------------------
def syslog(*messages: str, arrived: str = "2026-01-01T00:00:00Z", peer: str = PEER) -> EventBatch:
    from dataclasses import replace

    instant = parse_rfc3339(arrived)
    assert instant is not None
    one = received("syslog", pack(message.encode() for message in messages), len(messages))
    return events_of(replace(one, arrived=instant, peer=peer, auth="none"), ReceivedOptions(site="north"))


def test_messages_of_every_form() -> None:
    batch = syslog(
        f"<38>Dec 31 23:59:59 web1 {SSHD}",
        "<165>1 2026-01-01T00:00:00Z web2 app - - - hello",
        "<13>no time and no host",
        "CEF:0|Trend Micro|Deep Security|20|1|Eicar|6|src=1.2.3.4",
        "just text",
        peer="192.0.2.7:5514",
    )
    assert [event.format for event in batch] == ["rfc3164", "rfc3164", "rfc3164", "cef", "text"]
    assert [event.host for event in batch] == ["web1", "web2", PEER, PEER, PEER]
    assert {(event.source, event.auth, event.site) for event in batch} == {
        ("syslog:192.0.2.7:5514", "none", "north")
    }
    assert not batch.set_aside


@pytest.mark.parametrize(
    ("arrived", "line", "time"),
    [
        ("2026-01-01T00:00:10Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
        ("2025-12-31T23:59:50Z", "Jan  1 00:00:01", "2026-01-01T00:00:01Z"),
        ("2026-03-01T00:00:00Z", "Feb 29 10:00:00", "2024-02-29T10:00:00Z"),
        ("2026-07-01T00:00:00Z", "Jul  1 00:00:00", "2026-07-01T00:00:00Z"),
    ],
)
def test_a_missing_year_is_the_one_nearest_to_the_arrival(arrived: str, line: str, time: str) -> None:
    assert syslog(f"<38>{line} web1 {SSHD}", arrived=arrived)[0].time == parse_rfc3339(time)


# --- what was promised is kept ----------------------------------------------------------------------------
@pytest.mark.parametrize("listener", ["hec-event", "hec-raw", "bulk", "syslog"])
def test_records_that_are_missing_from_the_body_are_told(listener: Any) -> None:
    batch = events_of(received(listener, b'{"event":"x"}garbage', 4))
    assert len(batch) + len(batch.set_aside) == 4
    assert sorted([*(event.seq for event in batch), *(one.record for one in batch.set_aside)]) == [5, 6, 7, 8]
    assert all("fewer records" in one.reason for one in batch.set_aside[-2:])


TOKENS = [
    '{"event":', '"', "}", "{", "[", "]", ",", "\n", '{"event":"a"}', '"event"', ":", "null", "\\u", "\\ud800", "1e999", "9" * 30,
    '{"index":{}}\n', '{"message":"Jan  1 00:00:00 h a: b"}\n', "<13>", "type=EXECVE msg=audit(1.2:3): a0=x", "\x00", "\xff",
]  # fmt: skip
BODIES = st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=12).map("".join)


@given(BODIES)
def test_what_the_check_counts_is_what_is_read(body: str) -> None:
    for encoding in ("utf-8", "latin-1"):
        data = body.encode(encoding, "replace")
        checked("hec-event", data)
        checked("hec-event", b'{"event":' + data + b"}")
        checked("hec-raw", data)
        checked("bulk", b'{"create":{}}\n' + data + b"\n", {"index": "i"})
        checked("syslog", pack([data, b"<13>" + data]))


# --- real recordings --------------------------------------------------------------------------------------
def same(mine: Event, theirs: Event) -> None:
    assert mine.fields == theirs.fields
    assert mine.unspelt == theirs.unspelt or mine.format == "windows-evtx"
    for name in ("logsources", "kind", "time", "time_known", "host", "user", "ocsf_class"):
        assert getattr(mine, name) == getattr(theirs, name), name


def objects_of(events: list[Event]) -> list[dict[str, Any]]:
    return [json.loads(event.raw) for event in events]


def test_recordings_wrapped_by_shippers_say_what_their_files_say(data: Path) -> None:
    recordings = [
        sorted((data / "evtx").rglob("*.evtx"), key=lambda path: path.stat().st_size)[5],
        min((data / "otrf").rglob("*.zip"), key=lambda path: path.stat().st_size),
        min((data / "otrf").rglob("*.tar.gz"), key=lambda path: path.stat().st_size),
    ]
    for path in recordings:
        read, _ = everything(path)
        read = read[:300]
        for batch in (hec(*({"event": one} for one in objects_of(read))), bulk(*objects_of(read))):
            assert len(batch) == len(read)
            for mine, theirs in zip(batch, read, strict=True):
                same(mine, theirs)


@pytest.mark.parametrize("name", ["Apache_2k.log", "Linux_2k.log"])
def test_lines_wrapped_by_shippers_say_what_their_files_say(data: Path, name: str) -> None:
    path = data / "loghub" / name
    read, aside = everything(path)
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    assert len(lines) == len(read) + len(aside)
    whole = {event.raw: event for event in read if event.time_known}
    raw = checked("hec-raw", "\n".join(lines).encode())
    assert raw is not None
    for batch in (
        raw,
        hec(*({"event": line} for line in lines)),
        events_of(received("syslog", pack(line.encode() for line in lines), len(lines))),
    ):
        assert len(batch) == len(lines)
        compared = 0
        for mine in batch:
            theirs = whole.get(mine.raw)
            if theirs is not None and mine.format == theirs.format:
                assert (mine.fields, mine.logsources, mine.kind) == (
                    theirs.fields,
                    theirs.logsources,
                    theirs.kind,
                )
                compared += 1
        assert compared > 1900
