"""The page of a plant: what it says, that it loads and runs nothing, that no name breaks it, and how a browser shows it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.browser import CHROMIUM, Page, browser
from tests.console.test_page import Structure
from tests.engine.plant.test_model_file import readings
from tests.engine.plant.test_reporting import kept, lied

from tocsin.config import bounds
from tocsin.console.plant_page import render_plant_page
from tocsin.engine.plant.picture import PlantReport
from tocsin.engine.plant.reporting import report
from tocsin.records.instants import DAY
from tocsin.records.readings import Notice

NASTY = "<script>alert(1)</script>\"'>&\x1b[2J\u202e\ud800{{ 7*7 }}</style></svg>\n" + "\u0301" * 9


@cache
def rang() -> PlantReport:
    found = report(kept(), lied(), [Notice("The file is cut short.", lost=True)])
    tags = (*found.faults, *found.others)
    return replace(found, faults=tags[:2], others=tags[2:])


def page_of(found: PlantReport, title: str = "Waterworks") -> tuple[str, Structure]:
    page = render_plant_page(found, 400 * DAY, title)
    return page, Structure(page)


def renamed(found: PlantReport, name: str) -> PlantReport:
    tags = [replace(one, name=name) for one in (*found.faults, *found.others)]
    stretches = tuple(
        replace(one, said=name, picture=replace(one.picture, name=name) if one.picture else None)
        for one in found.stretches
    )
    count = len(found.faults)
    return replace(
        found, faults=tuple(tags[:count]), others=tuple(tags[count:]), stretches=stretches,
        unshown_faults=(name, name), notices=(Notice(name), Notice(name, lost=True)),
    )  # fmt: skip


def test_the_first_words_say_how_it_stands() -> None:
    page, structure = page_of(rang())
    first = page.index("<h1>")
    assert first < page.index("What rang") < page.index("Tags to look at") < page.index("What is promised")
    assert "Quiet again since" in structure.words
    assert "Waterworks: it rang, quiet again" in structure.words
    _, structure = page_of(report(kept(), lied(400, 300, 400)))
    assert "Since 1970-01-13" in structure.words
    _, structure = page_of(replace(report(kept(), readings(300, 2)), notices=()))
    assert "What rang" not in structure.words


def test_it_says_all_that_it_must() -> None:
    _, structure = page_of(rang())
    for words in (
        "would fit the other tags", "the score, and where it rings", "it rings above 1", "not read: the file is cut short.",
        "this rests on", "cannot promise less than", "nothing is promised for", "never changed on normal operation",
        "learnt from 600 rows",
    ):  # fmt: skip
        assert words in structure.words.lower(), words
    assert structure.tags.count("details") == 1


def test_it_runs_nothing_and_loads_nothing() -> None:
    page, structure = page_of(rang())
    assert not {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "use",
        "image",
        "foreignObject",
    } & set(structure.tags)
    assert not [
        name
        for name, _ in structure.attributes
        if name.startswith("on") or name in ("style", "src", "xlink:href")
    ]
    assert all(link.startswith("#") for link in structure.links)
    assert "url(" not in page
    assert "@import" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_every_picture_has_words_and_every_reference_leads_somewhere() -> None:
    page, structure = page_of(rang())
    assert len(structure.ids) == len(set(structure.ids))
    assert {value for name, value in structure.attributes if name == "aria-labelledby"} <= set(structure.ids)
    assert page.count('role="img"') == page.count('role="img" aria-label="')
    assert 'aria-label=""' not in page
    assert structure.headings == sorted(structure.headings)


def test_hostile_names_stay_words() -> None:
    plain = page_of(renamed(rang(), "x"), "x")[1]
    page, dirty = page_of(renamed(rang(), NASTY), NASTY)
    assert dirty.tags == plain.tags
    assert not [name for name, _ in dirty.attributes if name.startswith("on")]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert "{{ 7*7 }}" in dirty.words
    page.encode("utf-8")


@given(st.text(st.characters(), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_any_name_keeps_the_page_well_formed(text: str) -> None:
    page_of(renamed(rang(), text), text)


def test_it_stays_small_and_says_what_is_left_out() -> None:
    found, many = rang(), 5_000
    one = found.faults[0]
    full = replace(
        found, faults=(one,) * bounds.PLANT_PICTURE_FAULTS, others=(one,) * bounds.PLANT_PICTURE_TAGS, unshown=many - 240,
        unshown_faults=("T",) * 30, stretches=found.stretches[:1] * bounds.PLANT_PICTURE_EPISODES, older=7,
        notices=(Notice("N"),) * 300,
    )  # fmt: skip
    page, structure = page_of(full)
    assert len(page) < 4_000_000
    for words in (
        "4,760 further tags that were not at fault are watched and not drawn", "30 further tags are not drawn", "and more.",
        "7 older stretches of alarms are not told here", "200 more notices are left out",
    ):  # fmt: skip
        assert words in structure.words, words


@pytest.fixture(scope="module")
def shown() -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "plant.html"
    long = replace(rang().faults[0], name="A_VERY_LONG_NAME_OF_A_TAG_" * 9)
    found = replace(rang(), faults=(long, *rang().faults))
    path.write_text(render_plant_page(found, 400 * DAY), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1280, False), (1280, True)])
def test_a_browser_shows_it_whole_on_any_screen(shown: Page, file: Path, width: int, dark: bool) -> None:
    shown.open(file, width, dark=dark)
    assert shown.requests() == [file.as_uri()], "it asks for nothing else"
    assert shown.complaints() == [], "its own policy refuses nothing of it"
    assert shown.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
    shown.evaluate("document.querySelector('details').open = true")
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    drawn = "[...document.querySelectorAll('.plot svg')].map(one => one.getBoundingClientRect().width)"
    assert min(shown.evaluate(drawn)) >= 150, "each picture can be seen"


CONTRAST = """
(() => {
  const parts = one => { const c = document.createElement('canvas').getContext('2d'); c.fillStyle = one; c.fillRect(0, 0, 1, 1);
                         return [...c.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
                                 return .2126 * x + .7152 * y + .0722 * z; };
  const ratio = (a, b) => { const [x, y] = [light(parts(a)), light(parts(b))].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const style = getComputedStyle(document.documentElement), of = name => style.getPropertyValue(name).trim();
  return Object.fromEntries([['ink', '--card'], ['soft', '--card'], ['soft', '--paper'], ['accent', '--paper'], ['trace', '--card'], ['edge', '--card'],
    ['off', '--card'], ['bar', '--card'], ['good', '--paper'], ['range', '--card']].map(([a, b]) => [a + ' on ' + b, ratio(of('--' + a), of(b))]));
})()
"""
"""The contrast of what is drawn, by the formula of WCAG 2.2 ("relative luminance")."""


@pytest.mark.parametrize("dark", [False, True])
def test_words_and_lines_can_be_told_from_their_ground(shown: Page, file: Path, dark: bool) -> None:
    shown.open(file, 800, dark=dark)
    for what, ratio in shown.evaluate(CONTRAST).items():
        least = 4.5 if what.startswith(("ink", "soft", "accent")) else 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
        assert ratio >= least, (what, ratio)


def test_on_paper_it_is_dark_on_light(shown: Page, file: Path) -> None:
    shown.open(file, 800, dark=True, media="print")
    assert (
        shown.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()")
        == "#fff"
    )
