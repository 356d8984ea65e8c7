"""The table ``reset_tokens``: with one, an account gets a new password once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chatroom.chat.admission.tokens import hash_secret, is_secret, make_secret, make_token, split_token
from chatroom.chat.stored.records import Account, Actor, Credential
from chatroom.errors import NotFound, WrongToken
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store
from chatroom.storage.sql.account_store import find_account, replace_credentials
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.timestamps import from_ms

_UNKNOWN = "There is no such token for this account"


class SqlResetTokens:
    """Implements ``chatroom.chat.stored.account_stores.ResetTokenStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, account_id: int, duration_s: int, by: Actor) -> tuple[str, datetime]:
        """Make the token of an account, and return it with its end."""
        database, secret = self._database, make_secret()
        with database.transaction():
            account = find_account(database, account_id)
            if account is None:
                raise NotFound(f"there is no account with the id {account_id}")
            now_ms = database.now_ms()
            until_ms = now_ms + duration_s * 1000
            database.execute(
                "INSERT INTO reset_tokens (account_id, token_hash, created_by, created_ms, until_ms)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET token_hash = excluded.token_hash,"
                " created_by = excluded.created_by, created_ms = excluded.created_ms, until_ms = excluded.until_ms",
                (account_id, hash_secret(secret), by.name, now_ms, until_ms),
            )
            detail = f"until {from_ms(until_ms):%Y-%m-%d %H:%M} UTC"
            audit_store.add_row(database, by, "user.reset-token", account.name, detail)
        return make_token(account_id, secret), from_ms(until_ms)

    def check(self, name: str, token: str) -> Account:
        """Return the account that the token is of. Raises ``WrongToken``."""
        return self._check(name, token)[0]

    def use(self, name: str, token: str, credentials: Iterable[Credential], by: Actor) -> Account:
        """Replace the verifiers of the account, and end the token."""
        with self._database.transaction():
            account, made_by = self._check(name, token)
            # It deletes the token, as any new password does.
            replace_credentials(self._database, account, credentials, by, f"reset token of {made_by}")
            changed = find_account(self._database, account.id)
            assert changed is not None
        return changed

    def _check(self, name: str, token: str) -> tuple[Account, str]:
        account_id, secret = split_token(token)
        row = self._database.row(
            "SELECT token_hash, created_by, until_ms FROM reset_tokens WHERE account_id = ?", (account_id,)
        )
        account = find_account(self._database, account_id)
        if row is None or account is None or not is_secret(secret, row[0]) or casefold(account.name) != casefold(name):
            raise WrongToken(_UNKNOWN)
        if self._database.now_ms() >= row[2]:
            raise WrongToken(f"This token ended at {from_ms(row[2]):%Y-%m-%d %H:%M} UTC")
        return account, row[1]
