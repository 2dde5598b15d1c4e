"""The one place that every byte for an OPC UA server passes, and where nothing passes that could change it.

`asyncua` knows every service, writing included. Here its connection is closed to all but a list: a request is looked at as
bytes, by the type id that the server will read (IEC 62541-6, 5.2.9), after the library has encoded it and before it is
encrypted; and its transport takes only what came through there. A way around that the library may get some day is closed too.

What a server sends is bounded: `asyncua` lets the server say how large its messages may be.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

from asyncua import Client, ua
from asyncua.client.ua_client import UaClient, UASocketProtocol
from asyncua.client.ua_session import UaSession
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.shortcuts import Shortcuts
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import nodeid_from_binary

from tocsin.config import bounds
from tocsin.records.errors import Refused

ALLOWED: Final = frozenset(
    {
        "FindServersRequest", "GetEndpointsRequest", "OpenSecureChannelRequest", "CloseSecureChannelRequest",
        "CreateSessionRequest", "ActivateSessionRequest", "CloseSessionRequest", "BrowseRequest", "BrowseNextRequest",
        "ReadRequest", "CreateSubscriptionRequest", "DeleteSubscriptionsRequest", "CreateMonitoredItemsRequest",
        "PublishRequest",
    }
)  # fmt: skip
"""Every service that may be asked for: of them none changes what the server serves."""

_IDS: Final = {getattr(ua.ObjectIds, f"{name}_Encoding_DefaultBinary"): name for name in sorted(ALLOWED)}
_HELLO: Final = b"HELF"


class Guard:
    """Lets requests out that only read.

    Attributes:
        sent: How many of each service left.
    """

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self._passed: bytes | None = None

    def check(self, message: bytes) -> None:
        """Nothing for a request that only reads.

        Raises:
            Refused: it is another.
        """
        try:
            kind = nodeid_from_binary(Buffer(message))
        except Exception as error:
            raise Refused("the passive rule", "what is no OPC UA request was not sent") from error
        name = _IDS.get(kind.Identifier) if kind.NamespaceIndex == 0 else None
        if name is None:
            raise Refused("the passive rule", f"a request of type {kind.to_string()} was not sent")
        self.sent[name] += 1

    def passed(self, encoded: bytes) -> bytes:
        """Marks `encoded` as what `check` let through; it may leave once."""
        self._passed = encoded
        return encoded

    def let_out(self, data: bytes) -> None:
        """Nothing for what was marked, or greets and does nothing else; raises Refused for anything else."""
        passed, self._passed = self._passed, None
        greets = passed is None and data[:4] == _HELLO and int.from_bytes(data[4:8], "little") == len(data)
        if data is not passed and not greets:
            raise Refused("the passive rule", "bytes that were not looked at were not sent")


class _Outlet:
    """A transport that takes only what the guard let through."""

    def __init__(self, transport: asyncio.Transport, guard: Guard) -> None:
        self._transport, self._guard = transport, guard

    def write(self, data: bytes) -> None:
        self._guard.let_out(data)
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()


class _Connection(SecureConnection):
    def __init__(self, policy: Any, guard: Guard) -> None:
        super().__init__(policy, _Limits(bounds.OPCUA_CHUNK_BYTES))
        self._guard = guard

    def message_to_binary(
        self, message: bytes, message_type: Any = ua.MessageType.SecureMessage, request_id: int = 0
    ) -> bytes:
        self._guard.check(message)
        return self._guard.passed(super().message_to_binary(message, message_type, request_id))


class _Limits(TransportLimits):
    """Of what is received ours hold, whatever the server says; of what is sent, the server's."""

    def __init__(self, chunk: int) -> None:
        super().__init__(chunk, 65_535, bounds.OPCUA_MESSAGE_BYTES // 8_192, bounds.OPCUA_MESSAGE_BYTES)

    def update_client_limits(self, msg: Any) -> None:
        self.max_send_buffer = min(max(int(msg.ReceiveBufferSize), 8_192), 65_535)


class _Protocol(UASocketProtocol):
    def __init__(self, timeout: float, policy: Any, guard: Guard) -> None:
        super().__init__(timeout, security_policy=policy)
        self._connection = _Connection(policy, guard)
        self._guard = guard

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_Outlet(transport, self._guard))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        if len(self.receive_buffer or b"") + len(data) > 2 * bounds.OPCUA_CHUNK_BYTES:
            self.logger.error("the server sends chunks that are too large")
            self.disconnect_socket()
            return
        super().data_received(data)


class _Session(UaSession):
    def ensure_publish_loop(self) -> None:
        """Nothing: whoever subscribed asks for changes itself, as fast as it stores them."""


class _LowClient(UaClient):
    def __init__(self, timeout: float, guard: Guard) -> None:
        super().__init__(timeout)
        self._guard = guard
        self.session = _Session(self)

    def _make_protocol(self) -> UASocketProtocol:
        protocol = super()._make_protocol()
        guarded = _Protocol(self._timeout, self.security_policy, self._guard)
        guarded.pre_request_hook = protocol.pre_request_hook
        guarded.on_connection_lost = protocol.on_connection_lost
        guarded.is_session_closing = protocol.is_session_closing
        self.protocol = guarded
        return guarded


class ReadingClient(Client):
    """A client of `asyncua` that can only read.

    Attributes:
        guard: What left, and what may.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, timeout=bounds.OPCUA_SECONDS)
        self.guard = Guard()
        self.uaclient = _LowClient(bounds.OPCUA_SECONDS, self.guard)
        self.uaclient.pre_request_hook = self._wait_until_ready
        self.nodes = Shortcuts(self.uaclient.session)
        self.name = self.description = "Tocsin"
        self.product_uri = "urn:tocsin"
        self.application_uri = "urn:tocsin:plant"
