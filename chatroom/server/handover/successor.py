"""The running daemon's side of the link: the process of the new daemon."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from chatroom.errors import HandoverRefused
from chatroom.server.handover.handover_link import VARIABLE, Link, Message

START_S = 60.0
"""How long the new daemon may take to load its program and its settings."""
READ_S = 30.0
"""How long it may take to read the state. It waits for nothing else then, so it is stopped or stuck if it does not."""
TAKE_OVER_S = 120.0
"""How long it may take from the standstill on, in which nobody can chat."""
UPGRADE_S = 600.0
"""As ``TAKE_OVER_S``, if it upgrades the database: copying and upgrading a large one takes minutes."""
_LOOK_S = 0.1


class Successor:
    """A process of the new daemon. Used by one thread, but for ``kill``."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Start the program as this one was started, with further environment variables.

        It is read from the disk again, so it may be another version. Raises ``HandoverRefused``.
        """
        self.upgrades = False
        """True if it knows a later schema, and so upgrades the database."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            environment = {**os.environ, **variables, VARIABLE: str(theirs.fileno())}
            try:
                self._process = subprocess.Popen(  # noqa: S603 - what this process itself was started by
                    [sys.executable, *sys.orig_argv[1:]], env=environment, pass_fds=[theirs.fileno()]
                )
            except OSError as error:
                ours.close()
                raise HandoverRefused(f"the new daemon cannot be started: {error.strerror or error}") from error
        self._link = Link(ours, READ_S)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def hear(
        self, wanted: str, patience_s: float, report: Callable[[str], None], is_ending: Callable[[], bool]
    ) -> Message:
        """Return the next message with that key; report the stages before it.

        Raises ``HandoverRefused`` if the process fails, ends or takes too long, or if ``is_ending`` says so.
        """
        give_up_at = time.monotonic() + patience_s
        while time.monotonic() < give_up_at:
            if is_ending():
                raise HandoverRefused("the daemon is stopping")
            try:
                message = self._link.receive(_LOOK_S)
            except HandoverRefused:
                raise HandoverRefused(self._describe_end()) from None
            if message is None:
                continue
            if wanted in message:
                return message
            if "failed" in message:
                raise HandoverRefused(f"the new daemon could not start: {message['failed']}")
            if "stage" in message:
                report(str(message["stage"]))
        raise HandoverRefused(f"the new daemon was not ready after {patience_s:.0f} s")

    def hand_over(self, state: Message, descriptors: Sequence[int]) -> None:
        """Send the state and the sockets. Raises ``HandoverRefused``."""
        try:
            self._link.send(state)
            self._link.send_descriptors(descriptors)
        except HandoverRefused:
            raise HandoverRefused(self._describe_end()) from None

    def go(self) -> None:
        """Tell it that everything is its own now. Raises ``HandoverRefused`` if it has died."""
        self._link.send({"go": True})

    def kill(self) -> None:
        """End the process, if it still runs, and wait for its end. Idempotent. From any thread."""
        self._process.kill()
        self._process.wait()
        self._link.close()

    def _describe_end(self) -> str:
        try:
            code = self._process.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            return "the new daemon has closed the link, or does not read it"
        how = f"with signal {-code}" if code < 0 else f"with exit code {code}; its log says why"
        return f"the new daemon ended {how}"
