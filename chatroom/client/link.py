"""One connection to a server, kept by its own thread.

The thread owns the socket. It frames and parses what comes in, answers PING, notices when the other side has gone
silent, and hands everything over through ``post``, which must be safe to call from another thread and must not block.
``open``, ``send`` and ``close`` may be called from any thread. A link reports ``Closed`` exactly once and is then used
up; whether to make another one is not its decision (see ``session``).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chatroom.irc.framing import encode
from chatroom.irc.message import Message, parse

CONNECT_S = 15.0
SILENCE_S = 90.0
"""After this long without a word from the server it is asked whether it is there, and given as long to answer."""
FAREWELL_S = 2.0
"""How long a closing link goes on writing, and waits for the server to hang up first."""

_LONGEST_LINE = 16384


class Address(NamedTuple):
    """Where the server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Opened:
    """The connection stands."""


@dataclass(frozen=True, slots=True)
class Received:
    """What one read brought: whole lines, parsed, in order. PING is not among them, it is answered here."""

    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is gone, or never came to be. ``reason`` is a short phrase for people."""

    reason: str
    was_open: bool


LinkItem = Opened | Received | Closed


class LineReader:
    """Bytes in any pieces to lines, for whatever server there is.

    More lenient than ``framing.LineBuffer``, which judges what a client may send: a server's line is worth reading also
    where it is a little too long, holds a NUL or is not UTF-8. Only what is far too long is dropped.
    """

    __slots__ = ("_rest", "_skipping")

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes. UTF-8; a line that is not is read as Latin-1."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if self._skipping and whole:
            whole.pop(0)
            self._skipping = False
        if len(self._rest) > _LONGEST_LINE:
            self._rest = b""
            self._skipping = True
        lines = []
        for raw in whole:
            raw = raw.replace(b"\r", b"").replace(b"\0", b"")
            if raw:
                try:
                    lines.append(raw.decode())
                except UnicodeDecodeError:
                    lines.append(raw.decode("latin-1"))
        return lines


class Link:
    """A connection to ``address``, from before it is made until after it is lost."""

    def __init__(
        self,
        address: Address,
        post: Callable[[LinkItem], None],
        *,
        connect_s: float = CONNECT_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._address = address
        self._post = post
        self._connect_s = connect_s
        self._silence_s = silence_s
        self._lock = threading.Lock()  # guards _outgoing and the writing end of the wake pair
        self._outgoing = bytearray()
        self._closing = threading.Event()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._after_s = 0.0

    def open(self, after_s: float = 0.0) -> None:
        """Connect, ``after_s`` seconds from now. To be called once."""
        self._after_s = after_s
        self._thread.start()

    def send(self, line: str) -> None:
        """Write one line, given without CR LF, when the socket takes it. No text in it can begin another line."""
        with self._lock:
            self._outgoing += encode(line)
            self._wake()

    def close(self) -> None:
        """Write what is pending, then hang up. May be called at any time, and twice."""
        self._closing.set()
        with self._lock:
            self._wake()

    def join(self, timeout_s: float) -> None:
        """Wait until the thread has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _wake(self) -> None:
        """Let the thread look up from its wait. ``_lock`` is held."""
        if self._wake_in.fileno() >= 0:
            with contextlib.suppress(BlockingIOError):  # full: it will wake anyway
                self._wake_in.send(b"x")

    def _run(self) -> None:
        was_open = False
        try:
            if self._closing.wait(self._after_s):
                reason = "given up"
            else:
                with socket.create_connection(self._address, timeout=self._connect_s) as sock:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    sock.setblocking(False)
                    was_open = True
                    self._post(Opened())
                    reason = self._converse(sock)
        except OSError as error:
            reason = _reason(error)
        except UnicodeError:
            reason = "that is not a host's name"
        finally:
            with self._lock:
                self._wake_in.close()
                self._wake_out.close()
        self._post(Closed(reason, was_open))

    def _converse(self, sock: socket.socket) -> str:
        """Read and write until the connection is over; the reason why it is."""
        reader = LineReader()
        heard_at = time.monotonic()
        asked = False
        close_by: float | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            selector.register(self._wake_out, selectors.EVENT_READ)
            while True:
                if self._closing.is_set() and close_by is None:
                    close_by = time.monotonic() + FAREWELL_S
                with self._lock:
                    pending = bool(self._outgoing)
                selector.modify(sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if pending else 0))
                wake_at = heard_at + self._silence_s * (2 if asked else 1)
                if close_by is not None:
                    wake_at = min(wake_at, close_by)
                ready = {key.fileobj for key, mask in selector.select(max(0.0, wake_at - time.monotonic()))}
                if self._wake_out in ready:
                    self._wake_out.recv(4096)
                if sock in ready:
                    self._write(sock)
                    data = self._read(sock)
                    if data == b"":
                        return "the server closed the connection"
                    if data:
                        heard_at, asked = time.monotonic(), False
                        self._take(reader.feed(data))
                now = time.monotonic()
                if close_by is not None and now >= close_by:
                    return "closed"
                if now >= heard_at + 2 * self._silence_s:
                    return "the server has not answered for a while"
                if now >= heard_at + self._silence_s and not asked:
                    asked = True
                    self.send("PING :are-you-there")

    def _read(self, sock: socket.socket) -> bytes | None:
        """What there is to read, ``b""`` at the end, ``None`` where there is nothing yet."""
        try:
            return sock.recv(65536)
        except BlockingIOError:
            return None

    def _write(self, sock: socket.socket) -> None:
        with self._lock:
            if self._outgoing:
                try:
                    del self._outgoing[: sock.send(self._outgoing)]
                except BlockingIOError:
                    pass
                except (BrokenPipeError, ConnectionResetError):
                    self._outgoing.clear()  # what the server said last may still be there to read

    def _take(self, lines: list[str]) -> None:
        messages = []
        for line in lines:
            message = parse(line)
            if message.verb == "PING":
                self.send("PONG :" + (message.params[-1] if message.params else ""))
            elif message.verb:
                messages.append(message)
        if messages:
            self._post(Received(messages))


def _reason(error: OSError) -> str:
    """A socket's error as a short phrase."""
    if isinstance(error, socket.gaierror):
        return "no machine of that name is known"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, ConnectionResetError):
        return "the server dropped the connection"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror or str(error) or "the network failed").lower()
