"""A server that says what the test tells it to: for the terminal client, on a real socket of port 0."""

from __future__ import annotations

import select
import socket

from chatroom.irc.message import Message, parse

CAP_S = 20.0
"""How long anything may take before a test gives up."""


class Peer:
    """The server's end of one connection. Everything blocks, for CAP_S at most."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(CAP_S)
        self._rest = b""
        self.seen: list[str] = []

    def read(self) -> Message:
        """The next line of the client; EOFError where it has hung up."""
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
        """The next line with this verb; lines before it are passed over, a PING among them is answered."""
        while True:
            message = self.read()
            if message.verb == verb:
                return message
            if message.verb == "PING":
                self.send(f":srv PONG srv :{message.params[0]}")

    def gather(self, verb: str, count: int) -> list[Message]:
        """The next ``count`` lines with this verb."""
        return [self.expect(verb) for _ in range(count)]

    def send(self, *lines: str) -> None:
        self._sock.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def send_bytes(self, data: bytes) -> None:
        self._sock.sendall(data)

    def start_login(self, caps: str = "server-time multi-prefix standard-replies") -> str:
        """Negotiate as far as CAP END; the nick that the client asks for."""
        self.expect("CAP")
        self.send(f":srv CAP * LS :{caps}")
        nick = self.expect("NICK").params[0]
        requested = self.expect("CAP")
        assert requested.params[0] == "REQ"
        self.send(f":srv CAP {nick} ACK :{requested.params[1]}")
        return nick

    def welcome(self, nick: str, *channels: str) -> None:
        """The welcome, and the channels the server puts everybody into."""
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
        """All of the above."""
        nick = self.start_login(caps)
        assert self.expect("CAP").params == ["END"]
        self.welcome(nick, *channels)
        return nick

    def closed_by_client(self) -> bool:
        """Read on until the client has hung up."""
        try:
            while True:
                self.read()
        except EOFError:
            return True

    def close(self) -> None:
        self._sock.close()


class ScriptedServer:
    """Listens on a free port of the loopback."""

    def __init__(self, port: int = 0) -> None:
        self._sock = socket.create_server(("127.0.0.1", port))
        self._sock.settimeout(CAP_S)
        self.port: int = self._sock.getsockname()[1]
        self._peers: list[Peer] = []

    def accept(self) -> Peer:
        """The next connection."""
        sock, _ = self._sock.accept()
        peer = Peer(sock)
        self._peers.append(peer)
        return peer

    def is_called_within(self, seconds: float) -> bool:
        """Whether anybody connects within that time: for proving that nobody does."""
        return bool(select.select([self._sock], [], [], seconds)[0])

    def close(self) -> None:
        for peer in self._peers:
            peer.close()
        self._sock.close()
