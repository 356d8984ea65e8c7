"""All stores of one thread, on one connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from chatroom.storage.sqlite.account_store import SqliteAccounts
from chatroom.storage.sqlite.audit_store import SqliteAudit
from chatroom.storage.sqlite.ban_store import SqliteBans
from chatroom.storage.sqlite.change_store import ChangeLog
from chatroom.storage.sqlite.database import BUSY_TIMEOUT_S, Database, open_database
from chatroom.storage.sqlite.migrate import bring_up, upgrading
from chatroom.storage.sqlite.server_keys import get_server_key
from chatroom.storage.sqlite.timestamps import Clock, utc_now
from chatroom.storage.write_guard import WriteGuard

if TYPE_CHECKING:
    from chatroom.chat.stored.account_stores import (
        AccountDataStore,
        ClientCertificateStore,
        FailedLoginStore,
        ResetTokenStore,
    )
    from chatroom.chat.stored.archive_stores import ArchiveStore
    from chatroom.chat.stored.ban_stores import BanStore, LockdownStore
    from chatroom.chat.stored.channel_stores import ChannelStore
    from chatroom.chat.stored.filter_stores import FilterStore
    from chatroom.chat.stored.history_stores import HistoryStore, PresenceStore
    from chatroom.chat.stored.hook_stores import HookStore
    from chatroom.chat.stored.invite_stores import InviteStore
    from chatroom.chat.stored.records import Change
    from chatroom.chat.stored.request_stores import RequestStore
    from chatroom.chat.stored.stores import AccountStore, AuditStore
    from chatroom.storage.sqlite.backup import Progress


class SqliteStores:
    """Implements ``chatroom.chat.stored.stores.Stores``. It closes at the end of a ``with``.

    ``database`` is the connection. The command line uses it for work on the file itself, such as a copy. A store that
    few commands need is made, and its module imported, at its first use.
    """

    def __init__(self, database: Database, upgraded_from: Path | None = None) -> None:
        self.database = database
        # Declared with the Protocols, so that mypy checks each implementation against its contract here and below.
        self.accounts: AccountStore = SqliteAccounts(database)
        self.bans: BanStore = SqliteBans(database)
        self.audit: AuditStore = SqliteAudit(database)
        self.upgraded_from = upgraded_from
        """The copy of the older database, if opening has upgraded it; otherwise None."""
        self._changes = ChangeLog(database)

    @cached_property
    def lockdown(self) -> LockdownStore:
        """The lockdown in force."""
        from chatroom.storage.sqlite.lockdown_store import SqliteLockdown

        return SqliteLockdown(self.database)

    @cached_property
    def filters(self) -> FilterStore:
        """Spam filters."""
        from chatroom.storage.sqlite.filter_store import SqliteFilters

        return SqliteFilters(self.database)

    @cached_property
    def hooks(self) -> HookStore:
        """Hooks, and the events that wait for them."""
        from chatroom.storage.sqlite.hook_store import SqliteHooks

        return SqliteHooks(self.database)

    @cached_property
    def invites(self) -> InviteStore:
        """Invites."""
        from chatroom.storage.sqlite.invite_store import SqliteInvites

        return SqliteInvites(self.database)

    @cached_property
    def requests(self) -> RequestStore:
        """Requests for accounts."""
        from chatroom.storage.sqlite.request_store import SqliteRequests

        return SqliteRequests(self.database)

    @cached_property
    def reset_tokens(self) -> ResetTokenStore:
        """Tokens with which accounts get new passwords."""
        from chatroom.storage.sqlite.reset_token_store import SqliteResetTokens

        return SqliteResetTokens(self.database)

    @cached_property
    def client_certificates(self) -> ClientCertificateStore:
        """The certificates by which clients log in to accounts."""
        from chatroom.storage.sqlite.certificate_store import SqliteClientCertificates

        return SqliteClientCertificates(self.database)

    @cached_property
    def failed_logins(self) -> FailedLoginStore:
        """How often logins have failed lately."""
        from chatroom.storage.sqlite.failed_login_store import SqliteFailedLogins

        return SqliteFailedLogins(self.database)

    @cached_property
    def account_data(self) -> AccountDataStore:
        """Account data: read markers and metadata."""
        from chatroom.storage.sqlite.account_data_store import SqliteAccountData

        return SqliteAccountData(self.database)

    @cached_property
    def channels(self) -> ChannelStore:
        """The channels that outlive their members."""
        from chatroom.storage.sqlite.channel_store import SqliteChannels

        return SqliteChannels(self.database)

    @cached_property
    def history(self) -> HistoryStore:
        """The entries of the history."""
        from chatroom.storage.sqlite.history_store import SqliteHistory

        return SqliteHistory(self.database)

    @cached_property
    def presence(self) -> PresenceStore:
        """Up to where accounts had read when they left."""
        from chatroom.storage.sqlite.presence_store import SqlitePresence

        return SqlitePresence(self.database)

    @cached_property
    def archive(self) -> ArchiveStore:
        """The database as a whole."""
        from chatroom.storage.sqlite.archive_store import SqliteArchive

        return SqliteArchive(self.database)

    @property
    def path(self) -> Path:
        """The database file."""
        return self.database.path

    def server_key(self, name: str) -> bytes:
        """The secret called ``name``, made at the first call."""
        return get_server_key(self.database, name)

    def changed_elsewhere(self) -> bool:
        """True if another connection has committed since the last call, or since this one was opened."""
        return self._changes.changed_elsewhere()

    def changes_after(self, change_id: int) -> list[Change]:
        """The logged changes of other writers with an id above ``change_id``, in order."""
        return self._changes.changes_after(change_id)

    def last_change_id(self) -> int:
        """The id of the newest change that was ever logged; 0 if there was none."""
        return self._changes.last_change_id()

    def together(self) -> AbstractContextManager[None]:
        """Make all writes in the block one transaction."""
        return self.database.together()

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
    progress: Progress | None = None,
    guard: WriteGuard | None = None,
) -> SqliteStores:
    """Connect to the database at ``path``, for this thread.

    ``create``: make a missing database and its directories. ``migrate``: upgrade an older one, after it was copied
    beside itself; the caller must hold the ``DaemonLock``. ``writer`` is stored with each logged change; all
    connections of a daemon share one, such as ``daemon:4f1c``, and its ``guard``. ``progress`` is that of the copy.

    Raises ``DatabaseMissing``, ``DatabaseOutdated``,
    ``DatabaseNewer``, ``DatabaseDamaged``, ``DatabaseBusy``, and ``StorageError`` for a path that cannot be used.
    """
    database = open_database(path, create=create, writer=writer, clock=clock, busy_timeout_s=busy_timeout_s)
    database.guard = guard or WriteGuard(path)
    try:
        return SqliteStores(database, bring_up(database, create=create, migrate=migrate, progress=progress))
    except BaseException:
        database.close()
        raise


@contextlib.contextmanager
def upgraded_stores(path: Path, guard: WriteGuard) -> Iterator[SqliteStores]:
    """Connect to an existing database and upgrade it if it is older: all at once, at the end of the block.

    In the block, these stores show the upgraded database, and other connections the older one. If the block raises, or
    the process dies, the database is as it was. The caller must hold the ``DaemonLock``. Raises as ``open_stores``.
    """
    database = open_database(path)
    database.guard = guard
    try:
        with upgrading(database) as copy:
            yield SqliteStores(database, copy)
    finally:
        database.close()
