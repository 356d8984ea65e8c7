"""The verifiers that are kept of an account's password: one for each way to prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission import passwords, scram

if TYPE_CHECKING:
    from chatroom.chat.stored.records import Credential
    from chatroom.config.settings import Accounts


def make_credentials(password: str, settings: Accounts) -> list[Credential]:
    """All that is to be stored of a new password. Raises ``InvalidValue``. As slow as bcrypt: for a worker."""
    made = [passwords.hash_password(password, settings.bcrypt_cost)]
    second = scram.make_verifier(password, settings.scram_iterations) if settings.scram else None
    return [*made, second] if second is not None else made
