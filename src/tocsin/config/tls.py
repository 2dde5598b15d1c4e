"""What a listener needs to speak TLS, from the files that the settings name."""

from __future__ import annotations

import ssl
from pathlib import Path

from tocsin.config.service import Tls
from tocsin.records.errors import OperatorError


def server_context(files: Tls) -> ssl.SSLContext:
    """A context for servers: TLS 1.2 or later, and with `client_ca` only senders with a certificate of it.

    Raises:
        OperatorError: a file is missing, others may read the key, or certificate and key cannot be used.
    """
    check_key_rights(files.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise OperatorError(
            f"The certificate {files.certificate} and the key {files.key} cannot be used: {_why(error)}.",
            "See that both are PEM, that the key has no password, and that they belong together.",
        ) from error
    if files.client_ca is not None:
        _ask_for_certificates(context, files.client_ca)
    return context


def _ask_for_certificates(context: ssl.SSLContext, authority: Path) -> None:
    try:
        context.load_verify_locations(cafile=authority)
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"The client CA {authority} cannot be used: {_why(error)}.",
            "See that it holds certificates as PEM.",
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED


def check_key_rights(key: Path) -> None:
    """Refuses a key that everybody may read; a group may, for certificates are often shared by one.

    Raises:
        OperatorError: everybody may, or there is no such file.
    """
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise OperatorError(
            f"The key {key} cannot be used: {error.strerror}.", "Mend [run.http] key, or run `tocsin init`."
        ) from error
    if mode & 0o007:
        raise OperatorError(f"Everybody may read the key {key}.", f"Take that back: chmod 600 {key}")


def _no_password() -> str:
    """In place of OpenSSL's question on the terminal, for which a service would wait for ever."""
    raise ValueError("the key has a password")


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is no PEM"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
