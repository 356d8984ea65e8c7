"""A service manager, as far as a daemon sees it: the socket that it reports to, and sockets that it hands over."""

from __future__ import annotations

import socket
from types import TracebackType

from harness.daemon import CAP_S


class NotifySocket:
    """Receives what daemons report. All messages that were received are in ``messages``."""

    def __init__(self, address: str) -> None:
        """``address`` is a path, or an abstract name that begins with ``@``."""
        self.address = address
        self.messages: list[dict[str, str]] = []
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.settimeout(CAP_S)
        self._sock.bind(f"\0{address[1:]}" if address.startswith("@") else address)

    def __enter__(self) -> NotifySocket:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sock.close()

    def read(self) -> dict[str, str]:
        """Return the next message."""
        text = self._sock.recv(65_536).decode()
        message = dict(line.split("=", 1) for line in text.split("\n"))
        self.messages.append(message)
        return message

    def expect(self, name: str) -> dict[str, str]:
        """Read on to a message that has that variable."""
        while name not in (message := self.read()):
            pass
        return message

    def drain(self) -> list[dict[str, str]]:
        """Return the messages that are there already."""
        self._sock.setblocking(False)
        found = []
        try:
            while True:
                found.append(self.read())
        except BlockingIOError:
            return found
        finally:
            self._sock.settimeout(CAP_S)
