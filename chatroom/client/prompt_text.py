"""What stands before typed text: messages under way, and the place that it is for."""

from __future__ import annotations

from prompt_toolkit.formatted_text import FormattedText

from chatroom.client.chat_session import ChatSession
from chatroom.client.rendering import Fragment
from chatroom.client.text import printable
from chatroom.client.wrapping import shorten

SHOWN_UNDER_WAY = 3
"""How many messages that the server has not echoed yet are shown."""


def prompt_text(session: ChatSession, width: int, *, several: bool = False) -> FormattedText:
    """Return the prompt for a terminal of ``width`` columns. ``several``: the user is on several servers."""
    return FormattedText([*_under_way(session, width), _place(session, several)])


def where(conversation: str, session: ChatSession, front: ChatSession, *, several: bool) -> str:
    """Return what to write before a line of a session; empty if it is clear where it belongs.

    ``front``: the session of the place in front.
    """
    server = printable(session.talk.here.server)
    if several and session is not front:
        return f"{server}/{conversation}" if conversation else server
    is_front = session.state.fold(conversation) == session.state.fold(session.target or "")
    return conversation if conversation and (len(session.state.channels) > 1 or not is_front) else ""


def _under_way(session: ChatSession, width: int) -> list[Fragment]:
    """The messages that the server has not echoed yet, each in a row of its own."""
    waiting = session.speech.under_way
    rows: list[Fragment] = [
        ("class:dim", shorten(f"… to {said.conversation}: {printable(said.text)}", width - 1) + "\n")
        for said in waiting[:SHOWN_UNDER_WAY]
    ]
    if len(waiting) > SHOWN_UNDER_WAY:
        rows.append(("class:dim", f"… and {len(waiting) - SHOWN_UNDER_WAY} more\n"))
    return rows


def _place(session: ChatSession, several: bool) -> Fragment:
    """The place in front, and what is the matter with it or with the connection."""
    place = session.target
    name = printable(place or "no channel")
    if several:
        name = f"{printable(session.talk.here.server)}/{name}" if place else printable(session.talk.here.server)
    if not session.online:
        return "class:prompt.trouble", f"[{name}, offline] " if session.is_offline else "[connecting] "
    if session.lag_s:
        return "class:prompt.trouble", f"[{name}, no answer for {session.lag_s} s] "
    if place is not None and not session.navigation.can_speak(place):
        return "class:prompt.trouble", f"[{name}: you are not in it] "
    return "class:prompt", f"[{name}, away] " if session.state.away else f"[{name}] "
