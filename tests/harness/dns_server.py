"""A small DNS server on loopback, for blocklists."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class DnsServer:
    """Answers over UDP with the addresses that the test gives for names; others do not exist.

    A name with the address ``silent`` gets no answer, and one with ``refused`` that rcode.
    """

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self.asked: list[str] = []
        """The names that were asked for, in order."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="DNS server", daemon=True)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[DnsServer]:
        """Run a server in the block."""
        server = cls()
        server._thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", server.port))
            server._thread.join(10)
            server._socket.close()

    def _run(self) -> None:
        while True:
            data, peer = self._socket.recvfrom(4096)
            if not data:
                return
            query = dns.message.from_wire(data)
            name = query.question[0].name.to_text(omit_final_dot=True)
            self.asked.append(name)
            address = self.addresses.get(name)
            if address == "silent":
                continue
            response = dns.message.make_response(query)
            response.flags |= dns.flags.RA
            if address is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
            elif address == "refused":
                response.set_rcode(dns.rcode.REFUSED)
            elif address:
                response.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", "A", address))
            self._socket.sendto(response.to_wire(), peer)
