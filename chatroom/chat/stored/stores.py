"""What the rules need of the disk, as Protocols; ``chatroom.storage`` implements them on SQLite.

Every method is one transaction: it has been written through to the disk (``synchronous=FULL``) when it returns,
together with its audit row and, where it touches accounts, bans or channels, its ``changes`` row. ``get_`` raises
``NotFound``; ``find_`` may return None. All may raise ``StorageError``. A store belongs to the thread that opened it.
No rule calls a store: rules hand out jobs, which a worker runs (see ``chatroom.commands.pending``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from chatroom.chat.stored.history_stores import HistoryStore, PresenceStore
from chatroom.chat.stored.records import (
    Account,
    AccountData,
    AccountEntry,
    Actor,
    AuditEntry,
    Ban,
    BanKind,
    BanRule,
    Change,
    Credential,
    Role,
    StoredChannel,
)


class AccountStore(Protocol):
    """Accounts and their credentials. Names are compared casefolded (``chatroom.irc.names.casefold``)."""

    def create(self, name: str, role: Role, credentials: Iterable[Credential], by: Actor) -> Account:
        """Add an account. Raises ``AlreadyExists``."""
        ...

    def find(self, name: str) -> Account | None:
        """The account called ``name``, whatever its case."""
        ...

    def get(self, name: str) -> Account:
        """The account called ``name``, whatever its case. Raises ``NotFound``."""
        ...

    def find_by_id(self, account_id: int) -> Account | None:
        """The account with that id."""
        ...

    def list_all(self) -> list[Account]:
        """Every account, by name."""
        ...

    def load_entries(self) -> Iterator[AccountEntry]:
        """Every account in the short form the daemon keeps in memory; made for 100,000 of them."""
        ...

    def find_entry(self, account_id: int) -> AccountEntry | None:
        """One account in the daemon's short form."""
        ...

    def count_admins(self) -> int:
        """How many enabled admins there are."""
        ...

    def find_credential(self, account_id: int, kind: str) -> str | None:
        """The stored verifier of that kind."""
        ...

    def set_credentials(self, account_id: int, credentials: Iterable[Credential], by: Actor) -> None:
        """Replace all of an account's verifiers: a new password. Raises ``NotFound``."""
        ...

    def upgrade_credential(self, account_id: int, old: str, new: Credential) -> None:
        """Store a verifier re-hashed at another cost, unless it is no longer ``old``. No audit row."""
        ...

    def add_credential(self, account_id: int, beside: str, new: Credential) -> None:
        """Store one more kind of verifier, unless ``beside`` is no longer one of the account's. No audit row."""
        ...

    def set_role(self, account_id: int, role: Role, by: Actor) -> Account:
        """Give the account another role. Raises ``NotFound``."""
        ...

    def set_disabled(self, account_id: int, disabled: bool, by: Actor) -> Account:
        """Disable or enable the account; its name stays reserved. Raises ``NotFound``."""
        ...

    def delete(self, account_id: int, by: Actor) -> None:
        """Delete the account and its credentials; its id is never used again. Raises ``NotFound``."""
        ...

    def record_login(self, account_id: int, at: datetime) -> None:
        """Note a good login. No audit row, no ``changes`` row."""
        ...


class AccountDataStore(Protocol):
    """What accounts have besides their names: read markers and metadata. No audit and no ``changes`` rows."""

    def load(self, account_id: int) -> AccountData:
        """All that an account has."""
        ...

    def set_marker(self, account_id: int, target: str, read_ms: int) -> None:
        """Note how far the account has read; never less far than before."""
        ...

    def delete_marker(self, account_id: int, target: str) -> None:
        """Forget how far the account has read there."""
        ...

    def set_metadata(self, account_id: int, metadata: dict[str, str]) -> None:
        """Replace all of an account's metadata."""
        ...


class BanStore(Protocol):
    """Bans. At most one in force for a target: a new one lifts the one before it."""

    def add(self, kind: BanKind, target: str, reason: str, until_at: datetime | None, by: Actor) -> Ban:
        """Ban a name or a network, both already checked by ``chatroom.chat.admission.ban_targets``."""
        ...

    def add_many(self, bans: Sequence[tuple[BanKind, str, str, datetime | None]], by: Actor) -> list[Ban]:
        """Add a batch (kind, target, reason, until) in one transaction; the caller keeps batches short."""
        ...

    def lift(self, ban_id: int, by: Actor) -> Ban:
        """Lift a ban. Raises ``NotFound`` where there is none in force under that id."""
        ...

    def find(self, ban_id: int) -> Ban | None:
        """The ban with that id, in force or not."""
        ...

    def find_in_force(self, kind: BanKind, target: str, now: datetime) -> Ban | None:
        """The ban in force for exactly that name (casefolded) or network."""
        ...

    def list_in_force(self, now: datetime) -> list[Ban]:
        """The bans in force, newest first."""
        ...

    def list_all(self) -> list[Ban]:
        """Every ban there ever was, newest first."""
        ...

    def load_rules(self, now: datetime) -> Iterator[BanRule]:
        """The bans in force in the daemon's short form; made for 100,000 of them."""
        ...

    def find_rule(self, ban_id: int, now: datetime) -> BanRule | None:
        """One ban in the daemon's short form, if it is in force."""
        ...


class ChannelStore(Protocol):
    """Channels that outlive their members."""

    def load_all(self) -> Iterator[StoredChannel]:
        """Every stored channel."""
        ...

    def save(self, channel: StoredChannel, by: Actor, action: str, detail: str) -> None:
        """Write all of a channel, new or not. ``action`` and ``detail`` go to the audit; no action, no row."""
        ...

    def rename(self, old: str, channel: StoredChannel, by: Actor) -> None:
        """Write all of a channel that was called ``old``; other channels' forwards follow. Raises ``AlreadyExists``."""
        ...

    def delete(self, name: str, by: Actor) -> None:
        """Forget a channel. Raises ``NotFound``."""
        ...

    def find(self, name: str) -> StoredChannel | None:
        """The channel called ``name``, whatever its case."""
        ...


class AuditStore(Protocol):
    """The audit trail. Stores that change something write their own rows; ``add`` is for what stores nothing else."""

    def add(self, by: Actor, action: str, target: str, detail: str) -> None:
        """Note that ``by`` did ``action`` to ``target``."""
        ...

    def list_entries(
        self,
        *,
        actor: str | None = None,
        target: str | None = None,
        since_at: datetime | None = None,
        limit: int | None = None,
    ) -> list[AuditEntry]:
        """The newest ``limit`` entries that match, oldest first. Names are compared casefolded."""
        ...


class Stores(Protocol):
    """All stores of one thread, on one connection."""

    @property
    def accounts(self) -> AccountStore:
        """Accounts and their credentials."""
        ...

    @property
    def account_data(self) -> AccountDataStore:
        """Read markers and metadata of accounts."""
        ...

    @property
    def bans(self) -> BanStore:
        """Bans."""
        ...

    @property
    def channels(self) -> ChannelStore:
        """Channels that outlive their members."""
        ...

    @property
    def audit(self) -> AuditStore:
        """The audit trail."""
        ...

    @property
    def history(self) -> HistoryStore:
        """What was said."""
        ...

    @property
    def presence(self) -> PresenceStore:
        """Until where accounts have read."""
        ...

    def server_key(self, name: str) -> bytes:
        """Random bytes called ``name`` that are the same for as long as the database lives."""
        ...

    def changed_elsewhere(self) -> bool:
        """Whether another connection has committed since the last call (``PRAGMA data_version``)."""
        ...

    def changes_after(self, change_id: int) -> list[Change]:
        """The changes of other origins than this connection's own, after ``change_id``, in order."""
        ...

    def last_change_id(self) -> int:
        """The newest ``changes`` row's id, 0 where there is none."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
