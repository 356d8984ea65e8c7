"""One connection to a server, plain or with TLS, with a thread of its own.

The thread owns the socket. It cuts the bytes into lines, parses them, answers PING and notices a server that has gone
silent. It reports everything through ``post``, which must be safe to call from another thread and must not block.
``open``, ``send``, ``close`` and ``abandon`` may be called from any thread. A link reports ``Closed`` exactly once
(or ``Crashed``) and cannot be used again; ``chat_session`` decides if there is another one.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chatroom.client.address import Address
from chatroom.client.server_silence import IDLE_S, PATIENCE_S, THERE_S, ServerSilence
from chatroom.client.trust import SYSTEM_TRUST, Trust, Untrusted
from chatroom.irc.framing import encode
from chatroom.irc.message import Message, parse

CONNECT_S = 15.0
"""Long enough for three repeated SYN packets (after 1, 3 and 7 s); Linux by itself would try for two minutes."""
FAREWELL_S = 2.0
"""How long a closing link goes on writing and waits for the server to hang up.

A server that hangs up first has read the QUIT, and others see its reason.
"""

MOST_WAITING = 200
"""With more reports than this that nobody has handled yet, the link reads nothing more. Each has 64 KB at most."""
_LOOK_AGAIN_S = 0.02

_ASKS = "are-you-there"
"""The text of the link's own PING."""
_LONGEST_LINE = 16384
"""In bytes. A line may have 8,191 bytes of tags and 512 bytes of text; a longer one comes from a broken server."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The connection is made, with TLS if that was asked for."""

    exposed: bool = False
    """True if others on the network can read what is sent: without TLS, and not to this machine itself."""


@dataclass(frozen=True, slots=True)
class Received:
    """The messages of one read, in order. PING is not among them, nor the answer to the link's own."""

    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Lag:
    """The server has not answered for ``seconds``; 0 if it answers again. Comes once a second while it lasts."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection has ended, or could not be made."""

    reason: str
    """Why, as a short phrase for the user."""
    was_open: bool
    """False if the connection could not be made."""
    untrusted: Untrusted | None = None
    """Set if that is because of the server's certificate."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """The thread has ended with an error of the program itself. The front end's thread must not wait any longer."""

    error: Exception


class SocketLike(Protocol):
    """The part of a non-blocking socket that a link uses."""

    def fileno(self) -> int:
        """The descriptor, for a selector."""

    def setblocking(self, flag: bool, /) -> None:
        """Make it blocking or not."""

    def recv(self, size: int, /) -> bytes:
        """Read; ``b""`` at the end. Raises BlockingIOError if nothing is there yet, and OSError."""

    def send(self, data: bytearray, /) -> int:
        """Write the beginning of the data. Raises BlockingIOError if there is no room, and OSError."""

    def close(self) -> None:
        """Hang up."""


LinkItem = Opened | Received | Lag | Closed | Crashed


class LineReader:
    """Cuts the bytes of a server into lines, however the network split them.

    It is more lenient than ``framing.LineBuffer``, which judges what a client may send. A server's line is read even if
    it is a little too long, contains a NUL or is not UTF-8. Only a line of more than ``_LONGEST_LINE`` is dropped.
    """

    __slots__ = ("_rest", "_skipping")

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that ``data`` completes. A line that is not UTF-8 is read as Latin-1."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if self._skipping and whole:
            whole.pop(0)  # the end of the line that was too long
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
    """A connection to ``address``.

    ``connect_s``, ``farewell_s``, ``idle_s``, ``there_s``, ``patience_s``: see the constants of these names.

    ``trust`` is for an address with TLS. ``waiting`` returns how many reports are not handled yet.
    """

    def __init__(
        self,
        address: Address,
        post: Callable[[LinkItem], None],
        *,
        trust: Trust = SYSTEM_TRUST,
        waiting: Callable[[], int] = lambda: 0,
        connect_s: float = CONNECT_S,
        farewell_s: float = FAREWELL_S,
        idle_s: float = IDLE_S,
        there_s: float = THERE_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._address = address
        self._post = post
        self._trust = trust
        self._waiting = waiting
        self._connect_s = connect_s
        self._farewell_s = farewell_s
        self._idle_s = idle_s
        self._there_s = there_s
        self._patience_s = patience_s
        # Guards _outgoing, _wake_in, _attended_at and _is_alone.
        self._lock = threading.Lock()
        self._outgoing = bytearray()
        self._attended_at: float | None = None
        self._is_alone = False  # the thread sleeps for longer, because nobody is there
        self._closing = threading.Event()
        self._is_abandoned = False
        # The thread waits in a selector. Another thread wakes it by a byte through this pair.
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._after_s = 0.0

    def open(self, after_s: float = 0.0) -> None:
        """Connect after ``after_s`` seconds. Call it once."""
        self._after_s = after_s
        self._thread.start()

    def send(self, line: str) -> None:
        """Queue one line, without its CR LF. A line break inside it becomes a space: it cannot begin another line."""
        with self._lock:
            self._outgoing += encode(line)
            self._wake()

    def attend(self, at: float) -> None:
        """Report when the user was there last, by ``time.monotonic``: see ``ServerSilence.attended``."""
        with self._lock:
            is_later = self._attended_at is None or at > self._attended_at
            if is_later:
                self._attended_at = at
            if is_later and self._is_alone:
                self._wake()

    def close(self) -> None:
        """Write the queued lines, then wait for the server to hang up, for ``farewell_s`` seconds at most.

        May be called at any time, and more than once.
        """
        self._closing.set()
        with self._lock:
            self._wake()

    def abandon(self) -> None:
        """Hang up at once, without the queued lines."""
        self._is_abandoned = True
        self.close()

    def join(self, timeout_s: float) -> None:
        """Wait until the thread has ended, for at most ``timeout_s`` seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _wake(self) -> None:
        """Wake the thread. The caller holds ``_lock``."""
        if self._wake_in.fileno() >= 0:  # -1 once the link has closed
            with contextlib.suppress(BlockingIOError):  # the pair is full of bytes that wake the thread anyway
                self._wake_in.send(b"x")

    def _run(self) -> None:
        was_open = False
        untrusted = None
        try:
            if self._closing.wait(self._after_s):
                reason = "cancelled"
            else:
                sock, exposed = self._connect()
                with contextlib.closing(sock):
                    sock.setblocking(False)
                    was_open = True
                    self._post(Opened(exposed))
                    reason = self._converse(sock)
        except Untrusted as error:
            reason, untrusted = error.reason, error
        except OSError as error:
            reason = _reason(error)
        except UnicodeError:
            reason = "that is not a valid host name"  # one that IDNA cannot encode
        except Exception as error:
            self._post(Crashed(error))
            return
        finally:
            with self._lock:  # a send() or close() that comes later finds the pair closed, and does nothing
                self._wake_in.close()
                self._wake_out.close()
        self._post(Closed(reason, was_open, untrusted))

    def _connect(self) -> tuple[SocketLike, bool]:
        """Return the socket, and if others can read what it sends. Raises ``Untrusted`` and ``OSError``."""
        if self._address.tls:
            # Only here: it loads ssl, which takes as long as the rest of the program.
            from chatroom.client.secure_socket import connect

            return connect(self._address, self._trust, self._connect_s), False
        sock = socket.create_connection(self._address[:2], timeout=self._connect_s)
        # A typed line is small; without this it could wait for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock, not is_loopback(sock.getpeername()[0])

    def _converse(self, sock: SocketLike) -> str:
        """Read and write until the connection ends, and return why it ended."""
        reader = LineReader()
        silence = ServerSilence(
            time.monotonic(), idle_s=self._idle_s, there_s=self._there_s, patience_s=self._patience_s
        )
        shown_s = 0
        close_by: float | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            selector.register(self._wake_out, selectors.EVENT_READ)
            while not self._is_abandoned:
                if self._closing.is_set() and close_by is None:
                    close_by = time.monotonic() + self._farewell_s
                with self._lock:
                    pending = bool(self._outgoing)
                    if self._attended_at is not None:
                        silence.attended(self._attended_at)
                    self._is_alone = silence.is_alone
                # A socket can nearly always be written: with nothing to write, that event would keep the loop busy.
                selector.modify(sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if pending else 0))
                wake_at = silence.wake_at(time.monotonic())
                if close_by is not None:
                    wake_at = min(wake_at, close_by)
                ready = {key.fileobj for key, mask in selector.select(max(0.0, wake_at - time.monotonic()))}
                if self._wake_out in ready:
                    self._wake_out.recv(4096)  # the bytes mean nothing; they only had to end the wait
                if sock in ready:
                    if self._write(sock):
                        silence.wrote(time.monotonic())
                    data = self._read(sock)
                    if data == b"":
                        return "the server closed the connection"
                    if data:
                        is_news = self._take(reader.feed(data))
                        silence.heard(time.monotonic(), is_news=is_news)
                now = time.monotonic()
                if close_by is not None and now >= close_by:
                    return "closed"
                if silence.is_lost(now):
                    return "the server has not answered for a while"
                shown_s = self._watch(silence, now, shown_s)
        return "closed"

    def _watch(self, silence: ServerSilence, now: float, shown_s: int) -> int:
        """Ask a silent server for an answer, and report the lag if it is not the one that is shown. Returns the lag."""
        # Not while the link closes: a server that has hung up would answer with a reset, which drops its last lines.
        if silence.asks(now) and not self._closing.is_set():
            self.send(f"PING :{_ASKS}")
        lag_s = silence.lag_s(now)
        if lag_s != shown_s:
            self._post(Lag(lag_s))
        return lag_s

    def _read(self, sock: SocketLike) -> bytes | None:
        """Read what is there: ``b""`` at the end of the connection, None if nothing is there yet."""
        try:
            return sock.recv(65536)
        except BlockingIOError:
            return None

    def _write(self, sock: SocketLike) -> bool:
        """Write what the socket takes; True if there was something to write."""
        with self._lock:
            had_lines = bool(self._outgoing)
            if self._outgoing:
                try:
                    del self._outgoing[: sock.send(self._outgoing)]
                except BlockingIOError:
                    pass
                except (BrokenPipeError, ConnectionResetError):
                    # Not the end yet: the server's last lines, its ERROR among them, may still be there to read.
                    self._outgoing.clear()
        return had_lines

    def _take(self, lines: list[str]) -> bool:
        """Report messages, and answer PINGs. Returns True if there was more than answers to PINGs."""
        messages = []
        for line in lines:
            message = parse(line)
            if message.verb == "PING":
                self.send("PONG :" + (message.params[-1] if message.params else ""))
            elif message.verb == "PONG" and message.params[-1:] == [_ASKS]:
                pass  # the front end sleeps on
            elif message.verb:
                messages.append(message)
        if messages:
            self._post(Received(messages))
        # A front end that is stuck, for example at a stopped terminal, must not fill the memory. The server waits then.
        while self._waiting() > MOST_WAITING and not self._closing.wait(_LOOK_AGAIN_S):
            pass
        return any(message.verb != "PONG" for message in messages)


def is_loopback(host: str) -> bool:
    """True if a numeric address is one of this machine alone, IPv4 written as IPv6 included."""
    return host == "::1" or host.removeprefix("::ffff:").startswith("127.")


def _reason(error: OSError) -> str:
    """Turn a socket's error into a short phrase for the user."""
    if isinstance(error, socket.gaierror):
        return "the host name is unknown"
    if isinstance(error, ConnectionRefusedError):
        return "no server is listening there"
    if isinstance(error, ConnectionResetError):
        return "the server dropped the connection"
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    if error.strerror is None:  # our own words, which may hold the name of a file
        return str(error) or "the network failed"
    return error.strerror.lower()
