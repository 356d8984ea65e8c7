"""The journal thread of a node: it commits what a turn has said, and then tells the other nodes.

There is one turn at a time, and so one batch: its entries are committed in PostgreSQL, its records are appended to the
stream, and only then is the batch settled, and this node's own people read what the turn has told. If the entries
cannot be stored, their messages are refused, and nobody is told of them; everything else is told all the same. While
Redis is away, the append is tried again and again.

If PostgreSQL does not answer a COMMIT, nobody knows if the entries are stored. The thread asks for as long as its
patience lasts. Then the messages are refused, and the doubt is kept (``chatroom.server.doubts``): when PostgreSQL is
back, the next transaction takes the messages back if they are stored after all. A turn that gives channels other names,
or ends them, waits for the answer. If the turn cannot be told either, nothing of it is refused: the next holder tells
what it finds stored, and nobody may take that back.

If a fault ends the thread, nobody knows what is stored and what is told. Then the node begins anew, as after a crash:
what is stored and not told, the next holder of a turn finds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.cluster.kept_records import must_keep, write_kept
from chatroom.chat.cluster.turn_records import encode_records
from chatroom.chat.delivery.batches import Settled, count_rows
from chatroom.chat.delivery.ledger import MOST_HELD
from chatroom.chat.stored.kept_turns import KeptTurn
from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.errors import ClusterError, Fenced, RedisUnreachable, StorageError, StreamLost
from chatroom.server.cluster.pauses import Pauses
from chatroom.server.committer_thread import CommitterThread
from chatroom.server.doubts import Doubt, Doubts, write_marked

if TYPE_CHECKING:
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.chat.delivery.batches import Batch
    from chatroom.chat.stored.history_stores import NodeJournal
    from chatroom.server.cluster.cluster_contract import Turn
    from chatroom.server.cluster.turn_desk import Desk
    from chatroom.server.doubt_file import DoubtFile

_ASK_AGAIN_S = 0.05
"""How long after a question for what is stored the next one is asked, if there was no answer."""
_STORED_PATIENCE_S = 2.0
"""How long a turn waits at most until it is stored how far those have read whom it has ended."""
_LOOK_S = 0.25
"""How often a start that waits looks if the daemon is to stop."""
_SETTLE_AGAIN_S = 1.0
"""How long after a doubt, or a try to settle it, the next turn is wanted for that."""

log = logging.getLogger(__name__)


class TurnWork(NamedTuple):
    """What a turn has done, beside its batch."""

    turn: Turn
    records: Sequence[tuple[int, Record]]
    """What the other nodes apply, in order, each with the message id that it depends on, or 0."""
    after_id: int
    """The last message id of the turn before."""
    home: str
    """That of this node."""
    stored: threading.Event | None = None
    """Set when it is stored how far the people of a lost node have read; None if the turn has ended none."""


class TurnJournal(CommitterThread):
    """Implements ``chatroom.chat.delivery.batches.Committer``."""

    is_busy = False
    """No other connection keeps a server's journal from writing."""
    is_held = False
    """True while nothing is handed out that was settled: the node may have lost its place. A tick sets it."""

    def __init__(
        self,
        journal: NodeJournal,
        desk: Desk,
        append: Callable[[Turn, bytes], int],
        doubts: DoubtFile | None = None,
    ) -> None:
        """``append`` is that of the link to the other nodes. ``doubts`` keeps for the next start what nobody knows."""
        super().__init__("journal")
        self._journal = journal
        self.desk = desk
        self._append_records = append
        # Guarded by ``_changed``, as the next two.
        self._given: tuple[Batch, TurnWork] | None = None
        self._work: TurnWork | None = None
        """What belongs to the batch that is given next."""
        self._drops = 0
        """How often what was given was dropped: a batch that was given before is settled no more."""
        self.lock = threading.Lock()
        """Held by the thread that uses the journal: this one, or the turn thread."""
        # The thread's own from here on.
        self._owed: list[Batch] = []
        """Events of turns before that could not be stored, in order: they are stored before the next batch."""
        self._doubts = Doubts(journal, doubts)
        self._new_doubt: Doubt | None = None
        """That about the transaction of the turn which is to be told."""
        self._settle_again_s = 0.0
        """When the doubts should be settled, on the monotonic clock."""
        self._is_at_work = False
        self.position = 0
        """The position of the last turn that was appended. Read without a lock when it is settled."""

    # -- for ticks, and for the main thread -------------------------------------------------------

    @property
    def is_behind(self) -> bool:
        """True if the history may have what was refused: until a turn has settled that, questions wait."""
        return bool(self._doubts)

    def wait_settled(self, patience_s: float, is_over: Callable[[], bool]) -> bool:
        """Wait until the history has nothing that was refused, at most that long. True if that is so.

        ``is_over`` ends the wait soon when it returns True. A signal cannot wake it.
        """
        give_up_at = time.monotonic() + patience_s
        while self.is_behind and not is_over() and (left_s := give_up_at - time.monotonic()) > 0:
            with self._changed:
                self._changed.wait_for(lambda: not self.is_behind, min(left_s, _LOOK_S))
        return not self.is_behind

    def take_settled(self) -> list[Settled]:
        """As ``Committer``."""
        return [] if self.is_held else super().take_settled()

    @property
    def is_idle(self) -> bool:
        """True if what was given is done, and was taken."""
        with self._changed:
            return self._given is None and not self._settled and not self._is_at_work

    @property
    def wants_turn(self) -> bool:
        """True if it is time to settle a doubt, for which a turn is needed."""
        return bool(self._doubts) and time.monotonic() >= self._settle_again_s

    def prepare(self, work: TurnWork) -> None:
        """Note what belongs to the batch that is given next. In a tick."""
        self._work = work

    def give(self, batch: Batch) -> None:
        """Have a batch committed, and its turn told. In a tick."""
        work, self._work = self._work, None
        assert work is not None, "only a turn stores anything"
        with self._changed:
            assert self._given is None, "there is one turn at a time"
            self._given = batch, work
            self._changed.notify()

    def drop(self) -> None:
        """Forget what was given, also what is under way: the node begins anew. In a tick."""
        with self._changed:
            self._given, self._settled = None, []
            self._drops += 1

    def wait_idle(self, patience_s: float) -> bool:
        """Wait until nothing is under way, at most that long. True if that is so. From the turn thread."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_at_work, patience_s)

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Commit and tell until stopped."""
        if self._is_at_work:
            self._keep_doubt(is_refused=False)
            self._rest()
            self.desk.lose("the journal thread had a fault")
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._given is not None or self._is_over)
                if self._given is None:
                    return
                (batch, work), self._given = self._given, None
                self._is_at_work = True
            self._do(batch, work)
            self._rest()

    def _rest(self) -> None:
        with self._changed:
            self._is_at_work = False
            self._changed.notify_all()

    def _do(self, batch: Batch, work: TurnWork) -> None:
        drops = self._drops
        try:
            failure = self._store(batch, work)
            self._tell(batch, work, failure)
        except ClusterError as error:
            self._keep_doubt(is_refused=False)
            # The batch is never settled: nobody reads what it tells, and the gate is emptied.
            if self._drops == drops:
                self.desk.lose(str(error))
            return
        self._keep_doubt(is_refused=True)  # before anybody reads that it is
        with self._changed:
            if self._drops != drops:
                return  # the node has begun anew, and its gate knows nothing of the batch
            self._settled.append(Settled(batch.number, failure))
        self.desk.end(work.turn)
        self._wake()

    # -- PostgreSQL -------------------------------------------------------------------------------

    def _store(self, batch: Batch, work: TurnWork) -> str:
        """Commit a batch. Return why its messages are not stored; empty if they are. Raises ``ClusterError``."""
        if batch.is_empty and not (self._owed or self._doubts):
            return ""
        with self.lock:
            return self._commit(batch, work)

    def _commit(self, batch: Batch, work: TurnWork) -> str:
        journal = self._journal
        batches = [*self._owed, batch]
        try:
            journal.use_turn(work.turn.number, work.home)
            journal.begin()
            self._settle_again_s = time.monotonic() + _SETTLE_AGAIN_S  # unless this transaction is committed
            batches = [*self._doubts.settle(self._owed), batch]
        except Fenced:
            raise
        except Exception as error:
            journal.rollback()
            return self._refuse([one.without_messages() for one in batches], error)
        try:
            doubt = write_marked(journal, batches)
            if not batch.is_empty and must_keep(work.records):
                journal.keep_turn(KeptTurn(work.after_id, work.home, write_kept(work.records, batch.message_ids)))
        except Fenced:
            raise
        except Exception as error:
            journal.rollback()
            return self._refuse([one.only_names() for one in batches], error)
        try:
            journal.commit()
        except Exception as error:
            journal.rollback()
            # It may be stored all the same, if only the answer was lost.
            is_stored = self._is_stored(doubt, batch, work)
            if not is_stored:
                failure = self._refuse([one.without_messages() for one in batches], error)
                if is_stored is None:
                    self._new_doubt = doubt
                    self._settle_again_s = time.monotonic() + _SETTLE_AGAIN_S
                return failure
        self._owed = []
        self._doubts.clear()
        return ""

    def _keep_doubt(self, *, is_refused: bool) -> None:
        """Keep the doubt about the turn, if there is one. Nothing of a turn that is not told is refused."""
        doubt, self._new_doubt = self._new_doubt, None
        if doubt is not None:
            self._doubts.add(doubt if is_refused else doubt._replace(messages=()))

    def _refuse(self, left: Sequence[Batch], error: Exception) -> str:
        owed = [batch for batch in left if not batch.is_empty]
        if count_rows(owed) > MOST_HELD:
            owed = [batch for batch in map(_only_names, owed) if not batch.is_empty]
        self._owed = owed
        if isinstance(error, StorageError):
            return str(error)
        log.error("a commit failed", exc_info=error)
        return f"{type(error).__name__} {error}".rstrip()

    def _is_stored(self, doubt: Doubt, batch: Batch, work: TurnWork) -> bool | None:
        """Find out whether a batch was stored. None if that is not known after the usual patience.

        It is waited for if names of channels depend on it: to give them twice would part a channel from its history.
        """
        give_up_at = time.monotonic() + PATIENCE_MS / 1000
        while True:
            try:
                self._journal.begin()
                self._journal.rollback()
                kept = self._journal.find_kept(work.after_id)
                if kept is not None and kept.home == work.home:
                    return True
                return doubt.is_made(self._journal)
            except StorageError:
                if not self.desk.pause(_ASK_AGAIN_S):
                    raise ClusterError(self.desk.lost or "the daemon stops") from None
                if not batch.renamed and time.monotonic() >= give_up_at:
                    return None

    # -- Redis ------------------------------------------------------------------------------------

    def _tell(self, batch: Batch, work: TurnWork, failure: str) -> None:
        """Append the records, but for those of messages that are not stored. Raises ``ClusterError``."""
        if work.stored is not None:
            # As soon as the others know that they are gone, one may log in there, and is shown what it missed.
            work.stored.wait(_STORED_PATIENCE_S)
        refused = batch.message_ids if failure else ()
        data = encode_records([record for seq, record in work.records if not seq or seq not in refused])
        pauses = Pauses()
        while True:
            try:
                self.position = self._append_records(work.turn, data)
                return
            except (RedisUnreachable, StreamLost) as error:
                if isinstance(error, StreamLost):
                    self.desk.lose_stream()
                    pauses.reset()
                if not self.desk.pause(pauses.take()):
                    raise


def _only_names(batch: Batch) -> Batch:
    return batch.only_names()
