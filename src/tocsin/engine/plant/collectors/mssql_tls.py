"""TLS with SQL Server, of which python-tds leaves two things to whoever asks: without a file of authorities it speaks in plain, and
it looks for a certificate's names with a function that pyOpenSSL has no more (pytds issue 199). Here both are done.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from tocsin.engine.plant.collectors.interface import SourceLost
from tocsin.records.errors import OperatorError

_PLACES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep all certificates in one file: Debian, Red Hat, SUSE, Alpine and macOS."""


def known_authorities(places: Sequence[str] = _PLACES) -> Path:
    """The file with the certificates that the system knows.

    Raises:
        OperatorError: there is none.
    """
    usual = ssl.get_default_verify_paths().cafile
    found = next((Path(one) for one in (usual, *places) if one and Path(one).is_file()), None)
    if found is None:
        raise OperatorError(
            "The certificates that this system knows are in no single file, as SQL Server's library needs them.",
            "Name the certificate of who vouches for the database: authority.",
        )
    return found


@contextmanager
def checked(authority: Path | None) -> Iterator[str | None]:
    """Gives what python-tds is to be told as `cafile`; None for no TLS. Within it a certificate's names are looked at by `is_for`.

    Raises:
        SourceLost: the certificate is not right, or it is no TLS.
        OperatorError: pyOpenSSL is not installed, or the file of authorities cannot be used.
    """
    if authority is None:
        yield None
        return
    import pytds.tls  # noqa: PLC0415  only where it is asked for

    try:
        import OpenSSL.SSL  # noqa: PLC0415
    except ImportError as error:
        raise OperatorError(
            "What speaks TLS with mssql is not installed.",
            "Install the extra `plant-sources`; in a clone of Tocsin: pip install -e '.[plant-sources]'",
        ) from error
    try:
        OpenSSL.SSL.Context(OpenSSL.SSL.TLS_CLIENT_METHOD).load_verify_locations(os.fspath(authority))
    except OpenSSL.SSL.Error as error:
        raise OperatorError(
            f"The authority {authority} cannot be used.", "See that it holds certificates as PEM."
        ) from error
    pytds.tls.validate_host = is_for
    try:
        yield os.fspath(authority)
    except OpenSSL.SSL.Error as error:
        reasons = error.args[0] if error.args else ()
        why = next((one[-1] for one in reasons if isinstance(one, tuple)), "no TLS")
        raise SourceLost(f"the database cannot be trusted, or speaks no TLS ({why})") from error


def is_for(cert: Any, name: bytes) -> bool:
    """Whether a certificate (of pyOpenSSL) is for the host `name` (RFC 9525: the alternative names alone count)."""
    try:
        names = cert.to_cryptography().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    host = name.decode("ascii", "replace").rstrip(".").lower()
    try:
        return ipaddress.ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        return any(_fits(one.lower(), host) for one in names.get_values_for_type(x509.DNSName))


def _fits(pattern: str, host: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == host
    _, dot, rest = host.partition(".")
    return bool(dot) and "." in rest and pattern[2:] == rest
