"""The certificates of a TLS listener: loading, choosing one by the client's name, noticing renewed files.

Sources: RFC 8446 (TLS 1.3), RFC 6066 section 3 (server name), RFC 7301 (ALPN).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from OpenSSL import SSL

from chatroom.errors import CertificateUnusable
from chatroom.plain_file import read_plain, require_plain
from chatroom.server.tls_socket import reason

if TYPE_CHECKING:
    from chatroom.config.serving import Listen

ALPN = {"irc": b"irc", "websocket": b"http/1.1"}
"""The protocol that each kind of listener speaks, as ALPN names it."""
_SESSION_ID = b"chatroom"

Signature = tuple[tuple[int, int, int, int], ...]
"""What tells one state of the files from another: the device, inode, size and time of change of each."""


class Certificates:
    """The certificates of one listener, as they are on the disk. One thread at a time uses ``look``."""

    def __init__(self, listen: Listen) -> None:
        """Load them. Raises ``CertificateUnusable``."""
        self._pairs = list(zip(listen.certificate, listen.key, strict=True))
        self._protocol = ALPN[listen.kind]
        self._signature = self._sign()
        self._seen = self._signature
        self._contexts = self._load()

    @property
    def context(self) -> SSL.Context:
        """The context of a new connection. Its handshake changes to another if the client's name asks for that."""
        return self._contexts[0][1]

    def look(self) -> str:
        """Load the files again if they have changed, for connections made from now on. Return what to log, or "".

        If they cannot be loaded, the old certificates stay, and the fault is returned once.
        """
        signature = self._sign()
        # A renewal writes several files. They are read when nothing has changed from one look to the next.
        settled, self._seen = signature == self._seen, signature
        if not settled or signature == self._signature:
            return ""
        self._signature = signature
        try:
            self._contexts = self._load()
        except CertificateUnusable as error:
            return f"the old certificate stays in use: {error}"
        names = ", ".join(self._contexts[0][0]) or "no name"
        return f"read the new certificate of {self._pairs[0][0]} ({names})"

    def _sign(self) -> Signature:
        return tuple(_sign(path) for pair in self._pairs for path in pair)

    def _load(self) -> list[tuple[Sequence[str], SSL.Context]]:
        return [self._load_pair(certificate, key) for certificate, key in self._pairs]

    def _load_pair(self, certificate: Path, key: Path) -> tuple[Sequence[str], SSL.Context]:
        names = read_names(certificate)
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_RENEGOTIATION)
        # The buffers of an idle connection are freed; they are 34 KB each.
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        # A client may show a certificate. It is never verified: its fingerprint is compared with those of accounts.
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        # Without an id, OpenSSL refuses to resume sessions in which a certificate was asked for.
        context.set_session_id(_SESSION_ID)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # sessions are resumed by tickets, which the clients keep
        try:
            context.use_certificate_chain_file(str(certificate))
        except SSL.Error as error:
            raise CertificateUnusable(f"{certificate}: not a usable certificate: {reason(error)}") from None
        try:
            _check_readable(key)
            context.use_privatekey_file(str(key))
            context.check_privatekey()
        except SSL.Error as error:
            raise CertificateUnusable(
                f"{key}: not the private key of {certificate}, or not in PEM without a password: {reason(error)}"
            ) from None
        context.set_alpn_select_callback(self._choose_protocol)
        context.set_tlsext_servername_callback(self._choose_certificate)
        return names, context

    def _choose_protocol(self, connection: SSL.Connection, offered: list[bytes]) -> bytes:
        if self._protocol in offered:
            return self._protocol
        # Section 3.2: the handshake ends with an alert. A web page that sends its reader's browser here, to have us
        # take its request for IRC, gets nowhere.
        raise ConnectionError("no protocol in common")

    def _choose_certificate(self, connection: SSL.Connection) -> None:
        wanted = (connection.get_servername() or b"").decode("ascii", "replace").lower()
        for names, context in self._contexts:
            if any(covers(name, wanted) for name in names):
                connection.set_context(context)
                return


def read_names(path: Path) -> list[str]:
    """Return the names of the first certificate in a PEM file: DNS names in lower case, then addresses.

    Raises ``CertificateUnusable``.
    """
    certificate = read_certificate(path)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except ValueError as error:
        raise CertificateUnusable(f"{path}: malformed names: {error}") from None
    names = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    return [*names, *map(str, found.get_values_for_type(x509.IPAddress))]


def read_certificate(path: Path) -> x509.Certificate:
    """Return the first certificate of a PEM file. Raises ``CertificateUnusable``."""
    try:
        return x509.load_pem_x509_certificate(read_plain(path))
    except OSError as error:
        raise CertificateUnusable(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise CertificateUnusable(f"{path}: not a certificate in PEM") from None


def covers(name: str, host: str) -> bool:
    """True if a certificate's DNS name is that host, or a wildcard for its first label (RFC 6125, section 6.4.3)."""
    if name.startswith("*."):
        label, _, rest = host.partition(".")
        return bool(label) and rest == name[2:]
    return bool(host) and name == host


def _check_readable(path: Path) -> None:
    try:
        require_plain(path)
    except OSError as error:
        raise CertificateUnusable(f"{path}: cannot be read: {error.strerror}") from None


def _sign(path: Path) -> tuple[int, int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0, 0)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
