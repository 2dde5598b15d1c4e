"""Shippers that send to `tocsin run` until they are acknowledged; the process itself is `benchmarks/running.py`."""

from __future__ import annotations

import http.client
import json
from threading import Event as Flag
from threading import Lock, Thread

from benchmarks.running import PATIENCE, Running, awaited

__all__ = ["PATIENCE", "Running", "Sender", "awaited"]


class Sender(Thread):
    """A shipper: sends bodies of numbered events, each again until it is acknowledged."""

    def __init__(self, name: int, token: str, pause: float = 0) -> None:
        super().__init__()
        self._pause = pause
        self._prefix, self._token = name, token
        self.port = 0
        self.acknowledged: list[str] = []
        self.refused: list[int] = []
        self.lock = Lock()
        self.ended = Flag()

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            marks = [f"{self._prefix}-{number}-{part}" for part in range(5)]
            host = f"ws{self._prefix}-{number // 20}"
            body = "".join(
                json.dumps({"host": host, "event": {"EventID": 1102, "Channel": "Security", "mark": mark}})
                for mark in marks
            )
            while not self._sent(body.encode()):
                if self.ended.wait(0.02):
                    return
            with self.lock:
                self.acknowledged += marks
            number += 1
            self.ended.wait(self._pause)

    def _sent(self, body: bytes) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request(
                "POST", "/services/collector/event", body, {"Authorization": f"Splunk {self._token}"}
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        else:
            if answer.status != 200:
                self.refused.append(answer.status)
            return answer.status == 200
        finally:
            connection.close()
