"""Real servers on loopback that people's messages go to: what came in, and how they are told to answer."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from aiosmtpd.controller import Controller

PATIENCE = 20.0


@dataclass
class Came:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return orjson.loads(self.body)


@dataclass
class WebServer:
    """Answers each request with the next of `answers`, then with 200."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self):
                length = int(self.headers.get("Content-Length") or 0)
                outer.came.append(Came(self.command, self.path, dict(self.headers), self.rfile.read(length)))
                code, headers = outer.answers.pop(0) if outer.answers else (200, {})
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            do_GET = do_POST = _take  # noqa: N815  the library's names

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((self.host, 0), Handler)
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class AnyPort(Controller):
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailServer:
    """Takes messages; `refuse` makes it answer 451, `unknown` is a recipient that it does not know, `parting` its answer to
    QUIT.
    """

    def __init__(self, tls=None):
        self.tls = tls
        self.came = []
        self.refuse = False
        self.unknown = ""
        self.parting = "221 Bye"
        self.names = []

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.names.append(hostname)
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == self.unknown:
            return "550 nobody"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_QUIT(self, server, session, envelope):
        return self.parting

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return "451 later"
        self.came.append(envelope)
        return "250 taken"

    def __enter__(self):
        self.controller = AnyPort(self, hostname="127.0.0.1", port=0, tls_context=self.tls)
        self.controller.start()
        self.port = self.controller.port
        return self

    def __exit__(self, *_):
        self.controller.stop()


def awaited(look, why=lambda: ""):
    """What `look` gives once it gives something that counts."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(why() or "nothing came")
