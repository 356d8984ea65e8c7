"""The Protocols of the stores for accounts and the audit, and what all stores have in common.

``chatroom.storage`` implements them on SQLite and on PostgreSQL. A docstring here is the contract of every
implementation. All methods have this in common:

* **Transaction.** Each method is one transaction. When it returns, its writes survive a power cut.
* **Audit.** A method that names an audit action writes one audit row in the same transaction: the action, who did it
  (``by``) and the target. The other methods write none.
* **Changes.** A write to accounts, bans, channels, filters or hooks adds rows to the log of changes in the same
  transaction, so that a running daemon learns of it (``Stores.changes_after``). A method that adds none says so.
* **Time.** A time is an aware UTC datetime (``_at``, ``now``) or a number of Unix milliseconds (``_ms``). Stored times
  have a precision of a millisecond. The implementation reads the clock for the time of a row.
* **Names** are compared casefolded (``chatroom.irc.names.casefold``) and returned as they were written.
* **Errors.** ``get_`` raises ``NotFound``, ``find_`` returns None. Every method may raise ``StorageError``, and its
  subclass ``DatabaseBusy`` if another connection held the write lock for too long. ``InvalidValue`` is for a text that
  is not valid Unicode, or a number of more than 63 bits.
* **Threads.** A store belongs to the thread that opened it. Rules never call a store: they hand out jobs, and a worker
  runs a job with its own stores (``chatroom.commands.pending``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

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
from chatroom.chat.stored.records import (
    Account,
    AccountEntry,
    Actor,
    AuditEntry,
    Change,
    Credential,
    RenamedAccount,
    Role,
)
from chatroom.chat.stored.request_stores import RequestStore


class AccountStore(Protocol):
    """Accounts and their credentials."""

    def create(
        self,
        name: str,
        role: Role,
        credentials: Iterable[Credential],
        by: Actor,
        email: str | None = None,
        *,
        is_weak: bool = False,
        is_imported: bool = False,
        created_at: datetime | None = None,
    ) -> Account:
        """Add an account. Raises ``AlreadyExists`` if the name is taken. Audit: ``user.create``, without the address.

        The caller has checked the name (``chatroom.irc.names.is_nick``). ``is_weak`` has the audit say that the
        password is weak, ``is_imported`` that only its hash is known. ``created_at`` is when it was made elsewhere;
        None means now.
        """
        ...

    def find_email(self, account_id: int) -> str | None:
        """The mail address that was given at the registration, or None. No ``Account`` has it, so no list shows it."""
        ...

    def find(self, name: str) -> Account | None:
        """The account called ``name``, or None."""
        ...

    def get(self, name: str) -> Account:
        """The account called ``name``. Raises ``NotFound``."""
        ...

    def find_by_id(self, account_id: int) -> Account | None:
        """The account with that id, or None."""
        ...

    def list_all(self) -> list[Account]:
        """All accounts, sorted by casefolded name."""
        ...

    def load_entries(self) -> Iterator[AccountEntry]:
        """All accounts in the form that the daemon keeps in memory, in any order. Must be quick for 100,000 accounts.

        Consume the iterator before another call of this thread's stores.
        """
        ...

    def find_entry(self, account_id: int) -> AccountEntry | None:
        """One account in the form that the daemon keeps in memory, or None."""
        ...

    def count_admins(self) -> int:
        """The number of admins whose accounts are not disabled."""
        ...

    def find_with_credentials(self, name: str) -> tuple[Account | None, dict[str, str]]:
        """The account called ``name`` and its verifiers by kind, as of one moment; None and no verifiers if unknown."""
        ...

    def set_credentials(
        self,
        account_id: int,
        credentials: Iterable[Credential],
        by: Actor,
        *,
        is_weak: bool = False,
        known_changes: int | None = None,
    ) -> None:
        """Replace all verifiers of an account, for a new password. Audit: ``user.passwd``.

        ``known_changes`` is ``Account.password_changes`` of the password that allows it; None if none is needed. Raises
        ``NotFound``, and ``NotPermitted`` if that password is not the account's any more.
        """
        ...

    def upgrade_credential(self, account_id: int, old: str, new: Credential) -> None:
        """Replace the verifier ``old`` by one of the same kind and password at another cost. No change is logged.

        Does nothing if the account's verifier is no longer ``old``: the password was changed meanwhile.
        """
        ...

    def add_credential(self, account_id: int, beside: str, new: Credential) -> None:
        """Add a verifier of another kind for the same password, or replace the one of its kind. No change is logged.

        Does nothing if ``beside`` is no longer a verifier of the account: the password was changed meanwhile.
        """
        ...

    def set_role(self, account_id: int, role: Role, by: Actor) -> Account:
        """Give the account another role and return it. Raises ``NotFound``. Audit: ``user.set-role``."""
        ...

    def set_disabled(self, account_id: int, disabled: bool, by: Actor) -> Account:
        """Disable or enable the account and return it. A disabled account keeps its name. Raises ``NotFound``.

        Audit: ``user.disable`` or ``user.enable``.
        """
        ...

    def rename(self, account_id: int, name: str, by: Actor) -> RenamedAccount:
        """Give the account another name, which the caller has checked. Audit: ``user.rename``.

        What others have stored under its name follows: bans in force, the read markers of its direct messages, masks
        of channels (``~a:NAME``). The history finds what was said under the old name. Raises ``NotFound``,
        ``AlreadyExists`` if the name is taken, and ``Refused`` if it is banned.
        """
        ...

    def set_always_on(self, account_id: int, always_on: bool, most: int, by: Actor) -> Account:
        """Have the account's user stay while no session is connected, or not, and return the account.

        Raises ``NotFound``, and ``NotPermitted`` if ``most`` accounts are always on already. Audit:
        ``user.set-always-on``.
        """
        ...

    def list_former_names(self, account_id: int) -> list[str]:
        """The casefolded names that the account had before, the newest first."""
        ...

    def list_unused(self, before: datetime) -> list[int]:
        """The accounts that did not log in since then, and were made before, the oldest first.

        Without moderators, admins, disabled accounts, and those that are always on.
        """
        ...

    def delete(self, account_id: int, by: Actor, detail: str = "") -> None:
        """Delete the account with its credentials, certificates and account data. Raises ``NotFound``.

        Audit: ``user.delete``, with the role and ``detail``. Its id is never given to another account. Its channels
        lose their founder and its access; these channels are logged as changed too. The bans it made, its audit rows
        and its history entries stay.
        """
        ...

    def record_login(self, account_id: int, at: datetime) -> None:
        """Set the time of the last login. No change is logged. Does nothing if the account was deleted."""
        ...


class AuditStore(Protocol):
    """The audit. Rows are added and never changed.

    The other stores write the rows of their own actions. ``add`` is for an action that stores nothing else: a kick.
    """

    def add(self, by: Actor, action: str, target: str, detail: str) -> None:
        """Add a row: ``by`` did ``action`` (``group.verb``) to ``target``. No change is logged."""
        ...

    def last_id(self) -> int:
        """The id of the newest row; 0 if there is none."""
        ...

    def shell_changes(self, after_id: int) -> list[AuditEntry]:
        """The rows with a higher id of what the shell did to accounts and their sessions are told, in order.

        That are certificates that it added or removed, and always-on that it switched.
        """
        ...

    def list_entries(
        self,
        *,
        actor: str | None = None,
        target: str | None = None,
        since_at: datetime | None = None,
        limit: int | None = None,
        before_id: int | None = None,
        groups: Collection[str] | None = None,
    ) -> list[AuditEntry]:
        """The newest ``limit`` rows that match all conditions, oldest first. None means any, or no limit.

        A row matches ``since_at`` if it was added then or later, ``before_id`` if its id is lower, and ``groups`` if
        the first word of its action is among them: ``ban`` for ``ban.add``.
        """
        ...


class Stores(Protocol):
    """All stores of one thread, on one connection. It belongs to the thread that opened it."""

    @property
    def accounts(self) -> AccountStore:
        """Accounts and their credentials."""
        ...

    @property
    def invites(self) -> InviteStore:
        """Invites, with which accounts are registered."""
        ...

    @property
    def requests(self) -> RequestStore:
        """Requests for accounts, which wait for a moderator."""
        ...

    @property
    def reset_tokens(self) -> ResetTokenStore:
        """Tokens with which accounts get new passwords."""
        ...

    @property
    def client_certificates(self) -> ClientCertificateStore:
        """The certificates by which clients log in to accounts."""
        ...

    @property
    def failed_logins(self) -> FailedLoginStore:
        """How often logins have failed lately."""
        ...

    @property
    def account_data(self) -> AccountDataStore:
        """Account data: read markers and metadata."""
        ...

    @property
    def bans(self) -> BanStore:
        """Bans."""
        ...

    @property
    def lockdown(self) -> LockdownStore:
        """The lockdown in force."""
        ...

    @property
    def filters(self) -> FilterStore:
        """Spam filters."""
        ...

    @property
    def hooks(self) -> HookStore:
        """Hooks, and the events that wait for them."""
        ...

    @property
    def channels(self) -> ChannelStore:
        """The channels that outlive their members."""
        ...

    @property
    def audit(self) -> AuditStore:
        """The audit."""
        ...

    @property
    def history(self) -> HistoryStore:
        """The entries of the history, to be read."""
        ...

    @property
    def presence(self) -> PresenceStore:
        """Up to where accounts had read when they left."""
        ...

    @property
    def archive(self) -> ArchiveStore:
        """The database as a whole."""
        ...

    def use_turn(self, turn: int) -> None:
        """Have what is written from now on be that of a turn of a cluster; of none with 0, as at the beginning.

        The whole state of a thing is then not written if it is stored as of a later turn already: such as a channel, or
        the metadata of an account. That is no failure: the state of the later turn has what the earlier one has
        changed.
        """
        ...

    def server_key(self, name: str) -> bytes:
        """A secret of the database: 32 random bytes, made at the first call for ``name`` and the same from then on."""
        ...

    def changed_elsewhere(self) -> bool:
        """True if another connection has committed since the last call, or since this one was opened.

        It is cheap, so the daemon asks several times a second. It may be True for a commit that logged no change.
        The first call may be True without any.
        """
        ...

    def changes_after(self, change_id: int) -> list[Change]:
        """The logged changes with an id above ``change_id``, in order, without those of this connection's own writer.

        All connections of a daemon are one writer: it knows its own changes. The log has a bounded length. If changes
        after ``change_id`` have been dropped from it, the answer names every row that may exist instead, so that the
        reader misses none.
        """
        ...

    def last_change_id(self) -> int:
        """The id of the newest change that was ever logged; 0 if there was none."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """Make all writes in the block one transaction, which waits for the disk once.

        A write in the block that fails is undone alone. If the block raises, none of its writes has happened.
        """
        ...

    def close(self) -> None:
        """Close the connection. Idempotent."""
        ...
