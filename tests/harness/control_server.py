"""A control socket that answers each command with lines that the test gives it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from pathlib import Path

from chatroom.paths import control_socket


class ControlServer:
    """Serves a database's control socket from a thread of its own until ``close``.

    ``answers`` maps a verb to the lines that answer it. A verb that maps to ``None`` closes the connection without an
    answer. ``received`` has every line that came.
    """

    def __init__(self, database: Path, answers: Mapping[str, list[str] | None]) -> None:
        self.received: list[str] = []
        self._answers = answers
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(control_socket(database)))
        self._listener.listen()
        # A daemon: the process of a test that has failed before ``close`` must end all the same.
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            with link, link.makefile("r", encoding="utf-8", newline="\r\n") as lines:
                for line in lines:
                    if not self._answer(link, line.rstrip("\r\n")):
                        break

    def _answer(self, link: socket.socket, line: str) -> bool:
        self.received.append(line)
        verb, _, rest = line.partition(" ")
        if verb == "PING":
            lines: list[str] | None = [f":srv PONG srv {rest}"]
        else:
            lines = self._answers.get(verb, [])
        if lines is None:
            return False
        link.sendall("".join(f"{answer}\r\n" for answer in lines).encode())
        return True

    def close(self) -> None:
        # Shutting a listening socket down wakes the thread that waits in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
