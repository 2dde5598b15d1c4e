"""How often the judging process looks for circles."""

from __future__ import annotations

import gc

from tocsin.config import bounds
from tocsin.engine.collecting import collect, seldom


def test_it_looks_seldom_inside_and_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with seldom():
        assert gc.get_threshold() == (bounds.COLLECT_OBJECTS, *before[1:])
    assert gc.get_threshold() == before


def test_circles_are_removed() -> None:
    class Link:
        alive = 0
        other: Link | None = None

        def __del__(self) -> None:
            Link.alive -= 1

    with seldom():
        for _ in range(100):
            one, two = Link(), Link()
            Link.alive += 2
            one.other, two.other = two, one
        del one, two
        collect()
    assert Link.alive == 0
