"""What a collector asks an OPC UA server before it subscribes: what it says of itself, and which nodes are the tags.

All of it is Browse and Read (IEC 62541-4, 5.9 and 5.11). What comes back is somebody else's word: of any type, of any length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asyncua import ua
from asyncua.ua.uaerrors import UaError

from tocsin.config import bounds
from tocsin.config.plant_source_opcua import OpcUa
from tocsin.engine.plant.collectors.opcua_guard import ReadingClient
from tocsin.records.errors import OperatorError
from tocsin.sources.opcua.server_kind import Said

_SERVERS, _NAMESPACES, _MAKER, _PRODUCT, _HISTORY = 2254, 2255, 2263, 2261, 11193
"""Nodes of every server (IEC 62541-5): ServerArray, NamespaceArray, ManufacturerName, ProductName, and
HistoryServerCapabilities.AccessHistoryDataCapability."""

_OBJECTS: Final = ua.NodeId(ua.Int32(ua.ObjectIds.ObjectsFolder))
_HIERARCHICAL: Final = ua.NodeId(ua.Int32(ua.ObjectIds.HierarchicalReferences))
_PROPERTY: Final = ua.NodeId(ua.Int32(ua.ObjectIds.HasProperty))
_DEVICES: Final = "http://opcfoundation.org/UA/DI/"
_MAY_WRITE, _MAY_READ_HISTORY = 0x02, 0x04
"""Bits of a UserAccessLevel (IEC 62541-3, 8.57)."""

Tell = Callable[[str], None]
"""Takes a sentence that the operator should see; the same one again is not told twice."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A node that is read, and what its readings are called."""

    node: ua.NodeId
    name: str


@dataclass(slots=True)
class _Walk:
    """Looks through folders; it ends, whatever a server shows."""

    client: ReadingClient
    seen: set[str] = field(default_factory=set)
    looked: int = 0

    async def children(self, node: ua.NodeId) -> list[Any]:
        """What `node` holds, properties left out."""
        found: list[Any] = []
        description = ua.BrowseDescription(
            NodeId=_local(node),
            ReferenceTypeId=_HIERARCHICAL,
            IncludeSubtypes=True,
            ResultMask=ua.BrowseResultMask.All,
        )
        ask = ua.BrowseParameters(
            RequestedMaxReferencesPerNode=bounds.OPCUA_SAID, NodesToBrowse=[description]
        )
        session = self.client.uaclient.session
        answers = await session.browse(ask)
        while answers:
            references = answers[0].References or []
            self.looked += max(len(references), 1)
            if self.looked > bounds.OPCUA_BROWSED:
                raise OperatorError(
                    f"The OPC UA server shows more than {bounds.OPCUA_BROWSED:,} nodes where its tags are looked for.",
                    "Name a folder further down, or nodes.",
                )
            found += [
                one
                for one in references
                if one.ReferenceTypeId != _PROPERTY and not getattr(one.NodeId, "ServerIndex", 0)
            ]
            point = answers[0].ContinuationPoint
            if not point:
                break
            answers = await session.browse_next(ua.BrowseNextParameters(ContinuationPoints=[point]))
        return found


def texts_of(value: Any) -> tuple[str, ...]:
    """The texts in `value`: one, or a list of them; empty for anything else. Each is cut to its bound."""
    if isinstance(value, ua.LocalizedText):
        value = value.Text
    if isinstance(value, str):
        return (value[: bounds.OPCUA_NAME_CHARS],) if value else ()
    if isinstance(value, list):
        return tuple(
            one[: bounds.OPCUA_NAME_CHARS] for one in value[: bounds.OPCUA_SAID] if isinstance(one, str)
        )
    return ()


async def read(client: ReadingClient, asked: Sequence[tuple[ua.NodeId, Any]]) -> list[Any]:
    """The values of attributes, in the order of `asked`; None where the server gives none."""
    found: list[Any] = []
    for start in range(0, len(asked), bounds.OPCUA_AT_ONCE):
        part = [
            ua.ReadValueId(NodeId=node, AttributeId=attribute)
            for node, attribute in asked[start : start + bounds.OPCUA_AT_ONCE]
        ]
        answers = await client.uaclient.session.read(ua.ReadParameters(NodesToRead=part))
        for answer in answers[: len(part)]:
            good = answer.StatusCode is None or answer.StatusCode.is_good()
            found.append(answer.Value.Value if good and answer.Value is not None else None)
        found += [None] * (min(start + bounds.OPCUA_AT_ONCE, len(asked)) - len(found))
    return found


def calls_itself(endpoints: Iterable[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names and the URIs that a server gives with its endpoints."""
    servers = [one.Server for one in list(endpoints)[: bounds.OPCUA_SAID]]
    names = [text for one in servers for text in texts_of(one.ApplicationName)]
    uris = [text for one in servers for uri in (one.ApplicationUri, one.ProductUri) for text in texts_of(uri)]
    return tuple(dict.fromkeys(names)), tuple(dict.fromkeys(uris))


async def what_it_says(client: ReadingClient, endpoints: Iterable[Any], tags: Sequence[Tag]) -> Said:
    """All that tells whether the server is one to read `tags` from."""
    general = [_SERVERS, _NAMESPACES, _MAKER, _PRODUCT, _HISTORY]
    value = ua.AttributeIds.Value
    answers = await read(client, [(ua.NodeId(ua.Int32(one)), value) for one in general])
    levels = await read(client, [(one.node, ua.AttributeIds.UserAccessLevel) for one in tags])
    names, uris = calls_itself(endpoints)
    servers, namespaces, maker, product = (texts_of(one) for one in answers[:4])
    rights = [(tag.name, level) for tag, level in zip(tags, levels, strict=True) if isinstance(level, int)]
    return Said(
        names,
        uris,
        next(iter(maker), ""),
        next(iter(product), ""),
        servers,
        namespaces,
        answers[4] is True,
        await _devices(client, namespaces),
        len(tags),
        sum(1 for _, level in rights if level & _MAY_READ_HISTORY),
        tuple(name for name, level in rights if level & _MAY_WRITE),
    )


async def _devices(client: ReadingClient, namespaces: Sequence[str]) -> tuple[str, ...]:
    if _DEVICES not in namespaces:
        return ()
    walk, space = _Walk(client), namespaces.index(_DEVICES)
    for one in await walk.children(_OBJECTS):
        if (one.BrowseName.NamespaceIndex, one.BrowseName.Name) == (space, "DeviceSet"):
            below = await walk.children(one.NodeId)
            return tuple(
                text
                for child in below
                if child.NodeClass == ua.NodeClass.Object
                for text in texts_of(child.BrowseName.Name)
            )
    return ()


async def find_tags(client: ReadingClient, settings: OpcUa, tell: Tell) -> tuple[Tag, ...]:
    """The nodes that `settings` name, and what they are called; those that are not there are told.

    Raises:
        OperatorError: there is none at all, or too many.
    """
    (spaces,) = await read(client, [(ua.NodeId(ua.Int32(_NAMESPACES)), ua.AttributeIds.Value)])
    namespaces = texts_of(spaces)
    names = {_spelt(node, namespaces): tag for node, tag in settings.names}
    found = await _by_id(client, settings.nodes, namespaces, tell)
    if settings.folder:
        found += await _below(client, settings.folder)
    tags = tuple(_named(found, names, tell))
    if not tags:
        raise OperatorError(
            f"{settings.endpoint} has none of the nodes that are named.",
            "Look at folder and nodes in the settings, and at the rights of its user.",
        )
    if len(tags) > bounds.OPCUA_NODES:
        raise OperatorError(
            f"{settings.endpoint} has more than {bounds.OPCUA_NODES:,} variables below {'/'.join(settings.folder)}.",
            "Name a folder further down, or nodes.",
        )
    return tags


def _spelt(node: str, namespaces: Sequence[str]) -> str:
    """`node` as the library spells it, its namespace by number; "" where the server has no such namespace."""
    space, _, rest = node.partition(";")
    if space.startswith("nsu="):
        if space[4:] not in namespaces:
            return ""
        node = f"ns={namespaces.index(space[4:])};{rest}"
    try:
        return ua.NodeId.from_string(node).to_string()
    except (UaError, ValueError):
        return ""


_Found = tuple[str, str, str]
"""A node's id, its name, and its name with those of the folders above it."""


async def _by_id(
    client: ReadingClient, nodes: Sequence[str], namespaces: Sequence[str], tell: Tell
) -> list[_Found]:
    spelt = [(node, _spelt(node, namespaces)) for node in nodes]
    asked = [(ua.NodeId.from_string(one), ua.AttributeIds.BrowseName) for _, one in spelt if one]
    answers = iter(await read(client, asked))
    found: list[_Found] = []
    for node, one in spelt:
        name = next(answers) if one else None
        if isinstance(name, ua.QualifiedName) and name.Name:
            text = name.Name[: bounds.OPCUA_NAME_CHARS]
            found.append((one, text, text))
        else:
            tell(f"The OPC UA server has no node {node[:100]}, or does not show it: it is not read.")
    return found


async def _below(client: ReadingClient, folder: Sequence[str]) -> list[_Found]:
    """Every variable below the folder that names from Objects lead to."""
    walk = _Walk(client)
    node: Any = _OBJECTS
    for depth, name in enumerate(folder, 1):
        children = await walk.children(node)
        node = next((one.NodeId for one in children if one.BrowseName.Name == name), None)
        if node is None:
            raise OperatorError(
                f"The OPC UA server has no folder {'/'.join(folder[:depth])} below Objects.",
                "Look at folder in the settings.",
            )
    found: list[_Found] = []
    level: list[tuple[Any, str]] = [(node, "")]
    for _ in range(bounds.OPCUA_DEPTH):
        level = [pair for one, above in level async for pair in _one_folder(walk, one, above, found)]
    return found


async def _one_folder(walk: _Walk, node: Any, above: str, found: list[_Found]) -> Any:
    """Adds the variables in `node` to `found`, and gives what may hold more: (node, its name)."""
    for one in await walk.children(node):
        spelt, name = _local(one.NodeId).to_string(), one.BrowseName.Name
        if spelt in walk.seen or not isinstance(name, str) or not name:
            continue
        walk.seen.add(spelt)
        name = name[: bounds.OPCUA_NAME_CHARS]
        path = f"{above}.{name}" if above else name
        if one.NodeClass == ua.NodeClass.Variable:
            found.append((spelt, name, path[-bounds.OPCUA_NAME_CHARS :]))
        elif one.NodeClass == ua.NodeClass.Object:
            yield one.NodeId, path


def _local(node: Any) -> ua.NodeId:
    """An expanded id of a node on this server, as an id."""
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


def _named(found: Sequence[_Found], names: dict[str, str], tell: Tell) -> Iterator[Tag]:
    """Each node once, by the name that the settings give, else its own; with its folders where others are called alike."""
    alike = Counter(name for node, name, _ in dict.fromkeys(found) if node not in names)
    taken: set[str] = set()
    for node, name, path in {one[0]: one for one in found}.values():
        tag = names.get(node) or (name if alike[name] == 1 else path)
        if tag in taken:
            tell(f"Two nodes of the OPC UA server are called {tag[:100]}: {node[:100]} is not read.")
            continue
        taken.add(tag)
        yield Tag(ua.NodeId.from_string(node), tag)
