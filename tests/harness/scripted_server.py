"""A server that the test speaks for, on a real socket of port 0. For the terminal client."""

from __future__ import annotations

import select
import socket
import ssl

from chatroom.irc.message import Message, parse

CAP_S = 20.0
"""How long to wait, in seconds, before a test fails."""


class Peer:
    """The server's end of one connection. Each call blocks for ``CAP_S`` at most."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(CAP_S)
        self._rest = b""
        self.seen: list[str] = []

    def read(self) -> Message:
        """Read the next line of the client. Raises EOFError if the client has hung up."""
        while b"\n" not in self._rest:
            try:
                data = self._sock.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                raise EOFError
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        text = line.decode().rstrip("\r")
        self.seen.append(text)
        return parse(text)

    def expect(self, verb: str) -> Message:
        """Read on to a line with this verb. A PING before it is answered, other lines are skipped."""
        while True:
            message = self.read()
            if message.verb == verb:
                return message
            if message.verb == "PING":
                self.send(f":srv PONG srv :{message.params[0]}")

    def gather(self, verb: str, count: int) -> list[Message]:
        """Read on to the next ``count`` lines with this verb."""
        return [self.expect(verb) for _ in range(count)]

    def send(self, *lines: str) -> None:
        self._sock.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def send_bytes(self, data: bytes) -> None:
        self._sock.sendall(data)

    def start_login(self, caps: str = "server-time multi-prefix standard-replies") -> str:
        """Negotiate up to the CAP END, and return the client's nick."""
        self.expect("CAP")
        self.send(f":srv CAP * LS :{caps}")
        nick = self.expect("NICK").params[0]
        requested = self.expect("CAP")
        assert requested.params[0] == "REQ"
        self.send(f":srv CAP {nick} ACK :{requested.params[1]}")
        return nick

    def welcome(self, nick: str, *channels: str) -> None:
        """Send the welcome, and put the client into these channels."""
        self.send(
            f":srv 001 {nick} :Welcome",
            f":srv 005 {nick} CHANTYPES=# PREFIX=(ov)@+ CASEMAPPING=ascii :are supported",
            f":srv 422 {nick} :No message of the day",
        )
        for channel in channels:
            self.send(
                f":{nick}!{nick}@host JOIN {channel}",
                f":srv 353 {nick} = {channel} :@alice {nick}",
                f":srv 366 {nick} {channel} :End of names",
            )

    def login(self, *channels: str, caps: str = "server-time multi-prefix standard-replies") -> str:
        """Do the whole registration, and return the client's nick."""
        nick = self.start_login(caps)
        assert self.expect("CAP").params == ["END"]
        self.welcome(nick, *channels)
        return nick

    def receive_bytes(self) -> bytes:
        """Read what comes next, which need not be lines."""
        return self._sock.recv(65536)

    @property
    def protocol(self) -> str | None:
        """What ALPN has chosen on a connection with TLS."""
        assert isinstance(self._sock, ssl.SSLSocket)
        return self._sock.selected_alpn_protocol()

    @property
    def certificate(self) -> bytes | None:
        """The client's certificate on a connection with TLS."""
        assert isinstance(self._sock, ssl.SSLSocket)
        return self._sock.getpeercert(binary_form=True)

    def closed_by_client(self) -> bool:
        """Read until the client hangs up."""
        try:
            while True:
                self.read()
        except EOFError:
            return True

    def close(self) -> None:
        self._sock.close()


class ScriptedServer:
    """A server on a free port of an address of this machine, with TLS if it gets the context of a TLS server."""

    def __init__(self, port: int = 0, *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._sock = socket.create_server((host, port))
        self._sock.settimeout(CAP_S)
        self.port: int = self._sock.getsockname()[1]
        self._peers: list[Peer] = []

    def accept(self) -> Peer:
        """Wait for the next connection."""
        sock, _ = self._sock.accept()
        if self._context is not None:
            sock.settimeout(CAP_S)
            sock = self._context.wrap_socket(sock, server_side=True)
        peer = Peer(sock)
        self._peers.append(peer)
        return peer

    def accept_distrust(self) -> None:
        """Wait for a connection that the client ends because of the certificate: it must not have sent a line."""
        try:
            peer = self.accept()
        except (ssl.SSLError, ConnectionError):
            return
        assert peer.closed_by_client()
        assert peer.seen == []

    def is_called_within(self, seconds: float) -> bool:
        """Tell if a client connects within that time. To prove that none does, pass 0."""
        return bool(select.select([self._sock], [], [], seconds)[0])

    def close(self) -> None:
        for peer in self._peers:
            peer.close()
        self._sock.close()
