"""The program on the full screen: one chat, from the first question to the end.

One thread with an event loop does everything. The link's thread calls ``ChatApp.inbox.post`` and ``waiting`` and
nothing else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

from textual import events
from textual.app import App
from textual.filter import NoColor
from textual.screen import Screen

from chatroom.client.chat_events import Denied, Info
from chatroom.client.chat_session import ChatSession
from chatroom.client.endings import Over
from chatroom.client.fullscreen.calling import Calling
from chatroom.client.fullscreen.chat_screen import ChatScreen
from chatroom.client.fullscreen.chooser import Chooser
from chatroom.client.fullscreen.dialogue import Dialogue
from chatroom.client.fullscreen.key_actions import KeyActions
from chatroom.client.fullscreen.key_map import KeyMap
from chatroom.client.fullscreen.keyboard import Keyboard
from chatroom.client.fullscreen.lag_clock import LagClock
from chatroom.client.fullscreen.log_widget import LogWidget
from chatroom.client.fullscreen.look import Looks
from chatroom.client.fullscreen.questions import Questions, Refused
from chatroom.client.fullscreen.report_inbox import Inbox
from chatroom.client.fullscreen.side_rows import place_at
from chatroom.client.fullscreen.side_widgets import RowsWidget
from chatroom.client.fullscreen.terminal_control import TerminalControl
from chatroom.client.fullscreen.terminal_driver import TerminalDriver
from chatroom.client.fullscreen.themes import TERMINAL, THEMES
from chatroom.client.fullscreen.ticking import EVERY_S, Ticking
from chatroom.client.fullscreen.typed_history import TypedHistory
from chatroom.client.fullscreen.typed_input import TypedInput
from chatroom.client.link import Received
from chatroom.client.options import Options
from chatroom.client.record import Record
from chatroom.client.servers import Servers

MakeServers = Callable[["ChatApp", Options], Servers]
"""Makes the list of servers with the session of the first. All that had to be asked is in the options."""


class ChatApp(App[int], inherit_bindings=False):
    """Runs one chat. Its result is the exit code.

    ``options`` has what is known before the first question. ``record`` and ``typed`` are what earlier chats have left
    behind.
    """

    TITLE = "chatroom"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    AUTO_FOCUS = ""
    CSS = "Screen { background: ansi_default; }"

    def __init__(
        self,
        make_servers: MakeServers,
        options: Options,
        *,
        default_nick: str,
        record: Record | None = None,
        typed: TypedHistory | None = None,
    ) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.options = options
        """What the chat begins with; the user's answers are among it after the first questions."""
        settings = options.settings
        self._is_coloured = settings.current.look.colours and not os.environ.get("NO_COLOR")
        if not self._is_coloured:
            self._filters.append(NoColor())
        self._settings = settings
        self._record = record
        keys = KeyMap(settings)
        self.chat = ChatScreen(Looks(), keys)
        self.terminal = TerminalControl(self, self.chat.flash)
        self._keyboard = Keyboard(settings, time.monotonic)
        self._calling = Calling(self.terminal, settings, time.monotonic)
        self.animation_level = "none"
        self.theme = "ansi-dark"
        self.failure: Exception | None = None
        """The error that ended the program; None if none did."""
        self.over: Over | None = None
        self.questions = Questions(self.chat)
        self.actions = KeyActions(self, typed or TypedHistory(), keys)
        self.typed_input = TypedInput(self.actions, self.chat, lambda: self._dialogue.is_asking, self.post_message)
        self.servers: Servers | None = None
        self._make_servers = make_servers
        self._dialogue = Dialogue(self, default_nick, self._begin_chat)
        self._lag = LagClock()
        self.inbox = Inbox(self._drain, self.fail)
        """Takes the reports of the links."""
        self._ticking = Ticking(self._tick, self.fail)
        self._task: asyncio.Task[None] | None = None

    # Start and end

    def get_default_screen(self) -> ChatScreen:
        """Return the screen of the chat."""
        return self.chat

    def on_mount(self) -> None:
        """Begin."""
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.leave)
        # Textual itself paints what it thinks has changed; but the terminal comes back empty from the shell.
        self.app_resume_signal.subscribe(self, lambda _: self.paint_anew())
        self.app_suspend_signal.subscribe(self, lambda app: self._rest(), immediate=True)
        self.inbox.begin()
        self._ticking.begin()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Ask what must be known, then chat until the end."""
        try:
            self.over = await self._dialogue.run(self.options)
            self.exit(self.over.code)
        except Refused:
            self.exit(130)
        except Exception as error:
            self.fail(error)

    def _begin_chat(self, options: Options) -> Servers:
        """Connect for the first time."""
        self.options = options
        self.servers = self.chat.servers = servers = self._make_servers(self, options)
        servers.current.start()
        self.refresh_chat()
        return servers

    @property
    def session(self) -> ChatSession | None:
        """The session of the place in front; None until the user has answered the first questions."""
        return self.chat.session

    def open_chooser(self, chooser: Screen[None]) -> None:
        """Show a list to choose from."""
        if isinstance(chooser, Chooser):
            chooser.looks = self.chat.looks
        self.push_screen(chooser)

    def paint_anew(self) -> None:
        """Paint the whole screen."""
        self.refresh(repaint=True, layout=True)

    def stop_asking(self) -> None:
        """End the program before the chat has begun."""
        self.exit(130)

    def leave(self) -> None:
        """End the chat, as /quit does."""
        if self.servers is None:
            self.exit(0)
            return
        self.servers.quit()
        self.woken()

    def fail(self, error: Exception) -> None:
        """End the program with an error, which its caller raises."""
        self.failure = self.failure or error
        self.exit(1)

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print a traceback with the values of all variables, passwords among them.
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.failure = self.failure or error
        self._close_messages_no_wait()

    def _rest(self) -> None:
        """Give the terminal its title back, for the shell or another program. The next tick shows ours again."""
        self._calling.rest()
        self._ticking.soon()

    # The link

    def _drain(self) -> None:
        """Handle the reports of the links."""
        servers = self.servers
        assert servers is not None  # nobody else makes links
        session = servers.current
        was_open = session.login_open
        for report in self.inbox.take():
            if isinstance(report.item, Received) and report.server == servers.current.talk.here.server:
                self._lag.look(report.item.messages)
            for news in servers.handle(report):
                self._calling.hear(news)
                self.actions.hear(news)
        self.chat.lag_ms = self._lag.ms
        self.questions.look()
        self._guard_login(was_open)
        self._dialogue.look()
        self.refresh_chat()

    def _guard_login(self, was_open: bool) -> None:
        """Drop what was typed before the login was decided: it may be a password, and all would read it."""
        assert self.session is not None
        editor = self.chat.composer.editor
        if was_open and not self.session.login_open and not self.questions.is_open and editor.text:
            editor.clear()
            self.chat.composer.changed()
            self.session.talk.show([Info("What you typed before the login was over is dropped.")])

    def _tick(self) -> float:
        """Look after what waits for its time, and return after how many seconds to do so again."""
        if self.servers is None or self.session is None:
            return inf
        waits = self.servers.tick()
        next_in_s = self._keyboard.look(self.servers.sessions)
        if self.session.online and self._keyboard.is_there:
            line = self._lag.next_ping()
            if line:
                self.session.write(line)
            next_in_s = min(next_in_s, self._lag.next_in_s)
        self.refresh_chat()
        waits |= self._calling.is_behind or (self._record is not None and self._record.is_behind)
        return EVERY_S if waits else next_in_s

    # What the user does

    def woken(self) -> None:
        """Go on after the user has done something: paint, and ask what is to be asked."""
        if self.servers is not None:
            self.servers.look_for_ends()
        self._dialogue.look()
        self.refresh_chat()

    def tell(self, text: str, *, wrong: bool = False) -> None:
        """Tell the user something, in the place in front."""
        if self.session is not None:
            self.session.talk.show([Denied(text) if wrong else Info(text)])
            self.woken()

    def ask_older(self) -> None:
        """Ask the server for older messages of the place in front."""
        front = self.session.places.front if self.session is not None else None
        if self.session is None or front is None or front.asks_older:
            return
        if front.log.complete:
            self.chat.flash("The server has nothing older.")
            return
        why_not = self.session.talk.older(front)
        self.chat.flash(why_not or "Asking the server for older messages.")

    def refresh_chat(self) -> None:
        """Paint what has changed."""
        self._ticking.soon()
        self.chat.wear(THEMES[self._settings.current.look.theme] if self._is_coloured else TERMINAL)
        if self.session is not None:
            if self._record is not None:
                self.session.talk.show(self._record.take(self.session))
            self.session.places.highlights = self._settings.current.attention.words
            follows, front = self.chat.is_at_newest, self.session.places.front
            self.session.places.watch(follows and self.app_focus)
            if front is not None and not follows:
                front.log.is_read_back = True
            elif front is not None and front.log.is_read_back:
                front.log.settle()
            self._calling.show_title(self.session.places)
        self.chat.paint()

    async def on_event(self, event: events.Event) -> None:
        """Act on what the user does at once, so that what comes next finds what that has opened."""
        typed = self.typed_input
        if not isinstance(event, events.InputEvent | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        if typed.keep_back(event):
            return
        if self.servers is not None:
            self._keyboard.pressed(self.servers.sessions)
            self._ticking.soon()
        if isinstance(event, events.Paste):
            await typed.paste(event.text)
        elif isinstance(event, events.Key):
            self.app_focus = True
            self.chat.flash("")
            await typed.press(event)
        else:
            await super().on_event(event)
            if isinstance(event, events.MouseDown | events.MouseUp):
                typed.clicked()

    def action_suspend_process(self) -> None:
        """Go to the shell."""
        super().action_suspend_process()
        self.typed_input.came_back()

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Give the terminal to another program meanwhile."""
        try:
            with super().suspend():
                yield
        finally:
            self.typed_input.came_back()

    def on_terminal_driver_hung_up(self) -> None:
        """Leave: nobody can see or type anything any more."""
        self.leave()

    def on_log_widget_scrolled(self, event: LogWidget.Scrolled) -> None:
        """Read the newest messages again, or stop to."""
        self.refresh_chat()

    def on_log_widget_clicked(self, event: LogWidget.Clicked) -> None:
        """Open the link that was clicked."""
        if event.link:
            self.terminal.open_link(event.link)

    def on_log_widget_pointed(self, event: LogWidget.Pointed) -> None:
        """Show what can be done with the message under the right mouse button."""
        if not self.questions.is_open:
            self.actions.menus.open_message(event.entry)

    def on_rows_widget_clicked(self, event: RowsWidget.Clicked) -> None:
        """Go to the place that was clicked, or join another one; not during a question, which is about this place."""
        if self.session is None or self.questions.is_open:
            return
        places = list(self.session.places)
        if event.widget is self.chat.places:
            if event.index < len(places):
                self.actions.turn_to(places[event.index])
            else:
                self.chat.composer.editor.set("/join #")
                self.chat.composer.changed()
        elif event.widget is self.chat.names and self.session.places.front is not None:
            members = self.session.places.front.members
            if event.index < len(members):
                self.actions.menus.open_person(members[event.index].nick)
        elif event.widget is self.chat.line:
            self.actions.turn_to(place_at(self.session.places, event.column, self.size.width))

    def on_log_widget_copied(self, event: LogWidget.Copied) -> None:
        """Put the selected text into the clipboard of the terminal."""
        self.terminal.copy(event.text)

    def watch_app_focus(self, focus: bool) -> None:
        """What comes in while the terminal is in the background is not read."""
        if self.is_running:
            self.refresh_chat()
