"""Whatever an expression matches in ASCII holds one of its literals: over made expressions, raw syntax and public rules."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from time import process_time

import pytest
import regex

from tocsin.config import bounds
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.matching import compile_regex
from tocsin.detect.sigma.plans.factor_parts import MEAN_ASCII
from tocsin.detect.sigma.plans.factors import required_literals
from tocsin.detect.sigma.tree import leaves
from tocsin.engine.rule_files import rule_texts

ATOMS = (
    "a", "b", "ab", "A", "bc", "aBc", r"\.", r"\\", "[ab]", "[^a]", "[a-c]", ".", r"\d", r"\s", r"\w", "0", "-",
    "[AB-]", "[–a]", "[ſa]", r"\x61", r"\u0062", "é", "ſ", "[]a]", "[a-]", "[b-\\d]", "{", "}", "]", "[^]b]", r"[\d-a]", r"\b", "^",
    "$", r"\A", r"\K", r"\1", r"\012", "",
)  # fmt: skip
GROUPS = ("", "?:", "?>", "?i:", "?|", "?-i:", "?=", "?<=", "?!", "?<!", "?m-s:", "?P<{}>", "?<{}>")
REPEATS = (
    "?",
    "*",
    "+",
    "{2}",
    "{1,3}",
    "{2,}",
    "{,2}",
    "{0}",
    "{0,}",
    "{,}",
    "??",
    "*?",
    "++",
    "{5}",
    "{1}",
    "{6,7}",
)
RAW = (
    *r"()()()||??**++{}[]^$..\\:=!<>PimsxRrV1f#&-,0123abABcdeisw dD",
    "(?:", "(?i)", "(?=", "(?<=", "(?!", "(?>", "(?|", "(?P<n>", "(?P=n)", "(?P>n)", "(?R)", "(?(1)", "(?x)", "(*SKIP)",
    "(?#", "[^", "[a-c]", "[[:alpha:]]", "[a||b]", "[b--a]", "{1,2}", "{2}", "{0}", "{e<=1}", "{1<=e<=2}", r"\d", r"\b",
    r"\p{L}", r"\N{SPACE}", r"\R", r"\X", r"\G", r"\Q", r"\g<1>", r"\L<n>", "abc", "ab", "b]", ")?", ")*", ")+", "é", "K",
)  # fmt: skip
LETTERS = "aabbcABC .-\\0{}]\n\x1f"


def made(source: random.Random, depth: int) -> str:
    """A valid expression, nearly always."""
    kind = source.random()
    if depth <= 0 or kind < 0.3:
        return source.choice(ATOMS)
    inner = partial(made, source, depth - 1)
    if kind < 0.55:
        return "".join(inner() for _ in range(source.randint(1, 4)))
    if kind < 0.7:
        opening = source.choice(GROUPS).format(f"n{source.randrange(10**9)}")
        return f"({opening}{'|'.join(inner() for _ in range(source.randint(1, 3)))})"
    if kind < 0.95:
        return f"(?:{inner()}){source.choice(REPEATS)}"
    return source.choice(("(?i)", r"(?#x\))", "(?s)", "(?im-s)")) + inner()


def raw(source: random.Random) -> str:
    """Pieces of syntax in any order."""
    return "".join(source.choice(RAW) for _ in range(source.randint(1, 14)))


def texts(source: random.Random, pattern: str, literals: tuple[str, ...]) -> list[str]:
    """Short texts, with pieces of the expression in them, so that many of them match."""

    def letters(most: int) -> str:
        return "".join(source.choice(LETTERS) for _ in range(source.randint(0, most)))

    found = [letters(14) for _ in range(12)]
    for _ in range(12):
        cut = source.randrange(len(pattern) + 1)
        pieces = (letters(3), pattern[cut : cut + 4], source.choice(literals), letters(3))
        found.append("".join(source.sample(pieces, source.randint(1, 4))))
    return [text for text in found if text.isascii()]


@pytest.mark.parametrize(("make", "least"), [(partial(made, depth=4), 2_000), (raw, 500)])
def test_a_match_holds_a_literal(make: partial[str], least: int) -> None:
    source = random.Random(20261123)
    matches = 0
    for _ in range(6_000):
        pattern, flags = make(source), source.choice(("", "i", "ms", "ims"))
        literals = required_literals(pattern, flags)
        if literals is None or len(pattern) > 200:
            continue
        try:
            found = compile_regex(pattern, flags)
        except regex.error:
            continue
        for text in texts(source, pattern, literals):
            if found.search(text, timeout=1):
                matches += 1
                assert any(one in text.lower() for one in literals), (pattern, flags, text, literals)
    assert matches > least  # so that it tests something


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        (r"net\s+View", ("view",)),
        (r"https?://[0-9]", tuple(f"{scheme}://{digit}" for scheme in ("http", "https") for digit in range(10))),
        (r"(?i)\\(System32|SysWOW64)\\", ("\\system32\\", "\\syswow64\\")),
        (r"[Rr][Uu][Nn]", ("run",)),
        (r"^(?=.*foobar)(?!.*barfoo)x", ("foobar",)),
        (r"a(?:b|c)d", ("abd", "acd")),
        (r"foo+bar", ("obar",)),
        (r"(?:ab){3}", ("ababab",)),
        (r"ab{2,}", ("abb",)),
        (r"-D", ("-d",)),
        (r"abc|abcd|xyz", ("abc", "xyz")),
        (r"\x41\u0042\U00000043", ("abc",)),
        (r"[]a]bc", ("]bc", "abc")),
        (r"ab{x}", ("ab{x}",)),
        (r"foo(?#comment)bar", ("foobar",)),
        (r"x[a-z]long-enough", ("long-enough",)),
        (r"\^.*\^.*\^", ("^",)),
        ("[-/–]e", ("-e", "/e")),
    ],
)  # fmt: skip
def test_good_literals(pattern: str, literals: tuple[str, ...]) -> None:
    assert required_literals(pattern, "i") == tuple(sorted(literals))


@pytest.mark.parametrize(
    "pattern",
    [
        "", "a", ".{200,}", "(abc)?", "(abc)*", "abc|", "abc|.", "(abc){0}", "(?:abc){,3}", "(?!abc)", "(?<!abc)", "[^abc]{3}",
        "(?:abc){e<=1}", "(?x) a b c", "(?V1)abc", "(?r)abc", "(?e)abc", "abc(?R)?", r"(a)bc(?(1)d|e)", "abc(*SKIP)",
        "ab(?#comment)*c", "ab(?i)*c", r"\p{L}abc", r"\N{SPACE}abc", "[[:alpha:]]abc", "ſſſ", "ééé", "(abc", "abc)", "*abc",
        "abc[", "abc\\", "abc{99999999999}", r"abc\x4", r"\Qabc\E", r"\Rabc", r"\Xabc", r"\Gabc", r"\L<abc>",
    ],
)  # fmt: skip
def test_nothing_is_promised(pattern: str) -> None:
    assert required_literals(pattern, "") is None


def test_flags_that_are_unknown_give_nothing() -> None:
    assert required_literals("abc", "ims") == ("abc",)
    assert required_literals("abc", "x") is None


LONG = (
    "a", "()", "((", "(?:a", "a|", "ab?", "[ab]", "[ab", "(?=a)", "(a|b)", "(((a|b)?)?)?", "{", "[", "(?#", "(?<", "(?i", "\\",
    "{9", "(?=", "(?i)", "a{4}{4}", "((ab){4}){4}", "(?#\\", "(?ims-ims", "[a-z]{9}", "(?:[ab]c?){4}", "a{999999999}",
)  # fmt: skip


@pytest.mark.parametrize("piece", LONG)
def test_time_and_depth_are_bounded(piece: str) -> None:
    times = bounds.PREFILTER_PATTERN_CHARS // len(piece)
    began = process_time()
    required_literals(piece * times, "")
    required_literals(piece * (times // 2) + ")" * (times // 2), "")
    assert required_literals("abc" * bounds.PREFILTER_PATTERN_CHARS, "") is None
    assert process_time() - began < 2


def test_most_public_expressions_have_literals(data: Path) -> None:
    rules = load_rules(text for text in rule_texts([str(data / "sigma")]).texts if "|re" in text.text)
    asked = {leaf.value for rule in rules.rules for leaf in leaves(rule.condition) if leaf.op == "regex"}
    with_literals = [found for value in asked if (found := required_literals(*value)) is not None]
    assert len(with_literals) >= 0.8 * len(asked)


def test_which_characters_mean_ascii_letters_where_case_is_ignored() -> None:
    ascii_text = "".join(map(chr, range(128)))
    others = "[\x80-\u012f\u0132-\u017e\u0180-\u2129\u212b-\U0010ffff]"
    assert all(regex.fullmatch(others, one) is None for one in MEAN_ASCII)
    assert len(regex.findall(others, "".join(map(chr, range(128, 0x110000))))) == 0x110000 - 128 - len(
        MEAN_ASCII
    )
    assert regex.findall(others, ascii_text, regex.IGNORECASE | regex.VERSION0) == []
