"""One connection to an OPC UA server, from the greeting to the loss: who are you, which nodes, and then every change.

Nothing waits here: the next changes are asked for when the last ones are stored. What happens meanwhile, the server keeps
(`OPCUA_QUEUE` a node) or drops, and then it says so with the next change.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from asyncua import ua
from asyncua.crypto import security_policies, uacrypto
from asyncua.ua.uaerrors import (
    BadIdentityTokenInvalid,
    BadIdentityTokenRejected,
    BadUserAccessDenied,
    UaError,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tocsin.config import bounds
from tocsin.config.plant_source_opcua import OpcUa, Secured
from tocsin.config.private_files import NotOurs, read_private
from tocsin.engine.plant.collectors.interface import Deliver, Reading, SourceLost
from tocsin.engine.plant.collectors.opcua_asking import Tag, Tell, calls_itself, find_tags, what_it_says
from tocsin.engine.plant.collectors.opcua_guard import ReadingClient
from tocsin.engine.plant.collectors.opcua_held import Held
from tocsin.engine.plant.collectors.opcua_values import dropped, is_one_value, reading
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.sources.opcua.server_kind import Verdict, judge, judge_names

_KEEP_ALIVE_MS: Final = 10_000
_LIFE_MS: Final = 600_000
"""How long the server keeps a subscription that nobody asks for changes: as long as storing may take."""

_RENEW: Final = 0.75
"""Of a channel's life, after which its keys are renewed (IEC 62541-4, 5.5.2)."""

_POLICIES: Final[dict[str, Any]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


async def follow(settings: OpcUa, deliver: Deliver, tell: Tell) -> None:
    """Hands on every change until it is cancelled.

    Raises:
        SourceLost, OperatorError: as `Collector.read` says.
        Exception: as the library raises it; the server is lost.
    """
    client = await _client(settings)
    async with _connected(client):
        endpoints = await client.get_endpoints()
        names, uris = calls_itself(endpoints)
        _refuse(settings, Verdict(judge_names(names, uris), ("not asked yet",)))
        await client.create_session()
        await _activate(client, settings)
        async with asyncio.timeout(bounds.OPCUA_ASK_SECONDS):
            tags = await find_tags(client, settings, tell)
            _refuse(settings, judge(await what_it_says(client, endpoints, tags)))
        subscription = await _subscribe(client, settings, tags, tell)
        renewing = asyncio.create_task(_renew(client))
        following = asyncio.create_task(_changes(client, settings, subscription, tags, deliver, tell))
        try:
            done, _ = await asyncio.wait((renewing, following), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
        finally:
            renewing.cancel()
            following.cancel()
            await asyncio.gather(renewing, following, return_exceptions=True)


def _refuse(settings: OpcUa, verdict: Verdict) -> None:
    """Raises OperatorError where the server is none to read from."""
    instead = (
        "Connect to the historian or the aggregation server that reads the controllers, with a user that may only "
        "read; Tocsin never reads a controller itself."
    )
    if verdict.signs:
        why = "; ".join(verdict.signs[:3])
        raise OperatorError(
            f"{settings.endpoint} is not read, because it looks like a controller: {why}.", instead
        )
    if not verdict.offers:
        raise OperatorError(
            f"{settings.endpoint} is not read, because it says neither that it keeps history nor that it stands for "
            "several servers, as a historian or an aggregation server does.",
            instead,
        )


async def _client(settings: OpcUa) -> ReadingClient:
    client = ReadingClient(settings.endpoint)
    if settings.secured is not None:
        try:
            await _secure(client, settings.secured)
        except (OSError, ValueError, NotOurs, UaError) as error:
            raise OperatorError(
                f"The certificates for {settings.endpoint} cannot be used: {error}.",
                "Look at certificate, key (chmod 600 it) and server-certificate in the settings.",
            ) from error
    return client


async def _secure(client: ReadingClient, secured: Secured) -> None:
    ours, theirs = (_certificate(path) for path in (secured.certificate, secured.server_certificate))
    key = read_private(secured.key, bounds.SECRET_BYTES * 4, root_too=True)
    client.application_uri = _our_uri(ours, secured.certificate)
    mode = ua.MessageSecurityMode.SignAndEncrypt if secured.encrypted else ua.MessageSecurityMode.Sign
    await client.set_security(
        _POLICIES[secured.policy],
        _der(ours),
        uacrypto.CertProperties(key, "pem"),
        server_certificate=_der(theirs),
        mode=mode,
    )


def _certificate(path: Path) -> x509.Certificate:
    data = path.read_bytes()[: bounds.OPCUA_CHUNK_BYTES]
    if b"-----BEGIN" in data:
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def _der(certificate: x509.Certificate) -> uacrypto.CertProperties:
    return uacrypto.CertProperties(certificate.public_bytes(Encoding.DER), "der")


def _our_uri(certificate: x509.Certificate, path: Path) -> str:
    """The URI in our certificate, by which servers know us (IEC 62541-6, 6.2.2)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if not uris:
        raise ValueError(f"{path} has no URI among its names, by which an OPC UA server knows a client")
    return uris[0]


@asynccontextmanager
async def _connected(client: ReadingClient) -> AsyncIterator[None]:
    try:
        await client.connect_sessionless()
        yield
    finally:
        try:
            async with asyncio.timeout(bounds.OPCUA_LEAVE_SECONDS):
                await client.close_session()
                await client.close_secure_channel()
        except Exception:  # noqa: BLE001, S110  the connection is gone or goes now, whatever the server says to it
            pass
        client.disconnect_socket()


async def _activate(client: ReadingClient, settings: OpcUa) -> None:
    try:
        if settings.password_file is None:
            await client.activate_session()
        else:
            await client.activate_session(settings.user, _password(settings.password_file))
    except (BadIdentityTokenInvalid, BadIdentityTokenRejected, BadUserAccessDenied) as error:
        who = f"user {settings.user}" if settings.user else "a client without a user"
        raise OperatorError(  # tried again and again, it would lock the account
            f"{settings.endpoint} does not let {who} in.", "Look at user and password-file in the settings."
        ) from error


def _password(path: Path) -> str:
    try:
        text = read_private(path, bounds.SECRET_BYTES, root_too=True).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError, NotOurs) as error:
        raise OperatorError(
            f"The password in {path} cannot be used: {error}.", "Look at it; chmod 600 it."
        ) from error
    if not text or not text.isprintable():
        raise OperatorError(f"The file {path} holds no password.", "Write it on one line.")
    return text


async def _subscribe(client: ReadingClient, settings: OpcUa, tags: Sequence[Tag], tell: Tell) -> Any:
    """The subscription, with every tag in it; the number of a tag is its place in `tags`."""
    every = settings.interval_ms
    alive = max(1, _KEEP_ALIVE_MS // every)
    session = client.uaclient.session
    subscription = await session.create_subscription(
        ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=float(every),
            RequestedLifetimeCount=max(3 * alive, _LIFE_MS // every),
            RequestedMaxKeepAliveCount=alive,
            MaxNotificationsPerPublish=bounds.OPCUA_CHANGES,
            PublishingEnabled=True,
        ),
        _nothing,
    )
    refused = 0
    for start in range(0, len(tags), bounds.OPCUA_AT_ONCE):
        items = [
            _item(number, tags[number], every)
            for number in range(start, min(start + bounds.OPCUA_AT_ONCE, len(tags)))
        ]
        results = await session.create_monitored_items(
            ua.CreateMonitoredItemsParameters(subscription.SubscriptionId, ua.TimestampsToReturn.Both, items)
        )
        refused += len(items) - sum(1 for one in results[: len(items)] if one.StatusCode.is_good())
    if refused:
        tell(f"{settings.endpoint} lets {refused} of {len(tags)} tags not be followed: they are not read.")
    return subscription


def _item(number: int, tag: Tag, every: int) -> ua.MonitoredItemCreateRequest:
    changes = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
    asked = ua.MonitoringParameters(
        ClientHandle=number,
        SamplingInterval=float(every),
        Filter=changes,
        QueueSize=bounds.OPCUA_QUEUE,
        DiscardOldest=True,
    )
    node = ua.ReadValueId(NodeId=tag.node, AttributeId=ua.AttributeIds.Value)
    return ua.MonitoredItemCreateRequest(node, ua.MonitoringMode.Reporting, asked)


def _nothing(_: Any) -> None:
    """Takes what is never given: changes are asked for below."""


async def _renew(client: ReadingClient) -> None:
    while True:
        life = min(max(float(client.secure_channel_timeout) / 1000, 10.0), 3600.0)
        await asyncio.sleep(life * _RENEW)
        await client.open_secure_channel(renew=True)
        client.uaclient.revolve_security_token()


async def _changes(  # noqa: PLR0913  what one connection has
    client: ReadingClient,
    settings: OpcUa,
    subscription: Any,
    tags: Sequence[Tag],
    deliver: Deliver,
    tell: Tell,
) -> None:
    patience = _patience(subscription)
    stored: list[Any] = []
    told: set[str] = set()
    held = Held(settings.repeat_seconds * SECOND)
    while True:
        async with asyncio.timeout(patience):
            answer = await client.uaclient.session.publish(stored)
        result = answer.Parameters
        message = result.NotificationMessage
        came = list(_readings(message, tags, tell, told))
        readings = [*held.again(came), *came]
        if readings:
            await deliver(readings)
        stored = (
            [ua.SubscriptionAcknowledgement(result.SubscriptionId, message.SequenceNumber)]
            if message.NotificationData
            else []
        )


def _patience(subscription: Any) -> float:
    """Seconds after which a server that sent no sign of life is lost."""
    alive = float(subscription.RevisedPublishingInterval) * int(subscription.RevisedMaxKeepAliveCount) / 1000
    return (min(max(alive, 0.0), 3600.0) if math.isfinite(alive) else 3600.0) * 2 + bounds.OPCUA_SECONDS


def _readings(message: Any, tags: Sequence[Tag], tell: Tell, told: set[str]) -> Any:
    """The readings in `message`, in the order in which they came; what is to be told of a tag is told once."""
    for part in message.NotificationData or []:
        if isinstance(part, ua.StatusChangeNotification):
            raise SourceLost(f"it ended the subscription: {part.Status.name}")
        for item in getattr(part, "MonitoredItems", None) or []:
            if not 0 <= item.ClientHandle < len(tags):
                continue
            tag = tags[item.ClientHandle].name
            found: Reading | None = reading(tag, item.Value, message.PublishTime)
            for why in _oddities(item.Value, found):
                if f"{tag} {why}" not in told:
                    told.add(f"{tag} {why}")
                    tell(f"Tag {tag}: {why}.")
            if found is not None:
                yield found


def _oddities(change: Any, found: Reading | None) -> list[str]:
    odd = []
    if dropped(change):
        odd.append("the OPC UA server dropped changes, because they came faster than they were taken")
    if not is_one_value(change):
        odd.append("it holds a list or a structure, which is not read")
    if found is None:
        odd.append("it has no time, and is not read")
    return odd
