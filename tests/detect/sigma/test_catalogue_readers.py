"""The catalogue against the readers: whatever they give is in it under the same log sources, and it promises no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.detect.every_format import RECORDS
from tests.sources.text.reading import chosen
from tests.sources.text.seeds import SEEDS
from tests.sources.text.test_public_rules import HITS
from tests.starter.records import write

from tocsin.detect.sigma.catalogue import CATALOGUE
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.reach import named_by_prefix
from tocsin.engine.rule_files import rule_texts
from tocsin.records.event import Event, Logsource
from tocsin.records.instants import parse_rfc3339
from tocsin.rehearse.townhall.on_disk import lay_out
from tocsin.rehearse.townhall.town import generate
from tocsin.sources.interface import ReadContext
from tocsin.sources.network_json import SuricataEve
from tocsin.sources.reading import ReadOptions, read
from tocsin.sources.text.fortigate import fortigate_draft
from tocsin.sources.text.syslog_header import SyslogLine
from tocsin.sources.text.syslog_message import PROGRAMS, syslog_draft
from tocsin.sources.text.vendors import vendor_logsources
from tocsin.sources.windows_logsources import CATEGORIES, SERVICES
from tocsin.sources.windows_logsources import logsources as windows_logsources
from tocsin.sources.zeek import _KNOWN as ZEEK_LOGS
from tocsin.sources.zeek import zeek_draft

STARTER = Path(__file__).parents[2] / "starter" / "cases"
NOW = parse_rfc3339("2026-03-13T12:00:00Z")

THEIR_OWN_WORDS = {"syslog/other", "syslog/json", "json", "text/line", "csv/plain"}
"""Kinds whose fields the sender itself names."""

BESIDE = {"csv", "wazuh", "wazuh-line", "windows-json", "get-winevent", "event-xml"}
"""Formats that keep an export's own columns or an agent's own wrapping beside the event's fields."""


def records() -> Iterator[tuple[str, str]]:
    """(format, text) of realistic records: of every format, of the readers' tests and of the public rules' tests."""
    yield from ((name, text) for name, cases in RECORDS.items() for text, _ in cases)
    yield from ((name, "\n".join(lines)) for name, lines in SEEDS.items())
    yield from ((chosen(text), text) for _, text in HITS)


def starter_cases() -> Iterator[Any]:
    for path in sorted(STARTER.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for part in (content, *content.get("also", ())):
            yield from (*part["hit"], *part["miss"])


@pytest.fixture(scope="module")
def events(tmp_path_factory) -> list[Event]:
    """One event of each kind, format and set of fields that the records, the starter cases and a generated day give."""
    folder = tmp_path_factory.mktemp("records")
    lay_out(generate(1), folder / "day")
    paths: list[tuple[str | None, Path]] = [(None, folder / "day")]
    for number, (name, text) in enumerate(records()):
        path = folder / f"record{number}.log"
        path.write_text(text + "\n", encoding="utf-8")
        paths.append((name, path))
    for number, case in enumerate(starter_cases()):
        (folder / f"case{number}").mkdir()
        paths += [(None, path) for path in write(case, folder / f"case{number}")]
    found: dict[object, Event] = {}
    for name, path in paths:
        for batch in read([str(path)], ReadOptions(ingest=NOW, format=name)):
            for event in batch:
                found.setdefault((event.kind, event.format, event.logsources, frozenset(event.fields)), event)
    return list(found.values())


def supplied(*, read: bool = True) -> dict[Logsource, dict[str, frozenset[str]]]:
    """Log source → kinds of event that satisfy it → their fields, of the switches that Tocsin reads."""
    found: dict[Logsource, dict[str, frozenset[str]]] = defaultdict(dict)
    for switch in CATALOGUE:
        for one in switch.supplies if switch.read is read else ():
            for source in one.kind.logsources:
                kinds = found[source]
                kinds[one.kind.name] = kinds.get(one.kind.name, frozenset()) | one.fields
    return found


def named(fields: Mapping[str, Any]) -> set[str]:
    """The event's field names as rules write them: without blanks, and the parts of an object with a dot."""
    names = set()
    for name, value in fields.items():
        names.add(name.replace(" ", ""))
        if isinstance(value, Mapping):
            names |= {f"{name}.{part}".replace(" ", "") for part in value}
    return names


def lacking(fields: frozenset[str], names: set[str]) -> set[str]:
    return {name for name in names if name not in fields and not named_by_prefix(fields, name)}


def test_every_log_source_that_is_read_is_in_the_catalogue(events):
    known = supplied()
    assert {source for event in events for source in event.logsources if source not in known} == set()


def test_every_field_that_is_read_is_in_the_catalogue(events):
    known = supplied()
    surprises = set()
    for event in events:
        if event.kind in THEIR_OWN_WORDS or event.format in BESIDE:
            continue
        names = named(event.fields)
        for source in event.logsources:
            missing = [lacking(fields, names) for fields in known[source].values()]
            surprises |= {(event.kind, source, name) for name in min(missing, key=len)}
    assert surprises == set()


CONTEXT = ReadContext("x.log", 0, 0)


def given_by_tables() -> Iterator[Logsource]:
    """What the readers give for every name in their tables."""
    for log in ZEEK_LOGS:
        yield from zeek_draft(log, {}, None).logsources
    for program in PROGRAMS:
        yield from syslog_draft(SyslogLine("x", "rfc3164", app=program), CONTEXT).logsources
    for kind in (
        "event",
        "traffic",
        "utm",
        "anomaly",
        "voip",
        "dns",
        "gtp",
        "virus",
        "webfilter",
        "ips",
        "app-ctrl",
    ):
        for subtype in ("vpn", "webfilter"):
            line = f"date=2026-03-01 devname=F type={kind} subtype={subtype}"
            yield from fortigate_draft(line, CONTEXT).logsources
    for vendor, product in (
        ("Fortinet", "FortiGate"), ("Fortinet", ""), ("Palo Alto Networks", ""), ("Check Point", ""), ("Cisco", "ASA"),
        ("Cisco", ""), ("SonicWall", ""), ("Sophos", ""), ("WatchGuard", ""), ("Stormshield", ""), ("Barracuda", ""),
        ("Juniper", ""), ("Zscaler", ""), ("Forcepoint", ""), ("Imperva", ""), ("F5", ""), ("Trend Micro", ""),
        ("Symantec", ""), ("Kaspersky", ""), ("McAfee", ""), ("ESET", ""), ("Microsoft", "Windows"),
    ):  # fmt: skip
        yield from vendor_logsources(vendor, product)
    for channel, number in CATEGORIES:
        yield from windows_logsources(channel, number)
    yield from windows_logsources("Linux-Sysmon/Operational", 4)
    for channels in SERVICES.values():
        yield from windows_logsources(channels[0], 0)
    for kind in supplied():
        if kind.product == "suricata":
            yield from SuricataEve().draft({"event_type": kind.service}, CONTEXT).logsources


def test_every_log_source_of_the_readers_tables_is_in_the_catalogue():
    known = {*supplied(), Logsource("windows", None, "sysmon"), *_UNLISTED}
    assert {source for source in given_by_tables() if source not in known} == set()


_UNLISTED = {Logsource("windows", None, service) for service in SERVICES}
"""Windows services: the catalogue lists the event ids that it knows of, not every channel."""


def test_the_catalogue_promises_no_log_source_that_no_reader_gives(events):
    given = {source for event in events for source in event.logsources} | set(given_by_tables())
    promised = {
        source for source in supplied() if source.product != "windows" or source.category == "webserver"
    }
    assert {source for source in promised if source not in given} == set()


def test_every_log_source_of_public_rules_is_read_or_told_to_be_unread(data):
    wanted = {rule.logsource for rule in load_rules(rule_texts([data / "sigma"]).texts).rules}
    able, unable = supplied(), supplied(read=False)
    unknown = {source for source in wanted if not any(have.satisfies(source) for have in (*able, *unable))}
    assert unknown == set()
