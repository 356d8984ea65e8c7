"""The desk: what the hub and the threads of a node hand to each other.

The hub wants a turn; the turn thread gets it and lays it here; a tick takes it, and the journal thread ends it, or the
tick itself if nothing has happened in it. The reader lays here what other nodes have done. Whoever finds that this node
has lost its place among the others says so here, and the turn thread has the node begin anew.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.server.cluster.cluster_contract import Turn

MOST_ENTRIES = 1000
"""With so many entries that are not applied yet, the reader waits."""
STALE_MS = 1000
"""A turn that no tick has taken for so long is given back. The process may have stood still, and the others have struck
it off meanwhile: then its world is an old one, and it learns so when it gives the turn back."""


class Done(NamedTuple):
    """What a turn of some node has done."""

    position: int
    home: str
    records: Sequence[Record]


class Granted(NamedTuple):
    """A turn that this node has."""

    turn: Turn
    untold: Sequence[Record] = ()
    """What a holder that has died has committed and told nobody."""
    since_mono_ms: int = 0
    """Since when this node has it, on the monotonic clock; 0 if that is not known."""


class Desk:
    """The places. Methods may be called from any thread unless they say otherwise."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        """Guards everything below but ``entries``, and tells of changes. Taken under the hub lock; held briefly."""
        self.wake: Callable[[], None] = _ignore
        """Makes the first I/O thread tick. Set once, before the threads begin."""
        self.is_cut: Callable[[], bool] = bool
        """As ``Link.is_cut``. Set once, before the threads begin."""
        self._is_wanted = False
        self._granted: Granted | None = None
        self._open: Turn | None = None
        """The turn that a tick has taken, until it is over."""
        self.unused: Turn | None = None
        """A turn in which nothing has happened, and that must be given back. The turn thread sets it back to None."""
        self._lost = ""
        self._has_lost_stream = False
        self._is_over = False
        self.entries: deque[Done] = deque()
        """What other nodes have done and this one has not applied yet, in order. The reader appends, ticks take out."""

    # -- what the hub does; under its lock --------------------------------------------------------

    def want(self) -> None:
        """Ask for a turn. Cheap if it was asked for already."""
        if not self._is_wanted:  # read without the lock: it only goes back when a turn is taken, under the hub lock
            with self._changed:
                self._is_wanted = True
                self._changed.notify_all()

    @property
    def granted(self) -> Granted | None:
        """The turn that waits for a tick, if one does."""
        return self._granted

    def take(self) -> Granted:
        """Take the turn that was granted. What waits later needs another one."""
        with self._changed:
            granted, self._granted = self._granted, None
            assert granted is not None
            self._open, self._is_wanted = granted.turn, False
            return granted

    def give_back_stale(self, mono_ms: int) -> bool:
        """Give the turn that was granted back if it is too old. ``mono_ms`` is now, on the monotonic clock.

        One that has untold messages is taken all the same: they are not looked for again.
        """
        granted = self._granted
        if granted is None or not granted.since_mono_ms or granted.turn.is_broken:
            return False
        if mono_ms - granted.since_mono_ms < STALE_MS:
            return False
        with self._changed:
            self._granted, self.unused = None, granted.turn
            self._changed.notify_all()
        return True

    def withdraw_cut(self) -> bool:
        """Have the turn that was granted asked for again, if Redis is gone. True if that is so.

        What it said could not be told, and nobody could know that: an append may be done though no answer comes. As
        long as it has not begun, what waits for it can be refused.
        """
        if self._granted is None or not self.is_cut():
            return False
        with self._changed:
            self._granted = None
            self._changed.notify_all()
        return True

    # -- how a turn ends --------------------------------------------------------------------------

    def end(self, turn: Turn, *, is_unused: bool = False) -> None:
        """End a turn that was taken. ``is_unused``: nothing was appended, so it must be given back."""
        with self._changed:
            if self._open is turn:
                self._open = None
                self.unused = turn if is_unused else None
                self._changed.notify_all()

    # -- for the reader ---------------------------------------------------------------------------

    def add(self, done: Sequence[Done]) -> None:
        """Lay here what was read."""
        self.entries.extend(done)
        self.wake()

    def wait_place(self, patience_s: float) -> None:
        """Wait until the node has a place among the others, or the daemon stops."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lost or self._is_over, patience_s)

    # -- for the turn thread ----------------------------------------------------------------------

    def wait_wanted(self, patience_s: float) -> bool:
        """Wait until a turn is wanted, or something else has to be done. True if a turn is wanted."""
        with self._changed:
            self._changed.wait_for(self._must_act, patience_s)
            return self._is_wanted and not (self._lost or self._has_lost_stream or self._is_over)

    def _must_act(self) -> bool:
        return bool(self._is_wanted or self._lost or self._has_lost_stream or self._is_over)

    def grant(self, granted: Granted) -> None:
        """Lay a turn here for the next tick."""
        with self._changed:
            self._granted = granted
        self.wake()

    def wait_end(self) -> None:
        """Wait until the turn that was granted is over, or something else has to be done."""
        with self._changed:
            self._changed.wait_for(lambda: not self.has_turn or self._lost or self._has_lost_stream or self._is_over)

    @property
    def has_turn(self) -> bool:
        """True if a turn was granted and is not over."""
        return self._granted is not None or self._open is not None

    # -- losing one's place -----------------------------------------------------------------------

    def lose(self, why: str) -> None:
        """Note that this node has lost its place among the others, and must begin anew."""
        with self._changed:
            self._lost = self._lost or why
            self._changed.notify_all()
        self.wake()

    def lose_stream(self) -> None:
        """Note that Redis has lost the stream, and the nodes must agree on it anew."""
        with self._changed:
            self._has_lost_stream = True
            self._changed.notify_all()

    def find_stream(self, turn: int) -> None:
        """Note that they have agreed. This node has the turn with that number, if it has one."""
        with self._changed:
            self._has_lost_stream = False
            if self._granted is not None and self._granted.turn.number != turn:
                self._granted = None
            self._changed.notify_all()

    @property
    def has_lost_stream(self) -> bool:
        """True if the nodes must agree on the stream."""
        return self._has_lost_stream

    @property
    def lost(self) -> str:
        """Why this node must begin anew; empty if it need not."""
        return self._lost

    def begin_anew(self) -> None:
        """Forget what was handed over before the node lost its place. Under the hub lock, from the turn thread."""
        with self._changed:
            self._granted = self._open = self.unused = None
            self.entries.clear()

    def find_place(self) -> None:
        """Note that this node has a place again."""
        with self._changed:
            self._lost = ""
            self._has_lost_stream = False
            self._is_wanted = True  # what waited meanwhile
            self._changed.notify_all()

    # -- the end ----------------------------------------------------------------------------------

    def stop(self) -> None:
        """End the waits: the daemon stops."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """True if the daemon stops."""
        return self._is_over

    def wait_over(self, patience_s: float) -> bool:
        """Wait for the end of the daemon, at most that long. True if it has come."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_over, patience_s)

    def pause(self, pause_s: float) -> bool:
        """Wait, unless the daemon stops or the node has lost its place. True if it should go on."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._is_over or self._lost, pause_s)


def _ignore() -> None:
    """Wake nobody."""
