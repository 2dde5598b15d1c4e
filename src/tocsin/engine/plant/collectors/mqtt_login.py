"""How an MQTT broker knows us, and we it: password and certificates, read from their files at each connection."""

from __future__ import annotations

import ssl

from tocsin.config import bounds
from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.config.private_files import NotOurs, read_private
from tocsin.config.tls import check_key_rights
from tocsin.records.errors import OperatorError
from tocsin.sources.mqtt.packets import Login


def login_of(broker: Mqtt) -> Login:
    """Who we are.

    Raises:
        OperatorError: the file with the password is missing, others may read it, or it holds none.
    """
    return Login(broker.client, broker.user, _password(broker))


def client_context(broker: Mqtt) -> ssl.SSLContext | None:
    """What a client needs to speak TLS with `broker`; None where it speaks none.

    Raises:
        OperatorError: a file is missing, others may read the key, or certificate and key cannot be used.
    """
    if not broker.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=broker.authority)
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"The authority {broker.authority} cannot be used: {_why(error)}.",
            "See that it holds certificates as PEM.",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if broker.certificate is not None and broker.key is not None:
        check_key_rights(broker.key)
        try:
            context.load_cert_chain(broker.certificate, broker.key, password="")
        except (OSError, ValueError) as error:
            raise OperatorError(
                f"The certificate {broker.certificate} and the key {broker.key} cannot be used: {_why(error)}.",
                "See that both are PEM, that the key has no password, and that they belong together.",
            ) from error
    return context


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is no PEM"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _password(broker: Mqtt) -> str | None:
    if broker.password is None:
        return None
    right = "Write the password in a file of its own, and: chmod 600 it."
    try:
        text = read_private(broker.password, bounds.SECRET_BYTES, root_too=True).decode().strip()
    except (NotOurs, UnicodeDecodeError) as error:
        why = error if isinstance(error, NotOurs) else "it is no text"
        raise OperatorError(f"The password {broker.password} is not used: {why}.", right) from error
    except OSError as error:
        raise OperatorError(
            f"The password {broker.password} cannot be read: {error.strerror}.", right
        ) from error
    if not text or not text.isprintable():
        raise OperatorError(f"The password {broker.password} is empty or has more than one line.", right)
    return text
