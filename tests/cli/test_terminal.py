import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.incidents.making import finding

from tocsin.advise.tell import tell
from tocsin.cli import terminal
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.event import SetAside
from tocsin.records.instants import DAY

SUMMARY = {"events": 20_000, "ordinary": 19_000, "set_aside": 0, "quiet": 0, "rules": {"unsupported": 0}}


def told_of(*findings):
    desk = IncidentDesk()
    desk.add(findings)
    return [tell(one) for one in desk.incidents()]


def console(width=80, **how):
    return Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False, **how)


def shown(draw, *args, out=None, **kwargs):
    out = out or console()
    draw(*args, console=out, **kwargs)
    return out.file.getvalue()


def words(text):
    return " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())


def test_the_headline_comes_first():
    text = shown(terminal.show, told_of(finding(host="WS-1")), SUMMARY, [])
    assert text.splitlines()[0] == "1 thing needs you; 19,000 events were ordinary."


@pytest.mark.parametrize("width", [60, 80, 110])
def test_no_line_is_wider_than_the_terminal(width):
    many = [
        finding(f"r{n}", n * DAY, host="W" * 70, user="u" * 90, title="long " * 40, raw="x" * 900)
        for n in range(14)
    ]
    told = told_of(*many)
    for draw, args in (
        (terminal.show, (told, SUMMARY, [])),
        (terminal.list_incidents, (told,)),
        (terminal.explain, (told[0],)),
    ):
        text = shown(draw, *args, out=console(width))
        assert max(cell_len(line) for line in text.splitlines()) <= width


NASTY = ["[red]x[/red]", "[/]", "[link=http://x.example]x", "\x1b[31mred", "\x1b]8;;http://x\x07y\x1b]8;;\x07", "\x9b2J", "\u202ex",
         "\ud800", "a\rb\nc", ":smile:", "\x07"]  # fmt: skip


@pytest.mark.parametrize("nasty", NASTY)
def test_hostile_text_is_shown_and_obeyed_nowhere(nasty):
    told = told_of(
        finding(
            host=nasty,
            user=nasty,
            title=nasty,
            techniques=[nasty],
            raw=nasty,
            claims=[("record_says", {"text": nasty})],
        )
    )
    aside = [SetAside(nasty, 1, 2, nasty)]
    for text in (
        shown(
            terminal.show,
            told,
            {**SUMMARY, "set_aside": 1, "suspended": [nasty], "unjudged": [nasty]},
            aside,
            [nasty],
        ),
        shown(terminal.list_incidents, told),
        shown(terminal.explain, told[0]),
    ):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        text.encode("utf-8")
        if nasty.isprintable():
            assert nasty in text  # told as it stands: not taken for Rich's markup or emoji


def test_colour_only_where_it_is_wanted(monkeypatch):
    told = told_of(finding(host="WS-1", level="critical"))
    assert "\x1b[" in shown(
        terminal.show, told, SUMMARY, [], out=console(force_terminal=True, color_system="standard")
    )
    assert "\x1b[" not in shown(terminal.show, told, SUMMARY, [])
    monkeypatch.setenv("NO_COLOR", "1")
    plain = shown(terminal.show, told, SUMMARY, [], out=console(force_terminal=True))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", plain)
    assert "CRITICAL" in plain


def test_nothing_found_is_told_honestly():
    assert "judges only what was logged" in words(shown(terminal.show, [], SUMMARY, []))
    assert "nothing was judged" in words(shown(terminal.show, [], {"events": 0}, []))
    assert "No incident needs you." in shown(terminal.list_incidents, [])


def test_what_was_not_read_or_judged_is_told():
    aside = [SetAside("a.zip!b.evtx", n, None, "The chunk is cut short.") for n in range(9)]
    summary = {**SUMMARY, "set_aside": 9, "quiet": 2, "rules": {"unsupported": 1}}
    text = words(shown(terminal.show, [], summary, aside, ["The file y is locked."]))
    for part in ("9 records could not be read", "a.zip!b.evtx, record 0: The chunk is cut short.", "and 4 more",
                 "2 further groups", "could not be loaded", "The file y is locked."):  # fmt: skip
        assert part in text


def test_explain_tells_all_and_shows_the_records():
    found = [
        finding(
            "r",
            n * 1_000_000,
            host="WS-1",
            techniques=["T1490"],
            raw=f"raw {n}",
            claims=[("record_says", {"text": f"t{n}"})],
        )
        for n in range(12)
    ]
    (told,) = told_of(*found)
    text = shown(terminal.explain, told, out=console(110))
    assert "“t11”" in text
    assert "Inhibit System Recovery (T1490)" in text
    assert "raw 11" in text
    assert "logs.jsonl, record 7" in text
    assert all(step in words(text) for step in told.steps)
    assert "…and 6 more" in words(shown(terminal.show, [told], SUMMARY, []))
