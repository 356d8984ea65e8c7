"""The verifiers that the database keeps of a password: one for each way to prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission import passwords, scram

if TYPE_CHECKING:
    from chatroom.chat.stored.records import Credential
    from chatroom.config.chatting import Accounts


def make_credentials(password: str, settings: Accounts) -> list[Credential]:
    """All verifiers of a new password: bcrypt, and SCRAM if the settings offer it and it can take the password.

    Raises ``InvalidValue`` if a password may not have that form. Slow on purpose: call it in a worker.
    """
    made = [passwords.hash_password(password, settings.bcrypt_cost)]
    scram_verifier = scram.make_verifier(password, settings.scram_iterations) if settings.scram else None
    return made if scram_verifier is None else [*made, scram_verifier]
