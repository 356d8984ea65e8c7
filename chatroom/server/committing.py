"""Who commits the history of a daemon: its ticks, or the journal thread if a commit waits for the disk.

What only the thread needs is imported only for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.delivery.ledger import Ledger
from chatroom.server.hub import Hub
from chatroom.server.metered import MeteredHub

if TYPE_CHECKING:
    from chatroom.chat.stored.history_stores import Journal
    from chatroom.chat.world import World
    from chatroom.config.chatting import History
    from chatroom.server.doubt_file import DoubtFile
    from chatroom.server.journal_thread import JournalThread
    from chatroom.server.operator_screen import Screen
    from chatroom.server.workers import Workers


def make_ledger(
    journal: Journal | None, history: History, doubts: DoubtFile | None = None
) -> tuple[Ledger, JournalThread | None]:
    """Make the ledger of a world, and the thread that commits for it. Without the thread, ticks commit.

    ``doubts`` is given if the database is on a server, for which no tick waits, however quick it mostly is.
    """
    if journal is None or (history.synchronous != "full" and doubts is None):
        return Ledger(journal, history), None
    from chatroom.chat.delivery.gated_ledger import GatedLedger
    from chatroom.server.journal_thread import JournalThread

    thread = JournalThread(journal, doubts)
    return GatedLedger(journal, thread, history), thread


def make_hub(world: World, workers: Workers, screen: Screen, *, metered: bool, thread: JournalThread | None) -> Hub:
    """Make the hub of a world whose ledger and thread ``make_ledger`` has made."""
    if thread is None:
        return (MeteredHub if metered else Hub)(world, workers, screen)
    from chatroom.server.gated_hub import GatedHub, MeteredGatedHub

    hub = (MeteredGatedHub if metered else GatedHub)(world, workers, screen)
    thread.wake_by(lambda: hub.threads[0].wake())
    return hub
