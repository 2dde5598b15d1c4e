"""Patterns of topics and templates of tags."""

from __future__ import annotations

import pytest

from tocsin.sources.mqtt.topics import first_places, places, subscription, tag_of


@pytest.mark.parametrize(
    ("pattern", "subscribed"),
    [("plant/{device}/{metric}", "plant/+/+"), ("a/+/#", "a/+/#"), ("{x}", "+"), ("a/b{c}", "a/b{c}")],
)
def test_subscription(pattern: str, subscribed: str) -> None:
    assert subscription(pattern) == subscribed


@pytest.mark.parametrize(
    ("pattern", "topic", "found"),
    [
        ("plant/{device}/{metric}", "plant/p1/flow", {"device": "p1", "metric": "flow"}),
        ("plant/{device}/{metric}", "plant/p1", None), ("plant/{device}", "plant/p1/flow", None),
        ("plant/+/{metric}", "plant/p1/flow", {"metric": "flow"}), ("plant/#", "plant", {}), ("plant/#", "plant/a/b", {}),
        ("plant/{device}/#", "plant/a/b/c", {"device": "a"}), ("#", "a/b", {}), ("#", "$SYS/a", None),
        ("$SYS/#", "$SYS/a", {}), ("a/{b}", "a/", {"b": ""}), ("plant/#", "other/a", None),
    ],
)  # fmt: skip
def test_places(pattern: str, topic: str, found: dict[str, str] | None) -> None:
    assert places(pattern, topic) == (None if found is None else {"topic": topic, **found})


def test_the_first_pattern_counts() -> None:
    assert first_places(["a/{x}", "a/{y}"], "a/1") == {"topic": "a/1", "x": "1"}
    assert first_places(["a/{x}"], "b") is None


@pytest.mark.parametrize(
    ("template", "found", "tag"),
    [
        ("{device}/{metric}", {"device": "p1", "metric": "flow"}, "p1/flow"),
        ("{device}/{metric}", {"device": "", "metric": "flow"}, "flow"),
        ("{node}.{metric}", {"node": "n", "metric": "{node}"}, "n.{node}"),
        ("{metric}", {}, ""),
    ],
)
def test_tags(template: str, found: dict[str, str], tag: str) -> None:
    assert tag_of(template, found) == tag
