"""One connection to an OPC UA server, from the greeting to the loss: who are you, which nodes, and then every change.

Nothing waits here: the next changes are asked for when the last ones are stored. What happens meanwhile, the server keeps
(`OPCUA_QUEUE` a node) or drops, and then it says so with the next change.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua

from tocsin.config import bounds
from tocsin.config.plant_source_opcua import OpcUa
from tocsin.engine.plant.collectors.held import Held
from tocsin.engine.plant.collectors.interface import Deliver, Reading, SourceLost
from tocsin.engine.plant.collectors.opcua_asking import Tag, Tell, calls_itself, find_tags, what_it_says
from tocsin.engine.plant.collectors.opcua_channel import activate, client_of, connected
from tocsin.engine.plant.collectors.opcua_guard import ReadingClient
from tocsin.engine.plant.collectors.opcua_values import dropped, is_one_value, reading
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.sources.opcua.server_kind import Verdict, judge, judge_names

_KEEP_ALIVE_MS: Final = 10_000
_LIFE_MS: Final = 600_000
"""How long the server keeps a subscription that nobody asks for changes: as long as storing may take."""

_RENEW: Final = 0.75
"""Of a channel's life, after which its keys are renewed (IEC 62541-4, 5.5.2)."""


async def follow(settings: OpcUa, deliver: Deliver, tell: Tell) -> None:
    """Hands on every change until it is cancelled.

    Raises:
        SourceLost, OperatorError: as `Collector.read` says.
        Exception: as the library raises it; the server is lost.
    """
    client = await client_of(settings)
    async with connected(client):
        endpoints = await client.get_endpoints()
        names, uris = calls_itself(endpoints)
        _refuse(settings, Verdict(judge_names(names, uris), ("not asked yet",)))
        await client.create_session()
        await activate(client, settings)
        async with asyncio.timeout(bounds.OPCUA_ASK_SECONDS):
            tags = await find_tags(client, settings, tell)
            _refuse(settings, judge(await what_it_says(client, endpoints, tags)))
        followed = await _subscribe(client, settings, tags, tell)
        renewing = asyncio.create_task(_renew(client))
        following = asyncio.create_task(_changes(client, followed, deliver))
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


@dataclass(frozen=True, slots=True)
class Followed:
    """A subscription: its tags, each by its place, and what one message of it is judged by."""

    tags: Sequence[Tag]
    tell: Tell
    patience: float
    held: Held


async def _subscribe(client: ReadingClient, settings: OpcUa, tags: Sequence[Tag], tell: Tell) -> Followed:
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
    return Followed(tags, tell, _patience(subscription), Held(settings.repeat_seconds * SECOND))


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


async def _changes(client: ReadingClient, followed: Followed, deliver: Deliver) -> None:
    stored: list[Any] = []
    while True:
        async with asyncio.timeout(followed.patience):
            answer = await client.uaclient.session.publish(stored)
        result = answer.Parameters
        message = result.NotificationMessage
        came = list(readings_in(message, followed))
        if readings := [*followed.held.again(came), *came]:
            await deliver(readings)
        numbered = ua.SubscriptionAcknowledgement(result.SubscriptionId, message.SequenceNumber)
        stored = [numbered] if message.NotificationData else []


def _patience(subscription: Any) -> float:
    """Seconds after which a server that sent no sign of life is lost."""
    alive = float(subscription.RevisedPublishingInterval) * int(subscription.RevisedMaxKeepAliveCount) / 1000
    return (min(max(alive, 0.0), 3600.0) if math.isfinite(alive) else 3600.0) * 2 + bounds.OPCUA_SECONDS


def readings_in(message: Any, followed: Followed) -> Iterator[Reading]:
    """The readings in a NotificationMessage, in the order in which they came.

    Raises:
        SourceLost: the server ended the subscription.
    """
    for part in message.NotificationData or []:
        if isinstance(part, ua.StatusChangeNotification):
            raise SourceLost(f"it ended the subscription: {part.Status.name}")
        for item in getattr(part, "MonitoredItems", None) or []:
            if not 0 <= item.ClientHandle < len(followed.tags):
                continue
            tag = followed.tags[item.ClientHandle].name
            found = reading(tag, item.Value, message.PublishTime)
            for why in _oddities(item.Value, found):
                followed.tell(f"Tag {tag}: {why}.")
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
