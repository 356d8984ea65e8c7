"""Certificates, a daemon that also listens with TLS, and a client that speaks it."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from harness.daemon import CAP_S, Client, Daemon, Place, stopped_well

from chatroom.ctl.self_signed import make_self_signed


class Pair:
    """A self-signed certificate and its key, as two files in a directory."""

    def __init__(self, directory: Path, *names: str, label: str = "server") -> None:
        self.certificate, self.key = directory / f"{label}.crt", directory / f"{label}.key"
        self.write(*names)

    def write(self, *names: str) -> None:
        """Replace both files by a new pair."""
        certificate, key = make_self_signed(names, datetime.now(UTC), 30)
        self.certificate.write_text(certificate)
        self.key.write_text(key)

    def lock(self, password: str) -> None:
        """Encrypt the key with a password."""
        key = load_pem_private_key(self.key.read_bytes(), None)
        locked = BestAvailableEncryption(password.encode())
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))

    @property
    def der(self) -> bytes:
        """The certificate as the handshake sends it."""
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the certificate, as the server writes it."""
        return hashlib.sha256(self.der).hexdigest()


def client_context(certificate: Pair | None = None) -> ssl.SSLContext:
    """A client's context that trusts every server, and shows a certificate if one is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def server_context(pair: Pair, *, authority: Pair | None = None) -> ssl.SSLContext:
    """A server's context with this certificate, which demands one of the client if it gets an authority for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_alpn_protocols(["irc"])
    if authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.certificate)
    return context


class TlsClient(Client):
    """A client over TLS."""

    def __init__(
        self,
        port: int,
        name: str = "localhost",
        *,
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
        header: bytes = b"",
    ) -> None:
        """Connect; ``header`` is sent before the handshake, as a proxy does."""
        super().__init__(port)
        self.sock.sendall(header)
        made = context or client_context()
        self.tls = made.wrap_socket(self.sock, server_hostname=name, session=session)
        self.sock = self.tls

    def __enter__(self) -> TlsClient:
        return self

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate."""
        return self.tls.getpeercert(binary_form=True)


class ListeningDaemon(Daemon):
    """A daemon with a plain listener at ``port`` and one more, at ``second_port``, whose table has these lines."""

    def __init__(self, place: Place, table: str) -> None:
        file = place.root / "chatroom.toml"
        file.write_text(f"[[listen]]\nport = 1\n[[listen]]\nport = 0\n{table}\n")
        place.environment["CHATROOM_CONFIG"] = str(file)
        super().__init__(place)
        line = self.log_lines("listening on ")[1]
        self.second_port = int(line.partition(" (")[0].rpartition(":")[2])


class TlsDaemon(ListeningDaemon):
    """A daemon that also listens with TLS, at ``tls_port``. ``listen`` has further lines of that table."""

    def __init__(self, place: Place, pair: Pair, listen: str = "") -> None:
        table = f"tls = true\n{listen}"
        if "certificate" not in listen:
            table += f'\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"\n'
        super().__init__(place, table)
        self.pair = pair
        self.tls_port = self.second_port

    def open_tls(self, name: str = "localhost", certificate: Pair | None = None) -> TlsClient:
        """Connect over TLS without sending a line."""
        return TlsClient(self.tls_port, name, context=client_context(certificate))

    def connect_raw(self) -> socket.socket:
        """Connect to the TLS port without a handshake."""
        return socket.create_connection(("127.0.0.1", self.tls_port), CAP_S)


@contextlib.contextmanager
def tls_running(listen: str = "", **settings: float | str) -> Iterator[TlsDaemon]:
    """Run a daemon as ``harness.daemon.running`` does, with a TLS listener."""
    with Place.make(**settings) as place:
        yield from stopped_well(TlsDaemon(place, Pair(place.root, "localhost"), listen))


@contextlib.contextmanager
def listening(table: str, **settings: float | str) -> Iterator[ListeningDaemon]:
    """Run a daemon as ``harness.daemon.running`` does, with a second listener."""
    with Place.make(**settings) as place:
        yield from stopped_well(ListeningDaemon(place, table))
