"""A Redis server of the tests' own: Debian's program, as an ordinary process, in a directory of its own.

It listens on a Unix socket only, so it needs no port. It keeps its data in an append-only file, so that a test chooses
what it finds when it starts again: all, nothing, or what there was at an earlier moment.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.own_server import OwnServer
from harness.temporary_files import short_directory
from redis import Redis

_SETTINGS = {
    "port": "0",
    "appendonly": "yes",
    # A killed process loses nothing of what it has written; only a crash of the machine would.
    "appendfsync": "no",
    "save": "",
    "databases": "4",
    "enable-debug-command": "yes",
}


class RedisServer(OwnServer):
    """A running server."""

    _READY = "ready to accept connections"

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[RedisServer]:
        """Run a server in the block."""
        # Not tmp_path: the path of a socket has to be short.
        directory = Path(tempfile.mkdtemp(prefix="chatroom-test-", dir=short_directory()))
        try:
            server = cls(directory, _SETTINGS)
            server.start()
            try:
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    @property
    def path(self) -> Path:
        """The server's socket."""
        return self.directory / "socket"

    @property
    def url(self) -> str:
        """The URL of the server, as in ``cluster.redis``."""
        return f"unix://{self.path}"

    def start(self) -> None:
        """Start the server on what data there is, and wait until it accepts connections."""
        options = [part for name, value in self.settings.items() for part in (f"--{name}", *(value.split() or [""]))]
        place = ["--unixsocket", f"{self.directory}/socket"]
        self._begin(["setpriv", "--pdeathsig", "KILL", "redis-server", *place, *options])

    def stop(self, number: int = signal.SIGKILL) -> None:
        """End the server: at once, or by another signal. Idempotent."""
        self._end(number)

    def restart(self, *, keeps_data: bool = True) -> None:
        """Kill the server and start it again, with all of its data or none."""
        self.stop()
        if not keeps_data:
            self.forget_data()
        self.start()

    def forget_data(self) -> None:
        """Remove what the next start would find."""
        shutil.rmtree(self._data, ignore_errors=True)

    def copy_data(self) -> Path:
        """Copy the data as it is now, for ``bring_back``."""
        copy = Path(tempfile.mkdtemp(prefix="data-", dir=self.directory))
        shutil.copytree(self._data, copy, dirs_exist_ok=True)
        return copy

    def bring_back(self, copy: Path) -> None:
        """Have the next start find the data of an earlier moment."""
        self.forget_data()
        shutil.copytree(copy, self._data)

    def pause(self) -> None:
        """Have the server stand still, as a machine without processor does: it accepts connections, and is silent."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str | int | bytes) -> Any:
        """Send a command and return the answer, as text."""
        with Redis(unix_socket_path=f"{self.directory}/socket", decode_responses=True, protocol=2) as client:
            return client.execute_command(*words)

    @property
    def _data(self) -> Path:
        return self.directory / "appendonlydir"
