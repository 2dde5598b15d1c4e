"""One service for all that is connected to it, so that it is started once."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from tests.command import call
from tests.connecting_site import Connectable, Site, free_port


@pytest.fixture(scope="session")
def connectable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connectable]:
    """A service that runs, with a listener of each kind and folders that it follows."""
    folder = tmp_path_factory.mktemp("connectable")
    site = Site(folder)
    site.settings.unlink()
    (folder / "tokens").unlink()
    assert call("init", folder, "--listen", "127.0.0.1:0").code == 0
    text = site.settings.read_text().replace("[run]", '[run]\nstarter = false\nrules = ["sigma"]', 1)
    one = Connectable(site, folder / "logs", folder / "lines", folder / "access.log", free_port(), free_port(),
                      free_port(socket.SOCK_DGRAM))  # fmt: skip
    one.logs.mkdir()
    one.lines.mkdir()
    one.access_log.touch()
    site.settings.write_text(
        f'{text}\n[run.syslog]\ntcp = ["127.0.0.1:{one.tcp}"]\ntls = ["0.0.0.0:{one.tls}"]\nudp = ["127.0.0.1:{one.udp}"]\n'
        f'[run.files]\npaths = ["{one.logs}", "{one.access_log}", "{one.lines}/*.json"]\n'
    )
    site.start()
    yield one
    site.stop()
