"""The journal thread: it commits what ticks have said, if a commit waits for the disk.

One transaction is under way at a time. What comes meanwhile is in the next one: the slower the disk, the more messages
share a wait for it. No method of the journal is called by another thread once this one has begun.

If another connection has the write lock, the thread tries again every few milliseconds. Messages that have waited for
``PATIENCE_MS`` are refused; if the disk refuses, at once. Events (joins, new names) are told meanwhile, and stored when
that is possible. If it is not known whether a commit was made, the journal is asked. If it cannot tell within that
time, the messages are refused, and taken back later if they are stored after all (``chatroom.server.doubts``). Until
then questions to the history wait, so that nobody reads them.
"""

from __future__ import annotations

import contextlib
import logging
import time
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.delivery.batches import Settled, count_rows
from chatroom.chat.delivery.ledger import MOST_HELD
from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.commands.talking.writing_history import RETRY_MS
from chatroom.errors import ClusterError, Fenced, StorageError
from chatroom.server.committer_thread import CommitterThread
from chatroom.server.doubts import Doubt, Doubts, write_marked

if TYPE_CHECKING:
    from chatroom.chat.delivery.batches import Batch
    from chatroom.chat.stored.history_stores import Journal
    from chatroom.server.doubt_file import DoubtFile

MOST_ROWS = 2000
"""With so many rows a transaction takes in no further batch: it has the write lock for 10 ms then."""
RETRY_LATER_S = 0.2
"""How long the thread waits before it tries again to store what nobody waits for."""
BUSY = "the database is busy"

log = logging.getLogger(__name__)


class _Sent(NamedTuple):
    """A transaction that is to be committed, until it is known what became of it."""

    group: list[Batch]
    """Those of the batches that wait which are in it."""
    doubt: Doubt
    why: str
    """Why it may not be made; empty if its commit has not failed."""


class JournalThread(CommitterThread):
    """Implements ``chatroom.chat.delivery.batches.Committer``."""

    def __init__(self, journal: Journal, doubts: DoubtFile | None = None) -> None:
        """``doubts`` keeps for the next start which transactions nobody knows of."""
        super().__init__("journal")
        self._journal = journal
        # Guarded by ``_changed``, as the next.
        self._given: list[tuple[Batch, float]] = []
        """Batches that the thread has not taken yet, with the moments at which they are refused."""
        self._open = 0
        """How many batches are not settled."""
        # The thread's own from here on; only the two flags are read by others.
        self._waiting: list[tuple[Batch, float]] = []
        """Batches that are not settled, in order, as in ``_given``."""
        self._owed: list[Batch] = []
        """What is left of settled batches, in order: it is stored before the others."""
        self._stored: int | None = None
        """How many of ``_waiting`` are stored and not told yet, with all of ``_owed``; None if nothing is."""
        self._sent: _Sent | None = None
        """The transaction that may be made or not; None if that is known."""
        self._doubts = Doubts(journal, doubts)
        self._alone = 0
        """How many of ``_waiting`` get a transaction of their own, because one that they shared has failed."""
        self.is_busy = False
        self.is_behind = bool(self._doubts)

    # -- for ticks, and for the main thread -------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """True if everything that was given is stored, or given up, and was taken."""
        with self._changed:
            return not (self._open or self._settled or self._owed or self._doubts)

    def give(self, batch: Batch) -> None:
        """Have a batch committed. From any thread; needs the hub lock."""
        with self._changed:
            self._given.append((batch, time.monotonic() + PATIENCE_MS / 1000))
            self._open += 1
            self._changed.notify()

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Commit until stopped. If a fault has ended the thread before, go on where it was."""
        self._journal.rollback()
        if self._stored is not None:
            self._settle_stored()
        while self._take():
            self._commit_some()

    def _take(self) -> bool:
        """Wait for something to do, and take what was given. False if all is done and the daemon stops."""
        with self._changed:
            if not self._given:
                if self.is_busy or self._sent is not None:
                    self._changed.wait(RETRY_MS / 1000)
                elif not (self._waiting or self._is_over):
                    self._changed.wait(RETRY_LATER_S if self._owed or self._doubts else None)
            self._waiting += self._given
            self._given = []
            if self._waiting or not self._is_over:
                return True
        if self._owed or self._doubts:
            self._commit_some()  # nobody waits for it: it has one more try
        return False

    def _commit_some(self) -> None:
        """Make one transaction of what is owed and the first batches, and settle them."""
        if self._sent is not None and not self._ask_back(self._sent):
            return
        if not (self._waiting or self._owed or self._doubts):
            return
        try:
            self.is_busy = not self._journal.begin()
        except Exception as error:
            self._journal.rollback()
            self.is_busy = False
            self._refuse_all(_reason(error))
            return
        if self.is_busy:
            self._pass_over()
            return
        group = self._find_group()
        try:
            doubt = write_marked(self._journal, [*self._doubts.settle(self._owed), *group])
        except Exception as error:
            # Unless it is a StorageError, the journal knows nothing of it; otherwise this does nothing.
            self._journal.rollback()
            self._fail(group, _reason(error))
            return
        # Noted before: if the thread dies, the next one asks.
        self._sent = _Sent(group, doubt, "")
        try:
            self._journal.commit()
        except Exception as error:
            self._journal.rollback()
            # It may be stored all the same, if only the answer of a server was lost.
            self._sent = sent = _Sent(group, doubt, _reason(error))
            self._ask_back(sent)
            return
        self._stored = len(group)
        self._settle_stored()

    def _ask_back(self, sent: _Sent) -> bool:
        """Find out if a transaction was made, and settle it. False if nobody can tell yet."""
        try:
            is_made = self._is_made(sent.doubt)
        except StorageError as error:
            if self._waiting and self._waiting[0][1] <= time.monotonic():
                self._doubts.add(sent.doubt)
                self._sent = None
                self._refuse_all(sent.why or str(error))
            return False
        if is_made:
            self._stored = len(sent.group)
            self._settle_stored()
        else:
            self._sent = None
            if sent.why:
                self._fail(sent.group, sent.why)
        return True

    def _is_made(self, doubt: Doubt) -> bool:
        try:
            return doubt.is_made(self._journal)
        except StorageError:
            # Perhaps the connection is lost: ``begin`` makes another, also for a node whose turn is over.
            with contextlib.suppress(Fenced):
                self._journal.begin()
            self._journal.rollback()
            return doubt.is_made(self._journal)

    def _fail(self, group: list[Batch], why: str) -> None:
        """Go on after a transaction that has failed."""
        if len(group) > 1:
            # Perhaps one of them does not fit on the disk. Alone, the others may.
            self._alone = len(group)
        else:
            self._refuse(group, why)

    def _find_group(self) -> list[Batch]:
        group: list[Batch] = []
        rows = 0
        for batch, _ in self._waiting:
            group.append(batch)
            rows += len(batch.entries)
            if self._alone or rows >= MOST_ROWS:
                break
        return group

    # -- telling the hub --------------------------------------------------------------------------

    def _settle_stored(self) -> None:
        """Tell what is stored. Nothing of it is done twice if the thread dies in between."""
        count = self._stored or 0
        self._doubts.clear()
        self._go_on([], count, [Settled(batch.number, "") for batch, _ in self._waiting[:count]])

    def _refuse(self, group: list[Batch], why: str) -> None:
        """Give up what the disk does not take, but for new names of channels, which must come before all else."""
        names = [batch.only_names() for batch in [*self._owed, *group]]
        self._go_on(names, len(group), [Settled(batch.number, why) for batch in group])

    def _refuse_all(self, why: str) -> None:
        """Refuse the messages of all batches, because no transaction can begin. Events are kept for later."""
        owed = [*self._owed, *(batch.without_messages() for batch, _ in self._waiting)]
        if count_rows(owed) > MOST_HELD:
            owed = [batch.only_names() for batch in owed]
        self._go_on(owed, len(self._waiting), [Settled(batch.number, why) for batch, _ in self._waiting])

    def _pass_over(self) -> None:
        """Settle the first batches if they have no messages, or have waited too long for the write lock."""
        now_s = time.monotonic()
        first = takewhile(lambda item: item[1] <= now_s or not item[0].messages, self._waiting)
        passed = [batch for batch, _ in first]
        owed = [*self._owed, *(batch.without_messages() for batch in passed)]
        settled = [Settled(batch.number, BUSY if batch.messages else "", is_busy=True) for batch in passed]
        self._go_on(owed, len(passed), settled)

    def _go_on(self, owed: list[Batch], count: int, settled: list[Settled]) -> None:
        """Go on without that many of the first batches, and tell that they are settled."""
        self._owed = [batch for batch in owed if not batch.is_empty]
        self.is_behind = (self.is_busy and bool(self._owed)) or bool(self._doubts)
        with self._changed:
            self._waiting = self._waiting[count:]
            self._stored = self._sent = None
            self._alone = max(0, self._alone - count)
            self._settled += settled
            self._open -= count
        if settled:
            self._wake()


def _reason(error: Exception) -> str:
    """What the log says of a failed commit."""
    if isinstance(error, StorageError | ClusterError):
        return str(error)
    log.error("a commit failed", exc_info=error)
    return f"{type(error).__name__} {error}".rstrip()
