"""The told mark: up to which message everything was written to the sockets of this node's people.

A client acknowledges nothing, so this is the most that a node can know of what was read. A tick of any I/O thread hands
each thread what it has to write; the mark follows when all of them have written it.

A tick says up to which message its world has told (``ToldMark.end_tick``, under the hub lock). What waits in the gate
is not told yet, and counts neither. An I/O thread says when it has written (``ToldMark.note_written``, without the hub
lock). Both only note it: a thread of its own tells Redis.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from chatroom.chat.cluster.told import Told, join_unshown

MOST_BEHIND = 100
"""With more sessions that are behind, the lowest of them counts for all: their list is written again and again."""


class _Writer:
    """What one I/O thread has to write, and has written."""

    __slots__ = ("behind", "has_pending", "is_writing", "taken", "written")

    def __init__(self, told: Told) -> None:
        self.taken = told
        """What was told by the tick whose writes the thread has taken last."""
        self.written = told
        """What was told by that whose writes it has made last."""
        self.has_pending = False
        """True if it has something to write that it has not taken."""
        self.is_writing = False
        self.behind: dict[int, int] = {}
        """As in ``Told``."""


class ToldMark:
    """The mark. Each method says which thread may call it."""

    def __init__(self) -> None:
        self.find_account: Callable[[int], int] | None = None
        """Finds the account of a session of this node by their ids, 0 for a guest. Called from any thread. Set once."""
        self.changed = threading.Event()
        """Set when the mark may have moved. Whoever tells of it clears it."""
        self._lock = threading.Lock()
        """Guards everything below. Taken under the hub lock, or behind a thread's writes; held for a few lines."""
        self._home = ""
        self._start = Told(0)
        self._writers: list[_Writer] = []

    def begin(self, home: str, seq: int) -> None:
        """Begin a life of the node: nothing up to ``seq`` was for its people. Under the hub lock, or before a tick."""
        with self._lock:
            self._home, self._start = home, Told(seq)
            for writer in self._writers:
                # What one of them still writes is for sessions of the life before.
                writer.taken = writer.written = self._start
                writer.behind = {}
        self.changed.set()

    def end_tick(self, told: Told, own: int, has_pending: Sequence[bool]) -> None:
        """Note that a tick has handed out its writes, and what is told when they are made. Under the hub lock.

        ``own`` is the index of the thread that ticks, and takes its writes now. ``has_pending`` says for each thread if
        it has something to write.
        """
        with self._lock:
            if len(self._writers) != len(has_pending):
                self._writers = [_Writer(self._start) for _ in has_pending]
            for index, writer in enumerate(self._writers):
                writer.has_pending = index != own and has_pending[index]
                if index == own:
                    writer.taken = told
                    writer.is_writing = True
                elif not (writer.has_pending or writer.is_writing):
                    writer.taken = writer.written = told

    def note_written(self, index: int, slow: Sequence[int], *, has_told: bool) -> None:
        """Note that a thread has written what it took. From that thread.

        ``slow`` are the ids of its sessions whose sockets have not taken everything. ``has_told`` is False if there was
        nothing to write: then the mark need not be told of, because nobody has read anything.
        """
        with self._lock:
            if index >= len(self._writers):
                return  # no tick has ended yet
            writer = self._writers[index]
            before, writer.written = writer.written.seq, writer.taken
            writer.is_writing = False
            if slow or writer.behind:
                writer.behind = {number: writer.behind.get(number, before) for number in slow}
        if has_told and not self.changed.is_set():
            self.changed.set()

    def read(self) -> tuple[str, Told]:
        """The home of this node, and its mark. From any thread."""
        home, told = self._read()
        return home, told.with_accounts(self.find_account) if self.find_account is not None else told

    def _read(self) -> tuple[str, Told]:
        with self._lock:
            told = [writer.written for writer in self._writers] or [self._start]
            seq, unshown = min(one.seq for one in told), join_unshown(*(one.unshown for one in told))
            behind = {number: each for writer in self._writers for number, each in writer.behind.items()}
            if len(behind) > MOST_BEHIND:
                return self._home, Told(min(seq, *behind.values()), {}, unshown)
            return self._home, Told(seq, behind, unshown)

    def is_written(self) -> bool:
        """True if no thread has anything left to write. From any thread, when no further ticks tell anything."""
        with self._lock:
            return not any(
                writer.has_pending or writer.is_writing or writer.taken != writer.written for writer in self._writers
            )
