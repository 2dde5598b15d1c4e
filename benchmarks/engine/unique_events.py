"""A synthetic log in which nothing comes twice: the worst case for whatever remembers values.

Sysmon's process creations (30%), network connections, registry values and files (20% each), PowerShell's script blocks
and module logs (5% each), in shapes as Windows writes them and NXLog ships them. Every value is made for its event alone;
only what an event is (Channel, EventID, provider, EventType, protocol and the like) is said by the few words there are for
it. One program in eight has the name of one of Windows' own, so a few rules match, as they would anywhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from tocsin.sources.windows_logsources import POWERSHELL, SYSMON

Fields = dict[str, Any]

_PROGRAMS: Final = (
    "cmd.exe", "powershell.exe", "svchost.exe", "rundll32.exe", "reg.exe", "net.exe", "schtasks.exe", "chrome.exe",
    "OUTLOOK.EXE", "WINWORD.EXE", "explorer.exe", "msiexec.exe", "wmic.exe", "notepad.exe", "Teams.exe", "setup.exe",
)  # fmt: skip
_KNOWN: Final = 1 / 8
_FOLDERS: Final = (
    "C:\\Windows\\System32\\", "C:\\Windows\\SysWOW64\\", "C:\\Program Files\\", "C:\\ProgramData\\",
    "C:\\Users\\{}\\AppData\\Local\\Temp\\", "C:\\Users\\{}\\Downloads\\",
)  # fmt: skip
_KEYS: Final = (
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\{}\\", "HKU\\S-1-5-21-{}\\Software\\Microsoft\\Office\\16.0\\",
    "HKLM\\System\\CurrentControlSet\\Services\\{}\\", "HKCR\\CLSID\\{}\\InprocServer32\\",
)  # fmt: skip
_ENDINGS: Final = (".tmp", ".log", ".docx", ".dll", ".exe", ".ps1", ".dat", ".lnk", ".json", ".xml")
_SWITCHES: Final = (
    "/c",
    "/i",
    "/quiet",
    "-File",
    "-Path",
    "--type=renderer",
    "add",
    "query",
    "/f",
    "/v",
    "-k",
)
_WORDS: Final = (
    "Get-ChildItem", "Where-Object", "param", "function", "foreach", "$result", "Write-Output", "-eq", "return",
    "New-Object", "System.Collections.ArrayList", "Import-Module", "try", "catch", "Select-Object", "Join-Path",
)  # fmt: skip


class _Maker:
    """Makes values, none of them twice: each holds the event's own number."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.made = 0

    def mark(self) -> str:
        """A short text that no other has."""
        self.made += 1
        return f"{self.chance.getrandbits(28):x}{self.made:x}"

    def number(self) -> int:
        self.made += 1
        return self.made

    def guid(self) -> str:
        return f"{{{self.chance.getrandbits(32):08x}-{self.made & 0xFFFF:04x}-{self.chance.getrandbits(64):016x}}}"

    def file(self, name: str | None = None) -> str:
        folder = self.chance.choice(_FOLDERS).format(self.mark())
        known = self.chance.random() < _KNOWN
        program = name or (self.chance.choice(_PROGRAMS) if known else f"{self.mark()}.exe")
        return f"{folder}{self.mark()}\\{program}"

    def command(self) -> str:
        switches = (
            f"{self.chance.choice(_SWITCHES)} {self.mark()}" for _ in range(self.chance.randint(1, 6))
        )
        return f'"{self.file()}" {" ".join(switches)}'

    def script(self, words: int) -> str:
        lines = (f"{' '.join(self.chance.choices(_WORDS, k=6))} {self.mark()}" for _ in range(words // 6))
        return "\r\n".join(lines)

    def time(self) -> str:
        return f"2026-11-{self.chance.randint(1, 28):02} 07:30:12.{self.number():09}"

    def address(self) -> str:
        number = self.number()
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _process(make: _Maker) -> Fields:
    return {
        "UtcTime": make.time(), "ProcessGuid": make.guid(), "ProcessId": make.number(), "Image": make.file(),
        "FileVersion": f"10.0.{make.number()}.1", "Description": f"Host of {make.mark()}", "Product": f"Suite {make.mark()}",
        "Company": f"Maker {make.mark()}", "OriginalFileName": f"{make.mark()}.exe", "CommandLine": make.command(),
        "CurrentDirectory": f"C:\\Work\\{make.mark()}\\", "User": f"TOWN\\{make.mark()}", "LogonGuid": make.guid(),
        "LogonId": hex(make.number()), "IntegrityLevel": make.chance.choice(("Medium", "High", "System")),
        "Hashes": f"SHA256={make.chance.getrandbits(256):064X},IMPHASH={make.chance.getrandbits(128):032X}",
        "ParentProcessGuid": make.guid(), "ParentProcessId": make.number(), "ParentImage": make.file(),
        "ParentCommandLine": make.command(), "ParentUser": f"TOWN\\{make.mark()}",
    }  # fmt: skip


def _network(make: _Maker) -> Fields:
    return {
        "UtcTime": make.time(), "ProcessGuid": make.guid(), "ProcessId": make.number(), "Image": make.file(),
        "User": f"TOWN\\{make.mark()}", "Protocol": "tcp", "Initiated": make.chance.choice(("true", "false")),
        "SourceIp": make.address(), "SourceHostname": f"pc-{make.mark()}.town.example", "SourcePort": make.number(),
        "DestinationIp": make.address(), "DestinationHostname": f"{make.mark()}.cdn.example", "DestinationPort": make.number(),
    }  # fmt: skip


def _registry(make: _Maker) -> Fields:
    return {
        "EventType": "SetValue", "UtcTime": make.time(), "ProcessGuid": make.guid(), "ProcessId": make.number(),
        "Image": make.file(), "TargetObject": make.chance.choice(_KEYS).format(make.mark()) + make.mark(),
        "Details": make.chance.choice((make.file, make.mark, make.guid))(), "User": f"TOWN\\{make.mark()}",
    }  # fmt: skip


def _file(make: _Maker) -> Fields:
    return {
        "UtcTime": make.time(), "ProcessGuid": make.guid(), "ProcessId": make.number(), "Image": make.file(),
        "TargetFilename": make.file(make.mark() + make.chance.choice(_ENDINGS)), "CreationUtcTime": make.time(),
        "User": f"TOWN\\{make.mark()}",
    }  # fmt: skip


def _script(make: _Maker) -> Fields:
    return {
        "MessageNumber": make.number(), "ScriptBlockText": make.script(make.chance.randint(12, 240)),
        "ScriptBlockId": make.guid(), "Path": make.file(f"{make.mark()}.ps1"),
    }  # fmt: skip


def _module(make: _Maker) -> Fields:
    context = (
        f"Severity = Informational\r\nHost ID = {make.guid()}\r\nHost Application = {make.command()}\r\n"
    )
    return {
        "ContextInfo": f"{context}Script Name = {make.file()}\r\nUser = TOWN\\{make.mark()}",
        "Payload": f'CommandInvocation(Out-Default): "Out-Default"\r\nParameterBinding: value="{make.script(36)}"',
    }  # fmt: skip


_Kind = tuple[Callable[[_Maker], Fields], str, int]
_SHARES: Final[tuple[tuple[int, _Kind], ...]] = (
    (6, (_process, SYSMON, 1)),
    (4, (_network, SYSMON, 3)),
    (4, (_registry, SYSMON, 13)),
    (4, (_file, SYSMON, 11)),
    (1, (_script, POWERSHELL, 4104)),
    (1, (_module, POWERSHELL, 4103)),
)
_PROVIDERS: Final = {SYSMON: "Microsoft-Windows-Sysmon", POWERSHELL: "Microsoft-Windows-PowerShell"}


def write_unique_log(path: Path, events: int, seed: int = 3) -> None:
    """Writes `events` events as JSON lines; the same for the same seed."""
    make = _Maker(seed)
    kinds = [kind for share, kind in _SHARES for _ in range(share)]
    with path.open("wb") as log:
        for number in range(1, events + 1):
            fields_of, channel, event_id = make.chance.choice(kinds)
            record = {
                "EventTime": make.time(), "Hostname": f"pc-{make.mark()}.town.example", "Channel": channel,
                "EventID": event_id, "SourceName": _PROVIDERS[channel], "RecordNumber": number, **fields_of(make),
            }  # fmt: skip
            log.write(orjson.dumps(record) + b"\n")
