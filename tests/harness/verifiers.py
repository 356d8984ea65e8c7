"""What the database has of passwords."""

from __future__ import annotations

from chatroom.chat.stored.stores import Stores


def find_verifier(stores: Stores, name: str, kind: str = "bcrypt") -> str | None:
    """The verifier of a kind of the account called ``name``, or None."""
    return stores.accounts.find_with_credentials(name)[1].get(kind)
