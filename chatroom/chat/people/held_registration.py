"""An account that a session wants to register, and for which something is missing."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HeldRegistration:
    """What REGISTER has said. It waits for VERIFY with the token of an invite, or for a moderator."""

    name: str
    email: str | None
    password: str = field(repr=False)
    """Kept until the token has proved good: hashing it is slow, and strangers must not have the server do that.

    Empty if there is a request.
    """
    request_id: int = 0
    """The request that a moderator has to decide; 0 if there is none, and it ends with the session."""
