import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.incidents.making import T0, finding

from tocsin.advise.tell import tell
from tocsin.config import bounds
from tocsin.console.page import render_page
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.event import SetAside
from tocsin.records.instants import DAY, MINUTE

SUMMARY = {
    "sources": 3, "events": 20_000, "set_aside": 0, "findings": 4, "incidents": 1, "seconds": 1.0,
    "rules": {"loaded": 60, "active": 58, "unsupported": 0},
}  # fmt: skip
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Structure(HTMLParser):
    """Checks nesting, and gathers what the tests ask for."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.text, self.headings = [], [], [], [], [], []
        self.attributes = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        return " ".join("".join(self.text).split())


def page_of(*findings, summary=SUMMARY, set_aside=(), problems=()):
    desk = IncidentDesk()
    desk.add(findings)
    page = render_page([tell(one) for one in desk.incidents()], summary, set_aside, T0 + DAY, problems)
    return page, Structure(page)


def test_the_first_line_counts():
    _, page = page_of(finding("a", host="WS-1"), finding("b", DAY, host="WS-2"))
    assert "2 things need you; 19,998 events were ordinary." in page.words
    _, page = page_of(finding(host="WS-1"), summary={**SUMMARY, "ordinary": 1})
    assert "1 thing needs you; 1 event was ordinary." in page.words


def test_it_runs_nothing_and_loads_nothing():
    page, structure = page_of(
        finding(host="WS-1", techniques=["T1490"]), set_aside=[SetAside("x", 1, 2, "why")]
    )
    assert not {"script", "img", "link", "iframe", "object", "embed", "form", "base", "audio", "video"} & set(
        structure.tags
    )
    assert not [name for name, _ in structure.attributes if name.startswith("on") or name in ("style", "src")]
    assert all(link.startswith("#") for link in structure.links)
    assert "url(" not in page
    assert "@import" not in page


def test_its_policy_allows_its_own_style_sheet_only():
    page, _ = page_of(finding(host="WS-1"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_every_link_leads_somewhere_and_every_id_is_one():
    found = [
        finding(f"r{n}", n * MINUTE, host=f"WS-{n % 3}", claims=[("log_cleared", {"log": "x"})])
        for n in range(30)
    ]
    _, page = page_of(*found, summary={**SUMMARY, "set_aside": 1}, set_aside=[SetAside("x", None, 2, "why")])
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    references = {value for name, value in page.attributes if name == "aria-labelledby"}
    assert {one for reference in references for one in reference.split()} <= set(page.ids)


def test_headings_step_down_one_at_a_time():
    _, page = page_of(finding("a", host="WS-1", techniques=["T1490"]), finding("b", DAY, host="WS-2"))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(later <= before + 1 for before, later in zip(page.headings, page.headings[1:], strict=False))


def test_an_incident_shows_story_steps_techniques_evidence_and_whose_word():
    _, page = page_of(
        finding(
            host="WS-1", techniques=["T1490"], raw='{"a": 1}', claims=[("log_cleared", {"log": "Security"})]
        )
    )
    for words in ("“Security” was cleared", "Do these three things now", "Inhibit System Recovery", "logs.jsonl, record 7",
                  '{"a": 1}', "Whose word this is.", "Nothing proves where these records come from"):  # fmt: skip
        assert words in page.words


NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</pre></details></table>",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b]8;;http://x.example\x07link\x1b]8;;\x07",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "\ud800",
    "\x00",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_hostile_text_is_text_wherever_it_comes_from(nasty):
    plain = Structure(page_of(finding(host="h", user="u", address="198.51.100.7", title="t", techniques=["T1490"], raw="r",
                                      claims=[("record_says", {"text": "x"})]),
                              set_aside=[SetAside("s", 1, 1, "r")], problems=["p"],
                              summary={**SUMMARY, "set_aside": 1})[0])  # fmt: skip
    page, dirty = page_of(
        finding(host=nasty, user=nasty, address="198.51.100.7", title=nasty, techniques=[nasty], raw=nasty,
                claims=[("record_says", {"text": nasty})]),
        set_aside=[SetAside(nasty, 1, 1, nasty)], problems=[nasty], summary={**SUMMARY, "set_aside": 1},
    )  # fmt: skip
    assert set(dirty.tags) <= set(plain.tags)
    assert not [name for name, _ in dirty.attributes if name.startswith("on")]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    page.encode("utf-8")


@given(st.text(st.characters(), min_size=1, max_size=30))
@settings(max_examples=30)
def test_any_text_keeps_the_page_well_formed(text):
    page_of(
        finding(host=text, title=text, raw=text, claims=[("process_started", {"image": text, "user": text})])
    )


def test_an_empty_result_says_what_it_means():
    _, page = page_of()
    assert "Nothing needs you; 20,000 events were ordinary." in page.words
    assert "not a promise that nothing happened" in page.words
    _, page = page_of(summary={"events": 0})
    assert "Nothing was read;" in page.words
    assert "nothing was judged" in page.words


def test_what_could_not_be_read_or_judged_is_said():
    summary = {
        **SUMMARY,
        "set_aside": 300,
        "rules": {"active": 5, "unsupported": 2},
        "suspended": ["Rule X is slow"],
        "unjudged": ["Rules that count could not judge 9 matches"],
        "quiet": 4,
    }
    aside = [SetAside("a.zip!b.evtx", n, None, "The chunk is cut short.") for n in range(200)]
    _, page = page_of(summary=summary, set_aside=aside, problems=["The file y is locked."])
    assert "300 records could not be read and were set aside" in page.words
    assert f"300 records set aside; the first {bounds.PAGE_SET_ASIDE} are listed" in page.words
    assert "2 rules could not be loaded" in page.words
    assert "A rule was stopped while it ran: Rule X is slow" in page.words
    assert "Rules that count could not judge 9 matches" in page.words
    assert "The file y is locked." in page.words
    assert "4 further groups" in page.words


def test_the_page_stays_small_however_much_was_found():
    found = [
        finding(f"r{n % 400}", n * 1000, host="WS-1", raw="x" * bounds.EVIDENCE_RAW_CHARS)
        for n in range(2000)
    ]
    page, structure = page_of(*found)
    assert len(page) < 2_000_000
    assert "more in the JSON output" in structure.words


def test_many_incidents_are_listed_beyond_those_told():
    found = [finding("r", n * 9 * DAY, host=f"WS-{n}") for n in range(bounds.PAGE_INCIDENTS + 3)]
    _, page = page_of(*found)
    assert page.tags.count("article") == bounds.PAGE_INCIDENTS
    assert "Further, less urgent" in page.words


def _tokens(style, scheme):
    block = (
        re.search(r"prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}", style, re.DOTALL)[1]
        if scheme == "dark"
        else (re.search(r":root \{(.*?)\}", style, re.DOTALL)[1])
    )
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def _luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_meets_wcag(scheme):
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1 for text."""
    page, _ = page_of(finding(host="WS-1"))
    tokens = _tokens(page, scheme)
    pairs = [
        (ink, ground)
        for ink in ("ink", "soft", "link")
        for ground in ("paper", "card", "tint", "accent-tint")
    ]
    pairs += [("accent", "accent-tint"), ("accent", "paper"), ("card", "accent")]
    pairs += [("on-badge", level) for level in ("critical", "high", "medium", "low", "informational")]
    pairs += [(level, "card") for level in ("critical", "high", "medium", "low", "informational")]
    for one, other in pairs:
        light, dark = sorted((_luminance(tokens[one]), _luminance(tokens[other])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (one, other)
