"""The table ``invites``: tokens with which their holders register accounts."""

from __future__ import annotations

from chatroom.chat.admission.tokens import hash_secret, is_secret, make_secret, make_token, split_token
from chatroom.chat.stored.invite_records import (
    MOST_INVITES,
    Invite,
    InvitedAccount,
    IssuedInvite,
    NewAccount,
    NewInvite,
)
from chatroom.chat.stored.records import Actor, Role
from chatroom.errors import NotFound, TooMany, WrongToken
from chatroom.storage.sql import audit_store
from chatroom.storage.sql.account_store import find_account
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.new_accounts import insert_account
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none

MOST_KEPT = 2 * MOST_INVITES
"""How many invites stay in the list, those that are over among them. Counted and not by their age: while the clock is
wrong, an open one must not go."""
_COLUMNS = "id, uses, used, channel, created_by, created_ms, until_ms, used_ms"
_UNKNOWN = "There is no such invite"


class SqlInvites:
    """Implements ``chatroom.chat.stored.invite_stores.InviteStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewInvite, by: Actor) -> IssuedInvite:
        """Make an invite with a token of its own."""
        database, secret = self._database, make_secret()
        with database.transaction():
            now_ms = database.now_ms()
            is_open = "used < uses AND until_ms > ?"
            database.execute(
                f"DELETE FROM invites WHERE NOT ({is_open}) AND id <= (SELECT max(id) FROM invites) - ?",
                (now_ms, MOST_KEPT - 1),
            )
            if database.number(f"SELECT count(*) FROM invites WHERE {is_open}", (now_ms,)) >= MOST_INVITES:
                raise TooMany(f"there are {MOST_INVITES} open invites already: remove one first")
            invite_id = database.number(
                "INSERT INTO invites (token_hash, uses, channel, created_by, created_ms, until_ms)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (hash_secret(secret), new.uses, new.channel, by.name, now_ms, now_ms + new.duration_s * 1000),
            )
            added = self._get(invite_id)
            audit_store.add_row(database, by, "invite.create", f"invite {invite_id}", _detail(added))
        return IssuedInvite(added, make_token(invite_id, secret))

    def remove(self, invite_id: int, by: Actor) -> Invite:
        """Delete an invite and return it. Raises ``NotFound``."""
        with self._database.transaction():
            removed = self._get(invite_id)
            self._database.execute("DELETE FROM invites WHERE id = ?", (invite_id,))
            detail = f"used {removed.used} of {removed.uses} times"
            audit_store.add_row(self._database, by, "invite.remove", f"invite {invite_id}", detail)
        return removed

    def find(self, invite_id: int) -> Invite | None:
        """The invite with that id, open or not; or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM invites WHERE id = ?", (invite_id,))
        return None if row is None else _invite(row)

    def list_all(self) -> list[Invite]:
        """All invites, open or not, the oldest first."""
        return [_invite(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM invites ORDER BY id")]

    def check(self, token: str) -> Invite:
        """Return the invite that a token is of. Raises ``WrongToken``."""
        invite_id, secret = split_token(token)
        row = self._database.row(f"SELECT token_hash, {_COLUMNS} FROM invites WHERE id = ?", (invite_id,))
        # Found by its id, so that the secret is only ever compared by ``is_secret``.
        if row is None or not is_secret(secret, row[0]):
            raise WrongToken(_UNKNOWN)
        found = _invite(row[1:])
        fault = found.find_fault(from_ms(self._database.now_ms()))
        if fault:
            raise WrongToken(fault)
        return found

    def register(self, token: str, new: NewAccount, by: Actor) -> InvitedAccount:
        """Use an invite once, and add an account."""
        database = self._database
        # In a transaction, nobody else can use the invite between the check and the count.
        with database.transaction():
            invite = self.check(token)
            detail = f", invite {invite.id}"
            account_id = insert_account(database, new.name, Role.USER, new.credentials, by, new.email, detail)
            database.execute(
                "UPDATE invites SET used = used + 1, used_ms = ? WHERE id = ?", (database.now_ms(), invite.id)
            )
            account = find_account(database, account_id)
            assert account is not None
            used = self._get(invite.id)
        return InvitedAccount(account, used)

    def _get(self, invite_id: int) -> Invite:
        found = self.find(invite_id)
        if found is None:
            raise NotFound(f"there is no invite {invite_id}")
        return found


def _detail(one: Invite) -> str:
    channel = f", {one.channel}" if one.channel else ""
    return f"{one.uses} use{'' if one.uses == 1 else 's'}, until {one.until_at:%Y-%m-%d %H:%M} UTC{channel}"


def _invite(row: Row) -> Invite:
    invite_id, uses, used, channel, by, created_ms, until_ms, used_ms = row
    return Invite(invite_id, uses, used, channel, by, from_ms(created_ms), from_ms(until_ms), from_ms_or_none(used_ms))
