"""The rows of a new account, however it is made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chatroom.chat.stored.records import Actor, Credential, Role
from chatroom.errors import AlreadyExists
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store, change_store
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.timestamps import to_ms


def insert_account(
    database: Database,
    name: str,
    role: Role,
    credentials: Iterable[Credential],
    by: Actor,
    email: str | None = None,
    detail: str = "",
    created_at: datetime | None = None,
) -> int:
    """Add an account with its credentials, and return its id. Only in a transaction.

    ``created_at`` is when it was made elsewhere; None means now.

    A request for the name is deleted: it is answered by that. The audit has ``user.create`` with the role and
    ``detail``. Raises ``AlreadyExists`` if the name is taken.
    """
    taken = database.row("SELECT name FROM accounts WHERE folded = ?", (casefold(name),))
    if taken is not None:
        raise AlreadyExists(f"there is an account called {taken[0]} already")
    database.execute("DELETE FROM requests WHERE folded = ?", (casefold(name),))
    created_ms = database.now_ms() if created_at is None else to_ms(created_at)
    account_id = database.number(
        "INSERT INTO accounts (name, folded, role, created_ms, email) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (name, casefold(name), role.word, created_ms, email),
    )
    insert_credentials(database, account_id, credentials)
    audit_store.add_row(database, by, "user.create", name, f"role {role.word}{detail}")
    change_store.add_row(database, "accounts", account_id)
    return account_id


def insert_credentials(database: Database, account_id: int, credentials: Iterable[Credential]) -> None:
    """Add verifiers of an account. Only in a transaction."""
    for credential in credentials:
        database.execute(
            "INSERT INTO credentials (account_id, kind, value) VALUES (?, ?, ?)",
            (account_id, credential.kind, credential.value),
        )
