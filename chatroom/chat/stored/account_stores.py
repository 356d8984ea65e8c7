"""The Protocols of the stores for what belongs to an account: certificates, markers, metadata and cleared playback.

What all stores have in common is said in ``stores``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from chatroom.chat.stored.records import Account, AccountData, Actor, ClientCertificate, Credential, FailedLogins


class ClientCertificateStore(Protocol):
    """The certificates by which clients log in to accounts. A change is logged as one of the account.

    The daemon tells the account's sessions, and keeps no copy: it asks at each login. A certificate belongs to one
    account at most. It goes with its account, and stays if the password changes.
    """

    def add(
        self, account_id: int, fingerprint: str, by: Actor, *, shown: bool = False, known_changes: int | None = None
    ) -> ClientCertificate:
        """Let clients with the certificate log in to the account. Audit: ``user.cert-add``.

        ``shown``: the client has just proved that it has the certificate's key. It takes the certificate from an
        account that never proved it: others know the fingerprint too, and could keep its owner from using it.
        ``known_changes`` is as in ``AccountStore.set_credentials``. Raises ``NotFound`` without the account,
        ``NotPermitted`` if its password is another one, ``AlreadyExists`` if this or another account has the
        certificate, and ``TooMany`` if the account has ``MOST_CERTIFICATES``.
        """
        ...

    def remove(self, account_id: int, fingerprint: str, by: Actor) -> None:
        """Take a certificate from an account. Raises ``NotFound`` if it is not the account's.

        Audit: ``user.cert-remove``.
        """
        ...

    def find(self, fingerprint: str) -> ClientCertificate | None:
        """The certificate with that fingerprint, if an account has it; or None."""
        ...

    def list_of(self, account_id: int) -> list[ClientCertificate]:
        """The certificates of an account, the oldest first."""
        ...

    def count(self, account_id: int) -> int:
        """The number of certificates of an account."""
        ...

    def record_login(self, fingerprint: str, at: datetime) -> None:
        """Set the time of the last login by a certificate. Does nothing if no account has it."""
        ...


class ResetTokenStore(Protocol):
    """Tokens with which an account gets a new password once. No change to them is logged: the daemon asks.

    An account has one at most. It goes with the account, and when the password is replaced in any way.
    """

    def add(self, account_id: int, duration_s: int, by: Actor) -> tuple[str, datetime]:
        """Make the token of an account, and return it with its end. Audit: ``user.reset-token``. Raises ``NotFound``.

        It is not kept, only its hash. An earlier one of the account is void.
        """
        ...

    def check(self, name: str, token: str) -> Account:
        """Return the account ``name`` if the token is its own. Raises ``WrongToken`` if not, or if it opens nothing."""
        ...

    def use(self, name: str, token: str, credentials: Iterable[Credential], by: Actor) -> Account:
        """Replace the verifiers of the account and end the token. Both happen, or neither. Audit: ``user.passwd``.

        Raises ``WrongToken`` as ``check`` does.
        """
        ...


class AccountDataStore(Protocol):
    """Account data: read markers, metadata, and what was cleared of the playback. No change is logged.

    A write for an account that was deleted does nothing.
    """

    def load(self, account_id: int) -> AccountData:
        """The account's data; empty if there is none."""
        ...

    def set_marker(self, account_id: int, target: str, read_ms: int) -> None:
        """Set the read marker of a conversation. ``target`` is a casefolded name. A marker never goes back."""
        ...

    def raise_markers(self, markers: Mapping[int, Mapping[str, int]]) -> None:
        """As ``set_marker``, for the read markers of several accounts. Quick if nearly all are stored already."""
        ...

    def delete_marker(self, account_id: int, target: str) -> None:
        """Delete the read marker of a conversation, if there is one."""
        ...

    def clear_playback(self, account_id: int, targets: Mapping[str, int], dropped: Iterable[str] = ()) -> None:
        """Set up to which message id the playback of conversations is cleared, by casefolded name. It never goes back.

        ``dropped`` are names whose row is deleted.
        """
        ...

    def set_metadata(self, account_id: int, metadata: dict[str, str]) -> None:
        """Replace all metadata of an account."""
        ...


class FailedLoginStore(Protocol):
    """How often logins have failed lately. No change is logged: the daemon has them in memory."""

    def save(self, rows: Iterable[FailedLogins]) -> None:
        """Store the counts of some keys; a count of 0 removes one. On a full disk they are refused."""
        ...

    def load(self, most: int) -> list[FailedLogins]:
        """All that are stored, those that failed last at the end. Only the newest ``most`` stay stored."""
        ...

    def find(self, key: str) -> FailedLogins | None:
        """What is stored of a key, or None."""
        ...

    def lift(self, keys: Iterable[str], target: str, by: Actor) -> int:
        """Remove some keys, and return how many there were. Audit: ``user.lift-delay``."""
        ...
