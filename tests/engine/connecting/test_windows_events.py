"""Recorded Windows events, posted in the form of the script: the same events and findings as from the EVTX file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from tests.command import call
from tests.fuzz.listened import checked
from tests.running_service import Running
from tests.sources.reads import everything
from tests.windows_computer import Computer, batches, line, recorded, text

from tocsin.engine.connecting.windows import script
from tocsin.engine.serving import reads
from tocsin.records.event import Event
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.sources.windows_logsources import POWERSHELL, SYSMON
from tocsin.store.store import Store

RECORDED = (
    "Execution/exec_persist_rundll32_mshta_scheduledtask_sysmon_1_3_11.evtx",
    "Lateral_Movement/LM_ScheduledTask_ATSVC_target_host.evtx",
    "Other/emotet/exec_emotet_ps_4104.evtx",
    "Credential_Access/tutto_malseclogon.evtx",
    "Command_and_Control/DE_RDP_Tunnel_5156.evtx",
)
RULES = (
    "rules-threat-hunting/windows/powershell/powershell_script/posh_ps_token_obfuscation.yml",
    "rules-threat-hunting/windows/process_creation/proc_creation_win_susp_exfil_and_tunneling_tool_execution.yml",
    "rules/windows/process_creation/proc_creation_win_lsass_process_clone.yml",
)
_IN_XML = {"None": "", "True": "true", "False": "false"}
"""How XML says what JSON has words for."""


def posted(path: Path) -> list[Event]:
    (body,) = batches((line(xml) for xml in recorded(path)), size=100_000)
    batch = checked("hec-event", body)
    assert batch is not None
    assert not batch.set_aside
    return list(batch)


def said(event: Event) -> dict[str, object]:
    beside = ("source", "sourcetype")
    fields = {name: value for name, value in event.fields.items() if name not in beside}
    return {name: _IN_XML.get(repr(value), str(value)) for name, value in fields.items()}


def evtx_files(data: Path) -> list[Path]:
    return sorted((data / "evtx").rglob("*.evtx"))


# --- the same events --------------------------------------------------------------------------------------
def test_a_posted_event_is_the_event_of_the_file(data: Path) -> None:
    count = 0
    for path in evtx_files(data)[::4]:
        from_file, aside = everything(path)
        assert not aside
        for ours, theirs in zip(posted(path), from_file, strict=True):
            assert (ours.time, ours.host, ours.user, ours.logsources) == (
                theirs.time, theirs.host, theirs.user, theirs.logsources,
            )  # fmt: skip
            assert said(ours) == said(theirs), path.name
            assert ours.fields["source"] == "WinEventLog:Security"
            count += 1
    assert count > 300


@pytest.mark.parametrize(
    "odd", ['"', "\\", "\\n", "\r\n", "\t", "} {", "}{", "\x01\x1f", "ü€\U0001f600", "\ufffd", "%1"]
)
def test_whatever_a_value_holds_arrives(odd: str) -> None:
    xml = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>4688</EventID>"
        "<Channel>Security</Channel><Computer>pc</Computer></System><EventData>"
        f"<Data Name='CommandLine'>a{odd}b</Data></EventData></Event>"
    )
    batch = checked("hec-event", "\n".join((line(xml), line(xml))).encode())
    assert batch is not None
    assert [one.fields["CommandLine"] for one in batch] == [f"a{odd}b"] * 2


def test_a_string_is_json() -> None:
    value = "".join(map(chr, range(0x500))) + "\U0001f600\ufffe"
    assert json.loads(text(value)) == value


# --- the same findings, by the running service ------------------------------------------------------------
def scanned(paths: list[Path], rules: list[Path]) -> Counter[tuple[str, object]]:
    """What `tocsin scan` finds: rule, and the records that it rests on."""
    options = [part for one in rules for part in ("--rules", str(one))]
    done = call("scan", "--json", *options, *map(str, paths))
    events = {str(path): everything(path)[0] for path in paths}
    return Counter(
        (one["rule_id"], tuple(_record(events[at["source"]][at["record"]].fields) for at in one["records"]))
        for one in done.lines("finding")
    )


def _record(fields: Mapping[str, Any]) -> tuple[str, str, int, int]:
    return fields["Computer"], fields["Channel"], int(fields["EventID"]), int(fields["EventRecordID"])


def served(data: Path) -> Counter[tuple[str, object]]:
    """What the service has found, in the same words."""
    with Store.read_only(data, reads(ReceivedOptions())) as store:
        events = {str(one.id): one.fields for one in store.events_between(-(2**62), 2**62)}
        return Counter(
            (one.rule_id, tuple(_record(events[str(at.event_id)]) for at in one.evidence))
            for one in store.findings()
        )


def replayed(folder: Path, paths: list[Path], rules: list[Path]) -> None:
    made = {
        one["kind"]: one for one in call("init", str(folder), "--listen", "127.0.0.1:0", "--json").lines()
    }
    settings = folder / "tocsin.toml"
    listed = json.dumps([str(one) for one in rules])
    settings.write_text(settings.read_text().replace("# rules = ", f"rules = {listed} # ", 1))
    expected = scanned(paths, rules)
    running = Running(folder, folder / "out")
    digest = made["certificate"]["fingerprint"].replace(":", "")
    told = {"address": "logs", "token": made["token"]["token"], "certificates": [digest]}
    computer = Computer(told, running.port())
    try:
        for path in paths:
            for body in batches(line(xml) for xml in recorded(path)):
                assert computer.post(body) == 200
    finally:
        running.stop()
    found = served(folder / "data")
    assert found == expected
    rested = {(log, number) for _, records in found for _, log, number, _ in records}
    assert {("Security", 4688), (SYSMON, 1), (POWERSHELL, 4104)} <= rested


def test_the_service_finds_in_posted_events_what_a_scan_finds_in_the_files(
    data: Path, tmp_path: Path
) -> None:
    replayed(
        tmp_path / "tocsin",
        [data / "evtx" / one for one in RECORDED],
        [data / "sigma" / one for one in RULES],
    )


@pytest.mark.soak
def test_it_does_so_for_every_recording_and_every_rule(data: Path, tmp_path: Path) -> None:
    replayed(tmp_path / "tocsin", evtx_files(data), [data / "sigma"])


# --- what the script makes Windows log about itself -------------------------------------------------------
def test_the_starter_rules_are_silent_about_the_script(tmp_path: Path) -> None:
    started = r'"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -NonInteractive'
    own = (
        (
            POWERSHELL,
            4104,
            {"ScriptBlockText": script(), "Path": r"C:\Program Files\Tocsin\tocsin-windows.ps1"},
        ),
        (
            "Security",
            4688,
            _process("powershell.exe", f"{started} -ExecutionPolicy RemoteSigned -File x -Run"),
        ),
        (
            "Security",
            4688,
            _process("auditpol.exe", "auditpol.exe /set /subcategory:{0CCE922B} /success:enable"),
        ),
        ("Security", 4688, _process("auditpol.exe", r"auditpol.exe /backup /file:C:\Temp\0.csv")),
        ("Security", 4698, {"TaskName": r"\Tocsin event sender", "TaskContent": started}),
    )
    log = tmp_path / "own.xml"
    log.write_text("\n".join(_event(*one) for one in own))
    done = call("scan", "--json", str(log))
    assert (done.summary["events"], done.summary["set_aside"], done.lines("finding")) == (len(own), 0, [])


def _process(name: str, line: str) -> dict[str, str]:
    shell = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
    return {"NewProcessName": rf"C:\Windows\System32\{name}", "CommandLine": line, "ParentProcessName": shell}


def _event(channel: str, number: int, data: Mapping[str, str]) -> str:
    values = "".join(f"<Data Name='{name}'>{escape(value)}</Data>" for name, value in data.items())
    return (
        f"<Event><System><EventID>{number}</EventID><TimeCreated SystemTime='2026-11-23T10:00:00Z'/>"
        f"<Channel>{channel}</Channel><Computer>PC-7</Computer></System><EventData>{values}</EventData></Event>"
    )
