"""What the prompt says: whom the typed text is for, and what is the matter with it. Pure."""

from __future__ import annotations

from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.cells import drawable
from chatroom.client.fullscreen.key_map import KeyMap
from chatroom.client.places.place import Place
from chatroom.client.rendering import Fragment


def hint_of(keys: KeyMap) -> str:
    """Return what stands behind an empty prompt: the three keys to know, if they exist."""
    words = {"send": "says", "complete": "names", "help": "help"}
    return " · ".join(f"{keys.first(action)} {word}" for action, word in words.items() if keys.first(action))


def prompt_of(session: ChatSession, place: Place | None) -> list[Fragment]:
    """Return the prompt for a place."""
    name = drawable(place.name) if place is not None else ""
    if place is None or place.kind == "server":
        style, text = "prompt", "/"
        if not session.online:
            style, text = "prompt-trouble", "offline" if session.is_offline else "connecting"
        return [(style, f"{text} › ")]
    style = "prompt-direct" if place.kind == "conversation" else "prompt"
    if not session.online:
        return [("prompt-trouble", f"to {name}, offline › ")]
    if session.lag_s:
        return [("prompt-trouble", f"to {name}, no answer for {session.lag_s} s › ")]
    if place.kind == "channel" and not session.navigation.can_speak(place.name):
        return [("prompt-trouble", f"{name}: you are not in it › ")]
    away = ", away" if session.state.away else ""
    return [(style, f"to {name}{away} › ")]


def state_of(session: ChatSession, lag_ms: int | None) -> list[Fragment]:
    """Return the state of the connection, for the right end of the topic."""
    if session.lag_s:
        return [("warning", f"○ {session.lag_s} s")]
    if not session.online:
        return [("warning", "○ offline" if session.is_offline else "○ connecting")]
    return [("good", "●"), ("", f" {lag_ms} ms")] if lag_ms is not None else [("good", "●")]
