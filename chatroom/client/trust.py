"""Which certificate of a server the user wants to trust."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Trust:
    """What a TLS connection verifies, and what it shows of its own. Files are read at each connection."""

    fingerprint: str = ""
    """The SHA-256 fingerprint of the only certificate to accept. If it is empty, authorities decide."""
    authorities: str = ""
    """A file with the certificates of the authorities; empty for those of the system."""
    certificate: str = ""
    """A file with the client's certificate; empty if it shows none."""
    key: str = ""
    """The file with the certificate's key; empty if it is in the same file."""


SYSTEM_TRUST = Trust()
"""The authorities of the system decide."""


class Untrusted(Exception):
    """The server's certificate is not to be trusted. Nothing was sent to it."""

    def __init__(self, reason: str, fingerprint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """Why, as a phrase that begins with "its certificate"."""
        self.fingerprint = fingerprint
        """The certificate's SHA-256 fingerprint, 64 hexadecimal digits; empty if it could not be read."""


def parse_fingerprint(text: str) -> str:
    """Return a SHA-256 fingerprint as 64 small hexadecimal digits, from any usual spelling of it.

    Raises ``ValueError`` if it is none.
    """
    digits = text.strip().lower().removeprefix("sha256:").removeprefix("sha-256:").replace(":", "").replace(" ", "")
    if not _FINGERPRINT.fullmatch(digits):
        raise ValueError(text)
    return digits
