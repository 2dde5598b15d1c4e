"""A keyword that stands in a value is never missed in the record as it was written, however JSON spells it."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.detect.sigma.plain import PlainEvaluator
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.raw_keywords import _LATE, RawKeywords, run_of
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.records.event import Event
from tocsin.sources.projection import whole
from tocsin.sources.reading import ReadOptions, read

KEYWORDS = ("sekurlsa::", "\\mimilib.dll", "kiwi legit printer", "a/b needle", "Skript", "istanbul")
RULE = f"""
    title: Keywords
    logsource: {{product: windows}}
    detection:
        words: {json.dumps(KEYWORDS)}
        other: {{EventID: 15}}
        condition: words and not other
    ---
    title: Named
    logsource: {{product: windows, service: sysmon}}
    detection: {{selection: {{Image|endswith: x.exe}}, condition: selection}}
"""
RULES = load_rules([RuleText("r.yml", dedent(RULE))]).rules

spelt = st.sampled_from(
    [*KEYWORDS, *(word.upper() for word in KEYWORDS), "S\u212aript", "\u0130stanbul", "sekurls", "::", "x.exe", "®", "Σ",
     "\ud83d\ude00", "\\", '"', "/", "\n", "u0041", "\\u0041", "\\users", "High"]
)  # fmt: skip
texts = st.lists(spelt | st.text(max_size=5), max_size=4).map("".join)


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A flat Windows record as JSON, any character of it escaped or not."""
    fields = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "SourceName": draw(texts)}
    fields |= {name: draw(texts) for name in ("Image", "Message", "Other")}
    return (
        "{" + ",".join(f"{json.dumps(name)}:{written(draw, value)}" for name, value in fields.items()) + "}"
    )


def written(draw: st.DrawFn, value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    plainly = draw(st.sampled_from(("plainly", "plainly", "ascii", "some")))
    if plainly != "some":
        return json.dumps(value, ensure_ascii=plainly == "ascii")
    chosen = draw(st.lists(st.booleans(), min_size=len(value), max_size=len(value)))
    pairs = zip(value, chosen, strict=True)
    return (
        '"'
        + "".join(escape(char) if one else json.dumps(char, ensure_ascii=False)[1:-1] for char, one in pairs)
        + '"'
    )


def escape(char: str) -> str:
    if char == "/":
        return "\\/"
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


@settings(max_examples=150)
@given(
    records=st.lists(lines(), min_size=1, max_size=40),
    columns_from=st.sampled_from((1, 10**9)),
    part=st.booleans(),
)
def test_records_however_they_are_spelt(records, columns_from, part, tmp_path_factory):
    events = read_lines(records, tmp_path_factory.mktemp("spelt") / "log.json")
    expected = PlainEvaluator(RULES).match(events)
    planned = PlannedEvaluator(RULES, Tuning(columns_from=columns_from), whole=whole)
    if part:
        events = read_lines(records, tmp_path_factory.mktemp("spelt") / "log.json", needs=planned.needs)
    assert planned.match(events) == expected


def read_lines(records: list[str], path, **options) -> list[Event]:
    path.write_text("".join(record + "\n" for record in records), encoding="utf-8", errors="surrogatepass")
    found = [event for batch in read([str(path)], ReadOptions(0, **options)) for event in batch]
    assert all(event.unspelt is not None for event in found)
    return found


def test_the_characters_that_become_ascii_in_lower_case_are_known():
    late = [chr(code) for code in range(128, 0x110000) if any(char < "\x80" for char in chr(code).lower())]
    assert tuple(late) == _LATE


def test_most_records_are_passed_over_and_doubtful_ones_are_not(tmp_path):
    line = '{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","SourceName":"x","Message":"%s"}'
    told = [
        "C:\\\\users ®",
        "sekurlsa::x",
        "SEKURLSA::",
        "\\u0073ekurlsa::",
        "\\\\u0073ekurlsa",
        "s\u212aript",
    ]
    events = read_lines([line % text for text in told], tmp_path / "log.json")
    raw = RawKeywords([run_of(word.lower()) or "" for word in KEYWORDS], Tuning())
    assert [raw.may_hold(event) for event in events] == [False, True, True, True, True, True]
    assert raw.none_may_hold(events[:1])
    assert not any(raw.none_may_hold([event]) for event in events[1:])


@pytest.mark.parametrize(
    ("literal", "run"),
    [
        ("sekurlsa::", "sekurlsa::"),
        (r"\mimilib.dll", "mimilib.dll"),
        ('a"bc/defg', "defg"),
        ("a\\b/c", None),
        ("é", None),
    ],
)
def test_what_is_looked_for_is_what_json_never_must_escape(literal, run):
    assert run_of(literal) == run


def test_an_expression_over_every_value_is_not_looked_for_in_records(tmp_path):
    """Its literals are in every ASCII text that it matches; in others a long s may stand for an s."""
    text = (
        "title: t\nlogsource: {product: windows}\ndetection: {words: {'|re|i': sekurlsa}, condition: words}"
    )
    rules = load_rules([RuleText("r.yml", text)]).rules
    line = '{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","SourceName":"x","Message":"%s"}'
    told = [line % one for one in ("\u017fekurlsa", "SEKURLSA", "sekurls")]
    events = read_lines(told, tmp_path / "log.json")
    for columns_from in (1, 10**9):
        found = PlannedEvaluator(rules, Tuning(columns_from=columns_from)).match(events)
        assert [len(one) for one in found] == [1, 1, 0]
        assert found == PlainEvaluator(rules).match(events)
