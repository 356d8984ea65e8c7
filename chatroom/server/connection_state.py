"""A connection as a document: the bytes and lines that have been read and not run, and those that wait to be sent."""

from __future__ import annotations

import socket
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from chatroom.chat.handover.session_state import is_at_rest
from chatroom.irc.framing import LineBuffer, Malformed
from chatroom.server.connection import Connection
from chatroom.server.connection_stage import State

if TYPE_CHECKING:
    from chatroom.server.websocket_connection import WebSocketConnection


def can_be_handed_over(connection: Connection) -> bool:
    """True if another process can go on with a connection: it is open, without TLS, and nothing is under way in it.

    The state of a TLS connection is in OpenSSL, which gives it to nobody. The caller knows who is in replay.
    """
    is_open = connection.state is State.OPEN and not connection.is_lost
    return is_open and isinstance(connection.transport, socket.SocketType) and is_at_rest(connection.session)


def connection_to_state(connection: Connection) -> dict[str, Any]:
    """Write a connection that can be handed over."""
    source = connection.source
    if isinstance(source, LineBuffer):
        tail, overlong = source.to_state()
        stream = None
    else:
        tail, overlong = b"", False
        stream = {name: _text(value) for name, value in _websocket(connection).stream.to_state().items()}
    return {
        "lines": [line if isinstance(line, str) else [line.fault, line.text] for line in connection.lines],
        "uncut": _text(connection.uncut),
        "unsent": _text(connection.unsent),
        "behind": connection.behind,
        "tail": _text(tail),
        "overlong": overlong,
        "websocket": stream,
    }


def connection_from_state(connection: Connection, state: dict[str, Any]) -> None:
    """Have a new connection go on where the other process has left it."""
    if state["websocket"] is not None:
        _websocket(connection).use_state(
            {name: b64decode(value) if isinstance(value, str) else value for name, value in state["websocket"].items()}
        )
    else:
        assert isinstance(connection.source, LineBuffer)
        connection.source.use_state(b64decode(state["tail"]), state["overlong"])
    lines = [line if isinstance(line, str) else Malformed(*line) for line in state["lines"]]
    # A daemon of an earlier version does not say it.
    behind = state.get("behind") or 0
    connection.go_on(lines or (), b64decode(state["uncut"]), b64decode(state["unsent"]), behind)


def _text(value: Any) -> Any:
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def _websocket(connection: Connection) -> WebSocketConnection:
    from chatroom.server.websocket_connection import WebSocketConnection  # as in ``open_entrance``

    assert isinstance(connection, WebSocketConnection)
    return connection
