"""The service's own certificate: signed by itself, so that senders trust this one file and no authority.

It is an end-entity certificate (RFC 5280, `cA` false), because some TLS libraries refuse an authority's certificate as
a server's. Senders take it as their trust anchor (`curl --cacert`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tocsin.config import bounds
from tocsin.records.instants import from_datetime, to_datetime

_LABEL: Final = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.ASCII)
_BACK: Final = timedelta(hours=1)
"""How far before now a certificate begins, for senders whose clocks are late."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a certificate says.

    Attributes:
        fingerprint: SHA-256 of its DER, upper-case hexadecimal pairs with colons, as browsers and OpenSSL show it.
        names: The names and addresses it is for.
        ends: The instant after which nobody accepts it.
    """

    fingerprint: str
    names: tuple[str, ...]
    ends: int


def new_key() -> bytes:
    """A new private key (EC P-256), as PEM (PKCS #8, no password)."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def is_name(text: str) -> bool:
    """Whether `text` can stand in a certificate: an IP address or a host name in ASCII (RFC 1123, section 2.1)."""
    try:
        return bool(_address(text)) or (len(text) <= 253 and _HOST.fullmatch(text) is not None)
    except ValueError:
        return False


def certificate_of(key: bytes, names: Sequence[str], now: int) -> bytes:
    """A certificate for `key`, as PEM.

    Args:
        key: PEM of an EC private key.
        names: Host names and addresses it is for, each one `is_name`; the first is its subject.
        now: When it begins (instant), less an hour.

    Raises:
        ValueError: the key is none.
    """
    private = _private(key)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("it is no key of an elliptic curve")  # noqa: TRY004  one kind of error for a bad file
    public = private.public_key()
    begin = to_datetime(now) - _BACK
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Tocsin on {names[0]}"[:64])])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=bounds.CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
    )
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def look_at(certificate: bytes, key: bytes) -> Seen:
    """What the first certificate in the PEM `certificate` says.

    Raises:
        ValueError: it is none, or `key` is not its key; the message is the end of a sentence.
    """
    try:
        first = x509.load_pem_x509_certificate(certificate)
        public = first.public_key()
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise ValueError("the certificate is no PEM that can be read") from error
    if _private(key).public_key() != public:
        raise ValueError("the key is not that of the certificate")
    try:
        found = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(name.value) for name in found)
    except (ValueError, x509.ExtensionNotFound):
        names = ()
    pairs = first.fingerprint(hashes.SHA256()).hex(":").upper()
    return Seen(pairs, names, from_datetime(first.not_valid_after_utc))


def _private(key: bytes) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a password
        raise ValueError("the key is no PEM without a password") from error


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if "%" in text:
        raise ValueError("an address with a zone is good on this host alone")
    return address


def _general(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)
