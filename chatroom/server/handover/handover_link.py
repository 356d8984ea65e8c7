"""The two daemons' connection: messages, which are JSON objects behind their length, and descriptors (SCM_RIGHTS)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

from chatroom.errors import HandoverRefused

VARIABLE = "CHATROOM_HANDOVER_FD"
"""The environment variable with the number of the descriptor that the new daemon has its end of the link as."""
MOST_DESCRIPTORS = 253
"""The most descriptors in one message: ``SCM_MAX_FD`` of Linux (unix(7))."""
_LENGTH = struct.Struct(">Q")
_PIECE_BYTES = 1 << 20

Message = dict[str, Any]


class Link:
    """One end. Used by one thread at a time."""

    def __init__(self, sock: socket.socket, patience_s: float | None = None) -> None:
        """``patience_s`` is how long the other end may read nothing, or say nothing within a message; None for ever."""
        self._sock = sock
        self._patience_s = patience_s
        sock.settimeout(patience_s)

    def send(self, message: Message) -> None:
        """Send a message. Raises ``HandoverRefused`` if the other end is gone or does not read."""
        data = json.dumps(message, separators=(",", ":")).encode()
        try:
            self._sock.sendall(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise _gone(error) from error

    def receive(self, patience_s: float | None = None) -> Message | None:
        """Return the next message; None if none begins within that time, which may be for ever.

        Raises ``HandoverRefused`` at the end of the link.
        """
        try:
            self._sock.settimeout(patience_s)
            first = self._sock.recv(1)
        except TimeoutError:
            return None
        except OSError as error:
            raise _gone(error) from error
        finally:
            with contextlib.suppress(OSError):  # this end is closed
                self._sock.settimeout(self._patience_s)
        (size,) = _LENGTH.unpack(first + self._receive(_LENGTH.size - 1 if first else _LENGTH.size))
        message: Message = json.loads(self._receive(size))
        return message

    def send_descriptors(self, descriptors: Sequence[int]) -> None:
        """Send descriptors. Raises ``HandoverRefused``."""
        try:
            for start in range(0, len(descriptors), MOST_DESCRIPTORS):
                socket.send_fds(self._sock, [b"D"], list(descriptors[start : start + MOST_DESCRIPTORS]))
        except OSError as error:
            raise _gone(error) from error

    def receive_descriptors(self, count: int) -> list[int]:
        """Return so many descriptors, in their order. Raises ``HandoverRefused`` if not all of them come."""
        received: list[int] = []
        while len(received) < count:
            try:
                # One byte belongs to each batch: the kernel never joins two batches in one answer.
                data, descriptors, flags, _ = socket.recv_fds(self._sock, 1, MOST_DESCRIPTORS)
            except OSError as error:
                raise _gone(error) from error
            if not data or not descriptors or flags & socket.MSG_CTRUNC:
                raise HandoverRefused("not all sockets could be taken over: the limit of open files is too low")
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)  # Python ignores the flag that has the kernel do it
            received += descriptors
        return received

    def close(self) -> None:
        """Close this end. Idempotent."""
        self._sock.close()

    def _receive(self, size: int) -> bytes:
        pieces = []
        while size:
            try:
                piece = self._sock.recv(min(size, _PIECE_BYTES))
            except OSError as error:
                raise _gone(error) from error
            if not piece:
                raise HandoverRefused("the other daemon has ended")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def _gone(error: OSError) -> HandoverRefused:
    if isinstance(error, TimeoutError):
        return HandoverRefused("the other daemon does not answer")
    return HandoverRefused(f"the other daemon has ended: {error.strerror or error}")
