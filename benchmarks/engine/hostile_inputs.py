"""The hostile rules and values themselves: log lines and patterns, nothing that does anything."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from benchmarks.engine.inputs import INGEST
from tocsin.detect.sigma.loading import RuleText
from tocsin.engine.rule_files import rule_texts
from tocsin.records.event import Event
from tocsin.sources.windows_logsources import POWERSHELL, SYSMON, logsources

EXPLODING, HARMLESS = "exploding", "harmless"

_RULE = """
title: {title}
name: {title}
logsource: {{product: windows, category: {category}}}
detection:
  selection:
    {field}{how}: {value}
  condition: selection
"""


def rule(
    title: str, how: str, value: str, field: str = "CommandLine", category: str = "process_creation"
) -> RuleText:
    """A rule of one selection; it has no id, so its name is one."""
    text = _RULE.format(title=title, how=how, value=value, field=field, category=category)
    return RuleText(f"{title}.yml", text)


def exploding_rules() -> list[RuleText]:
    """An expression with two ways to read each pair of letters, and a rule that must not suffer for it."""
    return [
        rule(EXPLODING, "|re", "'^(?:(?:a|aa)|(?:ä|ää))+$'"),
        rule(HARMLESS, "|contains", "'!'"),
    ]


def endless(number: int, spelling: str) -> str:
    """A text over which it doubles its time with each character; none twice, or its answer would be remembered."""
    letter = "a" if spelling == "ascii" else "ä"
    return f"{letter * (200 + number)}!"


def event(number: int, value: str, field: str = "CommandLine", event_id: int = 1) -> Event:
    """An event of Sysmon, or PowerShell's script block (4104), with `value` in `field`."""
    channel = POWERSHELL if event_id == 4104 else SYSMON
    return Event(
        stream="hostile", seq=number, time=INGEST, ingest=INGEST, logsources=logsources(channel, event_id),
        fields={"Channel": channel, "EventID": event_id, "Image": "C:\\tools\\app.exe", field: value}, raw="",
        source="hostile", format="windows-json",
    )  # fmt: skip


def many_literals(number: int) -> list[RuleText]:
    """Rules of together `number` literals, none of which a harmless text holds: a file may have a megabyte."""
    words = [f"q{index:05}z" for index in range(number)]
    parts = [words[start : start + 50_000] for start in range(0, number, 50_000)]
    return [
        rule(f"literals-{place}", "|contains", f"[{', '.join(part)}]") for place, part in enumerate(parts)
    ]


def large_value(megabytes: int, text: str) -> str:
    """A text of so many million characters: words that come again and again, or one letter alone."""
    pattern = (
        "powershell.exe -File C:\\Users\\anna\\report.ps1 -Path \\\\server\\share; "
        if text == "words"
        else "a"
    )
    size = megabytes * 1_000_000
    return (pattern * (size // len(pattern) + 1))[:size]


def many_rules(folder: Path, number: int) -> tuple[RuleText, ...]:
    """`number` rule texts: those of `folder` with other ids, and with a mark at the end of what they look for."""
    texts = [text for text in rule_texts([str(folder)]).texts if "\ncorrelation:" not in text.text]
    return tuple(one for one, _ in zip(_variants(texts), range(number), strict=False))


def _variants(texts: list[RuleText]) -> Iterator[RuleText]:
    yield from texts
    for turn in count(1):
        for text in texts:
            lines = text.text.splitlines()
            changed = (_changed(line, turn) for line in lines)
            yield RuleText(f"{turn}/{text.path}", "\n".join(changed))


def _changed(line: str, turn: int) -> str:
    if line.startswith("id: "):
        return f"id: {turn:08x}{line[12:]}"
    bare = line.strip()
    if bare.startswith("- '") and bare.endswith(".exe'"):
        return f"{line[:-5]}{turn}.exe'"
    return line
