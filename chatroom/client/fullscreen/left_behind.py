"""What is typed and not sent when the full screen ends: with the screen it would be gone."""

from __future__ import annotations

from chatroom.client.fullscreen.chat_screen import ChatScreen
from chatroom.client.remembering import may_hold_password
from chatroom.client.text import printable

_MOST_LINES = 20


def texts_left(chat: ChatScreen) -> list[str]:
    """Return a text for each place with one that waits there, with the name of the place, to be printed.

    What may hold a password is left out.
    """
    if chat.servers is None:
        return []
    is_visible = chat.question is None and not chat.composer.is_hidden
    left = []
    for place in chat.servers.places:
        typed = chat.composer.editor.text if is_visible and place is chat.servers.places.front else ""
        text = "\n".join(filter(None, [typed, place.draft]))
        if text and place.kind != "server" and not may_hold_password(text, place.name):
            left.append(f"Not sent to {printable(place.name)}: {_shown(text)}")
    return left


def _shown(text: str) -> str:
    lines = [printable(line) for line in text.split("\n")]
    more = len(lines) - _MOST_LINES
    shown = "\n  ".join(lines[:_MOST_LINES])
    return f"{shown}\n  … and {more} more lines" if more > 0 else shown
