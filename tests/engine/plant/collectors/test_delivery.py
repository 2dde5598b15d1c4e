"""Readings handed to intake: until they are stored, in order, and never lost silently."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engine.plant.collectors.taking import taking

from tocsin.config import bounds
from tocsin.engine.plant.collectors.delivery import Delivery, bodies

LINES = [f"plant T{number}=1.0 {number}\n".encode() for number in range(10)]


class Handed:
    """A delivery, with what it told and kept aside."""

    def __init__(self, store: Path) -> None:
        self.told: list[str] = []
        self.aside: list[tuple[list[bytes], str]] = []
        self.delivery = Delivery(
            store / "collect.sock",
            "lake town",
            self.told.append,
            lambda lines, why: self.aside.append((lines, why)),
        )

    def run(self, lines: list[bytes] = LINES) -> None:
        asyncio.run(asyncio.wait_for(self.delivery.hand_over(lines), 30))


def test_lines_are_handed_over_with_their_plant(tmp_path: Path) -> None:
    with taking(tmp_path) as taken:
        Handed(tmp_path).run()
    assert taken.bodies == [b"".join(LINES)]
    assert taken.targets == ["/api/v2/write?bucket=lake%20town&precision=us"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_could_not_be_taken_is_handed_over_again(tmp_path: Path, status: int) -> None:
    with taking(tmp_path) as taken:
        taken.answers = [status, status]
        handed = Handed(tmp_path)
        handed.run()
    assert taken.bodies == [b"".join(LINES)]
    assert not handed.aside


def test_a_refused_line_is_kept_aside_and_the_others_are_stored(tmp_path: Path) -> None:
    with taking(tmp_path) as taken:
        taken.refuses = b"T3="
        handed = Handed(tmp_path)
        handed.run()
    assert b"".join(taken.bodies) == b"".join(LINES[:3] + LINES[4:])
    assert handed.aside == [([LINES[3]], "400 so it is")]


def test_a_plant_that_intake_does_not_know_is_kept_aside_whole(tmp_path: Path) -> None:
    with taking(tmp_path) as taken:
        taken.answers = [404]
        handed = Handed(tmp_path)
        handed.run()
    assert handed.aside == [(LINES, "404 so it is")]


def test_what_intake_set_aside_itself_is_told_and_not_handed_over_again(tmp_path: Path) -> None:
    with taking(tmp_path) as taken:
        taken.answers = [400]
        taken.says = b"partial write: unable to parse line 3"
        handed = Handed(tmp_path)
        handed.run()
        assert len(taken.targets) == 1
    assert not handed.aside
    assert "partial write" in handed.told[0]


def test_without_intake_it_waits_and_says_so_once(tmp_path: Path) -> None:
    handed = Handed(tmp_path)

    async def both() -> None:
        task = asyncio.create_task(handed.delivery.hand_over(LINES))
        async with asyncio.timeout(30):
            while not handed.told:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        with taking(tmp_path) as taken:
            await asyncio.wait_for(task, 30)
            assert taken.bodies == [b"".join(LINES)]

    asyncio.run(both())
    assert "Readings wait: intake cannot be reached" in handed.told[0]
    assert handed.told[1:] == ["Readings are taken again."]


def test_bodies_are_bounded() -> None:
    line = b"x" * (bounds.PLANT_BODY_BYTES // 3)
    assert [len(body) for body in bodies([line] * 7)] == [3, 3, 1]
    assert [len(body) for body in bodies([line * 4, line])] == [1, 1]
