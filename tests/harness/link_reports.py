"""What a link of the terminal client reports to its front end, for tests."""

from __future__ import annotations

import queue

from harness.scripted_server import CAP_S

from chatroom.client.link import Closed, Lag, LinkItem, Received
from chatroom.irc.message import Message


class LinkReports:
    """The reports of a link, in order. On a busy machine there are more of them than a test has caused.

    The link asks a server that is slow to answer with a PING, and reports the PONG and how long it took.
    """

    def __init__(self) -> None:
        self._items: queue.Queue[LinkItem] = queue.Queue()
        self.put = self._items.put
        """Takes a report of the link; from any thread."""

    @property
    def is_empty(self) -> bool:
        """True if nothing waits to be read."""
        return self._items.empty()

    def next_of_all(self) -> LinkItem:
        """The next report."""
        return self._items.get(timeout=CAP_S)

    def next(self) -> LinkItem:
        """The next report that a busy machine would not make."""
        while _is_of_a_busy_machine(item := self.next_of_all()):
            pass
        return item

    def messages(self, count: int) -> list[Message]:
        """The next ``count`` messages."""
        found: list[Message] = []
        while len(found) < count:
            item = self.next()
            assert isinstance(item, Received)
            found += _without_pongs(item)
        return found

    def to_the_end(self) -> tuple[list[Message], Closed]:
        """All further messages, and the report of the connection's end."""
        found: list[Message] = []
        while isinstance(item := self.next(), Received):
            found += _without_pongs(item)
        assert isinstance(item, Closed)
        return found, item


def _is_of_a_busy_machine(item: LinkItem) -> bool:
    return isinstance(item, Lag) or (isinstance(item, Received) and not _without_pongs(item))


def _without_pongs(item: Received) -> list[Message]:
    return [message for message in item.messages if message.verb != "PONG"]
