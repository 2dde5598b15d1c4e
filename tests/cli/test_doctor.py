"""`tocsin doctor`: what is whole is ok, what is broken is told with what to do, and makes the exit code 3."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.command import Done, call

from tocsin.config.addresses import Address
from tocsin.config.bell import Bell, Channel, Mail, Web
from tocsin.engine.examining import examine_clocks, examine_disk, examine_set_aside, examine_sources
from tocsin.engine.examining_bell import examine_bell, examine_messages
from tocsin.engine.figures import Figures, Source
from tocsin.engine.standing import Standing
from tocsin.records.event import SetAside
from tocsin.records.instants import DAY, SECOND

NOW = 1_800_000_000 * SECOND


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert call("init", tmp_path / "site", "--json").code == 0
    return tmp_path / "site"


def asked(folder: Path, *more: str) -> Done:
    return call("--config", folder / "tocsin.toml", "doctor", "--json", *more)


def states(done: Done, about: str) -> list[str]:
    return [one["state"] for one in done.lines("item") if one["about"] == about]


def test_a_fresh_service_is_whole(folder: Path) -> None:
    done = asked(folder, "--for", "windows-default")
    assert done.code == 0
    assert done.summary["broken"] == 0
    assert [states(done, about) for about in ("service", "tls", "tokens")] == [["look"], ["ok"], ["ok"]]
    assert len(states(done, "coverage")) == 5
    said = [one["said"] for one in done.lines("item")]
    assert "[run.retention] days is 90 (not given)." in said
    assert f"[run] data is {folder / 'data'} ({folder / 'tocsin.toml'})." in said


def test_what_is_broken_is_told_with_what_to_do(folder: Path) -> None:
    (folder / "tokens").chmod(0o644)
    (folder / "tls" / "certificate.pem").write_text("none")
    text = (folder / "tocsin.toml").read_text()
    (folder / "tocsin.toml").write_text(text.replace("[run]\n", '[run]\nrules = ["nowhere"]\n'))
    done = asked(folder)
    assert done.code == 3
    assert [states(done, about) for about in ("tls", "tokens", "rules")] == [["broken"]] * 3
    assert all(one["todo"] for one in done.lines("item") if one["state"] == "broken")


def test_clocks_sources_room_and_records_set_aside() -> None:
    figures = Figures(1, 0, NOW, sources={
        "ahead": Source(NOW, 5, delay=-30.0), "slow": Source(NOW, 5, delay=900.0), "right": Source(NOW, 5, delay=0.2),
        "untimed": Source(NOW, 5, untimed=5), "silent": Source(NOW - 2 * DAY),
    })  # fmt: skip
    assert [item.said.split()[0] for item in examine_clocks(figures)] == ["ahead", "Nothing", "No"]
    assert [item.said.split()[0] for item in examine_sources(figures, NOW)] == ["silent"]
    assert [item.state for item in examine_sources(None, NOW)] == ["look"]

    def standing(free: int, full: float | None) -> Standing:
        return Standing("runs", figures, 0, 0.0, 0, 1.0, free, None, full, (), ())

    found = [next(examine_disk(standing(*one))).state for one in ((10**12, None), (10**12, 3.0), (10, 3.0))]
    assert found == ["ok", "look", "broken"]
    records = [SetAside("a", number, None, f"Reason {number % 12}.") for number in range(24)]
    assert len(list(examine_set_aside(records))) == 11
    assert [item.state for item in examine_set_aside([])] == ["ok"]


def test_a_bell_that_hangs_on_one_server_is_told(tmp_path: Path) -> None:
    def mail(name: str) -> Channel:
        server = Address("mail.example.org", 587)
        return Channel(
            name,
            "email",
            Mail(server, "starttls", "t", tmp_path / "none", "t@example.org", ("h@example.org",)),
        )

    phone = Channel("phone", "ntfy", Web("https://ntfy.example.org/town"))
    allowed = frozenset({"smtp://mail.example.org:587", "https://ntfy.example.org:443"})

    def said(*channels: Channel, **more: object) -> str:
        return " ".join(
            f"{item.state} {item.said}" for item in examine_bell(Bell(channels, allowed=allowed, **more))
        )

    assert "look Nobody is rung" in said()
    assert (
        "look It rings phone (ntfy), and where https://ntfy.example.org:443 fails, nobody hears it."
        in said(phone)
    )
    assert "look Every channel is e-mail" in said(mail("a"), mail("b"))
    both = said(phone, mail("a"), digest=450)
    assert "ok It rings phone (ntfy), a (email)." in both
    assert "broken The channel a cannot be used: the secret" in both
    assert "No heartbeat" in both
    assert "no daily message" not in both
    assert [item.state for item in examine_messages({"waiting": 1, "failed": 2, "sent": 9})] == ["look", "ok"]
