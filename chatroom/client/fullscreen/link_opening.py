"""Links to servers, ``irc://`` and ``ircs://``, that the user pastes or types after ``/connect``."""

from __future__ import annotations

from chatroom.client.address import parse_address
from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.program import Program
from chatroom.client.fullscreen.questions import Refused
from chatroom.client.server_link import ServerLink, split_link
from chatroom.client.servers import Chosen


def link_in(text: str) -> str:
    """Return the link that is all of a text; empty if it is something else."""
    text = text.strip()
    if len(text.split()) != 1 or not text.lower().startswith(("irc://", "ircs://")):
        return ""
    try:
        parse_address(split_link(text).server)
    except ValueError:
        return ""
    return text


def link_with_token(text: str) -> str:
    """Return the link of a ``/connect`` if a password must be chosen for it; else an empty text."""
    verb, _, rest = text.strip().partition(" ")
    link = link_in(rest) if verb == "/connect" else ""
    parts = split_link(link)
    return link if parts.invite or parts.reset else ""


class LinkOpening:
    """Opens links in dialogues with the user."""

    def __init__(self, app: Program) -> None:
        self._app = app

    async def offer(self, link: str) -> None:
        """Ask if a pasted link is to be opened. If it is not, it is text like any other."""
        parts = split_link(link)
        where = f"{parts.channel} on {parts.server}" if parts.channel else parts.server
        editor = self._app.chat.composer.editor
        try:
            answer = await self._app.questions.choose(f"Go to {where}? [y/N]: ")
        except Refused:
            answer = ""
        if answer == "y":
            await self.open(link)
        else:
            editor.insert(link)
            self._app.chat.composer.changed()

    async def open(self, link: str) -> None:
        """Go to the server and the channel of a link. What it needs is asked."""
        servers, session = self._app.servers, self._app.session
        if servers is None or session is None:
            return
        parts = split_link(link)
        there = servers.find(str(parse_address(parts.server)))
        if there is not None:
            self._open_on(there, parts)
            return
        try:
            chosen = await self._choose(parts, session.state.nick)
        except Refused:
            self._app.tell("The link was not opened.")
            return
        session.talk.show(servers.connect(link, chosen))
        self._app.woken()

    def _open_on(self, session: ChatSession, parts: ServerLink) -> None:
        """Go to the channel of a link to a server on which the user is already."""
        if parts.reset:
            self._app.tell("Leave, and start chatroom with this link: it asks for the new password.", wrong=True)
            return
        session.places.turn_to(session.talk.here.home)
        if parts.channel:
            session.enter(f"/join {parts.channel}")
        if parts.invite and session.can_register:
            session.enter(f"/register {parts.invite}")
        self._app.woken()

    async def _choose(self, parts: ServerLink, nick: str) -> Chosen | None:
        """Ask for what a token needs: a nick for an invite, and a new password. None if the link has no token."""
        if not (parts.invite or parts.reset):
            return None
        questions = self._app.questions
        if parts.reset:
            nick = parts.account
        else:
            nick = (await questions.ask(f"Nickname there [{nick}]: ")).strip() or nick
        return Chosen(nick, await questions.choose_password(nick))
