"""Sigma rules as Hypothesis makes them: as YAML text, read by the real loader, with every modifier and condition.

The fields, texts and numbers are few on purpose: rules of one world ask for the same things in many ways, so that the
parts that an engine shares between rules (values, atoms, triggers, plans) really are shared.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml
from hypothesis import strategies as st

from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.detect.sigma.ruleset import CompiledRule

PLACEHOLDERS = {"admins": ["anna", "it-*", "Σ?"], "one": ["a.b"]}

LOGSOURCES: tuple[dict[str, str], ...] = (
    {"product": "windows", "category": "process_creation"},
    {"product": "windows", "service": "sysmon"},
    {"product": "windows", "service": "security"},
    {"product": "windows"},
    {"category": "process_creation"},
    {"product": "linux"},
)

TEXT_FIELDS = (
    "Image",
    "CommandLine",
    "Channel",
    "EventID",
    "ThreatName",
    "Threat Name",
    "a",
    "a.b",
    "a.b.c",
    "Data",
)
"""`ThreatName` is how rules write `Threat Name`; `a.b` may be one key or a path."""

PIECES = (
    "cmd", ".exe", "\\", "/", "-", " ", "a", "AB", "ab", "k", "K", "\u212a", "s", "ss", "ß", "ẞ", "ſ", "i", "I", "İ", "ı",
    "σ", "ς", "Σ", "ﬁ", "fi", "é", "e\u0301", "Å", "ǆ", "ǅ", "ŉ", "\0", "\n", "\r\n", "\t", "😀", "1", "true", "10.0.0.1",
    "%", "'", '"', ".", "(", "[", "^$", "\u2013", "x" * 70, "\x1c", "\x1e", "\x1f", "\x1e\x1f", "\u0345", "\u00ad", "ΑΣ",
)  # fmt: skip
"""What texts consist of: letters whose case mapping changes their length, depends on their place or meets ASCII."""

WILDS = ("*", "?", "\\*", "\\?", "\\\\", "\\\\*", "**", "*?")
"""Wildcards and their escapes."""

EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "a.b": ("a-b", "a\nb", "A.B", "ab"),
    "^cmd": ("cmd x", "x cmd", "CMD", "\ncmd"),
    r"\.exe$": ("a.exe", "a.exe\n", "a.exe x", "A.EXE"),
    r"(?:ab|k)+s?": ("ababks", "\u212a", "K", "ſ"),
    "[a-f0-9]{4,8}": ("00ff", "abc", "ABCDEF", "abcdefab0"),
    r"\bcmd\b": ("x cmd y", "xcmd", "cmdé", "cmd"),
    r"\d+": ("1", "\u0663", "true", "x"),
    r"\w{3}": ("éàü", "ab", "a_1", "e\u0301e"),
    "é|ß": ("É", "é", "SS", "ẞ"),
    "(?i)straße": ("STRASSE", "STRAẞE", "straße", "strasse"),
    "(?<!x)cmd(?=\\.)": ("cmd.", "xcmd.", "cmd", "y cmd.exe"),
    "(a)(b)?\\1": ("aa", "aba", "ab", "AA"),
    "": ("", "x", "\0"),
    "^$": ("", "\n", "x", " "),
    r"\x00": ("\0", "a\0b", "", "0"),
    ".{3}": ("abc", "a\nb", "ab", "😀😀😀"),
    "^a$": ("a", "b\na", "a\n", "A"),
    "i": ("İ", "ı", "I", "i"),
    "[^a]": ("a", "b", "\n", ""),
    r"(?:cmd|powershell).{0,5}\s+-": ("cmd.exe -", "powershell\t-", "cmd-", "CMD -"),
    "tr[ue]{2}": ("true", "TRUE", "1"),
    "(?i)\u212aab": ("kab", "KAB", "\u212aab", "ab"),
    "(?i)cmdſ": ("cmds", "CMDS", "cmdſ", "cmd"),
    "(?if)stra(?:ß)e": ("strasse", "STRASSE", "straße", "strase"),
    "(?:cmd.exe){e<=1}": ("cmd.ex", "cmdexe", "cmd.exe", "cmd"),
    "(?x) c m d  # exe": ("cmd", "c m d", "exe", "cm"),
    "(?:cmd){0}ab": ("ab", "cmdab", "a", "AB"),
    "cmds?|": ("", "cmd", "x", "s"),
    "(?i:CMD)-(?-i:ab)": ("cmd-ab", "CMD-ab", "CMD-AB", "cmd"),
    r"\x63\x6dd\.": ("cmd.", "cmd", "x63", "CMD."),
    "(?>a+)b": ("aab", "b", "aaaB", "xab"),
    "(?r)cmd$": ("cmd", "xcmd", "cmd\n", "cmdx"),
    "(?P<q>cmd).*(?P=q)": ("cmd cmd", "cmd", "cmdcmd", "cmd CMD"),
    "(?!cmd)ab": ("ab", "cmd", "cmdab", "a"),
    "(?:(cmd)|ab)(?(1)x|y)": ("cmdx", "aby", "cmdy", "abx"),
    r"a\Kb": ("ab", "b", "a", "xab"),
    "(?s:a.b).": ("a\nbx", "a\nb\n", "ab", "axbx"),
}
"""Regular expressions, each with values that meet it or nearly do."""

_ANCHORED = tuple(text for text in EXPRESSIONS if {"^", "$"} & set(text[:1] + text[-1:])) * 2

NETWORKS = ("10.0.0.0/8", "10.0.0.1", "192.168.1.0/24", "0.0.0.0/0", "fe80::/10", "::1/128", "2001:db8::/32")
NUMBERS = (0, 1, -1, 4688, 1.0, 1.5, 2**53, 2**53 + 1, 10**20, -0.5)
EVENT_IDS = (1, 3, 10, 4624, 4688)
CHANNELS = ("Security", "System", "Microsoft-Windows-Sysmon/Operational")

_PARTS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "week": (1, 53),
    "month": (1, 12),
    "year": (1970, 2038),
}
_ORDER = ("lt", "lte", "gt", "gte")


def texts() -> st.SearchStrategy[str]:
    """Plain text, with no wildcard and no escape."""
    return st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """A Sigma string: pieces, with wildcards and escapes in any place."""
    parts = draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3))
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from(WILDS)))
    return "".join(parts)


def _listed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=3)


@st.composite
def _text_item(draw: st.DrawFn) -> tuple[str, Any]:
    place = draw(st.sampled_from(("", "|contains", "|startswith", "|endswith")))
    more = draw(
        st.sampled_from(("", "", "", "|cased", "|neq", "|all", "|windash", "|all|neq", "|windash|cased"))
    )
    if "windash" in more:
        return place + more, draw(_listed(st.sampled_from((" -a", "-ab /k", "/I", "x –s", "cmd"))))
    if "all" in more:
        return place + more, draw(st.lists(patterns(), min_size=2, max_size=3))
    return place + more, draw(_listed(patterns()))


@st.composite
def _encoded_item(draw: st.DrawFn) -> tuple[str, Any]:
    wide = draw(st.sampled_from(("", "|wide", "|utf16", "|utf16be", "|utf16le", "|utf16le")))
    encode = draw(st.sampled_from(("|base64", "|base64offset", "|base64offset|contains", "|base64|contains")))
    ascii_only = st.sampled_from(("cmd", "http://", "ab", "AB", "a", "powershell -e", "\0x"))
    return wide + encode, draw(_listed(ascii_only if wide else ascii_only | texts()))


@st.composite
def _regex_item(draw: st.DrawFn) -> tuple[str, Any]:
    flags = draw(
        st.sampled_from(
            ("", "|i", "|m", "|s", "|s|i", "|ignorecase", "|multiline", "|dotall", "|neq", "|all")
        )
    )
    return f"|re{flags}", draw(_listed(st.sampled_from((*EXPRESSIONS, *_ANCHORED))))


@st.composite
def _plain_item(draw: st.DrawFn) -> tuple[str, Any]:
    value = st.sampled_from((None, "", "*", "?", True, False, "true", "1", *NUMBERS)) | patterns()
    return draw(st.sampled_from(("", "", "|neq"))), draw(_listed(value) | st.just([]))


@st.composite
def _compare_item(draw: st.DrawFn) -> tuple[str, Any]:
    order = draw(st.sampled_from(_ORDER))
    return f"|{order}{draw(st.sampled_from(('', '', '|neq')))}", draw(_listed(st.sampled_from(NUMBERS)))


@st.composite
def _time_item(draw: st.DrawFn) -> tuple[str, Any]:
    part = draw(st.sampled_from(tuple(_PARTS)))
    order = draw(st.sampled_from(("", *(f"|{order}" for order in _ORDER), "|neq")))
    edges = _PARTS[part]
    number = st.sampled_from(edges) | st.integers(*edges) | st.just({"year": 2026, "day": 23}.get(part, 11))
    return f"|{part}{order}", draw(number if order else _listed(number))


def _reference_item() -> st.SearchStrategy[tuple[str, Any]]:
    place = st.sampled_from(("", "|startswith", "|endswith", "|contains", "|neq"))
    return st.tuples(place.map("|fieldref{}".format), _listed(st.sampled_from(TEXT_FIELDS)))


def _placeholder_item() -> st.SearchStrategy[tuple[str, Any]]:
    key = st.sampled_from(("|expand", "|contains|expand", "|re|expand", "|endswith|expand|neq"))
    return st.tuples(key, st.sampled_from(("%admins%", "x%one%", "%one% %one%", "\\\\%admins%")))


_BIG = (2**53, 2**53 + 1, 2**60, 2**60 + 1, 10**20)
_NUMBER_ITEM = st.tuples(st.sampled_from(("", "|neq")), _listed(st.sampled_from((*NUMBERS, *_BIG))))
_NETWORK_ITEM = st.tuples(st.sampled_from(("|cidr", "|cidr|neq")), _listed(st.sampled_from(NETWORKS)))
_EXISTS_ITEM = st.tuples(st.sampled_from(("|exists", "|exists|neq")), st.booleans())
_EVENT_ID = st.tuples(
    st.sampled_from(("EventID", "EventID", "EventID|neq", "EventID|contains", "EventID|startswith")),
    _listed(st.sampled_from(EVENT_IDS).map(str)),
) | st.tuples(
    st.sampled_from(("EventID", "EventID", "EventID|neq", "EventID|lt", "EventID|gte")),
    _listed(st.sampled_from(EVENT_IDS)),
)
_CHANNEL = st.tuples(
    st.sampled_from(
        ("Channel", "Channel", "Channel|contains", "Channel|endswith", "Channel|neq", "Channel|cased")
    ),
    _listed(st.sampled_from((*CHANNELS, "sysmon*", "SECURITY", "Sys?em"))),
)


@st.composite
def items(draw: st.DrawFn) -> tuple[str, Any]:
    """One line of a selection: field with modifiers, and its value or list of them."""
    kind = draw(st.sampled_from(_ITEM_KINDS))
    key, value = draw(kind)
    if kind in (_EVENT_ID, _CHANNEL):
        return key, value
    field = "UtcTime" if kind is _TIME else draw(st.sampled_from(TEXT_FIELDS))
    return field + key, value


_TEXT = _text_item()
_TIME = _time_item()
_REGEX = _regex_item()
_ENCODED = _encoded_item()
_ITEM_KINDS = (
    _TEXT, _TEXT, _TEXT, _TEXT, _plain_item(), _plain_item(), _ENCODED, _ENCODED, _NUMBER_ITEM, _REGEX, _REGEX, _compare_item(), _TIME, _TIME,
    _reference_item(), _placeholder_item(), _NETWORK_ITEM, _EXISTS_ITEM, _EVENT_ID, _CHANNEL, _EVENT_ID,
)  # fmt: skip

_MARKS = ("\0", "\x1e", "\x1f", "a\x1e", "\x1fa", "\n", "\x1f*a", "b\x1e\x1fa", ",", '"', " ")
"""What an engine may put between values to search them together."""

_WORDS = (
    patterns()
    | patterns()
    | st.sampled_from((1, 4688, True, "x.exe", "tru", "e+2"))
    | st.sampled_from(_MARKS)
)
_KEYWORDS = (
    st.lists(_WORDS, min_size=1, max_size=3)
    | st.lists(_WORDS, min_size=2, max_size=3).map(lambda words: {"|all": words})
    | st.sampled_from(tuple(EXPRESSIONS)).map(lambda text: {"|re": text})
    | texts().map(lambda text: {"|contains|cased": text})
    | st.sampled_from(NETWORKS).map(lambda network: {"|cidr": network})
    | texts().map(lambda text: {"|base64offset|contains": text})
)


@st.composite
def selections(draw: st.DrawFn) -> Any:
    """A map, a list of maps, or keywords."""
    shape = draw(st.sampled_from(("map", "map", "map", "list", "keywords")))
    if shape == "keywords":
        return draw(_KEYWORDS)
    maps = st.lists(items(), min_size=1, max_size=3).map(dict)
    return draw(maps if shape == "map" else st.lists(maps, min_size=1, max_size=2))


@st.composite
def conditions(draw: st.DrawFn, names: list[str], depth: int = 3) -> str:
    """A condition over the selections `names`, nested up to `depth`."""
    kinds = ("name", "not", "and", "or", "of") if depth else ("name",)
    kind = draw(st.sampled_from(kinds))
    if kind == "name":
        return draw(st.sampled_from(names))
    if kind == "of":
        return draw(
            st.sampled_from(
                ("1 of s*", "all of s*", "1 of them", "all of them", "not 1 of s*", "not all of them")
            )
        )
    if kind == "not":
        return f"not ({draw(conditions(names, depth - 1))})"
    return f"({draw(conditions(names, depth - 1))} {kind} {draw(conditions(names, depth - 1))})"


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """A rule as YAML; every other is a single line, so that its modifiers decide alone."""
    if draw(st.booleans()):
        key, value = draw(items())
        detection: dict[str, Any] = {"s1": {key: value}, "condition": "s1"}
    else:
        names = [f"s{number}" for number in range(1, 1 + draw(st.integers(1, 3)))]
        detection = {name: draw(selections()) for name in names}
        condition = draw(conditions(names))
        detection["condition"] = [condition, names[0]] if draw(st.integers(0, 9)) == 9 else condition
    content = {"title": "Made", "logsource": draw(st.sampled_from(LOGSOURCES)), "detection": detection}
    return yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False)


@lru_cache(maxsize=65_536)
def loaded(text: str) -> CompiledRule | None:
    """The rule that `text` is; None where the loader refuses it (of one field twice, say)."""
    return next(iter(load_rules([RuleText("made.yml", text)], PLACEHOLDERS).rules), None)
