"""The tables ``accounts`` and ``credentials``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from chatroom.chat.stored.records import IMPORTED, WEAK, Account, AccountEntry, Actor, Credential, RenamedAccount, Role
from chatroom.errors import AlreadyExists, NotFound, NotPermitted
from chatroom.irc.names import casefold
from chatroom.storage.sql import account_renaming, audit_store, change_store
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.new_accounts import insert_account, insert_credentials
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none, to_ms

_COLUMNS = "id, name, role, disabled, created_ms, last_login_ms, always_on, password_changes"
_ENTRY = "id, name, role, disabled, always_on, password_changes"
_ROLES = {role.word: role for role in Role}


class SqlAccounts:
    """Implements ``chatroom.chat.stored.stores.AccountStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

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
        """Add an account. Raises ``AlreadyExists`` if the name is taken."""
        with self._database.transaction():
            note = f", {WEAK}" if is_weak else f", {IMPORTED}" if is_imported else ""
            account_id = insert_account(self._database, name, role, credentials, by, email, note, created_at)
            account = self._get_by_id(account_id)
        return account

    def find_email(self, account_id: int) -> str | None:
        """The mail address that was given at the registration, or None."""
        row = self._database.row("SELECT email FROM accounts WHERE id = ?", (account_id,))
        return None if row is None or row[0] is None else str(row[0])

    def find(self, name: str) -> Account | None:
        """The account called ``name``, or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM accounts WHERE folded = ?", (casefold(name),))
        return None if row is None else _account(row)

    def get(self, name: str) -> Account:
        """The account called ``name``. Raises ``NotFound``."""
        account = self.find(name)
        if account is None:
            raise NotFound(f"there is no account called {name}")
        return account

    def find_by_id(self, account_id: int) -> Account | None:
        """The account with that id, or None."""
        return find_account(self._database, account_id)

    def list_all(self) -> list[Account]:
        """All accounts, sorted by casefolded name."""
        return [_account(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM accounts ORDER BY folded")]

    def load_entries(self) -> Iterator[AccountEntry]:
        """All accounts in the form that the daemon keeps in memory."""
        # ``map`` makes the records one by one, as the daemon puts them into its own tables.
        return map(_entry, self._database.rows(f"SELECT {_ENTRY} FROM accounts"))

    def find_entry(self, account_id: int) -> AccountEntry | None:
        """One account in the form that the daemon keeps in memory, or None."""
        row = self._database.row(f"SELECT {_ENTRY} FROM accounts WHERE id = ?", (account_id,))
        return None if row is None else _entry(row)

    def count_admins(self) -> int:
        """The number of admins with an account that is not disabled."""
        return self._database.number("SELECT count(*) FROM accounts WHERE role = 'admin' AND disabled = 0")

    def find_with_credentials(self, name: str) -> tuple[Account | None, dict[str, str]]:
        """The account called ``name`` and its verifiers by kind, as they were at one moment."""
        query = (
            f"SELECT {_COLUMNS}, kind, value FROM accounts LEFT JOIN credentials ON account_id = accounts.id"
            " WHERE folded = ?"
        )
        rows = list(self._database.rows(query, (casefold(name),)))
        found = {row[-2]: row[-1] for row in rows if row[-2] is not None}
        return (_account(rows[0][:-2]) if rows else None), found

    def set_credentials(
        self,
        account_id: int,
        credentials: Iterable[Credential],
        by: Actor,
        *,
        is_weak: bool = False,
        known_changes: int | None = None,
    ) -> None:
        """Replace all verifiers of an account, for a new password. Raises ``NotFound`` and ``NotPermitted``."""
        with self._database.transaction():
            account = get_proven_account(self._database, account_id, known_changes)
            replace_credentials(self._database, account, credentials, by, WEAK if is_weak else "")

    def upgrade_credential(self, account_id: int, old: str, new: Credential) -> None:
        """Replace the verifier ``old`` by one of the same kind and password at another cost."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE credentials SET value = ? WHERE account_id = ? AND kind = ? AND value = ?",
                (new.value, account_id, new.kind, old),
            )

    def add_credential(self, account_id: int, beside: str, new: Credential) -> None:
        """Add a verifier of another kind for the same password, if ``beside`` is still one of the account's."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO credentials (account_id, kind, value) SELECT account_id, ?, ? FROM credentials"
                " WHERE account_id = ? AND value = ?"
                " ON CONFLICT (account_id, kind) DO UPDATE SET value = excluded.value",
                (new.kind, new.value, account_id, beside),
            )

    def set_role(self, account_id: int, role: Role, by: Actor) -> Account:
        """Give the account another role and return it. Raises ``NotFound``."""
        with self._database.transaction():
            before = self._get_by_id(account_id)
            self._database.execute("UPDATE accounts SET role = ? WHERE id = ?", (role.word, account_id))
            self._record(account_id, by, "user.set-role", before.name, f"{before.role.word} to {role.word}")
            account = self._get_by_id(account_id)
        return account

    def set_disabled(self, account_id: int, disabled: bool, by: Actor) -> Account:
        """Disable or enable the account and return it. Raises ``NotFound``."""
        with self._database.transaction():
            name = self._get_by_id(account_id).name
            self._database.execute("UPDATE accounts SET disabled = ? WHERE id = ?", (int(disabled), account_id))
            self._record(account_id, by, "user.disable" if disabled else "user.enable", name)
            account = self._get_by_id(account_id)
        return account

    def rename(self, account_id: int, name: str, by: Actor) -> RenamedAccount:
        """Give the account another name, and have what is stored under the old one follow."""
        with self._database.transaction():
            old = self._get_by_id(account_id)
            taken = self._database.row(
                "SELECT name FROM accounts WHERE folded = ? AND id <> ?", (casefold(name), account_id)
            )
            if taken is not None:
                raise AlreadyExists(f"there is an account called {taken[0]} already")
            self._database.execute(
                "UPDATE accounts SET name = ?, folded = ? WHERE id = ?", (name, casefold(name), account_id)
            )
            ban_ids = account_renaming.move_name(self._database, account_id, old.name, name)
            self._record(account_id, by, "user.rename", old.name, name)
            account = self._get_by_id(account_id)
        return RenamedAccount(account, ban_ids)

    def set_always_on(self, account_id: int, always_on: bool, most: int, by: Actor) -> Account:
        """Have the account's user stay while no session is connected, or not, and return the account."""
        with self._database.transaction():
            before = self._get_by_id(account_id)
            others = "SELECT count(*) FROM accounts WHERE always_on = 1 AND disabled = 0"
            if always_on and not before.always_on and self._database.number(others) >= most:
                raise NotPermitted(f"{most} accounts are always on already: the limit is accounts.always_on_max")
            self._database.execute("UPDATE accounts SET always_on = ? WHERE id = ?", (int(always_on), account_id))
            self._record(account_id, by, "user.set-always-on", before.name, "on" if always_on else "off")
            account = self._get_by_id(account_id)
        return account

    def list_former_names(self, account_id: int) -> list[str]:
        """The casefolded names that the account had before, the newest first."""
        sql = "SELECT folded FROM former_names WHERE account_id = ? ORDER BY at_ms DESC"
        return [row[0] for row in self._database.rows(sql, (account_id,))]

    def list_unused(self, before: datetime) -> list[int]:
        """The accounts of plain users that did not log in since then, and were made before, the oldest first."""
        rows = self._database.rows(
            "SELECT id FROM accounts WHERE role = 'user' AND disabled = 0 AND always_on = 0"
            " AND coalesce(last_login_ms, created_ms) < ? ORDER BY id",
            (to_ms(before),),
        )
        return [int(account_id) for (account_id,) in rows]

    def delete(self, account_id: int, by: Actor, detail: str = "") -> None:
        """Delete the account with its credentials, certificates and account data. Raises ``NotFound``."""
        with self._database.transaction():
            account = self._get_by_id(account_id)
            # Found before the account goes: these channels lose their founder or the access, and so change too.
            channels = self._database.rows(
                "SELECT id FROM channels WHERE founder_id = ?"
                " UNION SELECT channel_id FROM channel_access WHERE account_id = ? ORDER BY 1",
                (account_id, account_id),
            )
            # Foreign keys do the rest: CASCADE for what is only the account's, SET NULL for founders.
            self._database.execute("DELETE FROM accounts WHERE id = ?", (account_id,))
            self._record(account_id, by, "user.delete", account.name, f"role {account.role.word}{detail}")
            for (channel_id,) in channels:
                change_store.add_row(self._database, "channels", channel_id)

    def record_login(self, account_id: int, at: datetime) -> None:
        """Set the time of the last login."""
        with self._database.transaction():
            self._database.execute("UPDATE accounts SET last_login_ms = ? WHERE id = ?", (to_ms(at), account_id))

    def _get_by_id(self, account_id: int) -> Account:
        return get_proven_account(self._database, account_id, None)

    def _record(self, account_id: int, by: Actor, action: str, target: str, detail: str = "") -> None:
        audit_store.add_row(self._database, by, action, target, detail)
        change_store.add_row(self._database, "accounts", account_id)


def replace_credentials(
    database: Database, account: Account, credentials: Iterable[Credential], by: Actor, detail: str
) -> None:
    """Replace all verifiers of an account, which voids its reset token. Only in a transaction.

    The audit has ``user.passwd`` with ``detail``.
    """
    database.execute("DELETE FROM credentials WHERE account_id = ?", (account.id,))
    database.execute("DELETE FROM reset_tokens WHERE account_id = ?", (account.id,))
    insert_credentials(database, account.id, credentials)
    database.execute("UPDATE accounts SET password_changes = password_changes + 1 WHERE id = ?", (account.id,))
    audit_store.add_row(database, by, "user.passwd", account.name, detail)
    change_store.add_row(database, "accounts", account.id)


def find_account(database: Database, account_id: int) -> Account | None:
    """The account with that id, or None."""
    row = database.row(f"SELECT {_COLUMNS} FROM accounts WHERE id = ?", (account_id,))
    return None if row is None else _account(row)


def get_proven_account(database: Database, account_id: int, known_changes: int | None) -> Account:
    """The account with that id. Raises ``NotFound``.

    ``known_changes`` is ``Account.password_changes`` of the password that the caller's client has proved, or None.
    Raises ``NotPermitted`` if the account has another password now. Only in a transaction does that hold for longer.
    """
    account = find_account(database, account_id)
    if account is None:
        raise NotFound(f"there is no account with the id {account_id}")
    if known_changes is not None and account.password_changes != known_changes:
        raise NotPermitted("the password was changed just now: log in with the new one")
    return account


def _account(row: Row) -> Account:
    account_id, name, role, disabled, created_ms, login_ms, always_on, changes = row
    moments = from_ms(created_ms), from_ms_or_none(login_ms)
    return Account(account_id, name, _ROLES[role], bool(disabled), *moments, bool(always_on), changes)


def _entry(row: Row) -> AccountEntry:
    return AccountEntry(row[0], row[1], _ROLES[row[2]], bool(row[3]), bool(row[4]), row[5])
