"""Bringing a running daemon to a standstill in which nothing is under way, and having it go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.filter_actions import save_hits
from chatroom.chat.handover.session_state import is_at_rest
from chatroom.errors import HandoverRefused
from chatroom.server.halt import Halt

if TYPE_CHECKING:
    from chatroom.server.hub import Hub
    from chatroom.server.io_thread import IoThread
    from chatroom.server.turnstile import Turnstile

SESSIONS_S = 2.0
"""How long the standstill waits for sessions whose verb, replay or long answer is under way. Others then end."""
REST_S = 10.0
"""How long it waits for what must be stored or told."""
_ARRIVAL_S = 10.0
"""How long it waits for the end of a tick."""
_STEP_S = 30.0
"""How long it waits for the end of a step of a background thread. The chat goes on meanwhile."""
_PAUSE_S = 0.01


class Standstill:
    """Between ``begin`` and ``end`` the caller's thread has the world, the connections and the right to write.

    I/O threads first stop reading and running lines, and go on with what is under way; then they stand still. What
    clients send meanwhile waits in the kernel.
    """

    def __init__(
        self, hub: Hub, threads: Sequence[IoThread], turnstile: Turnstile, is_ending: Callable[[], bool]
    ) -> None:
        """``is_ending`` says if the daemon stops, so that no standstill is wanted any more."""
        self._hub = hub
        self._threads = threads
        self._turnstile = turnstile
        self._is_ending = is_ending
        self._halt: Halt | None = None

    def begin(self) -> None:
        """Stop everything. Raises ``HandoverRefused`` if something does not come to its end; then all goes on."""
        hub = self._hub
        # First, while everything goes on: a step may be a request to another server.
        if not self._turnstile.close(_STEP_S, self._is_ending):
            raise HandoverRefused("the database or a hook is busy: try again in a moment")
        began_s = time.monotonic()
        hub.post(0, partial(save_hits, hub.world))
        hub.post(0, hub.world.kept_failures.flush)
        for thread in self._threads:
            thread.post(thread.hold)
        try:
            while True:
                self._stop_threads()
                lasts_s = time.monotonic() - began_s
                with hub.lock:
                    if self._is_complete(lasts_s):
                        break
                self._release_threads()
                if self._is_ending():
                    raise HandoverRefused("the daemon is stopping")
                if lasts_s > REST_S:
                    raise HandoverRefused("too much waits to be stored: try again in a moment")
                time.sleep(_PAUSE_S)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Have everything go on as if nothing had been."""
        self._turnstile.open()
        if self._halt is not None:
            for thread in self._threads:
                thread.go_on()
            self._release_threads()
        else:
            for thread in self._threads:
                thread.post(thread.go_on)

    def end_threads(self) -> None:
        """Have the I/O threads end, without another tick. The background threads stay where they are."""
        assert self._halt is not None
        self._halt.release(goes_on=False)

    def _stop_threads(self) -> None:
        halt = self._halt = Halt(len(self._threads))
        for thread in self._threads:
            thread.halt = halt
            thread.wake()
        if not halt.wait(_ARRIVAL_S):
            self._release_threads()
            raise HandoverRefused("a tick does not end: see chatroomctl status")

    def _release_threads(self) -> None:
        assert self._halt is not None
        for thread in self._threads:
            thread.halt = None
        self._halt.release(goes_on=True)
        self._halt = None

    def _is_complete(self, lasts_s: float) -> bool:
        hub = self._hub
        if hub.world.unshown.sent:
            hub.world.whereabouts.confirm_replays()  # the next daemon does not know of them
        if not hub.is_at_rest or not all(thread.is_idle for thread in self._threads):
            return False
        world = hub.world
        is_quiet = not world.outbox.replays.by_channel and all(map(is_at_rest, world.sessions.values()))
        return is_quiet or lasts_s > SESSIONS_S
