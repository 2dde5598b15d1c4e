"""Real senders deliver numbered records through a restart of the real service; `benchmarks/shippers/` has them set up."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.shippers import daemons, packages, windows_script
from benchmarks.shippers.drill import Result, Way, drilled

ACKNOWLEDGED = [
    *packages.ways()[:2],
    *windows_script.ways(),
    *(way for way in daemons.ways() if "HEC" in way.name or "elastic" in way.name),
]
TCP = [way for way in daemons.ways() if "TCP" in way.name]


def named(ways: list[Way]) -> list:
    return [
        pytest.param(way, id=way.name, marks=[pytest.mark.skipif(bool(way.missing), reason=way.missing)])
        for way in ways
    ]


def drill(way: Way, folder: Path) -> Result:
    return drilled(way, folder, 500, 1, 1_500, down=0.2)


@pytest.mark.parametrize("way", named(ACKNOWLEDGED))
def test_who_is_told_what_is_stored_loses_nothing(way: Way, tmp_path: Path) -> None:
    result = drill(way, tmp_path)
    assert (result.lost, result.repeated) == (0, 0)


@pytest.mark.parametrize("way", named(TCP))
def test_a_queue_of_a_daemon_bridges_a_restart(way: Way, tmp_path: Path) -> None:
    result = drill(way, tmp_path)
    assert result.lost < 100, "only what was on its way when the service went"


@pytest.mark.parametrize("way", named(packages.ways()[3:]))
def test_who_only_sends_loses_at_most_what_nobody_heard(way: Way, tmp_path: Path) -> None:
    result = drill(way, tmp_path)
    assert result.lost < 500, "what came before the restart is there"
    assert result.repeated == 0
