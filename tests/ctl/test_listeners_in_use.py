"""What ``chatroomctl`` reads of the addresses that the running daemon listens on."""

from __future__ import annotations

from chatroom.config.serving import Listen
from chatroom.ctl.listeners_in_use import read_listeners


def test_the_listeners_for_irc_are_read() -> None:
    """Each with its port and whether it has TLS; those for browsers are left out."""
    shown = "127.0.0.1:17667, [::]:6697 (TLS), 0.0.0.0:8080 (websocket, TLS), 0.0.0.0:8081 (websocket)"
    assert read_listeners(shown) == (Listen(host="127.0.0.1", port=17667), Listen(host="::", port=6697, tls=True))
    assert read_listeners("") == ()
