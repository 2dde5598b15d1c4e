"""`tocsin run` killed with SIGKILL under load, over and over: what was acknowledged is there, once, and so are its findings."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.running_service import Running, Sender

from tocsin.config.tokens import add_token
from tocsin.engine.serving import reads
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tocsin.toml").write_text('[run]\ndata = "data"\n[run.http]\nlisten = ["127.0.0.1:0"]\n')
    return tmp_path


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.soak)])
def test_nothing_acknowledged_is_lost_or_found_twice(folder: Path, kills: int) -> None:
    token = add_token(folder / "tokens", "shipper", 0)
    senders = [Sender(number, token) for number in range(4)]
    drawn = random.Random(5)
    running = Running(folder)
    for one in senders:
        one.port = running.port()
        one.start()
    try:
        for _ in range(kills):
            time.sleep(drawn.uniform(0.05, 0.6))
            who = drawn.choice(("both", "intake first", "judge alone"))
            if who == "intake first" and (children := running.children()):
                os.kill(children[0], signal.SIGKILL)  # it is started again
                time.sleep(drawn.uniform(0.1, 2))
            running.kill(alone=who == "judge alone")
            running = Running(folder)
            port = running.port()
            for one in senders:
                one.port = port
        time.sleep(0.3)
    finally:
        for one in senders:
            one.ended.set()
        for one in senders:
            one.join()
    running.stop()
    acknowledged = [mark for one in senders for mark in one.acknowledged]
    with Store.read_only(folder / "data", reads(ReceivedOptions())) as store:
        stored = Counter(event.fields["mark"] for event in store.events_between(-(2**62), 2**62))
        told = Counter(one.event_id for finding in store.findings() for one in finding.evidence)
        assert store.set_aside() == ()
    assert len(acknowledged) > 100
    assert [mark for mark in acknowledged if mark not in stored] == []
    assert {mark: times for mark, times in stored.items() if times > 1} == {}
    assert len(told) == len(stored), "each event is the evidence of one finding"
    assert set(told.values()) == {1}
