"""An entrance: a listening socket, and what a connection goes through before its session begins."""

from __future__ import annotations

import importlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatroom.config.values import is_among

if TYPE_CHECKING:
    from chatroom.config import Settings
    from chatroom.config.serving import Listen
    from chatroom.config.values import Network
    from chatroom.server.certificates import Certificates
    from chatroom.server.web_answers import WebPages


@dataclass(frozen=True, slots=True, eq=False)
class Entrance:
    """A listening socket and its settings."""

    listening: socket.socket
    websocket: bool = False
    """True if its clients speak WebSocket."""
    certificates: Certificates | None = None
    """The certificates for TLS; None without TLS."""
    proxies: tuple[Network, ...] = ()
    """The proxies that must begin with a PROXY header; empty if there are none."""
    forwarders: tuple[Network, ...] = ()
    """The HTTP proxies that must send X-Forwarded-For; empty if there are none."""
    pages: WebPages | None = None
    """The files that a browser gets here; None if there are none."""

    @property
    def is_plain(self) -> bool:
        """True if a connection's session begins at once: no header of a proxy and no TLS handshake comes first."""
        return self.certificates is None and not self.proxies

    def lets_in(self, version: int, address: int) -> bool:
        """True if a socket from that address, an integer of IP version 4 or 6, may come in here."""
        trusted = self.proxies or self.forwarders
        return not trusted or is_among(trusted, version, address)


def open_entrance(listen: Listen, listening: socket.socket, settings: Settings) -> Entrance:
    """Make the entrance of a listening socket. Raises ``ServeError``, such as ``CertificateUnusable``."""
    certificates = None
    if listen.tls:
        # Here, because pyOpenSSL takes 40 ms and 8 MB that a daemon without TLS need not pay.
        from chatroom.server.certificates import Certificates

        certificates = Certificates(listen)
    if listen.kind == "websocket":
        # Here, because it takes 30 ms and 3 MB. Not at the first connection, whose tick would wait for it.
        importlib.import_module("chatroom.server.websocket_connection")
    pages = None
    if listen.webroot is not None:
        from chatroom.server.web_answers import WebPages
        from chatroom.server.web_files import read_files

        pages = WebPages(read_files(listen.webroot, settings), settings.server.name, listen.tls)
    return Entrance(
        listening, listen.kind == "websocket", certificates, listen.proxy_protocol_from, listen.forwarded_from, pages
    )
