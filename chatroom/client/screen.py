"""The client for a terminal: the prompt stays at the bottom, and events scroll by above it.

One thread with an event loop does everything. The link's thread calls ``Screen.post`` and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.output import ColorDepth, create_output

from chatroom.client.above_prompt import PAUSE_S, AbovePrompt
from chatroom.client.attention import Bell, calls
from chatroom.client.chat_events import Cleared, Denied, Event, Info, Trouble
from chatroom.client.chat_keys import QuietInput, make_keys
from chatroom.client.chat_session import ChatSession
from chatroom.client.completion import Candidate, ChatCompleter
from chatroom.client.prompt_text import prompt_text, where
from chatroom.client.question_words import NOTHING_SENT, UNASKED_LINES, ask_about_lines, ask_in_words, can_be_dropped
from chatroom.client.record import Record
from chatroom.client.rendering import Fragment, RenderedLine, render, stamp
from chatroom.client.screen_style import STYLE, style_words
from chatroom.client.servers import Report, Servers, SessionEvents
from chatroom.client.terminal_echo import TerminalEcho
from chatroom.client.text import printable
from chatroom.client.typed_lines import spoken_lines


class _Invisible(Processor):
    """Shows nothing of what is typed."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        return Transformation([])


class Screen:
    """One user at a terminal. A context manager: at its end the terminal is as it was.

    ``in_colour``: use colours, if the environment does not say otherwise. ``post`` may be called from any thread,
    everything else from the thread of the event loop.
    """

    def __init__(self, *, in_colour: bool = True) -> None:
        self._loop = asyncio.get_running_loop()
        # Reports of the link. append() and popleft() of a deque are safe in two threads.
        self._inbox: deque[Report] = deque()
        self._is_due = False  # a _drain will come, and sees everything that is in the inbox by then
        self._drained_at = 0.0
        self._input = QuietInput(sys.stdin)
        # For the moments between two prompts.
        self._echo = TerminalEcho(sys.stdin.fileno())
        self._output = create_output()
        # NO_COLOR (no-color.org) takes away the colours, and leaves bold.
        is_plain = bool(os.environ.get("NO_COLOR")) or not in_colour
        self._colours = ColorDepth.DEPTH_1_BIT if is_plain else self._output.get_default_color_depth()
        self._bell = Bell(self._output, self._loop.time)
        self._above = AbovePrompt(self._output, self._colours, self._fail)
        self._last_width = self._width
        self._news = asyncio.Event()  # set when the link has reported something
        self._prompt: PromptSession[str] | None = None  # the one that is open, or was open last
        # For questions. Answers must not come back with the arrow keys: some are passwords.
        self._questions = self._new_prompt(history=DummyHistory())
        # For the time until the login is decided: the next key may be the first of a password.
        self._waiting = self._new_prompt(history=DummyHistory(), input_processors=[_Invisible()])
        self._servers: Servers | None = None
        self._record: Record | None = None
        self._failure: Exception | None = None
        self._loop.set_exception_handler(self._on_loop_error)

    def __enter__(self) -> Self:
        self._echo.show(False)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._echo.show(True)

    def post(self, report: Report) -> None:
        """Take a report of a link. May be called from any thread."""
        self._inbox.append(report)
        if self._is_due:
            return
        self._is_due = True
        try:
            self._loop.call_soon_threadsafe(self._drain_soon)
        except RuntimeError:
            pass  # the loop has ended with the chat: no report matters any more

    def waiting(self) -> int:
        """Return how many reports of the link are not handled yet. May be called from any thread."""
        return len(self._inbox)

    async def ask(self, words: str, *, secret: bool = False, default: str = "") -> str | None:
        """Ask a question at the bottom; None if the question is no longer open, because of a report of the link.

        Raises EOFError or KeyboardInterrupt if the user refuses to answer with Ctrl-D or Ctrl-C.
        """
        self._prompt = self._questions
        return await self._questions.prompt_async(
            [("class:prompt", printable(words))],
            is_password=secret,
            default=printable(default),
            set_exception_handler=False,
        )

    async def run(self, servers: Servers, record: Record) -> int:
        """Chat until the end, and return the exit code.

        ``servers`` has one session, which is not started. ``record`` keeps what the chat leaves behind.
        """
        self._servers, self._record = servers, record
        keys = make_keys(self._complete, lambda names: self._above.show([("class:dim", names)]))
        most = servers.current.settings.current.memory.typed_lines
        history = record.open_history(most, lambda: servers.current.target or "")
        chat = self._new_prompt(history=history, key_bindings=keys, multiline=True)
        # Not SIGINT: prompt_toolkit turns it into Ctrl-C at the prompt.
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._leave)
        servers.current.start()
        was_open = False
        while servers.over is None and self._failure is None:
            self._show_news(servers.look_for_ends())  # an answer may have ended one
            before, was_open = was_open, servers.current.login_open
            if servers.asking is not None:
                await self._answer(servers.asking)
            elif servers.current.login_open:
                await self._wait_for_login()
            else:
                if before:
                    # Keys of the time before that no prompt has taken: the next one would show them.
                    clear_typeahead(self._input)
                    self._echo.drop_typed()
                await self._chat(chat)
        if self._failure is not None:
            raise self._failure
        assert servers.over is not None
        if servers.over.text:
            self._show([Trouble(servers.over.text)])
        # Let the last lines be printed before the loop ends.
        await self._above.finish()
        return servers.over.code

    def _new_prompt(self, **options: object) -> PromptSession[str]:
        prompt: PromptSession[str] = PromptSession(
            style=STYLE,
            input=self._input,
            output=self._output,
            color_depth=self._colours,
            # The typed line vanishes, because the message comes back as an event.
            erase_when_done=True,
            # Else rows are kept free below the prompt for a menu of completions.
            reserve_space_for_menu=0,
            **options,  # type: ignore[arg-type]
        )
        prompt.app.before_render += self._look_at_width
        return prompt

    def _look_at_width(self, app: Application[str]) -> None:
        width, self._last_width = self._last_width, self._width
        if self._last_width != width:
            self._above.repaint()

    async def _chat(self, chat: PromptSession[str]) -> None:
        """Read one line and act on it."""
        session = self._require()
        self._prompt = chat
        try:
            text: str | None = await chat.prompt_async(
                self._prompt_text, default=session.navigation.take_draft(), set_exception_handler=False
            )
        except EOFError:
            text = "/quit"
        except KeyboardInterrupt:
            stopped = session.stop()
            if stopped:
                session.navigation.keep_draft(session.target or "", chat.default_buffer.text)
                self._show(stopped)
            # Ctrl-C drops the text, as in a shell. A user who presses it again wants to leave.
            elif not chat.default_buffer.text:
                self._show([Info("/quit or Ctrl-D leaves the chat.")])
            return
        if text is None:
            return  # interrupted: the draft is kept, and a question or the end comes next
        count = len(spoken_lines(text))
        if count > UNASKED_LINES and session.online and not await self._wants_to_send(text, count):
            return
        self._show(session.enter(text))
        await self._until_closed()

    async def _wants_to_send(self, text: str, count: int) -> bool:
        """Ask before a long paste is sent. The text is kept, unless it is to be sent or the user drops it."""
        session = self._require()
        place = session.target or ""
        try:
            answer = await ask_about_lines(count, place, self.ask)
        except (EOFError, KeyboardInterrupt):
            answer = "cancel"
        if answer == "cancel":
            self._show([Info(NOTHING_SENT)])
        elif answer == "edit":
            session.navigation.keep_draft(place, text)
        return answer == "send"

    async def _wait_for_login(self) -> None:
        """Let the user leave until there is a question or the login is decided. Other keys are dropped, unseen."""
        session = self._require()
        self._prompt = self._waiting
        try:
            text: str | None = await self._waiting.prompt_async(self._prompt_text, set_exception_handler=False)
        except (EOFError, KeyboardInterrupt):
            text = "/quit"
        if text is not None and text.strip() == "/quit":
            session.quit()
            await self._until_closed()
        elif text or self._waiting.default_buffer.text:
            # Perhaps a password, typed while the server still checked another one. As a draft, all would read it.
            self._show([Info("What you typed before the login was over is dropped.")])

    async def _answer(self, session: ChatSession) -> None:
        question = session.question
        assert question is not None
        if question.why:
            self._show([Denied(question.why)])
        try:
            answer = await ask_in_words(question, self.ask)
        except (EOFError, KeyboardInterrupt):
            if can_be_dropped(question):
                self._show(session.answer(""))
            else:
                session.quit()
                await self._until_closed()
            return
        if answer.told:
            self._show([answer.told])
        # A report of the link may have closed the question, or put another one in its place, while the user typed.
        if answer.text is not None and session.question is question:
            self._show(session.answer(answer.text))

    async def _until_closed(self) -> None:
        """After /quit, wait until the links have closed. No prompt is open meanwhile."""
        servers = self._require_servers()
        self._show_news(servers.look_for_ends())
        while servers.quitting and servers.over is None and self._failure is None:
            self._news.clear()
            await self._news.wait()

    def _require(self) -> ChatSession:
        """Return the session of the place in front."""
        return self._require_servers().current

    def _complete(self, line: str) -> Iterable[Candidate]:
        return ChatCompleter(self._require()).candidates(line)

    def _require_servers(self) -> Servers:
        assert self._servers is not None
        return self._servers

    def _leave(self) -> None:
        self._require_servers().quit()
        self._interrupt()

    def _drain_soon(self) -> None:
        """Handle the reports of the link: a lone one at once, many together a few times a second."""
        self._loop.call_at(max(self._loop.time(), self._drained_at + PAUSE_S), self._drain)

    def _drain(self) -> None:
        """Handle all reports of the link. A burst of them is shown in one go."""
        self._is_due, self._drained_at = False, self._loop.time()
        servers = self._require_servers()
        before = servers.asking, servers.current.question, servers.current.login_open
        while self._inbox:
            self._show_news(servers.handle(self._inbox.popleft()))
        self._news.set()
        if servers.over is not None or before != (servers.asking, servers.current.question, servers.current.login_open):
            self._interrupt()
        elif self._prompt is not None:
            self._offer_draft()
            self._prompt.app.invalidate()  # the target or the connection may have changed

    def _offer_draft(self) -> None:
        """Put what could not be sent into the prompt, if nothing is typed there."""
        prompt = self._prompt
        if prompt is None or prompt in (self._questions, self._waiting) or not prompt.app.is_running:
            return
        if not prompt.default_buffer.text:
            draft = self._require().navigation.take_draft()
            if draft:
                prompt.default_buffer.document = Document(draft)

    def _interrupt(self) -> None:
        """End the prompt that is open, so that another one can follow. Typed text becomes the draft."""
        prompt = self._prompt
        # A prompt may be done and still running until the loop comes round; a second exit() would raise.
        if prompt is not None and prompt.app.is_running and not prompt.app.is_done:
            if prompt is not self._questions and prompt is not self._waiting:
                session = self._require()
                session.navigation.keep_draft(session.target or "", prompt.default_buffer.text)
            prompt.app.exit()

    @property
    def _width(self) -> int:
        return self._output.get_size().columns

    def _prompt_text(self) -> FormattedText:
        return prompt_text(self._require(), self._width, several=self._require_servers().are_several)

    def _show_news(self, news: list[SessionEvents]) -> None:
        for session, events in news:
            self._show(events, session)

    def _show(self, events: list[Event], session: ChatSession | None = None) -> None:
        """Show events of a session, by default of the one in front."""
        session = session or self._require()
        attention = session.settings.current.attention
        left = self._record.take(session) if self._record is not None else []
        for event in [*events, *left]:
            if isinstance(event, Cleared):
                self._above.clear()
            formats = session.settings.current.look.formatting
            for line in render(event, session.state.nick, attention.words, formatted=formats):
                self._above.show(self._line(line, session))
            if attention.bell and calls(event, session.state, attention.words):
                self._bell.ring()

    def _line(self, line: RenderedLine, session: ChatSession) -> list[Fragment]:
        """The line with its time, and where it belongs if that is not clear."""
        fragments: list[Fragment] = []
        if line.at is not None or not line.timeless:
            fragments.append(("class:time", stamp(line.at, datetime.now().astimezone()) + " "))
        label = where(line.conversation, session, self._require(), several=self._require_servers().are_several)
        if label:
            fragments.append(("class:conversation", f"[{label}] "))
        return fragments + [(style_words(style), text) for style, text in line.words]

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take an error that was raised in a callback, such as ``_drain``."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """End the chat with an error. Only ``run`` can raise it: a callback has no caller."""
        self._failure = self._failure or error
        self._news.set()
        self._interrupt()
