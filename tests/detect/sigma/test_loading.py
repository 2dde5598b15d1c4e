"""Every document is accounted for, and nothing in a rule file harms its neighbours."""

from __future__ import annotations

import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.loading import RuleSet, RuleText, load_rules
from tocsin.records.event import Logsource


def load(*texts: str) -> RuleSet:
    files = [RuleText(f"file{n}.yml", textwrap.dedent(text)) for n, text in enumerate(texts)]
    loaded = load_rules(files)
    assert_accounted(loaded)
    return loaded


def assert_accounted(loaded: RuleSet) -> None:
    parts = (loaded.rules, loaded.correlations, loaded.filters, loaded.problems)
    assert sum(map(len, parts)) + loaded.templates == loaded.documents


GOOD = """
    title: Good
    id: 11111111-1111-1111-1111-111111111111
    name: good
    level: high
    status: stable
    description: Says what it is.
    tags: [attack.t1059.001, attack.credential_access, attack.g0016, cve.2026-1]
    falsepositives: [Administrators]
    logsource: {product: Windows, category: process_creation}
    detection:
        sel: {Image: a}
        condition: sel
"""


def test_what_a_rule_says_of_itself() -> None:
    rule = load(GOOD).rules[0]
    meta = rule.meta
    assert (meta.id, meta.name, meta.title) == ("11111111-1111-1111-1111-111111111111", "good", "Good")
    assert (meta.level, meta.status, meta.techniques) == ("high", "stable", ("T1059.001",))
    assert meta.tactics == ("credential-access",)
    assert meta.falsepositives == ("Administrators",)
    assert meta.path == "file0.yml"
    assert rule.logsource == Logsource("windows", "process_creation")
    assert rule.fields == {"Image"}
    assert not rule.keywords


def test_badly_written_metadata_stops_no_detection() -> None:
    broken = GOOD.replace(
        "level: high", "level: huge\n    date: yesterday\n    related: [x]\n    references: 5"
    )
    rule = load(broken.replace("id: 11111111", "id: my-own-rule-1111")).rules[0]
    assert rule.meta.level == "medium"
    assert rule.id.startswith("my-own-rule")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: x\n", "no detection"),
        ("- a\n- b\n", "no mapping"),
        ("just words\n", "no mapping"),
        ("title: [\n", "no YAML"),
        ("title: a\ntitle: b\n", "stands twice"),
        ("a: &a {b: 1}\nc: {<<: *a}\n", "merge key"),
        ("logsource: {product: a}\ndetection: {s: {a: 1}, condition: s}\n", "no title"),
        ("title: a\ndetection: {s: {a: 1}, condition: s}\n", "no logsource"),
        ("title: a\nlogsource: {definition: x}\ndetection: {s: {a: 1}, condition: s}\n", "name its product"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}}\n", "condition"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: s and}\n", "cannot be read"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: t}\n", "'t' not defined"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: 1 of t*}\n", "any detection"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: 2 of them}\n", "cannot be read"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: 5}\n", "in quotes"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: [s, null]}\n", "in quotes"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: []}\n", "at least one condition"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: s | count() > 5}\n", "pipe syntax"),
        ("title: a\ntaxonomy: ecs\nlogsource: {product: a}\ndetection: {s: {a: 1}, condition: s}\n", "taxonomy"),
        ("title: a\nlogsource: {product: a}\ndetection: {s: {on: 1}, condition: s}\n", "write it in quotes"),
    ],
)  # fmt: skip
def test_one_broken_document_is_told_and_takes_no_other_along(text: str, told: str) -> None:
    loaded = load(
        textwrap.dedent(GOOD) + "---\n" + text + "---\n" + textwrap.dedent(GOOD).replace("1111", "2222")
    )
    assert [rule.meta.title for rule in loaded.rules] == ["Good", "Good"]
    assert len(loaded.problems) == 1
    assert told in loaded.problems[0].why
    assert loaded.problems[0].path == "file0.yml"


@pytest.mark.parametrize(
    "text",
    [
        "- " * 200_000,
        "{a: " * 50_000,
        "? " * 100_000,
        "\n".join(" " * n + "a:" for n in range(1_300)),
        "a: &a [*a]",
        "a: 1" + ":10" * 300_000,
        "a: " + "9" * 100_000,
        "a: 0x" + "f" * 100_000,
        "a: !!timestamp 99",
        "a: 2024-13-45",
        "!!python/object/apply:os.getcwd []",
        "a: \x00",
        "a: \ud800",
        "? [a]\n: b",
        "[" * 5_000,
        "\n".join(
            ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
            + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
        ),
        "title: " + "a" * bounds.RULE_BYTES,
        "\n" * 500_000 + "x",
    ],
    ids=range(18),
)
def test_hostile_yaml_is_a_problem_soon(text: str) -> None:
    began = time.monotonic()
    loaded = load(text, GOOD)
    assert time.monotonic() - began < 2
    assert len(loaded.rules) == 1
    assert len(loaded.problems) == 1
    assert len(loaded.problems[0].why) < 600


def test_hostile_conditions_and_expressions_are_problems_soon() -> None:
    rule = "title: a{n}\nlogsource: {{product: a}}\ndetection: {{s: {{a|re: '{expression}'}}, condition: '{condition}'}}\n"
    conditions = ["(" * 3_000 + "s" + ")" * 3_000, "not " * 5_000 + "s", " and ".join(["s"] * 5_000)]
    texts = [rule.format(n=n, expression="x", condition=text) for n, text in enumerate(conditions)]
    texts.append(rule.format(n=9, expression="(" * 5_000 + ")" * 5_000, condition="s"))
    began = time.monotonic()
    loaded = load(*texts, GOOD)
    assert time.monotonic() - began < 5
    assert "Good" in {one.meta.title for one in loaded.rules}


def test_of_two_rules_with_one_id_the_first_is_loaded() -> None:
    loaded = load(GOOD, GOOD.replace("title: Good", "title: Other"))
    assert [rule.meta.title for rule in loaded.rules] == ["Good"]
    assert "file0.yml, which was loaded first" in loaded.problems[0].why
    assert loaded.problems[0].title == "Other"


def test_empty_documents_and_comments_are_no_documents() -> None:
    assert load("# nothing\n", "---\n---\n", "").documents == 0


def test_collection_actions() -> None:
    loaded = load(
        """
        action: global
        title: Shared
        id: 33333333-3333-3333-3333-333333333333
        detection:
            condition: sel
        ---
        logsource: {product: a}
        detection: {sel: {a: 1}}
        ---
        logsource: {product: b}
        detection: {sel: {b: 1}}
        ---
        action: reset
        ---
        title: Alone
        logsource: {product: c}
        detection: {sel: {c: 1}, condition: sel}
        ---
        action: repeat
        title: Again
        detection: {sel: {d: 1}}
        """
    )
    assert loaded.templates == 2
    assert [rule.id for rule in loaded.rules] == [
        "33333333-3333-3333-3333-333333333333",
        "33333333-3333-3333-3333-333333333333#2",
        "Alone",
        "Again",
    ]
    assert loaded.rules[1].logsource == Logsource("b")
    assert loaded.rules[3].matches(EventView({"c": 1, "d": 1}))
    assert not loaded.rules[3].matches(EventView({"d": 1}))


FILTER = """
    title: Not on the build servers
    logsource: {product: windows}
    filter:
        rules: [good]
        selection: {Host|startswith: build}
        condition: not selection
"""


def test_a_filter_restricts_the_rules_it_names() -> None:
    other = GOOD.replace("1111", "2222").replace("name: good", "name: other")
    loaded = load(GOOD, other, FILTER)
    filtered, unfiltered = loaded.rules
    assert loaded.filters[0].rules == (filtered.id,)
    assert filtered.filters == ("Not on the build servers",)
    assert filtered.matches(EventView({"Image": "a", "Host": "ws"}))
    assert not filtered.matches(EventView({"Image": "a", "Host": "build-1"}))
    assert unfiltered.matches(EventView({"Image": "a", "Host": "build-1"}))


def test_a_filter_for_any_rule_of_its_logsource() -> None:
    loaded = load(
        GOOD, GOOD.replace("1111", "2222").replace("Windows", "linux"), FILTER.replace("[good]", "any")
    )
    assert [bool(rule.filters) for rule in loaded.rules] == [True, False]


def test_a_filter_for_no_loaded_rule_is_told() -> None:
    assert "filter for no rule" in load(GOOD, FILTER.replace("[good]", "[missing]")).problems[0].why
    assert "filter for no rule" in load(GOOD, FILTER.replace("windows", "linux")).problems[0].why
    assert "rules" in load(GOOD, FILTER.replace("rules: [good]", "")).problems[0].why


CORRELATION = """
    title: Many
    id: not-a-uuid
    date: some day
    correlation:
        type: event_count
        rules: [good]
        group-by: [User]
        timespan: 5m
        condition: {gte: 3}
"""


def test_a_correlation_is_planned_and_its_references_resolved() -> None:
    loaded = load(CORRELATION, GOOD)
    assert loaded.correlations[0].plan.members == ("11111111-1111-1111-1111-111111111111",)
    assert loaded.correlations[0].id == loaded.correlations[0].plan.ref == "not-a-uuid"


def test_a_correlation_over_a_rule_that_is_not_loaded_is_told() -> None:
    loaded = load(CORRELATION)
    assert "not loaded" in loaded.problems[0].why
    assert loaded.problems[0].rule == "not-a-uuid"


@pytest.mark.parametrize(
    ("condition", "fields", "expected"),
    [
        ("a or b and c", {"a": 1}, True),
        ("(a or b) and c", {"a": 1}, False),
        ("not a and b", {"b": 1}, True),
        ("not (a and b)", {"b": 1}, True),
        ("not a or b", {"a": 1}, False),
        ("1 of them", {"c": 1}, True),
        ("any of them", {"c": 1}, True),
        ("1 of them", {"_hidden": 1}, False),
        (
            "all of them",
            dict.fromkeys(("a", "b", "c", "sel_1", "sel_2", "notepad", "with-hyphen"), 1),
            True,
        ),
        ("all of them", {"a": 1, "b": 1, "c": 1, "sel_1": 1, "sel_2": 1}, False),
        ("1 of sel_*", {"sel_2": 1}, True),
        ("all of sel_*", {"sel_2": 1}, False),
        ("a and not 1 of sel_*", {"a": 1}, True),
        ("1 of *_2", {"sel_2": 1}, True),
        ("notepad", {"notepad": 1}, True),
        ("_hidden", {"_hidden": 1}, True),
        ("a AND NOT (b OR c)", {"a": 1}, True),
        ("1 OF sel_*", {"sel_1": 1}, True),
        ("1 of with-*", {"with-hyphen": 1}, True),
        ("all of with-* and not a", {"with-hyphen": 1}, True),
        ("with-hyphen or a", {"with-hyphen": 1}, True),
        (["a and b", "c"], {"c": 1}, True),
        (["a and b", "c"], {"a": 1}, False),
    ],
)
def test_conditions(condition: str | list[str], fields: dict[str, int], expected: bool) -> None:
    names = ["a", "b", "c", "sel_1", "sel_2", "notepad", "_hidden", "with-hyphen"]
    selections = "\n".join(f"  '{name}': {{'{name}': 1}}" for name in names)
    text = f"title: T\nlogsource: {{product: p}}\ndetection:\n{selections}\n  condition: {condition}\n"
    loaded = load_rules([RuleText("t", text)])
    assert loaded.rules[0].matches(EventView(fields)) is expected


def test_a_list_of_maps_is_any_of_them_and_a_map_all_of_it() -> None:
    text = """
        title: T
        logsource: {product: p}
        detection:
            sel:
                - {a: 1, b: 1}
                - {c: 1}
                - word
            condition: sel
    """
    rule = load(text).rules[0]
    assert rule.matches(EventView({"a": 1, "b": 1}))
    assert not rule.matches(EventView({"a": 1}))
    assert rule.matches(EventView({"c": 1}))
    assert rule.matches(EventView({"d": "a word"}))
    assert rule.keywords


@settings(max_examples=60)
@given(st.text("abcxyz:[]{}&*!|>-?'\"#%@`,\n \t~0123", max_size=80), st.text(max_size=40))
def test_any_text_is_accounted_for(text: str, other: str) -> None:
    assert_accounted(load_rules([RuleText("a", text), RuleText("b", other + "\n---\n" + text)]))


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.sampled_from(["s", "1 of them", "%a%"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["s", "f|re", "f|all", "f|exists", "f|hour", "f|expand", "condition", "rules", "type", "|", ""]),
        inner, max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=120)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "title",
                "id",
                "name",
                "logsource",
                "detection",
                "correlation",
                "filter",
                "action",
                "tags",
                "level",
            ]
        ),
        _ANY,
    )
)
def test_any_document_is_accounted_for(document: dict[str, object]) -> None:
    import yaml

    text = yaml.safe_dump({"title": "T", "logsource": {"product": "p"}} | document)
    assert_accounted(load_rules([RuleText("a", text + "---\n" + text), RuleText("b", text)]))


def test_loading_imports_nothing_that_downloads() -> None:
    import subprocess
    import sys

    code = (
        "import sys, tocsin.detect.sigma.loading, tocsin.detect.sigma.detector\n"
        "bad = {'sigma.data', 'sigma.validators', 'requests', 'urllib3', 'http.client'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_number_beyond_all_counts_is_told_not_stumbled_over() -> None:
    loaded = load(GOOD, CORRELATION.replace("{gte: 3}", "{gte: 1" + "0" * 399 + "}"))
    assert "nothing can be compared with" in loaded.problems[0].why


def test_a_rule_set_is_assembled_without_pysigma() -> None:
    import subprocess
    import sys

    code = (
        "import sys, tocsin.detect.sigma.compiling.assembly, tocsin.detect.sigma.detector\n"
        "bad = {name for name in sys.modules if name.partition('.')[0] in {'sigma', 'yaml', 'pyparsing'}}\n"
        "sys.exit(str(bad) if bad else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_progress_is_told_after_each_text() -> None:
    told: list[tuple[int, int]] = []
    load_rules([RuleText("a", GOOD), RuleText("b", "x")], progress=lambda *at: told.append(at))
    assert told == [(1, 2), (2, 2)]
