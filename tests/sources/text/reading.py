"""How the tests read lines: as the engine does, one parser a file, set-aside lines collected."""

from __future__ import annotations

from tocsin.records.errors import BadRecord
from tocsin.records.instants import parse_rfc3339
from tocsin.sources.interface import Draft, LineFormat, ReadContext, SpanningParser
from tocsin.sources.text import FORMATS

FILE_TIME = "2026-03-02T12:00:00Z"


def instant(text: str) -> int:
    found = parse_rfc3339(text)
    assert found is not None
    return found


def context(**changes) -> ReadContext:
    given = {"source": "a.log", "ingest": instant("2026-03-03T00:00:00Z"), "file_time": instant(FILE_TIME)}
    return ReadContext(**(given | changes))


def named(name: str) -> LineFormat:
    return next(one for one in FORMATS if one.name == name)


def chosen(text: str, where: ReadContext | None = None) -> str:
    """The name of the surest format."""
    lines = text.splitlines()
    return max(FORMATS, key=lambda one: one.recognises(lines, where or context())).name


def read(name: str, text: str, where: ReadContext | None = None) -> tuple[list[Draft], list[str]]:
    """The drafts of `text` and the reasons of what was set aside."""
    parser = named(name).parser(where or context())
    drafts, reasons = [], []
    for line in text.split("\n"):
        try:
            draft = parser.parse(line)
        except BadRecord as bad:
            reasons.append(str(bad))
            continue
        if draft is not None:
            drafts.append(draft)
    if isinstance(parser, SpanningParser):
        try:
            draft = parser.finish()
        except BadRecord as bad:
            reasons.append(str(bad))
        else:
            drafts += [draft] if draft is not None else []
    return drafts, reasons


def one(name: str, line: str, where: ReadContext | None = None) -> Draft:
    drafts, reasons = read(name, line, where)
    assert not reasons
    assert len(drafts) == 1
    return drafts[0]
