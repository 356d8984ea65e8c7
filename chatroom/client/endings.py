"""How a chat ends, in words for the user."""

from __future__ import annotations

from dataclasses import dataclass

from chatroom.client.address import Address
from chatroom.client.login_steps import Ask


@dataclass(frozen=True, slots=True)
class Over:
    """The end of the chat."""

    code: int
    """The program's exit code."""
    text: str = ""
    """Why the chat has ended; empty if the user left."""
    unreachable: bool = False
    """True if no server could be reached."""


def tell_no_entry(address: Address, reason: str, was_open: bool, has_answered: bool) -> Over:
    """Tell that the first connection could not be made, or did not come to the welcome.

    ``was_open``: it was made. ``has_answered``: the server has sent a line.
    """
    if not was_open:
        how = " with TLS" if address.tls else ""
        return Over(1, f"Cannot connect to {address}{how}: {reason}.", unreachable=True)
    text = f"{address} refused the login: {reason}"
    if not address.tls and not has_answered:
        text += f". Perhaps it speaks TLS: `chatroom ircs://{address}` tries that."
    return Over(1, text)


def tell_declined(question: Ask, address: Address) -> str:
    """Return the end of a chat whose user has answered no."""
    if question.kind == "plaintext":
        return f"The password was not sent. `chatroom ircs://{address.host}` encrypts it, if the server has TLS."
    return f"{address} is not trusted, so nothing was sent to it."
