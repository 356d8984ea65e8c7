"""Reads and writes accounts and requests with all that belongs to them, for ``archive_store``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chatroom.chat.stored.archive_records import (
    Appearance,
    ArchivedAccount,
    ArchivedCertificate,
    ArchivedHook,
    ArchivedRequest,
    FormerName,
    Place,
)
from chatroom.chat.stored.records import Credential, Role
from chatroom.irc.names import casefold
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none, to_ms, to_ms_or_none

_ACCOUNT = "id, name, role, disabled, created_ms, last_login_ms, always_on, password_changes, email"
# The columns of each table after account_id, and their order.
_PARTS = {
    "credentials": ("kind, value", "kind"),
    "client_certificates": ("fingerprint, added_ms, shown_ms", "added_ms, fingerprint"),
    "former_names": ("folded, at_ms", "at_ms, folded"),
    "read_markers": ("target, read_ms", "target"),
    "account_metadata": ("key, value", "key"),
    "cleared_playback": ("target, message_id", "target"),
    "presence": ("channel, is_present, left_number, joined_ms", "channel"),
    "always_on_users": ("username, realname, host, away, modes", "account_id"),
}


def read_accounts(database: Database, after_id: int, limit: int) -> list[ArchivedAccount]:
    """The next ``limit`` accounts after an id, in the order of ids."""
    rows = database.rows(f"SELECT {_ACCOUNT} FROM accounts WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))
    if not rows:
        return []
    span = (rows[0][0], rows[-1][0])
    parts = {table: _read_part(database, table, span) for table in _PARTS}
    return [_account(row, {table: found.get(row[0], []) for table, found in parts.items()}) for row in rows]


def _read_part(database: Database, table: str, span: tuple[int, int]) -> dict[int, list[Row]]:
    columns, order = _PARTS[table]
    found: defaultdict[int, list[Row]] = defaultdict(list)
    # Constants of this module only: all values are parameters.
    sql = f"SELECT account_id, {columns} FROM {table} WHERE account_id BETWEEN ? AND ? ORDER BY account_id, {order}"
    for account_id, *values in database.rows(sql, span):
        found[account_id].append(tuple(values))
    return found


def _account(row: Row, parts: dict[str, list[Row]]) -> ArchivedAccount:
    account_id, name, role, disabled, created_ms, login_ms, always_on, changes, email = row
    appearances = parts["always_on_users"]
    return ArchivedAccount(
        id=account_id,
        name=name,
        role=Role.from_word(role),
        disabled=bool(disabled),
        created_at=from_ms(created_ms),
        last_login_at=from_ms_or_none(login_ms),
        always_on=bool(always_on),
        password_changes=changes,
        email=email,
        credentials=tuple(Credential(*one) for one in parts["credentials"]),
        certificates=tuple(
            ArchivedCertificate(fingerprint, from_ms(added_ms), from_ms_or_none(shown_ms))
            for fingerprint, added_ms, shown_ms in parts["client_certificates"]
        ),
        former_names=tuple(FormerName(folded, from_ms(at_ms)) for folded, at_ms in parts["former_names"]),
        markers=dict(parts["read_markers"]),
        metadata=dict(parts["account_metadata"]),
        cleared=dict(parts["cleared_playback"]),
        places=tuple(Place(channel, bool(here), left, joined) for channel, here, left, joined in parts["presence"]),
        appearance=Appearance(*appearances[0]) if appearances else None,
    )


def write_accounts(database: Database, accounts: Sequence[ArchivedAccount]) -> None:
    """Add accounts with their ids. Only in a transaction."""
    database.execute_many(
        f"INSERT INTO accounts ({_ACCOUNT}, folded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(one.id, one.name, one.role.word, int(one.disabled), to_ms(one.created_at)),
                *(to_ms_or_none(one.last_login_at), int(one.always_on), one.password_changes, one.email),
                casefold(one.name),
            )
            for one in accounts
        ],
    )
    for table, (columns, _) in _PARTS.items():
        marks = ", ".join("?" * (columns.count(",") + 2))
        rows = [(one.id, *values) for one in accounts for values in _rows_of(one, table)]
        database.execute_many(f"INSERT INTO {table} (account_id, {columns}) VALUES ({marks})", rows)


def _rows_of(one: ArchivedAccount, table: str) -> Sequence[Row]:
    """The values of an account for a table of ``_PARTS``."""
    if table == "credentials":
        return one.credentials
    if table == "client_certificates":
        return [(cert.fingerprint, to_ms(cert.added_at), to_ms_or_none(cert.shown_at)) for cert in one.certificates]
    if table == "former_names":
        return [(former.folded, to_ms(former.at)) for former in one.former_names]
    if table == "read_markers":
        return list(one.markers.items())
    if table == "account_metadata":
        return list(one.metadata.items())
    if table == "cleared_playback":
        return list(one.cleared.items())
    if table == "presence":
        return one.places
    assert table == "always_on_users"
    return [] if one.appearance is None else [one.appearance]


def read_requests(database: Database) -> list[ArchivedRequest]:
    """All requests, of which there are 1,000 at most, in the order of ids."""
    credentials: defaultdict[int, list[Credential]] = defaultdict(list)
    for request_id, kind, value in database.rows("SELECT request_id, kind, value FROM request_credentials"):
        credentials[request_id].append(Credential(kind, value))
    rows = database.rows("SELECT id, name, email, origin, created_ms FROM requests ORDER BY id")
    return [
        ArchivedRequest(request_id, name, email, origin, from_ms(created_ms), tuple(sorted(credentials[request_id])))
        for request_id, name, email, origin, created_ms in rows
    ]


def write_requests(database: Database, requests: Sequence[ArchivedRequest]) -> None:
    """Add requests with their ids. Only in a transaction."""
    database.execute_many(
        "INSERT INTO requests (id, name, email, origin, created_ms, folded) VALUES (?, ?, ?, ?, ?, ?)",
        [(*one[:4], to_ms(one.created_at), casefold(one.name)) for one in requests],
    )
    database.execute_many(
        "INSERT INTO request_credentials (request_id, kind, value) VALUES (?, ?, ?)",
        [(one.id, *credential) for one in requests for credential in one.credentials],
    )


_HOOK_COLUMNS = (
    "id, direction, channel, name, url, secret, token_hash, events, prefix, mention, hears_hooks, paused, created_by,"
    " created_ms, last_number, done, dropped, done_ms, failing_since_ms, failure"
)


def read_hooks(database: Database) -> list[ArchivedHook]:
    """All hooks, of which there are few, in the order of ids."""
    found = []
    for (
        *head,
        hears_hooks,
        paused,
        by,
        created_ms,
        number,
        done,
        dropped,
        done_ms,
        failing_ms,
        failure,
    ) in database.rows(f"SELECT {_HOOK_COLUMNS} FROM hooks ORDER BY id"):
        flags, moments = (bool(hears_hooks), bool(paused)), (from_ms_or_none(done_ms), from_ms_or_none(failing_ms))
        values = (*head, *flags, by, from_ms(created_ms), number, done, dropped, *moments, failure)
        found.append(ArchivedHook._make(values))
    return found


def write_hooks(database: Database, hooks: Sequence[ArchivedHook]) -> None:
    """Add hooks with their ids. Only in a transaction."""
    marks = ", ".join("?" * (len(ArchivedHook._fields) + 1))
    database.execute_many(
        f"INSERT INTO hooks ({_HOOK_COLUMNS}, folded) VALUES ({marks})",
        [
            (
                *(*one[:10], int(one.hears_hooks), int(one.paused), one.by),
                *(to_ms(one.created_at), one.last_number, one.done, one.dropped),
                *(to_ms_or_none(one.done_at), to_ms_or_none(one.failing_since), one.failure, casefold(one.channel)),
            )
            for one in hooks
        ],
    )
