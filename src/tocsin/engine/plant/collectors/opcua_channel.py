"""The channel to an OPC UA server and the session on it: whose certificates, as whom (IEC 62541-4, 5.6 and 5.7, and -6, 6.7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
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
from tocsin.engine.plant.collectors.opcua_guard import ReadingClient
from tocsin.records.errors import OperatorError

_POLICIES: Final[dict[str, Any]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


async def client_of(settings: OpcUa) -> ReadingClient:
    """A client that is not connected yet. OperatorError where the certificates cannot be used."""
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
async def connected(client: ReadingClient) -> AsyncIterator[None]:
    """A secure channel without a session; at its end the session, if there is one, is closed too."""
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


async def activate(client: ReadingClient, settings: OpcUa) -> None:
    """Makes the session that was created ours. OperatorError where the server does not let us in."""
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
