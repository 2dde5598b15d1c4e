"""kill -9 at random moments: nothing acknowledged is lost, no finding is there twice. (Power cuts: `test_powercut.py`.)"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from store_events import event, finding

from tocsin.store.entries import Events
from tocsin.store.store import Store

WRITER = Path(__file__).with_name("store_writer.py")


@pytest.mark.parametrize("kills", [10, pytest.param(300, marks=pytest.mark.soak)])
def test_killed_at_random_moments_it_loses_and_doubles_nothing(
    tmp_path: Path, kills: int, request: pytest.FixtureRequest
) -> None:
    if kills > 10 and not request.config.getoption("--soak", default=False):
        pytest.skip("runs in full under `make soak`")
    root = tmp_path / "store"
    acknowledged, findings = -1, []
    for line in said_by_killed(root, kills):
        what, _, value = line.partition(" ")
        if what == "a":
            acknowledged = int(value)
        else:
            findings.append(value)
    assert acknowledged >= kills // 2, "three writers of four acknowledge something before they are killed"
    assert len(findings) == len(set(findings)), "a finding was told as new twice"
    with Store.open(root) as store:
        for position, entry in store.pending():
            if isinstance(entry, Events):
                store.commit(
                    position, [finding(event(one.seq, "live")) for one in entry.batch if one.seq % 5 == 0]
                )
        seqs = [one.seq for one in store.events_between(-(2**62), 2**62)]
        assert seqs == list(range(len(seqs)))
        assert len(seqs) > acknowledged
        stored = [one.evidence[0].event_id.seq for one in store.findings()]
        assert sorted(stored) == [seq for seq in seqs if seq % 5 == 0]
        assert set(findings) <= {one.id for one in store.findings()}


def said_by_killed(root: Path, kills: int) -> list[str]:
    run = subprocess.run(
        [sys.executable, str(WRITER), str(root), str(kills)], stdout=subprocess.PIPE, text=True, check=True
    )
    return run.stdout.splitlines()
