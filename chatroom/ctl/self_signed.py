"""Makes a self-signed certificate, for a LAN or for the time until a public one is there."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")
_CLOCK_SLACK = timedelta(days=1)
"""How far back the validity begins: the clocks of clients may be behind."""


def make_self_signed(names: Sequence[str], now: datetime, days: int) -> tuple[str, str]:
    """Return the certificate and its private key as PEM text. ``names`` are host names and addresses.

    Raises ``ValueError`` if a name cannot stand in a certificate.
    """
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(alternatives, critical=False)
        # A client that trusts this certificate trusts it for itself, and for no other that it might sign.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), key_pem.decode()


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not _HOST.fullmatch(name) or len(name) > 253:  # RFC 1035, section 2.3.4
            raise ValueError(f"{name or 'an empty name'} is neither a host name nor an address") from None
        return x509.DNSName(name)
