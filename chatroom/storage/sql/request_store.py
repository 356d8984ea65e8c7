"""The tables ``requests`` and ``request_credentials``: accounts that wait for a moderator."""

from __future__ import annotations

from datetime import datetime

from chatroom.chat.stored.invite_records import NewAccount
from chatroom.chat.stored.records import Account, Actor, Credential, Role
from chatroom.chat.stored.request_records import MOST_REQUESTS, Request
from chatroom.errors import AlreadyExists, NotFound, TooMany
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store
from chatroom.storage.sql.account_store import find_account
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.new_accounts import insert_account
from chatroom.storage.sql.timestamps import from_ms, to_ms

_COLUMNS = "id, name, email, origin, created_ms"


class SqlRequests:
    """Implements ``chatroom.chat.stored.request_stores.RequestStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewAccount, origin: str) -> Request:
        """Keep a request with its credentials."""
        database = self._database
        with database.transaction():
            for table in ("accounts", "requests"):
                if database.row(f"SELECT 1 FROM {table} WHERE folded = ?", (casefold(new.name),)) is not None:
                    waits = "is registered" if table == "accounts" else "waits for a moderator"
                    raise AlreadyExists(f"{new.name} {waits} already")
            if database.number("SELECT count(*) FROM requests") >= MOST_REQUESTS:
                raise TooMany("too many wait for a moderator already, try again later")
            request_id = database.number(
                "INSERT INTO requests (name, folded, email, origin, created_ms) VALUES (?, ?, ?, ?, ?) RETURNING id",
                (new.name, casefold(new.name), new.email, origin, database.now_ms()),
            )
            database.execute_many(
                "INSERT INTO request_credentials (request_id, kind, value) VALUES (?, ?, ?)",
                [(request_id, one.kind, one.value) for one in new.credentials],
            )
            added = self._get(new.name)
        return added

    def find(self, name: str) -> Request | None:
        """The request for that name, or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM requests WHERE folded = ?", (casefold(name),))
        return None if row is None else _request(row)

    def find_credential(self, name: str, kind: str) -> str | None:
        """The verifier of a kind of the request for a name, or None."""
        row = self._database.row(
            "SELECT value FROM request_credentials JOIN requests ON id = request_id WHERE folded = ? AND kind = ?",
            (casefold(name), kind),
        )
        return None if row is None else str(row[0])

    def get_account(self, request_id: int) -> NewAccount:
        """The account that a request would make. Raises ``NotFound``."""
        with self._database.snapshot():
            row = self._database.row("SELECT name, email FROM requests WHERE id = ?", (request_id,))
            rows = self._database.rows(
                "SELECT kind, value FROM request_credentials WHERE request_id = ? ORDER BY kind", (request_id,)
            )
        if row is None:
            raise NotFound("this request was decided already")
        return NewAccount(row[0], [Credential(kind, value) for kind, value in rows], row[1])

    def list_all(self) -> list[Request]:
        """All requests, the oldest first."""
        return [_request(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM requests ORDER BY id")]

    def approve(self, name: str, by: Actor) -> tuple[Request, Account]:
        """Make the account of a request, and delete the request."""
        database = self._database
        with database.transaction():
            request = self._get(name)
            rows = database.rows("SELECT kind, value FROM request_credentials WHERE request_id = ?", (request.id,))
            credentials = [Credential(kind, value) for kind, value in rows]
            audit_store.add_row(database, by, "user.approve", request.name, f"asked for from {request.origin}")
            # It deletes the request, as for any account of this name.
            account_id = insert_account(database, request.name, Role.USER, credentials, by, request.email)
            account = find_account(database, account_id)
            assert account is not None
        return request, account

    def reject(self, name: str, by: Actor, reason: str = "") -> Request:
        """Delete a request and return it. Raises ``NotFound``."""
        with self._database.transaction():
            request = self._get(name)
            self._delete(request, by, reason)
        return request

    def end_older(self, before: datetime, by: Actor, reason: str) -> list[Request]:
        """Delete the requests that were made before then, and return them."""
        with self._database.transaction():
            sql = f"SELECT {_COLUMNS} FROM requests WHERE created_ms < ? ORDER BY id"
            requests = [_request(row) for row in self._database.rows(sql, (to_ms(before),))]
            for request in requests:
                self._delete(request, by, reason)
        return requests

    def _delete(self, request: Request, by: Actor, reason: str) -> None:
        self._database.execute("DELETE FROM requests WHERE id = ?", (request.id,))
        detail = f"asked for from {request.origin}{f': {reason}' if reason else ''}"
        audit_store.add_row(self._database, by, "user.reject", request.name, detail)

    def _get(self, name: str) -> Request:
        found = self.find(name)
        if found is None:
            raise NotFound(f"nobody waits to register {name}")
        return found


def _request(row: Row) -> Request:
    return Request(row[0], row[1], row[2], row[3], from_ms(row[4]))
