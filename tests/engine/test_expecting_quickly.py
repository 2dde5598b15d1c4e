"""A quick no is never wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tocsin.detect.sigma.compiling.lowering import Unsupported
from tocsin.detect.sigma.compiling.parsing import parse_detection
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.matching import predicate
from tocsin.engine.expecting_quickly import quick_no

TEXTS = st.sampled_from(["a", "A", "ab", "4", "4*", "?", "\\\\*", "", "İ", "ß"])
VALUES = st.one_of(TEXTS, st.sampled_from([4, 4.0, True, None]))
NAMES = st.sampled_from(["x", "y", "Two Words", "TwoWords", "x.y"])
MODIFIERS = st.sampled_from(
    ["", "|contains", "|startswith", "|exists", "|all|contains", "|gt", "|re", "|cased", "|neq"]
)
WHERES = st.dictionaries(
    st.builds("{}{}".format, NAMES, MODIFIERS),
    st.one_of(VALUES, st.lists(VALUES, min_size=1, max_size=3)),
    min_size=1,
    max_size=3,
)
FIELDS = st.dictionaries(
    NAMES, st.one_of(VALUES, st.lists(VALUES, max_size=2), st.just({"y": "a"})), max_size=4
)


@given(WHERES, FIELDS)
def test_what_is_surely_no_match_is_none(where: dict[str, Any], fields: dict[str, Any]) -> None:
    try:
        matches = predicate(parse_detection({"where": where, "condition": "where"}, {}))
    except Unsupported:
        return
    if quick_no(where)(fields):
        assert not matches(EventView(fields))


def test_it_says_no_to_what_nearly_all_events_are() -> None:
    surely_not = quick_no({"program": "restic", "message|contains": "saved"})
    assert surely_not({"program": "sshd", "message": "saved"})
    assert surely_not({"program": "restic"})
    assert not surely_not({"program": "Restic", "message": "saved"})
