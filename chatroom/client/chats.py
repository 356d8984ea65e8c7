"""A chat from its options to its end: in lines, or on the whole screen."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

from chatroom.client import plain, std_streams
from chatroom.client.address import LOOPBACK
from chatroom.client.chat_session import ChatSession
from chatroom.client.further_options import further_options
from chatroom.client.handshake import Login
from chatroom.client.invited_login import InvitedLogin
from chatroom.client.line_output import LineOutput
from chatroom.client.link import Link, LinkItem
from chatroom.client.login_steps import Ask
from chatroom.client.options import Options, default_nick
from chatroom.client.question_words import choose_password
from chatroom.client.quick_process import SETTLED_S
from chatroom.client.remembering import merge_joins
from chatroom.client.reset_login import ResetLogin
from chatroom.client.route import Route
from chatroom.client.servers import Chosen, Report, Servers
from chatroom.client.stdin_lines import LineSource, StdinThread
from chatroom.client.terminal_echo import TerminalEcho
from chatroom.client.text import well_formed
from chatroom.client.wanted_caps import FOR_A_PIPE, FOR_LINES, FOR_PLACES

if TYPE_CHECKING:
    from chatroom.client.record import Record
    from chatroom.client.screen import Screen


def chat_in_lines(
    options: Options, source: LineSource, echo: TerminalEcho, *, interactive: bool, commands: bool
) -> int:
    """Chat in plain lines, and return the exit code.

    ``interactive``: stdin is a terminal. ``commands``: a line that starts with ``/`` is a command in a pipe, too.
    """
    inbox: plain.Inbox = SimpleQueue()
    login = _login(options, options.nick or default_nick(), FOR_A_PIPE)
    session = ChatSession(
        options.route,
        login,
        lambda: _make_link(options.route, inbox.put, inbox.qsize),
        time.monotonic,
        random.random,
        options.join,
        plain.ATTEMPTS,
        say_again=True,
        can_ask=interactive,
        settings=options.settings,
    )
    return plain.Plain(
        session,
        inbox,
        StdinThread(source, inbox.put),
        LineOutput(session.state, sys.stdout, sys.stderr, interactive=interactive),
        echo,
        interactive=interactive,
        commands=commands or interactive,
        channel=options.join[0] if options.join else None,
    ).run()


async def chat_on_screen(options: Options) -> int:
    """Chat on the whole terminal, and return the exit code."""
    # Imported only here: it loads prompt_toolkit and SQLite, which a script that pipes a line should not wait for.
    from chatroom.client.record import Record
    from chatroom.client.screen import Screen
    from chatroom.client.store.memory import Memory, default_path

    with Screen(in_colour=options.settings.current.look.colours) as screen:
        try:
            nick = options.nick
            if not nick:
                # The default stands in brackets instead of on the line, so that another nick can be typed at once.
                nick = (await screen.ask(f"Nickname [{default_nick()}]: ") or "").strip() or default_nick()
            if options.asks_new_password:
                name = options.account if options.reset else nick
                options = replace(options, password=well_formed(await _choose_password(screen, name)))
            if options.asks_password:
                password = await screen.ask(f"Password for {options.account}: ", secret=True)
                options = replace(options, password=well_formed(password or ""))
        except (EOFError, KeyboardInterrupt):
            return 130
        options = replace(options, nick=well_formed(nick))
        record = Record(Memory(default_path()), time.monotonic)
        try:
            servers = Servers(SessionMaker(options, FOR_LINES, screen.post, screen.waiting, record))
            servers.begin("", options.route.address.host)
            code = await screen.run(servers, record)
        finally:
            record.finish()
    if servers.over is not None and servers.over.unreachable and options.route.address.host in LOOPBACK:
        std_streams.tell(sys.stderr, "Is a server running here? `chatroomctl serve` starts one.\n")
    return code


class SessionMaker:
    """Makes the sessions of a screen. ``post`` takes reports of links from any thread; ``waiting``: see ``Link``.

    ``first``: the options of the first server, with a nick; its address is asked for as an empty text. ``record`` has
    the places of earlier chats.
    """

    def __init__(
        self,
        first: Options,
        caps: tuple[str, ...],
        post: Callable[[Report], None],
        waiting: Callable[[], int],
        record: Record,
    ) -> None:
        self._record = record
        self._first = first
        self._caps = caps
        self._post = post
        self._waiting = waiting

    def __call__(self, address: str, name: str, servers: Servers, chosen: Chosen | None = None) -> ChatSession:
        """Make the session of a server. Raises as ``further_options`` does."""
        options = self._first
        if address:
            options = further_options(address, self._first, self._first.nick)
            if chosen is not None:
                options = replace(options, nick=well_formed(chosen.nick), password=well_formed(chosen.password))
            if options.asks_new_password:
                raise ValueError("For this link you choose a new password: start chatroom with it, in a terminal.")
        opened = self._record.find_places(options)
        session = ChatSession(
            options.route,
            _login(options, options.nick, self._caps),
            lambda: _make_link(options.route, lambda item: self._post(Report(name, item)), self._waiting),
            time.monotonic,
            random.random,
            options.join if opened is None else merge_joins(options.join, opened.names),
            settings=options.settings,
            places=servers.places,
            name=name,
            servers=servers,
        )
        self._record.begin(session, options, opened)
        if address and options.asks_password:
            session.question = Ask("password", options.account, "")
        return session


async def chat_full_screen(options: Options, settled: Callable[[], None] = lambda: None) -> int:
    """Chat on the full screen, with a place for each channel and conversation, and return the exit code.

    ``settled`` is called once, when the screen has been there for a moment.
    """
    # Imported only here: it loads Textual and SQLite, which nobody else should wait for.
    import asyncio

    from chatroom.client.fullscreen.app import ChatApp
    from chatroom.client.fullscreen.left_behind import texts_left
    from chatroom.client.fullscreen.typed_history import TypedHistory
    from chatroom.client.record import Record
    from chatroom.client.store.memory import Memory, default_path

    def make_servers(app: ChatApp, known: Options) -> Servers:
        maker = SessionMaker(known, FOR_PLACES, app.inbox.post, app.inbox.waiting, record)
        servers = Servers(maker, stays=True)
        servers.begin("", known.route.address.host)
        return servers

    memory = Memory(default_path())
    record = Record(memory, time.monotonic)
    app = ChatApp(
        make_servers,
        options,
        default_nick=default_nick(),
        record=record,
        typed=TypedHistory(memory, options.settings.current.memory.typed_lines),
    )
    asyncio.get_running_loop().call_later(SETTLED_S, settled)
    try:
        code = await app.run_async()
    finally:
        app.terminal.give_back()
        record.finish()
    if app.failure is not None:
        raise app.failure
    if app.over is not None:
        if app.over.text:
            std_streams.tell(sys.stderr, f"{app.over.text}\n")
        for text in texts_left(app.chat):
            std_streams.tell(sys.stderr, f"{text}\n")
        if app.over.unreachable and app.options.route.address.host in LOOPBACK:
            std_streams.tell(sys.stderr, "Is a server running here? `chatroomctl serve` starts one.\n")
    return code if code is not None else 1


async def _choose_password(screen: Screen, name: str) -> str:
    """Ask for a new password until it was typed twice. Raises as ``Screen.ask``, and EOFError for an empty one."""
    password = await choose_password(name, screen.ask)
    if not password:
        raise EOFError
    return password


def _make_link(route: Route, post: Callable[[LinkItem], None], waiting: Callable[[], int]) -> Link:
    return Link(route.address, post, trust=route.trust, waiting=waiting)


def _login(options: Options, nick: str, caps: tuple[str, ...]) -> Login:
    if options.reset:
        password, secret = options.password, options.server_password
        return ResetLogin(nick, options.account, password, options.reset, secret, caps)
    if options.invite:
        return InvitedLogin(nick, options.password, options.invite, options.server_password, caps)
    return Login(nick, options.account, options.password, options.server_password, caps)
