"""Shadows: the sessions of other nodes, as this node knows them."""

from __future__ import annotations

from chatroom.chat.people.session import Session


class Shadow(Session):
    """A session whose connection another node has. It stands in ``World.sessions`` and ``User.sessions`` only.

    Channels do not have it among those that read them, and no line is kept for it: what is said to it becomes a record,
    which its home tells it.
    """

    __slots__ = ("home",)

    def __init__(self, session_id: int, address_text: str, version: int, address: int, host: str, wall_ms: int) -> None:
        super().__init__(session_id, address_text, version, address, host, wall_ms)
        self.registration = None
        self.home = ""
        """The node that has the connection: its name and the epoch of its start, as ``a/17``."""
