"""The table ``client_certificates``."""

from __future__ import annotations

from datetime import datetime

from chatroom.chat.stored.records import MOST_CERTIFICATES, Actor, ClientCertificate
from chatroom.errors import AlreadyExists, NotFound, TooMany
from chatroom.storage.sql import audit_store, change_store
from chatroom.storage.sql.account_store import get_proven_account
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none, to_ms

_COLUMNS = "fingerprint, account_id, added_ms, shown_ms"


class SqlClientCertificates:
    """Implements ``chatroom.chat.stored.account_stores.ClientCertificateStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, account_id: int, fingerprint: str, by: Actor, *, shown: bool = False, known_changes: int | None = None
    ) -> ClientCertificate:
        """Let clients with the certificate log in to the account."""
        with self._database.transaction():
            name = get_proven_account(self._database, account_id, known_changes).name
            other = self.find(fingerprint)
            if other is not None and other.account_id == account_id:
                raise AlreadyExists("the account has this certificate already")
            if other is not None and (other.shown_at is not None or not shown):
                raise AlreadyExists("another account has this certificate")
            if self.count(account_id) >= MOST_CERTIFICATES:
                raise TooMany(f"an account has at most {MOST_CERTIFICATES} certificates: remove one first")
            if other is not None:
                self._delete(other, by, f" (shown by {name})")
            now_ms = self._database.now_ms()
            self._database.execute(
                f"INSERT INTO client_certificates ({_COLUMNS}) VALUES (?, ?, ?, ?)",
                (fingerprint, account_id, now_ms, now_ms if shown else None),
            )
            audit_store.add_row(self._database, by, "user.cert-add", name, fingerprint)
            change_store.add_row(self._database, "accounts", account_id)
            added = self.find(fingerprint)
        assert added is not None
        return added

    def remove(self, account_id: int, fingerprint: str, by: Actor) -> None:
        """Take a certificate from an account. Raises ``NotFound`` if the account has not got it."""
        with self._database.transaction():
            certificate = self.find(fingerprint)
            if certificate is None or certificate.account_id != account_id:
                raise NotFound("the account has no such certificate")
            self._delete(certificate, by)

    def find(self, fingerprint: str) -> ClientCertificate | None:
        """The certificate with that fingerprint, if an account has it; or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM client_certificates WHERE fingerprint = ?", (fingerprint,))
        return None if row is None else _certificate(row)

    def list_of(self, account_id: int) -> list[ClientCertificate]:
        """The certificates of an account, the oldest first."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM client_certificates WHERE account_id = ? ORDER BY added_ms, fingerprint",
            (account_id,),
        )
        return [_certificate(row) for row in rows]

    def count(self, account_id: int) -> int:
        """The number of certificates of an account."""
        return self._database.number("SELECT count(*) FROM client_certificates WHERE account_id = ?", (account_id,))

    def record_login(self, fingerprint: str, at: datetime) -> None:
        """Set the time at which a client last logged in by a certificate."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE client_certificates SET shown_ms = ? WHERE fingerprint = ?", (to_ms(at), fingerprint)
            )

    def _delete(self, certificate: ClientCertificate, by: Actor, detail: str = "") -> None:
        fingerprint = certificate.fingerprint
        self._database.execute("DELETE FROM client_certificates WHERE fingerprint = ?", (fingerprint,))
        name = self._account_name(certificate.account_id) or ""
        audit_store.add_row(self._database, by, "user.cert-remove", name, fingerprint + detail)
        change_store.add_row(self._database, "accounts", certificate.account_id)

    def _account_name(self, account_id: int) -> str | None:
        row = self._database.row("SELECT name FROM accounts WHERE id = ?", (account_id,))
        return None if row is None else str(row[0])


def _certificate(row: Row) -> ClientCertificate:
    return ClientCertificate(row[0], row[1], from_ms(row[2]), from_ms_or_none(row[3]))
