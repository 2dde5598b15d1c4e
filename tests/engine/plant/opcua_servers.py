"""An OPC UA server on loopback, made with asyncua, that can be made to say of itself what a historian or a controller says.

Making one costs seconds, so that the tests of one process share it. It records every service that it is asked for.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import pytest

pytest.importorskip("asyncua", reason="asyncua, of the extra plant-sources, is not installed")

from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole
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
SPACES = ["http://opcfoundation.org/UA/", "urn:plant.example:archive", "urn:plant.example:tags"]
NAME = "Archive"
PASSWORD = "not written anywhere"


class _Users:
    """Anybody without a name; `tocsin` with the password."""

    def get_user(
        self, iserver: Any, username: str | None = None, password: Any = None, certificate: Any = None
    ) -> Any:
        if isinstance(password, bytes):
            password = password.decode()
        return (
            User(role=UserRole.User)
            if username is None or (username, password) == ("tocsin", PASSWORD)
            else None
        )


class _Counting(UaProcessor):
    """A processor that counts what arrives, before the server looks at it."""

    asked: ClassVar[Counter[str]] = Counter()

    async def process_message(self, seqhdr: Any, body: Any) -> Any:
        kind = nodeid_from_binary(body.copy())
        self.asked[SERVICES.get(kind.Identifier, str(kind))] += 1
        return await super().process_message(seqhdr, body)


@dataclass
class Plant:
    """A server, its variables by name, and what it was asked for."""

    server: Server
    endpoint: str = ""
    tags: dict[str, Any] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=lambda: _Counting.asked)

    async def show(self, tag: str, value: Any, **more: Any) -> None:
        """Gives `tag` a value, with a status or a time where `more` says so."""
        kind = ua.VariantType.Double if isinstance(value, float) else None
        now = {"SourceTimestamp": dt.datetime.now(dt.UTC)}
        await self.tags[tag].write_value(ua.DataValue(ua.Variant(value, kind), **now | more))

    async def say(
        self,
        *,
        history: bool = True,
        namespaces: tuple[str, ...] = (),
        servers: tuple[str, ...] = (),
        name: str = NAME,
        maker: str = "",
        writable: tuple[str, ...] = (),
    ) -> None:
        """What it says of itself from now on; without arguments what a historian says."""
        node = self.server.get_node
        await node(ua.NodeId(11193)).write_value(ua.Variant(history, ua.VariantType.Boolean))
        await node(ua.NodeId(2255)).write_value([*SPACES, *namespaces])
        await node(ua.NodeId(2254)).write_value(["urn:plant.example:archive", *servers])
        await node(ua.NodeId(2263)).write_value(maker)
        for one in self.server.iserver.endpoints:
            one.Server.ApplicationName = ua.LocalizedText(name)
        for tag, variable in self.tags.items():
            await variable.set_writable(tag in writable)


async def started(secured: tuple[Path, Path] | None = None, port: int = 0) -> Plant:
    """A server of three tags below Plant/Tags, and two below folders in it; stopped with `plant.server.stop()`."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)
    server = Server(user_manager=_Users())
    await server.init()
    await server.set_application_uri(SPACES[1])
    server.product_uri = "urn:archive.example:server"
    server.set_server_name(NAME)
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    policies = [ua.SecurityPolicyType.NoSecurity]
    if secured is not None:
        policies.append(ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt)
        await server.load_certificate(secured[0], "pem")
        await server.load_private_key(secured[1], format="pem")
    server.set_security_policy(policies)
    await server.register_namespace(SPACES[2])
    plant = Plant(server)
    folder = await (await server.nodes.objects.add_folder(2, "Plant")).add_folder(2, "Tags")
    one, two = await folder.add_folder(2, "Pump1"), await folder.add_folder(2, "Pump2")
    for where, tag, name, value in (
        (folder, "L_T1", "L_T1", 2.5),
        (folder, "F_PU1", "F_PU1", 40.0),
        (folder, "V1", "V1", "OPEN"),
        (one, "Pump1.Speed", "Speed", 1450.0),
        (two, "Pump2.Speed", "Speed", True),
    ):
        plant.tags[tag] = await where.add_variable(ua.NodeId(tag, 2), f"2:{name}", value)
    await server.start()
    plant.endpoint = f"opc.tcp://127.0.0.1:{server.bserver._server.sockets[0].getsockname()[1]}/"
    await plant.say()
    return plant


def counted() -> pytest.MonkeyPatch:
    """Makes every server of this process count; until `undo`."""
    patch = pytest.MonkeyPatch()
    patch.setattr("asyncua.server.binary_server_asyncio.UaProcessor", _Counting)
    return patch


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate (PEM) of an OPC UA application called `name`, and its key."""
    key = rsa.generate_private_key(65_537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = [
        x509.UniformResourceIdentifier(f"urn:plant.example:{name}"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
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
