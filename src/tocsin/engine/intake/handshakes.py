"""The door before the door, under TLS: connections that have not proven yet that they speak it.

The event loop's own server would hold any number of them, each with its buffers, and say nothing of those that fail.
Here they are accepted one by one, bounded in all and by address, and counted by why they went.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Final

from tocsin.config import bounds
from tocsin.engine.intake.door import Crowd

_WENT: Final = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EINTR})
_PAUSE_SECONDS: Final = 0.1


class Gate:
    """Accepts the connections of one listener and lets in those whose handshake succeeds.

    Args:
        bound: The listener's socket, bound.
        context: Its certificate.
        served: Makes the protocol of a connection.
        crowd: The handshakes of all listeners.
        shaking: The listener's handshakes that are under way; whoever cancels them closes their connections.
        tell: Told in words what an operator should know.

    Must be made in the running event loop.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what it is wired to
        self, bound: socket.socket, context: ssl.SSLContext, served: Callable[[], asyncio.Protocol], crowd: Crowd,
        shaking: set[asyncio.Task[None]], tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._bound, self._context, self._served = bound, context, served
        self._crowd, self._tell = crowd, tell
        self._loop = asyncio.get_running_loop()
        self._shaking = shaking
        bound.listen(1_024)
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Accepts nobody any more; handshakes that have begun may end."""
        self._accepting.cancel()
        self._loop.remove_reader(self._bound)  # while it is open: as a copy it would be watched on for ever
        self._bound.close()

    async def _accept(self) -> None:
        while True:
            try:
                one, address = await self._loop.sock_accept(self._bound)
            except OSError as error:
                gone = error.errno in _WENT  # before it was let in
                await asyncio.sleep(0 if gone else _PAUSE_SECONDS)
                continue
            peer = str(address[0])
            if not self._crowd.enter(peer):
                self._crowd.leave(peer)
                self._crowd.counters.refuse("handshakes")
                one.close()
                continue
            task = self._loop.create_task(self._shake(one, peer))
            self._shaking.add(task)
            task.add_done_callback(partial(self._shook, peer))

    async def _shake(self, one: socket.socket, peer: str) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._served, one, ssl=self._context, ssl_handshake_timeout=bounds.TLS_HANDSHAKE_SECONDS
            )
        except (OSError, TimeoutError):  # an `SSLError` is an `OSError`
            self._crowd.counters.refuse("tls")
        except Exception as error:  # noqa: BLE001  one connection's error is its own
            self._tell(f"A connection from {peer} failed: {error!r}")

    def _shook(self, peer: str, task: asyncio.Task[None]) -> None:
        """However it ended, and if it was cancelled before it began."""
        self._shaking.discard(task)
        self._crowd.leave(peer)
