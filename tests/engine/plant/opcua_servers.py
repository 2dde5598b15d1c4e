"""OPC UA servers on loopback, made with asyncua: a historian, and what must not be read. Each records every service asked of it."""

from __future__ import annotations

import datetime
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asyncua", reason="asyncua, of the extra plant-sources, is not installed")

from asyncua import Server, ua
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import nodeid_from_binary
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

SERVICES = {
    value: name.removesuffix("_Encoding_DefaultBinary")
    for name, value in vars(ua.ObjectIds).items()
    if name.endswith("Request_Encoding_DefaultBinary")
}


@dataclass
class Plant:
    """A server, its variables by name, and what it was asked for."""

    server: Server
    endpoint: str
    tags: dict[str, Any] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    async def show(self, tag: str, value: Any, **more: Any) -> None:
        """Gives `tag` a value, with a status or a time where `more` says so."""
        kind = ua.VariantType.Double if isinstance(value, float) else None
        await self.tags[tag].write_value(ua.DataValue(ua.Variant(value, kind), **more))


def record(monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    """Counts what arrives at any asyncua server of this process, before the server looks at it."""
    arrived = UaProcessor.process_message

    async def counted(self: Any, header: Any, body: Any) -> Any:
        kind = nodeid_from_binary(body.copy())
        plant.asked[SERVICES.get(kind.Identifier, str(kind))] += 1
        return await arrived(self, header, body)

    monkeypatch.setattr(UaProcessor, "process_message", counted)


@asynccontextmanager
async def serving(
    monkeypatch: pytest.MonkeyPatch,
    *,
    history: bool = True,
    namespaces: tuple[str, ...] = (),
    name: str = "Archive",
    writable: tuple[str, ...] = (),
    secured: tuple[Path, Path] | None = None,
    servers: tuple[str, ...] = (),
    port: int = 0,
    users: Any = None,
) -> AsyncIterator[Plant]:
    """A server of three tags below Plant/Tags, and one below Plant/Tags/Pumps."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
    server = Server(user_manager=users)
    await server.init()
    server.set_server_name(name)
    await server.set_application_uri("urn:plant.example:archive")
    server.product_uri = "urn:archive.example:server"
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    policies = [ua.SecurityPolicyType.NoSecurity]
    if secured is not None:
        policies = [ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
        await server.load_certificate(secured[0])
        await server.load_private_key(secured[1])
    server.set_security_policy(policies)
    for one in ("urn:plant.example:tags", *namespaces):
        await server.register_namespace(one)
    plant = Plant(server, "")
    folder = await (await server.nodes.objects.add_folder(2, "Plant")).add_folder(2, "Tags")
    pumps = await folder.add_folder(2, "Pumps")
    for where, tag, value in ((folder, "L_T1", 2.5), (folder, "F_PU1", 40.0), (folder, "V1", "OPEN"), (pumps, "S_PU1", True)):
        node = await where.add_variable(ua.NodeId(tag, 2), f"2:{tag}", value)
        if tag in writable:
            await node.set_writable()
        plant.tags[tag] = node
    await _say(server, history, servers)
    record(monkeypatch, plant)
    async with server:
        bound = server.bserver._server.sockets[0].getsockname()[1]
        plant.endpoint = f"opc.tcp://127.0.0.1:{bound}/"
        yield plant


async def _say(server: Server, history: bool, servers: tuple[str, ...]) -> None:
    await server.get_node(ua.NodeId(11193)).write_value(ua.Variant(history, ua.VariantType.Boolean))
    if servers:
        own = await server.get_node(ua.NodeId(2254)).read_value()
        await server.get_node(ua.NodeId(2254)).write_value([*own[:1], *servers])


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate (PEM) of an OPC UA application called `name`, and its key."""
    key = rsa.generate_private_key(65_537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(f"urn:plant.example:{name}"), x509.IPAddress(ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{name}.pem", folder / f"{name}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    private.chmod(0o600)
    return public, private
