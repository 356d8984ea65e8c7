"""The ledger of a daemon whose commits take long: a committer makes them, and the tick goes on without them.

Verbs use it like any other ledger. Its transaction can always begin, because nothing is asked of the database in a
tick. Only if too much waits for the committer, messages wait with their senders, as they do for a taken write lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.delivery.batches import Batch
from chatroom.chat.delivery.ledger import Ledger

if TYPE_CHECKING:
    from chatroom.chat.delivery.batches import Committer
    from chatroom.chat.stored.history_stores import Journal
    from chatroom.config.chatting import History


class GatedLedger(Ledger):
    """What the tick under way has to commit. Guarded by the hub lock."""

    __slots__ = ("committer", "is_full", "renaming")

    def __init__(self, journal: Journal, committer: Committer, settings: History) -> None:
        """The journal is read here, before the committer has it for itself."""
        super().__init__(journal, settings)
        self.committer = committer
        self.is_full = False
        """True if so much waits for the committer that no message may be added."""
        self.renaming = 0
        """The number of the last batch with a new name of a channel, until it is settled; 0 for none."""

    @property
    def is_behind(self) -> bool:
        """True if something waits for the write lock that was told already, or a new name for its commit.

        A message that waits for its commit is no reason to wait: questions wait for the number of their tick.
        """
        return bool(self._renamed or self.renaming) or self.committer.is_behind

    def ready(self) -> bool:
        """Let this tick's messages be added, unless too much waits. Raises nothing."""
        if not self.is_open and not self.is_full:
            self.is_open = True
        return self.is_open

    def take_batch(self, number: int) -> Batch | None:
        """End the tick: take out what it has to store, under its journal number. None if that is nothing."""
        self.is_open = False
        if not (self._entries or self._renamed or self.hooks.rows):
            return None
        if self._renamed:
            self.renaming = number
        batch = Batch(number, self._entries, self._renamed, self.hooks.take(), self._messages)
        self._entries, self._renamed, self._messages = [], [], []
        return batch

    def abandon(self) -> None:
        """Drop what this tick has said, because nobody will read it. Channels keep their new names."""
        self.is_open = False
        self._messages = []
        self._drop_entries()
