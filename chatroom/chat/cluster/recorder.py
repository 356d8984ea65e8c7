"""The recorder: what has been changed and said since the records were last taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User


class Recorder:
    """The records of the turn under way, in order. Guarded by the hub lock.

    What happens outside a turn is kept for the next one.
    """

    __slots__ = ("is_quiet", "last_event", "records", "touched")

    def __init__(self) -> None:
        self.is_quiet = False
        """True while another node's records are applied: those changes are not this node's."""
        self.last_event: Event | None = None
        """The event of the last record that has one; None if the records of this turn have none yet."""
        self.records: list[tuple[int, Record]] = []
        """Each with the number of the message that it carries; 0 for none."""
        self.touched: dict[User | Channel | Session, dict[str, None]] = {}
        """The names of changed attributes. Their values are written when the turn ends."""

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to tell the other nodes."""
        return not (self.records or self.touched)

    def add(self, record: Record, seq: int = 0) -> None:
        """Add a record. ``seq`` is the number of the message that it carries, which may have to be withdrawn."""
        if not self.is_quiet:
            self.records.append((seq, record))

    def touch(self, thing: User | Channel | Session, name: str) -> None:
        """Note that an attribute has changed."""
        if not self.is_quiet:
            self.touched.setdefault(thing, {})[name] = None

    def forget(self, thing: User | Channel | Session) -> None:
        """Forget the changes of what is told as a whole, or is gone."""
        self.touched.pop(thing, None)

    def withdraw(self, seqs: set[int]) -> None:
        """Take out the records that carry these messages."""
        self.records = [item for item in self.records if item[0] not in seqs]
        self.last_event = None

    def clear(self) -> None:
        """Forget everything."""
        self.records, self.touched, self.last_event = [], {}, None

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Note nothing of what happens inside."""
        before, self.is_quiet = self.is_quiet, True
        try:
            yield
        finally:
            self.is_quiet = before
