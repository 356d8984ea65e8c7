"""The first start: which server, who the user is there, and the keys to know. What was answered is kept if wanted."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

from chatroom.client.address import PLAIN_PORT
from chatroom.client.chat_events import Denied, Info
from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.program import Program
from chatroom.client.fullscreen.questions import Refused
from chatroom.client.further_options import further_options
from chatroom.client.options import Options
from chatroom.client.server_link import split_link
from chatroom.client.start_options import DEFAULT_SERVER
from chatroom.client.text import printable, well_formed
from chatroom.errors import ChatroomError

KEYS = """\
F1 shows all keys. Five to know:
Ctrl-K  go to a place by name
Alt-A   go to what is new
Tab     complete a name
Page up older messages; Esc: new
Ctrl-D  leave"""
"""In lines that are short enough for the log of a terminal of 80 columns."""


def runs_here() -> bool:
    """True if something listens where a server of this machine would."""
    try:
        socket.create_connection((DEFAULT_SERVER, PLAIN_PORT), timeout=1.0).close()
    except OSError:
        return False
    return True


class FirstStart:
    """Guides a user who has said nothing so far."""

    def __init__(self, app: Program) -> None:
        self._app = app
        self._server = ""

    async def ask_server(self, options: Options) -> Options:
        """Ask for the server until it is an address or a link, and return the options for it. Raises Refused."""
        default = DEFAULT_SERVER if await asyncio.to_thread(runs_here) else ""
        hint = f"Server, or a link to one [{default}, this machine]: " if default else "Server, or a link to one: "
        notice = "Welcome. Enter takes what stands in brackets, Ctrl-C leaves."
        while True:
            self._app.chat.flash(notice)
            typed = (await self._app.questions.ask(hint)).strip() or default
            if not typed:
                notice = "No server runs on this machine; `chatroomctl serve` starts one."
                continue
            try:
                found = further_options(well_formed(typed), options, options.nick)
            except (ValueError, OSError, ChatroomError) as error:
                notice = printable(str(error))
                continue
            self._server = typed
            return replace(
                found,
                password=options.password,
                server_password=options.server_password,
                join=tuple(dict.fromkeys((*options.join, *found.join))),
                joins_asked=options.joins_asked or found.joins_asked,
            )

    async def welcome(self, session: ChatSession) -> None:
        """Offer to keep the answers, and to register the nick; and explain the keys."""
        try:
            if await self._wants("Connect here again at the next start, without these questions? [Y/n]: ", True):
                self._keep(session)
            nick = session.state.nick
            words = f"Register {nick} with a password, so that nobody else can be {nick}? [y/N]: "
            if session.can_register and await self._wants(words, False):
                session.enter("/register")  # asks for the password
        except Refused:
            pass  # Esc is no to all that is left
        # Only now: the channel in which the user arrives has come in front meanwhile.
        self._app.tell(KEYS)

    async def _wants(self, words: str, default: bool) -> bool:
        answer = await self._app.questions.choose(words)
        return answer == "y" or (default and not answer)

    def _keep(self, session: ChatSession) -> None:
        """Write the server and the nick into the settings, and say where."""
        # Of a link, only the server: its token works once.
        server = split_link(self._server).server
        shown = [
            *session.settings.configure(f"start.server {server}", reset=False),
            *session.settings.configure(f"start.nick {session.state.nick}", reset=False),
        ]
        wrong = [event for event in shown if isinstance(event, Denied)]
        kept = f"chatroom alone connects to {server} as {session.state.nick} from now on; /set start shows that."
        session.talk.show(wrong[:1] or [Info(kept)])
