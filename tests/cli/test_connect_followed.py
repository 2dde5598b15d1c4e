"""`tocsin connect folder` and `webserver`: real files that grow, written by a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.command import call
from tests.connecting_site import Connectable, Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "tocsin").mkdir()
    one = Site(tmp_path / "tocsin")
    yield one
    one.stop()


@pytest.fixture
def web(connectable: Connectable) -> Iterator[str]:
    """A web server that writes an access log as nginx does: its URL."""
    log = connectable.access_log

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, text: str, *values: object) -> None:
            del text
            when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
            with log.open("a") as file:
                file.write(f'127.0.0.1 - - [{when}] "{self.requestline}" 404 0 "-" "curl/8"\n')

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_folder_is_connected_end_to_end(connectable: Connectable) -> None:
    (connectable.logs / "app.log").write_text("one line\n")
    settings = connectable.site.settings
    done = call("--config", settings, "connect", "folder", connectable.logs, "--apply", "--json")
    assert (done.code, done.summary["state"]) == (0, "connected")
    assert [one.name for one in connectable.logs.iterdir()] == ["app.log"], "the test event's file is gone"


def test_a_web_servers_log_is_connected_end_to_end(connectable: Connectable, web: str) -> None:
    more = ("--log", connectable.access_log, "--url", web, "--apply", "--json")
    done = call("--config", connectable.site.settings, "connect", "webserver", *more)
    assert (done.code, done.summary["state"]) == (0, "connected")
    (test,) = done.lines("test")
    assert test["source"] == f"file:{connectable.access_log}"


def test_what_the_settings_lack_is_shown_and_never_written(site: Site, tmp_path: Path) -> None:
    logs, log = tmp_path / "logs", tmp_path / "access.log"
    logs.mkdir()
    log.touch()
    before = site.settings.read_bytes()
    refused = call("--config", site.settings, "connect", "folder", logs, "--apply", "--json")
    assert refused.code == 3
    assert refused.lines("step")[0]["text"] == f'[run.files]\npaths = ["{logs}"]\n'
    assert site.settings.read_bytes() == before
    site.add(refused.lines("step")[0]["text"])
    said = call("--config", site.settings, "connect", "folder", logs, "--apply")
    assert said.code == 3
    assert "The service does not run." in said.text
    shown = call("--config", site.settings, "connect", "webserver", "--log", log, "--json")
    assert shown.lines("step")[0]["text"] == f'[run.files]\npaths = ["{logs}", "{log}"]\n', (
        "TOML takes no key twice"
    )


def test_a_test_event_that_does_not_come_says_what_to_look_at(
    connectable: Connectable, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    text = connectable.site.settings.read_text()
    changed = connectable.site.folder / "changed.toml"  # after the start: not in effect
    changed.write_text(text.replace("[run.files]\npaths = [", f'[run.files]\npaths = ["{logs}", '))
    done = call("--config", changed, "connect", "folder", logs, "--apply", "--json", "--wait", "1")
    assert done.code == 3
    (test,) = done.lines("test")
    assert test["state"] == "never"
    checks = [line["text"] for line in done.lines("check")]
    assert any("was changed after the service started: restart it" in text for text in checks)
    assert done.summary["state"] == "not connected"
    assert not list(logs.iterdir())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://127.0.0.1/",
        "http://192.0.2.1/",
        "x",
        "http://[/",
        "http://127.0.0.1:99999/",
    ],
)
def test_no_request_leaves_this_host(site: Site, tmp_path: Path, url: str) -> None:
    (tmp_path / "access.log").touch()
    done = call(
        "--config", site.settings, "connect", "webserver", "--log", tmp_path / "access.log", "--url", url
    )
    assert done.code == 2
    assert "is no http:// address of this host" in done.error


@pytest.mark.parametrize("name", ["a\nb", "a*", "[ab]", "a\x7fb", "a\udcffb"])
def test_a_name_that_would_mean_something_else_is_refused(site: Site, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    done = call("--config", site.settings, "connect", "folder", tmp_path / name)
    assert done.code == 2
    assert "cannot stand in tocsin.toml" in done.error


def test_what_is_no_folder_is_refused(site: Site, tmp_path: Path) -> None:
    done = call("--config", site.settings, "connect", "folder", tmp_path / "none")
    assert done.code == 2
    assert "is no folder" in done.error
