"""Incidents for people at a terminal, drawn with Rich: readable at 80 columns, without colour, and piped into a file.

Nothing a log says is ever parsed as markup: every text from a record becomes a `Text` of `inert` characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tocsin.records.attack import technique_name
from tocsin.records.event import EventId, SetAside
from tocsin.records.finding import Evidence, Level
from tocsin.records.incident import Incident, Sentence, Told
from tocsin.records.inert import inert, inert_lines
from tocsin.records.instants import rfc3339, to_datetime

STYLES: Final[dict[Level, str]] = {
    "informational": "dim",
    "low": "blue",
    "medium": "yellow",
    "high": "dark_orange",
    "critical": "bold red",
}
SENTENCES: Final = 6
"""Sentences of a story that a panel tells; `tocsin explain ID` and the page tell all."""

PANELS: Final = 10
"""Incidents told in panels; further ones take a line each."""

ROWS: Final = 30
"""Evidence rows that `explain` prints; `--json` gives all."""

SET_ASIDE: Final = 5
"""Set-aside records that are listed; the page and `--json` list more."""

WIDEST: Final = 110
"""Lines longer than this are hard to read, however wide the window."""


def show(
    told: Sequence[Told],
    summary: Mapping[str, Any],
    set_aside: Sequence[SetAside],
    problems: Sequence[str] = (),
    console: Console | None = None,
) -> None:
    """A scan's result: the headline, what needs somebody, and what could not be read or judged.

    Args:
        told: The incidents that need somebody, most urgent first.
        summary: The summary object of the JSON contract.
        set_aside: Records that could not be read, as many as are kept.
        problems: Sentences about anything else that could not be read or judged.
        console: Where to print; stdout by default.
    """
    out = console or _console()
    out.print(headline(len(told), summary))
    for one in told[:PANELS]:
        out.print(_panel(one))
    if told[PANELS:]:
        out.print(_table(told[PANELS:]))
    for line in _honest(told, summary, set_aside, problems):
        out.print(line)


def list_incidents(told: Sequence[Told], console: Console | None = None) -> None:
    """What a store holds: a line for each incident, most urgent first."""
    out = console or _console()
    if not told:
        out.print(Text("No incident needs you."))
        return
    out.print(_table(told))
    out.print(Text("For one of them whole: tocsin explain ID --store FOLDER", style="dim"))


def explain(told: Told, console: Console | None = None) -> None:
    """One incident whole: its story, whose word that is, the records that prove it, and what to do next."""
    out = console or _console()
    out.print(_panel(told, whole=True))
    techniques = told.incident.techniques
    if techniques:
        out.print(Text("Techniques (MITRE ATT&CK)", style="bold"))
        for technique in techniques:
            out.print(Text(f"  {inert(technique_name(technique))} ({inert(technique)})"))
        out.print()
    pieces = _evidence(told)
    out.print(Text(f"Evidence ({len(pieces):,} {'record' if len(pieces) == 1 else 'records'})", style="bold"))
    for piece in pieces[:ROWS]:
        out.print(_row(piece))
    if len(pieces) > ROWS:
        out.print(Text(f"  and {len(pieces) - ROWS:,} more: see --json", style="dim"))


def headline(need: int, summary: Mapping[str, Any]) -> Text:
    """`N things need you; M events were ordinary.`"""
    ordinary = int(summary.get("ordinary", 0))
    if need:
        first = f"{need:,} {'thing needs' if need == 1 else 'things need'} you"
    else:
        first = "Nothing needs you" if summary.get("events") else "Nothing was read"
    rest = f"; {ordinary:,} {'event was' if ordinary == 1 else 'events were'} ordinary."
    return Text.assemble((first, "bold"), rest)


def _console() -> Console:
    """Stdout; a pipe or file gets plain text of a fixed width, and Rich itself honours NO_COLOR."""
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = min(console.width, WIDEST)
    return console


def _panel(told: Told, *, whole: bool = False) -> RenderableType:
    incident = told.incident
    *story, whose = told.story or (Sentence(""),)
    kept = story if whole else story[:SENTENCES]
    parts: list[RenderableType] = [
        Text(told.title, style="bold"),
        Text(_facts(incident), style="dim"),
        Text(),
    ]
    parts += [_item("•", sentence.text) for sentence in kept]
    if len(kept) < len(story):
        more = len(story) - len(kept)
        parts.append(_item("•", f"…and {more} more: see the page (--html) or tocsin explain."))
    parts += [_item("!", whose.text), Text(), Text("Do these three things now", style="bold")]
    parts += [_item(f"{number}.", step) for number, step in enumerate(told.steps, 1)]
    style = STYLES[incident.severity]
    return Panel(
        Group(*parts),
        title=Text(f" {incident.rank}. {incident.severity.upper()} ", style=style),
        title_align="left",
        subtitle=Text(f" {incident.id} ", style="dim"),
        subtitle_align="right",
        border_style=style,
        box=box.ROUNDED,
        padding=(0, 1),
    )


def _item(mark: str, text: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2, justify="right")
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(Text(mark, style="bold"), Text(text))
    return grid


def _facts(incident: Incident) -> str:
    count = f"{incident.count:,} {'finding' if incident.count == 1 else 'findings'}"
    span = _minute(incident.first)
    if _minute(incident.last) != span:
        span = f"{span} to {_minute(incident.last)}"
    origin = "" if incident.origin == "live" else f" · {inert(incident.origin)}"
    return f"{span} UTC · {count}{origin}"


def _minute(instant: int) -> str:
    at = to_datetime(instant)
    return f"{at.year:04d}-{at.month:02d}-{at.day:02d} {at:%H:%M}"


def _table(told: Iterable[Told]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("Severity", no_wrap=True)
    table.add_column("What", overflow="fold", ratio=1)
    table.add_column("Last (UTC)", no_wrap=True)
    table.add_column("Id", no_wrap=True)
    for one in told:
        incident = one.incident
        table.add_row(
            str(incident.rank),
            Text(incident.severity, style=STYLES[incident.severity]),
            Text(one.title if incident.status == "open" else f"{one.title} ({incident.status})"),
            _minute(incident.last),
            incident.id,
        )
    return table


def _honest(
    told: Sequence[Told], summary: Mapping[str, Any], set_aside: Sequence[SetAside], problems: Sequence[str]
) -> list[Text]:
    """What was not read or judged, and what a quiet result does and does not mean."""
    lines: list[Text] = []
    rules = summary.get("rules") or {}
    if not summary.get("events"):
        lines.append(
            Text(
                "No new event was read, so nothing was judged: the files are empty, of no format that Tocsin knows, or in "
                "the store already."
            )
        )
    elif not told:
        lines.append(
            Text(
                "No rule saw a reason to wake you; Tocsin judges only what was logged and what its rules know."
            )
        )
    quiet = int(summary.get("quiet", 0))
    if quiet:
        groups = (
            "group of mild or everyday findings needs"
            if quiet == 1
            else "groups of mild or everyday findings need"
        )
        lines.append(Text(f"{quiet:,} further {groups} nobody.", style="dim"))
    aside = int(summary.get("set_aside", 0))
    if aside:
        were = "record could not be read and was" if aside == 1 else "records could not be read and were"
        lines.append(Text(f"{aside:,} {were} set aside, unjudged:", style="yellow"))
        lines += [_aside(one) for one in set_aside[:SET_ASIDE]]
        if aside > SET_ASIDE:
            lines.append(Text(f"  and {aside - min(SET_ASIDE, len(set_aside)):,} more", style="dim"))
    if rules.get("unsupported"):
        lines.append(
            Text(
                f"{rules['unsupported']:,} rules could not be loaded; see tocsin rules check.", style="yellow"
            )
        )
    stopped = (f"A rule was stopped while it ran: {why}" for why in summary.get("suspended", ()))
    missed = summary.get("unjudged", ())
    lines += [Text(inert(problem), style="yellow") for problem in (*problems, *stopped, *missed)]
    return lines


def _aside(one: SetAside) -> Text:
    where = f"record {one.record}" if one.record is not None else "the rest of the file"
    return Text(f"  {inert(one.source)}, {where}: {inert(one.reason)}")


def _evidence(told: Told) -> list[Evidence]:
    pieces: dict[EventId, Evidence] = {}
    for finding in told.incident.findings:
        for piece in finding.evidence:
            pieces.setdefault(piece.event_id, piece)
    return sorted(pieces.values(), key=lambda piece: (piece.time, piece.event_id))


def _row(piece: Evidence) -> RenderableType:
    host = f", {inert(piece.host)}" if piece.host else ""
    head = Text(f"{rfc3339(piece.time)}{host}: {inert(piece.source)}, record {piece.record}", overflow="fold")
    lines = list(islice(inert_lines(piece.raw).split("\n"), 12))
    raw = Text("\n".join(lines), style="dim", overflow="fold")
    return Group(Padding(head, (0, 0, 0, 2)), Padding(raw, (0, 0, 0, 4)))
