"""The listener of incoming hooks: one thread, which waits for all its connections at once.

Each connection has one request. A connection that has not sent it, or not read the answer, in ``PATIENCE_S`` is closed,
and if too many are open, the oldest. So whoever connects and says nothing keeps nobody out for long. What a request
says is said in a tick (``commands.talking.hook_messages``), and answered when the tick is committed.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.commands.talking.hook_messages import NOT_STORED, SAID, Outcome, say_by_hook
from chatroom.commands.talking.writing_history import RETRY_MS
from chatroom.server.hook_requests import PATH, BadRequest, Post, Reading, make_response
from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.server.hub import Hub

PATIENCE_S = 10.0
"""How long a request and its answer may take. A text waits for the database's write lock for half of that at most."""
MOST_OPEN = 100
"""How many connections can be open."""
_PAUSE_S = 0.5
"""The pause after a connection could not be accepted, as when no more files may be opened."""
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

log = logging.getLogger(__name__)


class _Visitor:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.reading = Reading()
        self.until_mono_s = time.monotonic() + PATIENCE_S
        self.is_asked = False
        """True if its text is with the hub, or it was answered: nothing more is read for a request."""
        self.told_to_go_on = False
        self.is_answered = False
        """True if it was answered, though some of the answer may still have to be sent."""
        self.has_ended = False
        """True if it sends nothing more. It may still read the answer, as after ``nc -N``."""
        self.response = b""
        """What is left to send."""

    @property
    def awaited(self) -> int:
        """The events of ``selectors`` that are waited for."""
        events = 0 if self.has_ended else selectors.EVENT_READ
        return events | (selectors.EVENT_WRITE if self.response else 0)


class HookListener(LoopThread):
    """The listening socket and its thread."""

    def __init__(self, host: str, port: int, listening: socket.socket | None = None) -> None:
        """Listen, unless there is a listening socket of that address already. Raises ``OSError``."""
        super().__init__("incoming hooks")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = listening or socket.create_server((host, port), family=family)
        self._listening.setblocking(False)
        self._wake_read, self._wake_write = socket.socketpair()
        for sock in (self._wake_read, self._wake_write):
            sock.setblocking(False)
        self._is_ending = False
        self._hub: Hub | None = None
        self._answers: deque[tuple[_Visitor, Outcome]] = deque()
        """What the ticks have answered. They append, and the thread takes out: each is one step that needs no lock."""
        self._visitors: dict[socket.socket, _Visitor] = {}
        self._selector: selectors.BaseSelector | None = None
        self._rests_until_mono_s = 0.0
        self.said = 0
        """Texts that were said. Only ticks change it."""
        self.refused = 0
        """Texts that were not. Only ticks change it."""

    def fileno(self) -> int:
        """The descriptor of the listening socket."""
        return self._listening.fileno()

    @property
    def url(self) -> str:
        """Where hooks are reached, without the token."""
        host, port = self._listening.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}/"

    def begin(self, hub: Hub) -> None:
        """Start to answer."""
        self._hub = hub
        self.start()

    def stop(self, patience_s: float) -> None:
        """End, and close all connections; wait at most that long for it. From any other thread."""
        self._is_ending = True
        self._wake()
        self.join(patience_s)
        for sock in (self._listening, self._wake_read, self._wake_write):
            sock.close()

    def run(self) -> None:
        """Answer until stopped."""
        with selectors.DefaultSelector() as selector:
            self._selector = selector
            self._rests_until_mono_s = 0.0  # a run before this one may have ended in its pause
            for sock in (self._listening, self._wake_read):
                selector.register(sock, selectors.EVENT_READ)
            try:
                while not self._is_ending:
                    self._turn(selector)
            finally:
                for visitor in self._visitors.values():
                    visitor.sock.close()
                self._visitors.clear()

    def _turn(self, selector: selectors.BaseSelector) -> None:
        for key, events in selector.select(self._find_patience()):
            sock = key.fileobj
            if sock is self._listening:
                self._accept()
            elif sock is self._wake_read:
                with contextlib.suppress(BlockingIOError):
                    self._wake_read.recv(4096)
            else:
                visitor = self._visitors.get(sock) if isinstance(sock, socket.socket) else None
                if visitor is not None:
                    self._attend(visitor, events)
        while self._answers:
            visitor, outcome = self._answers.popleft()
            if visitor.sock in self._visitors:
                self._answer(visitor, make_response(outcome.status, outcome.text, outcome.wait_s))
        self._look_at_time(selector)

    def _find_patience(self) -> float | None:
        moments = [visitor.until_mono_s for visitor in self._visitors.values()]
        if self._rests_until_mono_s:
            moments.append(self._rests_until_mono_s)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _look_at_time(self, selector: selectors.BaseSelector) -> None:
        now_s = time.monotonic()
        for visitor in [one for one in self._visitors.values() if one.until_mono_s <= now_s]:
            self._close(visitor)
        if self._rests_until_mono_s and self._rests_until_mono_s <= now_s:
            self._rests_until_mono_s = 0.0
            selector.register(self._listening, selectors.EVENT_READ)

    def _accept(self) -> None:
        assert self._selector is not None
        sock: socket.socket | None = None
        try:
            sock, _ = self._listening.accept()
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if sock is not None:
                sock.close()
            log.error("cannot accept connections for hooks: %s", error.strerror)
            self._selector.unregister(self._listening)
            self._rests_until_mono_s = time.monotonic() + _PAUSE_S
            return
        if len(self._visitors) >= MOST_OPEN:
            self._close(next(iter(self._visitors.values())))
        self._visitors[sock] = _Visitor(sock)

    def _attend(self, visitor: _Visitor, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._send(visitor)
            if events & selectors.EVENT_READ and visitor.sock in self._visitors:
                self._read(visitor)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._close(visitor)

    def _read(self, visitor: _Visitor) -> None:
        data = visitor.sock.recv(65_536)
        if not data:
            # It may have gone, or wait for the answer: that is seen when there is one.
            visitor.has_ended = True
            if visitor.is_asked and (visitor.response or not visitor.is_answered):
                self._watch(visitor)
            else:
                self._close(visitor)
            return
        if visitor.is_asked:
            return  # a body that nobody reads: closing would reset the answer away
        try:
            post = visitor.reading.feed(data)
        except BadRequest as error:
            visitor.is_asked = True
            self._answer(visitor, make_response(error.status, str(error)))
            return
        if post is not None:
            visitor.is_asked = True
            self._ask(visitor, post)
        elif visitor.reading.waits_to_go_on and not visitor.told_to_go_on:
            visitor.told_to_go_on = True
            visitor.sock.send(_GO_ON)

    def _answer(self, visitor: _Visitor, response: bytes) -> None:
        visitor.response, visitor.is_answered = response, True
        try:
            self._send(visitor)
        except OSError:
            self._close(visitor)

    def _send(self, visitor: _Visitor) -> None:
        """Send what the socket takes. Then end our side: the client reads to the end, and closes."""
        with contextlib.suppress(BlockingIOError, InterruptedError):
            visitor.response = visitor.response[visitor.sock.send(visitor.response) :]
        if not visitor.response:
            if visitor.has_ended:
                self._close(visitor)
                return
            visitor.sock.shutdown(socket.SHUT_WR)
        self._watch(visitor)

    def _watch(self, visitor: _Visitor) -> None:
        """Wait for what the visitor has to do next: nothing, if it has ended and the answer is not there yet."""
        selector, sock = self._selector, visitor.sock
        assert selector is not None
        is_watched = sock in selector.get_map()
        if not visitor.awaited:
            if is_watched:
                selector.unregister(sock)
        elif is_watched:
            selector.modify(sock, visitor.awaited)
        else:
            selector.register(sock, visitor.awaited)

    def _close(self, visitor: _Visitor) -> None:
        if self._visitors.pop(visitor.sock, None) is None:
            return
        if self._selector is not None and visitor.sock in self._selector.get_map():
            self._selector.unregister(visitor.sock)
        visitor.sock.close()

    # -- in ticks ---------------------------------------------------------------------------------

    def _ask(self, visitor: _Visitor, post: Post) -> None:
        assert self._hub is not None
        self._hub.post(0, partial(self._say, visitor, post, None))

    def _say(self, visitor: _Visitor, post: Post, since_mono_ms: int | None) -> None:
        """Say a text, in a tick of the first I/O thread."""
        hub = self._hub
        assert hub is not None
        world = hub.world
        try:
            outcome = say_by_hook(world, *post)
        except Exception:
            self._tell(visitor, NOT_STORED)
            raise  # to be logged
        since_mono_ms = world.mono_ms if since_mono_ms is None else since_mono_ms
        if outcome is None and world.mono_ms - since_mono_ms <= PATIENCE_MS:
            again = partial(self._say, visitor, post, since_mono_ms)
            hub.threads[0].call_later(RETRY_MS / 1000, partial(hub.post, 0, again))
        elif outcome is SAID:
            hub.when_committed(partial(self._tell_committed, visitor))
        else:
            self._tell(visitor, outcome or NOT_STORED)

    def _tell_committed(self, visitor: _Visitor) -> None:
        assert self._hub is not None
        ledger = self._hub.world.ledger
        self._tell(visitor, NOT_STORED if ledger.writes_channels and ledger.failure else SAID)

    def _tell(self, visitor: _Visitor, outcome: Outcome) -> None:
        if outcome is SAID:
            self.said += 1
        else:
            self.refused += 1
        self._answers.append((visitor, outcome))
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is awake, or has ended
            self._wake_write.send(b"\0")
