"""What the places must know of the names on a server."""

from __future__ import annotations

from typing import Protocol

from chatroom.client.joined_channel import Channel
from chatroom.client.people import People


class Names(Protocol):
    """``chat_state.State`` does."""

    nick: str
    people: People

    def fold(self, name: str) -> str:
        """Return the form of a name in which the server compares names."""

    def is_channel(self, name: str) -> bool:
        """Tell if ``name`` is the name of a channel."""

    def find_channel(self, name: str) -> Channel | None:
        """Return a channel that the user is in; None for others."""
