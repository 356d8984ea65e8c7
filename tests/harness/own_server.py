"""A server of the tests' own that is another program: PostgreSQL or Redis, as an ordinary process."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import deque
from pathlib import Path


class OwnServer:
    """The process, in a directory of its own, and the end of its log."""

    _READY = ""
    """What the log says, in lower case, when connections are accepted."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.directory = directory
        self.settings = dict(settings)
        """The settings of the next start."""
        self.said: deque[str] = deque(maxlen=100)
        """The last lines of its log."""
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def _begin(self, command: list[str]) -> None:
        """Start the process, and wait until it accepts connections."""
        self.said.clear()
        self._process = process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.directory
        )
        ready = threading.Event()
        # It goes on until the server has ended: a full pipe would make the server wait.
        self._reader = threading.Thread(
            target=self._read_log, args=(process, ready), name="the server's log", daemon=True
        )
        self._reader.start()
        assert ready.wait(60) and any(self._READY in line.lower() for line in list(self.said)), list(self.said)

    def _read_log(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.said.append(line)
            if self._READY in line.lower():
                ready.set()
        ready.set()  # it will never be

    @property
    def pid(self) -> int:
        """The process that all others of the server are children of."""
        assert self._process is not None
        return self._process.pid

    def _end(self, number: int) -> None:
        """End the process by a signal, even if it stands still. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            process.wait(60)
            assert self._reader is not None and process.stdout is not None
            self._reader.join(60)
            process.stdout.close()
