"""The script for Windows computers, read as text: no PowerShell is at hand where these tests run."""

from __future__ import annotations

import re

import pytest
from tests.engine.connecting.powershell import Script

from tocsin.config import bounds
from tocsin.engine.connecting.windows import SCRIPT, SETTINGS, VERSION, script
from tocsin.sources.windows_logsources import CHANNELS

SENT_OF_NO_RULE = {"Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational"}
"""Logs that are sent for people who look, though no Sigma service reads them."""

LOOKS = {
    "ConvertFrom-Json", "ConvertTo-Json", "ForEach-Object", "Get-ChildItem", "Get-Item", "Get-Random", "Get-ScheduledTask",
    "Join-Path", "New-Object", "Set-StrictMode", "Sort-Object", "Split-Path", "Start-Sleep", "Test-Path", "Write-Output",
    "Write-Warning",
}  # fmt: skip
CHANGES = {
    "Copy-Item": {"Copy-Files"},
    "New-Item": {"Write-Change"},
    "New-ItemProperty": {"Write-Change"},
    "Remove-ItemProperty": {"Write-Change"},
    "Register-ScheduledTask": {"Write-Change"},
    "Unregister-ScheduledTask": {"Write-Change"},
    "Stop-ScheduledTask": {"Stop-Task"},
    "Start-ScheduledTask": {"Start-Install", "Start-Test"},
    "Remove-Item": {"Write-Change", "Read-AuditPolicy", "Start-Undo", "Move-Refused"},
}
"""Cmdlets that change something, and the functions that may."""

TYPES = {
    "BitConverter", "DateTime", "Environment", "Guid", "Math", "NullString", "array", "bool", "byte", "char", "int", "long",
    "string", "switch", "System.Collections.Generic.List", "System.Diagnostics.EventLog",
    "System.Diagnostics.Eventing.Reader.EventLogConfiguration", "System.Diagnostics.Eventing.Reader.EventLogQuery",
    "System.Diagnostics.Eventing.Reader.EventLogReader", "System.Diagnostics.Eventing.Reader.PathType",
    "System.Globalization.CultureInfo", "System.IO.Directory", "System.IO.File", "System.IO.FileStream", "System.IO.Path",
    "System.Net.Security.RemoteCertificateValidationCallback", "System.Net.Security.SslStream",
    "System.Net.Sockets.AddressFamily", "System.Net.Sockets.TcpClient", "System.Security.AccessControl.DirectorySecurity",
    "System.Security.Authentication.SslProtocols", "System.Security.Cryptography.SHA256Cng", "System.Security.SecurityElement",
    "System.StringComparison", "System.Text.Encoding", "System.Threading.Thread",
}  # fmt: skip


@pytest.fixture(scope="module")
def read() -> Script:
    return Script(script().replace("\r\n", "\n"))


def kinds_of(function: str) -> set[str]:
    return set(re.findall(r"^        '(\w+)' \{", function, re.MULTILINE))


def number(read: Script, name: str) -> int:
    return int(re.findall(rf"^\${name} = (\d+)", read.text, re.MULTILINE)[0])


# --- its form ---------------------------------------------------------------------------------------------
def test_it_is_plain_ascii_with_the_line_ends_of_windows_and_parses(read: Script) -> None:
    assert script().isascii()
    assert "\r\n" in script()
    assert "\n" not in script().replace("\r\n", "")
    assert "\t" not in read.text
    assert max(map(len, read.text.splitlines())) <= 180
    assert read.broken() == []


def test_a_broken_script_would_be_noticed(read: Script) -> None:
    assert Script(read.text.replace("function New-Batch {", "function New-Batch ", 1)).broken()
    assert Script(read.text.replace("$marks = Read-Mark $MarksFile\n", "", 1)).unknown_variables()


def test_every_variable_has_a_value_and_every_function_a_caller(read: Script) -> None:
    assert read.unknown_variables() == set()
    called = set(read.commands)
    assert called - set(read.functions) == LOOKS | set(CHANGES)
    assert set(read.functions) <= called


def test_every_parameter_is_told(read: Script) -> None:
    block = re.search(r"^param\((.*?)^\)", read.text, re.MULTILINE | re.DOTALL)
    assert block is not None
    taken = re.findall(r"\[switch\]\$(\w+)", block[1])
    assert sorted(taken) == sorted(re.findall(r"^\.PARAMETER (\w+)$", read.text, re.MULTILINE))
    assert {"Install", "Undo", "DryRun", "Test"} <= set(taken)


# --- what it may do ---------------------------------------------------------------------------------------
def test_it_runs_nothing_but_what_can_be_read_here(read: Script) -> None:
    """No text is run as code, nothing is loaded or compiled, and no more types are used than these."""
    assert read.types() == TYPES
    for word in (
        "Invoke-",
        "iex",
        "EncodedCommand",
        "FromBase64",
        "Add-Type",
        "Assembly",
        "Bypass",
        "Unrestricted",
    ):
        assert not re.search(
            rf"\b{word}\b" if word == "iex" else re.escape(word), read.text, re.IGNORECASE
        ), word
    assert re.findall(r"& (.+)", read.text) == ["(Join-Path $System32 $Name) @Words"]
    assert set(re.findall(r"Use-Tool '([\w.]+)'", read.text)) == {"auditpol.exe"}
    assert read.text.count("-ExecutionPolicy") == read.text.count("-ExecutionPolicy RemoteSigned")


def test_what_changes_the_computer_stands_where_undo_knows_it(read: Script) -> None:
    for name, functions in CHANGES.items():
        assert read.commands[name] == functions, name
    assert read.commands["Use-Tool"] == {"Read-AuditPolicy", "Write-Change"}
    for call in ("EventSource(", ".SaveChanges(", ".IsEnabled =", "MaximumSizeInBytes ="):
        for name, text in read.functions.items():
            assert call not in text or name == "Write-Change", (call, name)


def test_install_and_undo_go_through_the_same_list(read: Script) -> None:
    listed = set(
        re.findall(r"Kind = '(\w+)'; At = \$(?:one|Folder|SourceName|TaskName)", read.functions["Get-Change"])
    )
    assert listed == {"Folder", "Registry", "Audit", "LogSize", "LogOn", "Source", "Task"}
    assert kinds_of(read.functions["Read-Change"]) == kinds_of(read.functions["Write-Change"]) == listed
    for name in ("Start-Install", "Start-Undo"):
        text = read.functions[name]
        assert "Get-Change" in text
        assert text.index("if ($DryRun) { continue }") < text.index("Write-Change $change")
    install = read.functions["Start-Install"]
    assert install.index("Save-Before $before\n") < install.index("try { Write-Change $change $wanted }"), (
        "noted, then done"
    )


def test_its_own_notes_never_come_out_as_a_result(read: Script) -> None:
    """What a function of PowerShell does not catch is part of what it gives back."""
    for line in re.findall(r"^.*Write-Note .*$", read.text, re.MULTILINE):
        assert re.search(r"\$null = Write-Note|if \(Write-Note|function Write-Note", line), line


def test_a_batch_on_the_disk_is_always_the_one_that_its_marks_are_about(read: Script) -> None:
    """A scanner for malware may take it away, or let it not be written: neither stops the sending, nor loses a record."""
    new, send = read.functions["New-Batch"], read.functions["Send-Batch"]
    order = ["Delete($BatchFile)", "try { Write-Whole $BatchFile", "Save-Mark $NextMarksFile"]
    assert sorted(order, key=new.index) == order
    assert "try { $body = [System.IO.File]::ReadAllBytes($BatchFile) }" in send
    assert "Delete($NextMarksFile)" in send


# --- what it knows of elsewhere ---------------------------------------------------------------------------
def test_the_logs_are_those_that_rules_read(read: Script) -> None:
    logs = re.findall(r"@\{ Name = '([^']+)';\s+MiB", read.text)
    assert len(logs) == len(set(logs)) >= 15
    assert {one for one in logs if one.lower() not in CHANNELS} == SENT_OF_NO_RULE
    assert {"Security", "System", "Application", "Microsoft-Windows-Sysmon/Operational"} <= set(logs)


def test_audit_policies_are_named_by_identifiers_that_no_language_changes(read: Script) -> None:
    policies = re.findall(r"Guid = '([^']+)'; Bits = ([123]) ", read.text)
    assert len({guid for guid, _ in policies}) == len(policies) >= 20
    for guid, _ in policies:
        assert re.fullmatch(r"\{0CCE92[0-4][0-9A-F]-69AE-11D9-BED3-505054503030\}", guid), guid


def test_its_bounds_fit_those_of_the_service(read: Script) -> None:
    logs = len(re.findall(r"@\{ Name = '[^']+';\s+MiB", read.text))
    assert number(read, "BatchRecords") * logs <= bounds.BODY_RECORDS
    assert number(read, "BatchChars") * logs * 4 <= bounds.BODY_BYTES
    assert number(read, "LongestWait") + number(read, "SecondsToAnswer") < bounds.RETRY_SECONDS


def test_it_reads_the_settings_that_are_written(read: Script) -> None:
    assert f"$found.version -ne {VERSION}" in read.text
    assert f"'{SETTINGS}'" in read.text
    assert f"'{SCRIPT}'" in read.text
    used = set(re.findall(r"\$(?:[Ss]ettings|found)\.(address|port|token|certificates|test)\b", read.text))
    assert used == {"address", "port", "token", "certificates", "test"}
