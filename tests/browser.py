"""A real browser (Chromium, where there is one), driven over a pipe by its own protocol: nothing is fetched, nothing listens."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (one for one in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if one), None
)
_SECONDS = 60
_PIPES = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3])
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Starts a command with the protocol's file descriptors, 3 and 4."""


class Page:
    """One page of a browser."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back, self._left, self._number = to, back, b"", 0
        self._session: str | None = None
        self.told: list[dict[str, Any]] = []
        """Events that came, oldest first."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the Chrome DevTools Protocol; its result."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.told.append(answer)

    def open(self, path: Path, width: int, *, dark: bool = False, media: str = "screen") -> None:
        """Shows the file `path` on a screen `width` pixels wide."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.told.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not any(one.get("method") == "Page.loadEventFired" for one in self.told):
            self.told.append(self._next())

    def evaluate(self, expression: str) -> Any:
        """What JavaScript says; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def requests(self) -> list[str]:
        """The addresses that the page asked for."""
        return [
            one["params"]["request"]["url"]
            for one in self.told
            if one.get("method") == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """What the browser logged: refusals by the page's policy among it."""
        return [one["params"]["entry"]["text"] for one in self.told if one.get("method") == "Log.entryAdded"]

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _SECONDS
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._back], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser says nothing"
            part = os.read(self._back, 1 << 20)
            assert part, "the browser went away"
            self._left += part
        one, _, self._left = self._left.partition(b"\0")
        return json.loads(one)


@contextmanager
def browser() -> Iterator[Page]:
    """A browser with one page; it ends with the block."""
    assert CHROMIUM is not None
    to_read, to = os.pipe()
    back, back_write = os.pipe()

    with tempfile.TemporaryDirectory(prefix="tocsin-browser-", ignore_cleanup_errors=True) as folder:
        started = subprocess.Popen(
            [sys.executable, "-S", "-c", _PIPES, str(to_read), str(back_write), CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={folder}"],
            pass_fds=(to_read, back_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(to_read)
        os.close(back_write)
        try:
            yield Page(to, back)
        finally:
            os.close(to)
            os.close(back)
            started.terminate()
            started.wait(timeout=_SECONDS)
