"""A way to Redis on which answers get lost: Redis has done what it was told, and then the connection breaks."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector


class RedisProxy:
    """Listens on a Unix socket, and passes on to that of a server and back. Each connection has a thread."""

    def __init__(self, server: Path, path: Path) -> None:
        self.path = path
        self._server = server
        self._lock = threading.Lock()
        """Guards the next two."""
        self._words: set[bytes] = set()
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()

    @classmethod
    @contextmanager
    def running(cls, server: Path, path: Path) -> Iterator[RedisProxy]:
        """Pass on in the block."""
        proxy = cls(server, path)
        thread = threading.Thread(target=proxy._accept, name="proxy", daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            with proxy._lock:
                sockets = [proxy._listener, *proxy._open]
            for one in sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            thread.join()
            proxy._listener.close()

    def lose_answers(self, *words: str) -> None:
        """Have the answer get lost to the next command that has one of these words in it, for each word once."""
        with self._lock:
            self._words.update(word.encode() for word in words)

    @property
    def left(self) -> set[bytes]:
        """The words of the answers that have not got lost yet."""
        with self._lock:
            return set(self._words)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                with self._lock:
                    self._open += [client, server]
                threading.Thread(target=self._serve, args=(client, server), name="proxy", daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        # A node sends one command at a time, and waits for its answer.
        is_lost = False
        with contextlib.suppress(OSError), client, server, DefaultSelector() as ready:
            server.connect(str(self._server))
            ready.register(client, EVENT_READ, server)
            ready.register(server, EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    data = source.recv(1 << 16)
                    if not data or (is_lost and source is server):
                        return
                    if source is client:
                        is_lost = self._is_to_be_lost(data) or is_lost
                    target.sendall(data)

    def _is_to_be_lost(self, data: bytes) -> bool:
        with self._lock:
            found = next((word for word in self._words if word in data), None)
            if found is not None:
                self._words.discard(found)
            return found is not None
