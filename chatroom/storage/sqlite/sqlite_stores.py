"""All stores of one thread on one connection."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from chatroom.chat.stored.history_stores import HistoryStore, PresenceStore
from chatroom.chat.stored.records import Change
from chatroom.chat.stored.stores import AccountDataStore, AccountStore, AuditStore, BanStore, ChannelStore
from chatroom.storage.sqlite.account_data_store import SqliteAccountData
from chatroom.storage.sqlite.account_store import Accounts
from chatroom.storage.sqlite.audit_store import Audit
from chatroom.storage.sqlite.ban_store import Bans
from chatroom.storage.sqlite.change_store import Changes
from chatroom.storage.sqlite.channel_store import Channels
from chatroom.storage.sqlite.database import BUSY_TIMEOUT_S, Database, open_database
from chatroom.storage.sqlite.history_store import History
from chatroom.storage.sqlite.migrate import bring_up
from chatroom.storage.sqlite.presence_store import Presence
from chatroom.storage.sqlite.server_keys import get_server_key
from chatroom.storage.sqlite.timestamps import Clock, utc_now


class SqliteStores:
    """Implements ``Stores`` of ``chatroom.chat.stored.stores``; closes at the end of a ``with``.

    Belongs to the thread that made it.

    ``database`` is the connection under all of them, for what concerns the file and not what is in it.
    """

    __slots__ = (
        "_changes",
        "account_data",
        "accounts",
        "audit",
        "bans",
        "channels",
        "database",
        "history",
        "presence",
        "upgraded_from",
    )

    def __init__(self, database: Database, upgraded_from: Path | None = None) -> None:
        self.database = database
        self.accounts: AccountStore = Accounts(database)
        self.bans: BanStore = Bans(database)
        self.account_data: AccountDataStore = SqliteAccountData(database)
        self.channels: ChannelStore = Channels(database)
        self.audit: AuditStore = Audit(database)
        self.history: HistoryStore = History(database)
        self.presence: PresenceStore = Presence(database)
        self.upgraded_from = upgraded_from
        """Where the copy of the older database lies that was upgraded when this was opened, if one was."""
        self._changes = Changes(database)

    @property
    def path(self) -> Path:
        """The database file."""
        return self.database.path

    def server_key(self, name: str) -> bytes:
        """Random bytes called ``name`` that are the same for as long as the database lives."""
        return get_server_key(self.database, name)

    def changed_elsewhere(self) -> bool:
        """Whether another connection has committed since the last call, or since this one was opened."""
        return self._changes.changed_elsewhere()

    def changes_after(self, change_id: int) -> list[Change]:
        """The changes of other origins than this connection's own, after ``change_id``, in order."""
        return self._changes.changes_after(change_id)

    def last_change_id(self) -> int:
        """The newest ``changes`` row's id, 0 where there is none."""
        return self._changes.last_change_id()

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self.database.close()

    def __enter__(self) -> SqliteStores:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_stores(
    path: Path,
    *,
    create: bool = False,
    migrate: bool = False,
    writer: str = "cli",
    clock: Clock = utc_now,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> SqliteStores:
    """Connect to the database at ``path`` for this thread.

    ``create``: make it where there is none, with its directories. ``migrate``: upgrade an older one, after copying it
    beside itself; only for who holds the ``DaemonLock``. ``writer`` marks the changes made here; all connections of a
    daemon share one, such as ``daemon:4f1c``. Raises ``DatabaseMissing``, ``DatabaseOutdated``, ``DatabaseNewer``,
    ``DatabaseDamaged``, ``DatabaseBusy``, and ``StorageError`` for a path that is not to be used.
    """
    database = open_database(path, create=create, writer=writer, clock=clock, busy_timeout_s=busy_timeout_s)
    try:
        return SqliteStores(database, bring_up(database, create=create, migrate=migrate))
    except BaseException:
        database.close()
        raise
