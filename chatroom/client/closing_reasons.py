"""Why a server closes a connection, and if the client may come back."""

from __future__ import annotations

from chatroom.irc.message import Message

# No standard code tells a client to stay away, so the text of ERROR has to do. These are the words for kicks, bans and
# logins that were refused in the texts of our server and of other common ones.
_FINAL_WORDS = ("banned", "k-line", "k:line", "kicked", "killed", "disabled", "password incorrect")


def closing_reason(message: Message) -> str:
    """Return why an ERROR closes the connection: the text in its parentheses, or all of it."""
    text = message.params[-1] if message.params else ""
    start = text.find("(")
    inner = text[start + 1 : -1] if start >= 0 and text.endswith(")") else text
    return inner.strip() or "the server closed the connection"


def is_final(reason: str) -> bool:
    """Tell if the client must not connect again unasked after this reason: a kick, a ban, a wrong password."""
    lowered = reason.lower()
    return any(word in lowered for word in _FINAL_WORDS)
