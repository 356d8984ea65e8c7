"""What long answers cost: a short question with a long answer is paid for by who asked, and by the address.

A line is paid when it comes (``LineBudget.take``), when nobody knows yet what it will cost. So a long answer is paid
afterwards: the session's next line waits until its own budget and that of its address (IPv6: the /64) have recovered.
The address has a budget for long answers only. A session that asks for none never waits for others at its address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chatroom.chat.admission.flood import MOST_KEYS

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session

SHORT_BYTES: Final = 2048
"""An answer of at most so many bytes is paid with its line."""
BYTES_OF_A_LINE: Final = 16_384
"""So many bytes of a longer answer cost as much as one line more. A client that joins twenty busy channels at once
still gets their lists and histories without a pause."""
BYTES_OF_A_READER: Final = 24
"""Telling one session of an event takes as long as answering so many bytes."""
ADDRESS_BYTES_PER_S: Final = 1_000_000
"""How many bytes of long answers all sessions of an address get a second in the long run. Making them takes about a
tenth of the time."""
BUSY_MS: Final = 100
"""An address whose long answers take it longer to pay is busy: its connections run behind those of others."""
ADDRESS_BURST_BYTES: Final = 4_000_000
"""How many they get at once: fifty clients of one house that come back after a restart."""


class AnswerCosts:
    """The long answers of the tick under way, and the debts of addresses. Guarded by the hub lock."""

    __slots__ = ("_even_at_ms", "_most_keys", "latest_even_ms", "tick_bytes", "work_bytes")

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self.tick_bytes = 0
        """The bytes of the long answers of this tick. The I/O thread sets it back."""
        self.work_bytes = 0
        """Work of the line under way beside its answer, such as comparing names. It is measured in bytes: those of an
        answer that takes as long to make. ``pay`` adds it to the answer and sets it to 0."""
        self._even_at_ms: dict[str, int] = {}
        """For each address when it has paid for all its answers. The address that asked last comes last."""
        self._most_keys = most_keys
        self.latest_even_ms = 0
        """When the last of all addresses has paid."""

    def __len__(self) -> int:
        return len(self._even_at_ms)

    def add_readers(self, channel: Channel) -> None:
        """Add the work of telling a channel's sessions that a user comes, goes or changes. What users say is free."""
        self.work_bytes += len(channel.sessions) * BYTES_OF_A_READER

    def pay(self, session: Session, size: int, mono_ms: int) -> bool:
        """Have a session pay for an answer and the work on it. Return False if it was short and costs nothing more."""
        size += self.work_bytes
        self.work_bytes = 0
        if size <= SHORT_BYTES:
            return False
        self.tick_bytes += size
        if session.budget is not None:
            address = session.budget.address
            wait_ms = self._pay_of_address(address, size, mono_ms) if address else 0
            session.budget.charge(size / BYTES_OF_A_LINE, wait_ms, mono_ms)
        return True

    def is_busy(self, session: Session, mono_ms: int) -> bool:
        """True if others at the session's address, or itself, have asked for much in the last moment."""
        budget = session.budget
        return budget is not None and self._even_at_ms.get(budget.address, 0) - mono_ms > BUSY_MS

    def _pay_of_address(self, key: str, size: int, mono_ms: int) -> int:
        """Count an answer against an address, and return for how long the address has to wait now."""
        # Taken out and put in again, so that the address that asked the longest ago comes first in the dict.
        even_at_ms = max(self._even_at_ms.pop(key, 0), mono_ms) + size * 1000 // ADDRESS_BYTES_PER_S
        self._even_at_ms[key] = even_at_ms
        self.latest_even_ms = max(self.latest_even_ms, even_at_ms)
        if len(self._even_at_ms) > self._most_keys:
            del self._even_at_ms[next(iter(self._even_at_ms))]
        return max(0, even_at_ms - mono_ms - ADDRESS_BURST_BYTES * 1000 // ADDRESS_BYTES_PER_S)


def count_unread(session: Session) -> int:
    """Return how many items the session has to read so far in this tick, for ``answer_bytes`` later in it."""
    return len(session.unread) if session.unread else 0


def answer_bytes(session: Session, before: int) -> int:
    """Return the size of what the session has to read more than its first ``before`` items.

    That of a session that ends is 0: it reads at last what others have said in the tick, which is no answer.
    """
    unread = session.unread
    return sum([len(line) for _, line in unread[before:]]) if unread and not session.closing else 0
