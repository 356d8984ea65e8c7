from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from chatroom.server.accepting import Acceptor


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_what_is_accepted_is_as_python_has_it(family: socket.AddressFamily, host: str) -> None:
    """The same kind of socket, descriptor not inherited, and the same address, as ``socket.accept`` returns."""
    with socket.create_server((host, 0), family=family) as listening:
        for accept in (Acceptor(listening).accept, listening.accept):
            with socket.create_connection(listening.getsockname()[:2]) as peer:
                sock, address = accept()
                assert address == peer.getsockname()
                assert (sock.family, sock.type, sock.proto) == (family, socket.SOCK_STREAM, listening.proto)
                assert not os.get_inheritable(sock.fileno())
                assert sock.gettimeout() is None
                assert sock.send(b"x") == 1
                sock.close()
                assert peer.recv(2) == b"x"
                assert peer.recv(2) == b""


def test_a_control_socket_is_accepted_from(tmp_path: Path) -> None:
    """Its peers have no address."""
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as peer:
        listening.bind(str(tmp_path / "control"))
        listening.listen()
        peer.connect(str(tmp_path / "control"))
        sock, address = Acceptor(listening).accept()
        assert (sock.family, address) == (socket.AF_UNIX, "")
        sock.close()


def test_without_a_connection_nothing_waits() -> None:
    """A listening socket of the daemon does not block."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            Acceptor(listening).accept()
