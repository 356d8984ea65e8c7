"""All stores of one thread, on one connection."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from chatroom.storage.sql.account_store import SqlAccounts
from chatroom.storage.sql.audit_store import SqlAudit
from chatroom.storage.sql.ban_store import SqlBans
from chatroom.storage.sql.change_store import ChangeLog
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.database_owner import DatabaseOwner
from chatroom.storage.sql.server_keys import get_server_key

if TYPE_CHECKING:
    from pathlib import Path

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
    from chatroom.chat.stored.history_stores import HistoryStore
    from chatroom.chat.stored.hook_stores import HookStore
    from chatroom.chat.stored.invite_stores import InviteStore
    from chatroom.chat.stored.presence_stores import PresenceStore
    from chatroom.chat.stored.records import Change
    from chatroom.chat.stored.request_stores import RequestStore
    from chatroom.chat.stored.stores import AccountStore, AuditStore
    from chatroom.database_address import ServerAddress


class SqlStores(DatabaseOwner):
    """Implements ``chatroom.chat.stored.stores.Stores``, with a subclass for each engine.

    A store that few commands need is made, and its module imported, at its first use.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # Declared with the Protocols, so that mypy checks each implementation against its contract here and below.
        self.accounts: AccountStore = SqlAccounts(database)
        self.bans: BanStore = SqlBans(database)
        self.audit: AuditStore = SqlAudit(database)
        self.upgraded_from: Path | None = None
        """The copy of the older database, if opening has upgraded a file; otherwise None."""
        self.is_upgraded = False
        """True if opening has upgraded the database."""
        self._changes = ChangeLog(database)

    @cached_property
    def lockdown(self) -> LockdownStore:
        """The lockdown in force."""
        from chatroom.storage.sql.lockdown_store import SqlLockdown

        return SqlLockdown(self._database)

    @cached_property
    def filters(self) -> FilterStore:
        """Spam filters."""
        from chatroom.storage.sql.filter_store import SqlFilters

        return SqlFilters(self._database)

    @cached_property
    def hooks(self) -> HookStore:
        """Hooks, and the events that wait for them."""
        from chatroom.storage.sql.hook_store import SqlHooks

        return SqlHooks(self._database)

    @cached_property
    def invites(self) -> InviteStore:
        """Invites."""
        from chatroom.storage.sql.invite_store import SqlInvites

        return SqlInvites(self._database)

    @cached_property
    def requests(self) -> RequestStore:
        """Requests for accounts."""
        from chatroom.storage.sql.request_store import SqlRequests

        return SqlRequests(self._database)

    @cached_property
    def reset_tokens(self) -> ResetTokenStore:
        """Tokens with which accounts get new passwords."""
        from chatroom.storage.sql.reset_token_store import SqlResetTokens

        return SqlResetTokens(self._database)

    @cached_property
    def client_certificates(self) -> ClientCertificateStore:
        """The certificates by which clients log in to accounts."""
        from chatroom.storage.sql.certificate_store import SqlClientCertificates

        return SqlClientCertificates(self._database)

    @cached_property
    def failed_logins(self) -> FailedLoginStore:
        """How often logins have failed lately."""
        from chatroom.storage.sql.failed_login_store import SqlFailedLogins

        return SqlFailedLogins(self._database)

    @cached_property
    def account_data(self) -> AccountDataStore:
        """Account data: read markers and metadata."""
        from chatroom.storage.sql.account_data_store import SqlAccountData

        return SqlAccountData(self._database)

    @cached_property
    def channels(self) -> ChannelStore:
        """The channels that outlive their members."""
        from chatroom.storage.sql.channel_store import SqlChannels

        return SqlChannels(self._database)

    @cached_property
    def history(self) -> HistoryStore:
        """The entries of the history."""
        from chatroom.storage.sql.history_store import SqlHistory

        return SqlHistory(self._database)

    @cached_property
    def presence(self) -> PresenceStore:
        """Up to where accounts had read when they left."""
        from chatroom.storage.sql.presence_store import SqlPresence

        return SqlPresence(self._database)

    @cached_property
    def archive(self) -> ArchiveStore:
        """The database as a whole."""
        from chatroom.storage.sql.archive_store import SqlArchive

        return SqlArchive(self._database)

    @property
    def database(self) -> Database:
        """The connection."""
        return self._database

    @property
    def address(self) -> Path | ServerAddress:
        """Where the database is."""
        raise NotImplementedError

    def begin_run(self) -> None:
        """Note that a run of the daemon begins."""

    def use_turn(self, turn: int) -> None:
        """Have what is written from now on be that of a turn."""
        self._database.turn = turn

    def server_key(self, name: str) -> bytes:
        """The secret called ``name``, made at the first call."""
        return get_server_key(self._database, name)

    def changed_elsewhere(self) -> bool:
        """True if another connection has committed since the last call, or since this one was opened."""
        return self._database.changed_elsewhere()

    def changes_after(self, change_id: int) -> list[Change]:
        """The logged changes of other writers with an id above ``change_id``, in order."""
        return self._changes.changes_after(change_id)

    def last_change_id(self) -> int:
        """The id of the newest change that was ever logged; 0 if there was none."""
        return self._changes.last_change_id()

    def together(self) -> AbstractContextManager[None]:
        """Make all writes in the block one transaction."""
        return self._database.together()
