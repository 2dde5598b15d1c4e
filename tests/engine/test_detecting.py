"""What a host's files make `tocsin connect --detect` propose, hostile ones too."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tocsin.config import bounds
from tocsin.config.service import Service, load_service
from tocsin.engine.connecting.detecting import Detected, detect


@pytest.fixture
def service(tmp_path: Path) -> Service:
    (tmp_path / "tocsin.toml").write_text('[run]\ndata = "data"\n')
    return load_service(tmp_path / "tocsin.toml", tmp_path)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    return tmp_path / "host"


def put(host: Path, path: str, text: str | bytes = "x\n") -> Path:
    place = host / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


def named(found: Detected) -> list[tuple[str, ...]]:
    return [(one.source, *one.arguments) for one in found.proposals]


def test_what_is_there_is_proposed_in_order_of_worth(service: Service, host: Path) -> None:
    put(host, "/etc/rsyslog.conf")
    put(host, "/usr/sbin/rsyslogd")
    put(host, "/proc/net/route", "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t0100A8C0\t0003\n")
    put(host, "/etc/nginx/conf.d/shop.conf", "server {\n  access_log /srv/shop/access.log combined;\n}\n")
    put(host, "/srv/shop/access.log")
    put(host, "/etc/apache2/sites-enabled/a.conf", "CustomLog ${APACHE_LOG_DIR}/access.log combined\n")
    put(host, "/var/log/apache2/access.log")
    put(host, "/var/log/audit/audit.log")
    found = detect(service, host)
    assert named(found) == [
        ("rsyslog",), ("firewall", "--from", "192.168.0.1"), ("webserver", "--log", "/var/log/apache2/access.log"),
        ("webserver", "--log", "/srv/shop/access.log"), ("folder", "/var/log/audit"),
    ]  # fmt: skip
    assert not any(one.connected for one in found.proposals)
    assert not found.troubles


def test_what_is_connected_is_said(tmp_path: Path, host: Path) -> None:
    (tmp_path / "tocsin.toml").write_text('[run]\n[run.files]\npaths = ["/var/log/audit"]\n')
    put(host, "/var/log/audit/audit.log")
    (one,) = detect(load_service(tmp_path / "tocsin.toml", tmp_path), host).proposals
    assert one.connected


def test_a_bare_host_has_nothing(service: Service, host: Path) -> None:
    assert detect(service, host) == Detected()


def test_hostile_files_neither_stop_nor_mislead_it(service: Service, host: Path) -> None:
    put(host, "/etc/nginx/nginx.conf", b"\xff\x00{{{{ access_log" * 1_000)
    put(
        host,
        "/etc/nginx/conf.d/a.conf",
        "access_log /var/log/evil\x1b[2J.log;\naccess_log /srv/../../secret;\n",
    )
    put(host, "/etc/nginx/conf.d/long.conf", "access_log /" + "a" * 100_000)
    put(
        host, "/etc/nginx/conf.d/big.conf", b" " * bounds.DETECT_FILE_BYTES + b"\naccess_log /srv/late.log;\n"
    )
    put(host, "/srv/late.log")
    put(host, "/etc/nginx/conf.d/zz.conf", "access_log /srv/good.log;\n")
    put(host, "/srv/good.log")
    put(host, "/var/log/evil\x1b[2J.log")
    (host / "etc/nginx/conf.d/loop.conf").symlink_to("loop.conf")
    (host / "etc/nginx/conf.d/gone.conf").symlink_to("/nowhere/at/all")
    os.mkfifo(host / "etc/nginx/conf.d/pipe.conf")
    (host / "var/log/nginx").mkdir(parents=True)
    os.mkfifo(host / "var/log/nginx/access.log")
    put(host, "/proc/net/route", b"Iface\n" + b"\xff\t00000000\tzz\t3\n" + b"a\t00000000\tFFFFFFFFFFFF\t3\n")
    begun = time.monotonic()
    found = detect(service, host)
    assert time.monotonic() - begun < bounds.DETECT_SECONDS
    assert named(found) == [("webserver", "--log", "/srv/good.log")]
    assert any("loop.conf" in trouble for trouble in found.troubles)


def test_a_giant_folder_is_looked_at_up_to_a_bound(
    service: Service, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "DETECT_ENTRIES", 50)
    for number in range(200):
        put(host, f"/etc/nginx/sites-enabled/{number}", f"access_log /srv/{number}.log;\n")
        put(host, f"/srv/{number}.log")
    found = detect(service, host)
    assert len(found.proposals) == 10
    assert all(one.source == "webserver" for one in found.proposals)


def test_a_folder_that_hangs_does_not_hold_it_up(
    service: Service, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of a network file system whose server went: there, the call to the kernel does not come back."""
    put(host, "/etc/rsyslog.conf")
    put(host, "/usr/sbin/rsyslogd")
    put(host, "/var/log/audit/audit.log")
    real = os.scandir

    def hanging(path: str | Path) -> object:
        if str(path).endswith("conf.d"):
            time.sleep(2)
        return real(path)

    monkeypatch.setattr(bounds, "DETECT_SECONDS", 0.3)
    monkeypatch.setattr(os, "scandir", hanging)
    found = detect(service, host)
    assert named(found) == [("rsyslog",)]
    assert "took too long" in found.troubles[-1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(service: Service, host: Path) -> None:
    put(host, "/var/log/audit/audit.log")
    (host / "var/log/audit").chmod(0)
    assert "could not be looked at" in detect(service, host).troubles[0]
    (host / "var/log/audit").chmod(0o700)
