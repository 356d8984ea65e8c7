"""Closing the connections that could not be handed over, by a daemon that has handed over all else."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatroom.irc.framing import encode
from chatroom.server.connection_stage import State
from chatroom.server.handover.predecessor import UPGRADING

if TYPE_CHECKING:
    from chatroom.server.connection import Connection

PATIENCE_S = 2.0
"""How long the peers may take to read why."""


def close_rest(connections: Sequence[Connection], server: str) -> None:
    """Tell each peer to connect again, but for those of the control socket, and close its connection.

    The I/O threads stand still.
    """
    for connection in connections:
        is_client = connection.session.control is None
        if is_client and connection.state is State.OPEN and connection.ends_with_error:
            last = f"ERROR :Closing Link: {connection.session.address_text} ({UPGRADING})"
            connection.write(encode(f":{server} NOTICE * :{UPGRADING}") + encode(last))
        connection.begin_close(is_restart=True)
    give_up_at = time.monotonic() + PATIENCE_S
    left = {connection.fd: connection for connection in connections if not connection.is_finished}
    poll = select.poll()
    for fd in left:
        poll.register(fd, select.POLLIN)
    while left and time.monotonic() < give_up_at:
        for connection in list(left.values()):
            connection.flush()
        for fd, _ in poll.poll(20):
            connection = left[fd]
            connection.read()
            if connection.at_end:
                poll.unregister(fd)
                del left[fd]
    for connection in connections:
        connection.close()
