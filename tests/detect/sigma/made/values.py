"""Values that meet one question of a rule, or nearly do; and values that mislead engines whatever the question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from hypothesis import strategies as st
from tests.detect.sigma.made.rules import CHANNELS, EVENT_IDS, EXPRESSIONS

from tocsin.detect.sigma.tree import Leaf, Wild

ODD: tuple[Any, ...] = (
    None, "", [], [None], [[]], {}, {"b": "ab"}, {"b": None}, {"b": {"c": "a"}}, [{"b": "AB"}, {"c": 1}], True, False,
    "true", "True", "TRUE", "false", 0, 1, -0.0, 1.0, "0", "1", "1.0", "01", "-1", "+1", "1 ", "0x1", "１", "\u0661",
    2**53, 2**53 + 1, float(2**53), 10**20, 1e20, "1e20", "100000000000000000000", 1e300, float("nan"), float("inf"),
    -float("inf"), "nan", "\ud800", "a\udfff", "\0", "\0\0", "\n", " ", "İ", "ΑΣ", "Σ", "x" * 5_000, "a" * 300 + "cmd.exe",
    ["a", "cmd", None], [1, "1", True], "10.0.0.1", "::ffff:10.0.0.1", "2026-11-23T11:11:11Z", 1_700_000_000,
)  # fmt: skip

FILLS = (
    "",
    "",
    "",
    "x",
    " ",
    "é",
    "İ",
    "Σ",
    "\0",
    "\n",
    "-",
    "\ud800",
    "ß",
    "😀",
    "e\u0301",
    "q" * 300,
    " x-\\" * 900,
)
"""What stands before or after what a rule looks for."""

SPELLINGS = (
    ("i", "İ"), ("i", "ı"), ("k", "\u212a"), ("s", "ſ"), ("ss", "ß"), ("ß", "SS"), ("ß", "ẞ"), ("σ", "ς"), ("ς", "Σ"),
    ("é", "e\u0301"), ("fi", "ﬁ"), ("å", "\u212b"), ("ǆ", "ǅ"), ("-", "–"), ("\\", "/"), ("a", "а"), ("\r\n", "\n"),
)  # fmt: skip
"""(letters, others that some way of folding takes for the same)."""

INSTANTS: tuple[Any, ...] = (
    "2026-11-23T11:00:00Z", "2026-11-23 11:59:59.999", "2026-01-01T00:00:00+14:00", "2024-12-30T23:59:00", "2026-11-23",
    " 2026-02-28T11:11:11Z ", "2026-11-23T11:11:11,5Z", "2026-W48-1", "20261123", "2026-13-01", "yesterday", "0001-01-01",
    0, 3600, 1_795_432_271, 1_795_432_271_000, 1_795_432_271_000_000, "1795432271", 1.5, -1, 1e11, 1e14, 1e17, float("nan"),
    float("inf"), True, None, "9999-12-31T23:59:59-14:00", 2_147_483_647,
)  # fmt: skip


def _joined(
    before: st.SearchStrategy[str], text: str, after: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    return st.tuples(before, after).map(lambda pair: pair[0] + text + pair[1])


@st.composite
def filled(draw: st.DrawFn, parts: tuple[str | Wild, ...]) -> str:
    """A text that the wildcards of `parts` fit, or that has one character too few or too many."""
    made = []
    for part in parts:
        if part is Wild.MANY:
            made.append(draw(st.sampled_from(FILLS)))
        elif part is Wild.ONE:
            made.append(draw(st.sampled_from(("x", "y", "é", "\n", "😀", "İ", "", "xy"))))
        else:
            made.append(part)
    return "".join(made)


def holding(leaf: Leaf) -> st.SearchStrategy[str]:
    """A text that a text question holds for, in its own case."""
    fill = st.sampled_from(FILLS)
    none = st.just("")
    if leaf.op == "glob":
        return filled(leaf.value)
    before = fill if leaf.op in {"endswith", "contains"} else none
    after = fill if leaf.op in {"startswith", "contains"} else none
    return _joined(before, leaf.value, after)


@st.composite
def recased(draw: st.DrawFn, text: str) -> str:
    """`text` with its letters in another case."""
    way = draw(st.sampled_from((str, str.upper, str.swapcase, str.title, str.casefold)))
    return way(text)


@st.composite
def missing_by_little(draw: st.DrawFn, text: str) -> str:
    """`text` cut, doubled, added to, or spelled with letters that look or fold alike."""
    way = draw(
        st.sampled_from(("first", "last", "double", "prefix", "suffix", "spelling", "middle", "empty"))
    )
    if way == "spelling":
        fitting = [(old, new) for old, new in SPELLINGS if old in text]
        if fitting:
            old, new = draw(st.sampled_from(fitting))
            return text.replace(old, new)
    fill = draw(st.sampled_from(FILLS))
    half = len(text) // 2
    ways = {
        "first": text[1:],
        "last": text[:-1],
        "double": text + text,
        "prefix": fill + text,
        "suffix": text + fill,
        "middle": text[:half] + fill + text[half:],
        "empty": "",
    }
    return ways.get(way, text + "x")


def near_number(number: float) -> st.SearchStrategy[Any]:
    """Numbers and texts about `number`."""
    near = [
        number,
        number + 1,
        number - 1,
        str(number),
        f" {number}",
        f"{number}.0",
        f"0{number}",
        f"+{number}",
    ]
    if abs(number) < 2**60:
        near += [
            float(number),
            int(number),
            str(int(number)),
            f"{int(number)}.00",
            bool(number),
            number + 0.5,
        ]
    return st.sampled_from((*near, f"{number}x", float("nan"), float("inf"), None))


def near_network(network: IPv4Network | IPv6Network) -> st.SearchStrategy[Any]:
    """Addresses at the edges of `network`, and texts that hold one."""
    first, last = network[0], network[-1]
    outside = first - 1 if int(first) else last + 1 if int(last) + 1 < 2**network.max_prefixlen else first
    near: list[Any] = [
        str(first),
        str(last),
        str(outside),
        f" {last} ",
        f"{first}:80",
        f"{first}/32",
        int(first),
    ]
    near += [
        f"::ffff:{first}" if network.version == 4 else f"{first}%3",
        str(first).upper(),
        "",
        "localhost",
        "010.0.0.1",
    ]
    return st.sampled_from(near)


def near_instant(part: str, number: int) -> st.SearchStrategy[Any]:
    """Times whose `part` is `number`, one less or one more, in the ways that logs write them; and other times."""
    near: list[Any] = [*INSTANTS[:: len(part)]]
    for wanted in (number, number, number - 1, number + 1):
        try:
            if part == "week":
                moment = datetime.fromisocalendar(2026, wanted, 7).replace(tzinfo=UTC)
            else:
                moment = datetime(2026, 1, 10, 10, 10, 10, tzinfo=UTC).replace(**{part: wanted})  # type: ignore[arg-type]
        except ValueError:
            continue
        near += [moment.isoformat(), moment.isoformat(" ").split("+")[0], round(moment.timestamp() * 1000)]
    return st.sampled_from(near)


def near(leaf: Leaf) -> st.SearchStrategy[Any]:
    """Values about what `leaf`, which asks no text question, looks for."""
    return _NEAR.get(leaf.op, lambda _value: st.sampled_from(ODD))(leaf.value)


_NEAR: Mapping[str, Callable[[Any], st.SearchStrategy[Any]]] = {
    "regex": lambda value: _surrounded(st.sampled_from(EXPRESSIONS.get(value[0], _FILLED_IN))),
    "number": near_number,
    "compare": lambda value: near_number(value[1]),
    "cidr": near_network,
    "timepart": lambda value: near_instant(value[0], value[2]),
    "null": lambda _value: st.sampled_from((None, None, [], [None], "", 0, {}, [None, "a"], "null")),
}

_FILLED_IN = ("anna", "it-1", "it-*", "a.b", "xa.b", "Σ?", "axb", "a.b a.b")
"""For expressions that placeholders are part of."""


@st.composite
def _surrounded(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    text = draw(texts)
    return (
        draw(st.sampled_from(("", "", "x", " ", "é", "\n")))
        + text
        + draw(st.sampled_from(("", "", "", "\n", ".", "é")))
    )


def _spelled_ids(number: int) -> tuple[Any, ...]:
    return (number, number, number, str(number), str(number), float(number), f"{number}.0", [number], [str(number), 1],
            [None, number], [number, 4688, "x"], f" {number}", f"0{number}", {"#text": number}, [[number]])  # fmt: skip


EVENT_ID_VALUES = st.sampled_from(
    (
        *(value for number in EVENT_IDS for value in _spelled_ids(number)),
        *(None, True, "", [], "x", 1.5, -1),
    )
)
"""EventID in every type and spelling that readers, or senders, give it."""

CHANNEL_VALUES = st.sampled_from(
    (
        *(way for name in CHANNELS for way in (name, name, name.upper(), name.lower(), [name], f"{name} ")),
        *(None, 1, "", ["Security", "System"], {"a": "Security"}, "ſecurity", "SYſTEM"),
    )
)
"""Channel likewise."""
