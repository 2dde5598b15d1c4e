"""SIGHUP: rules and tokens change while events flow, none is missed or judged twice, and a broken change changes nothing."""

from __future__ import annotations

import http.client
import socket
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from tests.running_service import Running, Sender, awaited

from tocsin.config.tokens import add_token, remove_token
from tocsin.detect.sigma.loading import RuleText
from tocsin.engine.reloading import lost
from tocsin.engine.rule_files import RuleTexts
from tocsin.engine.rule_sets import load
from tocsin.engine.serving import reads
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store

RULE = """
title: Set {0}
id: set-{0}
level: high
logsource: {{product: windows}}
detection: {{selection: {{EventID: 1102}}, condition: selection}}
"""
SETTINGS = """
[run]
data = "data"
rules = ["sigma"]
starter = false
[run.http]
listen = ["127.0.0.1:{port}"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tocsin.toml").write_text(SETTINGS.format(port=0))
    (tmp_path / "sigma").mkdir()
    (tmp_path / "sigma" / "rule.yml").write_text(RULE.format(0))
    return tmp_path


def status(port: int, token: str) -> int:
    """What a sender with this token is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        "POST", "/services/collector/event", b'{"event":{"EventID":1}}', {"Authorization": f"Splunk {token}"}
    )
    answer = connection.getresponse().status
    connection.close()
    return answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def reached(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 10).close()
    except ConnectionRefusedError:
        return False
    return True


def more_comes(sender: Sender, running: Running) -> None:
    """Waits until the service acknowledged something more of `sender`."""
    before = len(sender.acknowledged)
    awaited(lambda: len(sender.acknowledged) > before or None, lambda: "nothing came", running.process)


def test_rules_change_under_load_and_each_event_is_judged_once(folder: Path) -> None:
    token = add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    senders = [Sender(number, token) for number in range(3)]
    try:
        for one in senders:
            one.port = running.port()
            one.start()
        for number in range(1, 6):
            more_comes(senders[0], running)
            (folder / "sigma" / "rule.yml").write_text(RULE.format(number))
            running.reload()
            assert running.line("reloaded", number - 1)["rules"] == 1
    finally:
        for one in senders:
            one.ended.set()
        for one in senders:
            one.join()
    running.stop()
    acknowledged = [mark for one in senders for mark in one.acknowledged]
    assert all(one.refused == [] for one in senders)
    with Store.read_only(folder / "data", reads(ReceivedOptions())) as store:
        stored = {event.id: event.fields["mark"] for event in store.events_between(-(2**62), 2**62)}
        judged_by = defaultdict(list)
        for finding in store.findings():
            judged_by[finding.evidence[0].event_id].append(finding.rule_id)
        versions = store.state.rule_sets()
    assert Counter(stored.values()).keys() >= set(acknowledged)
    assert {ident: len(rules) for ident, rules in judged_by.items()} == dict.fromkeys(stored, 1)
    assert {rules[0] for rules in judged_by.values()} == {f"set-{number}" for number in range(6)}
    assert len(versions) == 6


def test_tokens_come_and_go(folder: Path) -> None:
    first = add_token(folder / "tokens", "first", 0)
    running = Running(folder)
    port = running.port()
    second = add_token(folder / "tokens", "second", 0)
    assert (status(port, first), status(port, second)) == (200, 403)
    remove_token(folder / "tokens", "first")
    running.reload()
    assert running.line("reloaded")["tokens"] == 1
    assert (status(port, first), status(port, second)) == (403, 200)
    running.says("The token first was removed, and 127.0.0.1 still uses it.")
    running.stop()


BROKEN = (
    ("tocsin.toml", "[run", "is no TOML"),
    ("tocsin.toml", '[run]\nrules = ["nowhere"]\n', "nowhere"),
    ("tokens", "none", "line 1 is no JSON"),
    ("sigma/rule.yml", "title: [", "1 rules that judge now would be lost"),
)


def test_what_is_broken_changes_nothing(folder: Path) -> None:
    token = add_token(folder / "tokens", "first", 0)
    running = Running(folder)
    port = running.port()
    for number, (file, text, told) in enumerate(BROKEN):
        before = (folder / file).read_text()
        (folder / file).write_text(text)
        running.reload()
        running.says(told)
        assert status(port, token) == 200
        (folder / file).write_text(before)
        running.reload()
        assert running.line("reloaded", number) == {"kind": "reloaded", "rules": 1, "tokens": 1}
    assert running.out.read_text().count("Nothing was reloaded, and what ran goes on.") == len(BROKEN)
    running.stop()


def test_listeners_change_and_what_stays_is_not_interrupted(folder: Path) -> None:
    token = add_token(folder / "tokens", "first", 0)
    running = Running(folder)
    port = running.port()
    other = free_port()
    stays = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for number, listen in enumerate((f'"127.0.0.1:0", "127.0.0.1:{other}"', '"127.0.0.1:0"')):
        (folder / "tocsin.toml").write_text(SETTINGS.replace('"127.0.0.1:{port}"', listen))
        running.reload()
        running.line("reloaded", number)
        stays.request(
            "POST", "/services/collector/event", b'{"event":1}', {"Authorization": f"Splunk {token}"}
        )
        assert stays.getresponse().read()
        assert status(port, token) == 200
        assert reached(other) is (number == 0)
    stays.close()
    running.stop()


def test_a_rule_that_was_removed_is_no_loss_and_one_that_broke_is() -> None:
    def ruleset(**texts: str):
        return load(RuleTexts(tuple(RuleText(name, text) for name, text in texts.items())), {})[0].ruleset

    old = ruleset(a=RULE.format(1), b=RULE.format(2))
    assert lost(old, ruleset(a=RULE.format(1)), ()) == ""
    assert "b: it cannot be read" in lost(old, ruleset(a=RULE.format(1)), ("b",))
    assert lost(old, ruleset(a=RULE.format(1), b="title: ["), ()).startswith("1 rules")
    assert lost(old, ruleset(a=RULE.format(1), b=RULE.format(2), c="title: ["), ("d",)) == ""
