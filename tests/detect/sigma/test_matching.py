"""Every modifier and value type of the Sigma specification, from YAML text to verdict."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.loading import RuleText, load_rules


def judge(selection: Any, fields: dict[str, Any], **placeholders: list[str]) -> bool:
    """Whether a rule with the one selection `selection` matches an event of `fields`."""
    return judge_detection({"sel": selection, "condition": "sel"}, fields, **placeholders)


def judge_detection(detection: dict[str, Any], fields: dict[str, Any], **placeholders: list[str]) -> bool:
    rule = {"title": "T", "logsource": {"product": "p"}, "detection": detection}
    loaded = load_rules([RuleText("t.yml", yaml.safe_dump(rule, allow_unicode=True))], placeholders)
    assert not loaded.problems, loaded.problems
    return loaded.rules[0].matches(EventView(fields))


def problem(selection: Any, **placeholders: list[str]) -> str:
    rule = {"title": "T", "logsource": {"product": "p"}, "detection": {"sel": selection, "condition": "sel"}}
    loaded = load_rules([RuleText("t.yml", yaml.safe_dump(rule))], placeholders)
    assert not loaded.rules
    assert len(loaded.problems) == 1
    return loaded.problems[0].why


@pytest.mark.parametrize(
    ("selection", "value", "expected"),
    [
        # text: whole value, any case
        ({"f": "Cmd.EXE"}, "cmd.exe", True),
        ({"f": "cmd.exe"}, "xcmd.exe", False),
        ({"f": "ÄRGER"}, "ärger", True),
        ({"f": "a"}, "a\n", False),
        # wildcards and their escapes
        ({"f": "a*c"}, "abbc", True),
        ({"f": "a*c"}, "ac", True),
        ({"f": "a?c"}, "abc", True),
        ({"f": "a?c"}, "ac", False),
        ({"f": "a*b*c"}, "a\nb\nc", True),
        ({"f": "*ab*ab"}, "ab", False),
        ({"f": "*ab*ab"}, "abab", True),
        ({"f": "a*a"}, "a", False),
        ({"f": r"a\*c"}, "abc", False),
        ({"f": r"a\*c"}, "a*c", True),
        ({"f": r"a\?c"}, "a?c", True),
        ({"f": r"C:\Windows"}, r"C:\Windows", True),
        ({"f": r"C:\\Windows"}, r"C:\Windows", True),
        ({"f": r"C:\\*"}, r"C:\x", True),
        ({"f": r"C:\\\*"}, r"C:\*", True),
        ({"f": r"C:\\\*"}, r"C:\x", False),
        ({"f": r"\\\\srv"}, r"\\srv", True),
        ({"f": "*"}, "", True),
        ({"f": "*"}, None, False),
        ({"f": "a.c"}, "abc", False),
        # empty, null, lists of values
        ({"f": ""}, "", True),
        ({"f": ""}, None, False),
        ({"f": ""}, " ", False),
        ({"f": None}, None, True),
        ({"f": None}, "", False),
        ({"f": None}, 0, False),
        ({"f": None}, [], True),
        ({"f": ["a", "b"]}, "B", True),
        ({"f": ["a", None]}, None, True),
        # numbers by value
        ({"f": 4688}, 4688, True),
        ({"f": 4688}, "4688", True),
        ({"f": "4688"}, 4688, True),
        ({"f": 4688}, 4688.0, True),
        ({"f": 1}, True, False),
        ({"f": 16}, "0x10", False),
        ({"f": 5}, "15", False),
        ({"f": 2.5}, "2.50", True),
        ({"f": -3}, "-3", True),
        # booleans, as logs write them
        ({"f": True}, True, True),
        ({"f": True}, "True", True),
        ({"f": "true"}, True, True),
        ({"f": "false"}, False, True),
        ({"f": True}, 1, False),
        ({"f": False}, None, False),
        # contains, startswith, endswith, all, cased
        ({"f|contains": "ell"}, "HELLO", True),
        ({"f|contains": "e?l"}, "hello", True),
        ({"f|contains": ["x", "ell"]}, "hello", True),
        ({"f|contains|all": ["he", "lo"]}, "hello", True),
        ({"f|contains|all": ["he", "x"]}, "hello", False),
        ({"f|startswith": "he"}, "Hello", True),
        ({"f|startswith": "el"}, "hello", False),
        ({"f|endswith": r"\cmd.exe"}, r"C:\CMD.exe", True),
        ({"f|endswith": "hell"}, "hello", False),
        ({"f|contains": "4"}, 1742, True),
        ({"f|cased": "Abc"}, "Abc", True),
        ({"f|cased": "Abc"}, "abc", False),
        ({"f|contains|cased": "B"}, "abc", False),
        ({"f|startswith|cased": "aB*d"}, "aBcde", True),
        ({"f|startswith|cased": "aB*d"}, "abcde", False),
        # neq
        ({"f|neq": "a"}, "b", True),
        ({"f|neq": "a"}, "A", False),
        ({"f|neq": 5}, "5", False),
        ({"f|neq": ["a", "b"]}, "b", False),
        ({"f|neq": ["a", "b"]}, "c", True),
        # comparisons
        ({"f|lt": 10}, 9, True),
        ({"f|lt": 10}, 10, False),
        ({"f|lte": 10}, "10", True),
        ({"f|gt": 10}, "10.5", True),
        ({"f|gte": 10}, 9.99, False),
        ({"f|gt": 10}, "many", False),
        ({"f|gt": 10}, "0x20", False),
        ({"f|gt": 0}, True, False),
        ({"f|lt": 10}, None, False),
        # cidr
        ({"f|cidr": "10.0.0.0/8"}, "10.200.0.1", True),
        ({"f|cidr": "10.0.0.0/8"}, "11.0.0.1", False),
        ({"f|cidr": "10.0.0.0/8"}, "::ffff:10.1.1.1", True),
        ({"f|cidr": "2001:db8::/32"}, "2001:DB8::1", True),
        ({"f|cidr": "2001:db8::/32"}, "2001:db9::1", False),
        ({"f|cidr": ["192.168.0.0/16", "::1/128"]}, "0:0:0:0:0:0:0:1", True),
        ({"f|cidr": "fe80::/10"}, "fe80::1%12", True),
        ({"f|cidr": "10.0.0.0/8"}, "10.0.0.1.example.org", False),
        ({"f|cidr": "0.0.0.0/0"}, 1, False),
        # exists
        ({"f|exists": True}, None, True),
        ({"f|exists": True}, "", True),
        ({"f|exists": False}, "", False),
        # regular expressions search, with case unless told otherwise
        ({"f|re": "b.d"}, "abcde", True),
        ({"f|re": "^b"}, "abc", False),
        ({"f|re": "B"}, "abc", False),
        ({"f|re|i": "B"}, "abc", True),
        ({"f|re": "(?i)B"}, "abc", True),
        ({"f|re": "a.c"}, "a\nc", False),
        ({"f|re|s": "a.c"}, "a\nc", True),
        ({"f|re": "^b$"}, "a\nb\nc", False),
        ({"f|re|m": "^b$"}, "a\nb\nc", True),
        ({"f|re|i|m|s": "^B.c$"}, "a\nb\nc", True),
        ({"f|re": r"^\d{4}$"}, 4688, True),
        ({"f|re": r"a\*b"}, "a*b", True),
        ({"f|re": r"(?<!x)a(?=b)"}, "ab", True),
        ({"f|re": ["x", "b"]}, "abc", True),
        # windash
        ({"f|contains|windash": " -enc "}, "ps /enc x", True),
        ({"f|contains|windash": " -enc "}, "ps –enc x", True),
        ({"f|windash|contains": " /enc "}, "ps —ENC x", True),
        ({"f|contains|windash": " -enc "}, "ps enc x", False),
        ({"f|contains|all|windash": [" -a ", " -b "]}, "x /a /b y", True),
        ({"f|contains|all|windash": [" -a ", " -b "]}, "x /a y", False),
        ({"f|endswith|windash": "a-b -c"}, "a-b /c", True),
        ({"f|endswith|windash": "a-b -c"}, "a/b -c", False),
        # time parts, read as written
        ({"f|hour": 23}, "2026-03-01T23:59:00+02:00", True),
        ({"f|hour": 21}, "2026-03-01T23:59:00+02:00", False),
        ({"f|minute": 59}, "2026-03-01 23:59:00.1234567", True),
        ({"f|day": 1}, "2026-03-01", True),
        ({"f|week": 9}, "2026-03-01T00:00:00Z", True),
        ({"f|month": 3}, "2026-03-01T00:00:00Z", True),
        ({"f|year": 2026}, "2026-03-01T00:00:00Z", True),
        ({"f|year": 2026}, "yesterday", False),
        ({"f|hour|gte": 22}, "2026-03-01T23:00:00Z", True),
        ({"f|hour|gte": 22}, "2026-03-01T21:00:00Z", False),
        ({"f|hour": 1}, 3600, True),
        ({"f|hour": 1}, 3_600_000 + 1_700_000_000_000 - 1_700_000_000_000 % 86_400_000, True),
    ],
)
def test_a_selection_on_one_value(selection: dict[str, Any], value: Any, expected: bool) -> None:
    assert judge(selection, {"f": value}) is expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"f": "*"}, False),
        ({"f": None}, True),
        ({"f": ""}, False),
        ({"f|exists": False}, True),
        ({"f|exists": True}, False),
        ({"f|neq": "a"}, True),
        ({"f|lt": 5}, False),
        ({"f|re": ""}, False),
        ({"f|cidr": "0.0.0.0/0"}, False),
        ({"f|fieldref": "g"}, False),
        ({"f|hour": 0}, False),
    ],
)
def test_a_missing_field_is_false_except_where_absence_is_asked_for(selection: Any, expected: bool) -> None:
    assert judge(selection, {"other": 1}) is expected


def test_a_missing_field_under_not_is_false_then_negated() -> None:
    detection = {"sel": {"a": 1}, "filter": {"f|contains": "x"}, "condition": "sel and not filter"}
    assert judge_detection(detection, {"a": 1})
    assert not judge_detection(detection, {"a": 1, "f": "x"})


@pytest.mark.parametrize(
    ("selection", "fields", "expected"),
    [
        ({"a|fieldref": "b"}, {"a": "X", "b": "x"}, True),
        ({"a|fieldref": "b"}, {"a": "x", "b": "y"}, False),
        ({"a|fieldref": "b"}, {"a": 5, "b": "5"}, True),
        ({"a|fieldref": "b"}, {}, False),
        ({"a|fieldref": "b"}, {"a": None, "b": None}, False),
        ({"a|fieldref": "b"}, {"a": "", "b": ""}, True),
        ({"a|fieldref": "b"}, {"a": ["p", "q"], "b": ["q", "r"]}, True),
        ({"a|fieldref|startswith": "b"}, {"a": "Hello", "b": "he"}, True),
        ({"a|fieldref|startswith": "b"}, {"a": "he", "b": "hello"}, False),
        ({"a|fieldref|endswith": "b"}, {"a": "hello", "b": "LO"}, True),
        ({"a|fieldref|contains": "b"}, {"a": "hello", "b": "ell"}, True),
    ],
)
def test_field_references(selection: Any, fields: dict[str, Any], expected: bool) -> None:
    assert judge(selection, fields) is expected


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("f", {"f": ["x", "a"]}, True),
        ("f", {"f": [["x"], ["a"]]}, True),
        ("F", {"f": "a"}, False),
        ("Threat Name", {"Threat Name": "a"}, True),
        ("ThreatName", {"Threat Name": "a"}, True),
        ("a.b", {"a.b": "a"}, True),
        ("a.b", {"a": {"b": "a"}}, True),
        ("a.b", {"a": [{"b": "x"}, {"b": "a"}, {"c": 1}]}, True),
        ("a.b.c", {"a.b": {"c": "a"}}, True),
        ("a.b.c", {"a": {"b.c": "a"}}, True),
        ("a.b", {"a.b": "x", "a": {"b": "a"}}, False),
        ("a.b", {"a": "a"}, False),
        ("a.b", {"a": None}, False),
    ],
)
def test_where_a_field_is_looked_for(name: str, fields: dict[str, Any], expected: bool) -> None:
    assert judge({name: "a"}, fields) is expected


def test_an_object_is_searched_as_its_json() -> None:
    fields = {"requestParameters": {"Versioning": {"Status": "Suspended"}}}
    assert judge({"requestParameters|contains": '"status":"suspended"'}, fields)
    assert not judge({"requestParameters": None}, fields)


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        (["nothing", "EVIL"], True),
        ("evil", True),
        (["nothing"], False),
        (["evil*dll"], True),
        (["e?il"], True),
        (["evil*deep"], False),  # never across two values
        (["deep"], True),
        (["nested"], False),  # a key is no value
        ([4104], True),
        ({"|all": ["evil", "deep"]}, True),
        ({"|all": ["evil", "nothing"]}, False),
        ({"|re": r"ev.l\.dll$"}, True),
        ({"|cidr": "10.0.0.0/8"}, True),
        ({"|contains|cased": "Evil"}, False),
    ],
)
def test_keywords_search_every_value(keywords: Any, expected: bool) -> None:
    fields = {
        "a": "some evil.dll",
        "nested": [{"b": ["x", "deeper"]}],
        "id": 4104,
        "ip": "10.1.1.1",
        "n": None,
    }
    assert judge(keywords, fields) is expected


def test_encodings() -> None:
    text = "http://"
    plain = base64.b64encode(b"go http://x").decode()
    assert judge({"f|base64offset|contains": text}, {"f": plain})
    assert judge({"f|base64": "foo"}, {"f": "Zm9v"})
    for prefix in ("", "a", "ab"):
        wide = base64.b64encode((prefix + text + "yz").encode("utf-16le")).decode()
        for modifier in ("wide", "utf16le"):
            assert judge({f"f|{modifier}|base64offset|contains": text}, {"f": wide})
        assert not judge({"f|base64offset|contains": text}, {"f": wide})
    assert judge({"f|utf16be|base64": "ab"}, {"f": base64.b64encode("ab".encode("utf-16be")).decode()})
    assert judge({"f|utf16|base64": "ab"}, {"f": base64.b64encode(b"\xff\xfea\x00b\x00").decode()})


def test_placeholders_become_their_values() -> None:
    assert judge({"f|expand": "%admins%"}, {"f": "ANNA"}, admins=["anna", "it-*"])
    assert judge({"f|expand": "%admins%"}, {"f": "it-support"}, admins=["anna", "it-*"])
    assert not judge({"f|expand": "%admins%"}, {"f": "bob"}, admins=["anna", "it-*"])
    assert judge({"f|contains|expand": r"\%admins%\x"}, {"f": r"c:\anna\x"}, admins=["anna"])
    assert judge({"f|contains|all|expand": ["%a%", "z"]}, {"f": "y z"}, a=["x", "y"])
    assert judge({"f|re|expand": "^%a%$"}, {"f": "x.y"}, a=["x.y"])
    assert not judge({"f|re|expand": "^%a%$"}, {"f": "xzy"}, a=["x.y"])
    assert judge({"f": "%a%"}, {"f": "%a%"})


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        ({"f|expand": "%Admins%"}, "placeholder %Admins%, which has no values: add it to a placeholder file"),
        ({"f|expand|base64": "%Admins%"}, "together with |base64"),
        ({"f|like": "x"}, "unknown modifier 'like'"),
        ({"f|re": "(a"}, "missing )"),
        ({"f|contains": 5}, "wrong kind"),
        ({"f|gt": "5"}, "wrong kind"),
        ({"f|cidr": "10.0.0.1/8"}, "host bits"),
        ({"|lt": 5}, "needs a field"),
        ([None], "needs a field"),
        ({"f|wide": "é"}, "ascii"),
        ({1: "a"}, "write it in quotes"),
        ([[]], "must be bound to a field"),
        ({}, "empty"),
        ({"f": {"g": 1}}, "Unsupported type"),
    ],
)
def test_what_cannot_run_says_why(selection: Any, told: str) -> None:
    assert told in problem(selection)


_FIELDS = st.dictionaries(
    st.sampled_from("abc"), st.text("xyz*?\\-/ ", max_size=6) | st.integers(0, 3) | st.none() | st.booleans()
)
_TEXTS = st.text("xyz*?\\-/ ", max_size=5)
_SELECTIONS = st.dictionaries(
    st.sampled_from(["a", "b", "a|contains", "b|endswith", "c|startswith", "a|neq", "c|re"]),
    st.text("xyz", min_size=1, max_size=2)
    | st.lists(st.text("xyz", min_size=1, max_size=2), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60)
@given(one=_SELECTIONS, two=_SELECTIONS, fields=_FIELDS)
def test_de_morgan(one: Any, two: Any, fields: dict[str, Any]) -> None:
    def holds(condition: str) -> bool:
        return judge_detection({"s1": one, "s2": two, "condition": condition}, fields)

    assert holds("not (s1 and s2)") is holds("not s1 or not s2")
    assert holds("not (s1 or s2)") is holds("not s1 and not s2")
    assert holds("1 of s*") is holds("s1 or s2")
    assert holds("all of them") is holds("s1 and s2")
    assert holds("s1") is not holds("not s1")


@settings(max_examples=80)
@given(text=st.text("xyz*?-/ ", max_size=5), fields=_FIELDS)
def test_modifiers_are_wildcards_by_another_name(text: str, fields: dict[str, Any]) -> None:
    assert judge({"a": f"*{text}"}, fields) is judge({"a|endswith": text}, fields)
    assert judge({"a": f"{text}*"}, fields) is judge({"a|startswith": text}, fields)
    assert judge({"a": f"*{text}*"}, fields) is judge({"a|contains": text}, fields)


@settings(max_examples=60)
@given(values=st.lists(_TEXTS, min_size=1, max_size=4), fields=_FIELDS)
def test_all_asks_for_each_and_a_list_for_any(values: list[str], fields: dict[str, Any]) -> None:
    single = [judge({"a|contains": value}, fields) for value in values]
    assert judge({"a|contains|all": values}, fields) is all(single)
    assert judge({"a|contains": values}, fields) is any(single)
