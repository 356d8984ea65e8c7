"""The Protocol of the store for requests. What all methods have in common stands in ``stores``."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from chatroom.chat.stored.invite_records import NewAccount
from chatroom.chat.stored.records import Account, Actor
from chatroom.chat.stored.request_records import Request


class RequestStore(Protocol):
    """Requests for accounts, at most one for each name. Making an account in another way ends the request for its name.

    No change to them is logged: a running daemon decides itself.
    """

    def add(self, new: NewAccount, origin: str) -> Request:
        """Keep a request with its credentials.

        Raises ``AlreadyExists`` if an account or another request has the name, ``TooMany`` if ``MOST_REQUESTS`` wait.
        """
        ...

    def find(self, name: str) -> Request | None:
        """The request for that name, or None."""
        ...

    def find_credential(self, name: str, kind: str) -> str | None:
        """The verifier of a kind of the request for a name, or None."""
        ...

    def get_account(self, request_id: int) -> NewAccount:
        """The account that a request would make. Raises ``NotFound``."""
        ...

    def list_all(self) -> list[Request]:
        """All requests, the oldest first."""
        ...

    def approve(self, name: str, by: Actor) -> tuple[Request, Account]:
        """Make the account of a request, and delete the request. Raises ``NotFound`` and ``AlreadyExists``.

        Audit: ``user.approve``, and ``user.create`` as for any account.
        """
        ...

    def end_older(self, before: datetime, by: Actor, reason: str) -> list[Request]:
        """Delete the requests that were made before then, and return them. Audit: ``user.reject`` with the reason."""
        ...

    def reject(self, name: str, by: Actor, reason: str = "") -> Request:
        """Delete a request and return it. Raises ``NotFound``. Audit: ``user.reject`` with the reason."""
        ...
