"""The client for a terminal: the prompt stays at the bottom, what happens scrolls by above it.

One thread with an event loop; the link's thread only ever drops items into ``Screen.post``.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from datetime import datetime

from prompt_toolkit import PromptSession
from prompt_toolkit.application import in_terminal
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import DummyHistory, InMemoryHistory
from prompt_toolkit.output import ColorDepth, create_output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style

from chatroom.client.chat_events import Denied, Event, Info, Trouble
from chatroom.client.chat_session import ChatSession, NewPassword
from chatroom.client.completion import ChatCompleter
from chatroom.client.handshake import Ask
from chatroom.client.link import LinkItem
from chatroom.client.rendering import NICK_STYLES, Fragment, render, stamp
from chatroom.client.wrapping import wrap

_NICK_COLOURS = (
    "ansigreen",
    "ansiyellow",
    "ansiblue",
    "ansimagenta",
    "ansicyan",
    "ansibrightgreen",
    "ansibrightyellow",
    "ansibrightblue",
    "ansibrightmagenta",
    "ansibrightcyan",
)

STYLE = Style.from_dict(
    {
        **dict(zip(NICK_STYLES, _NICK_COLOURS, strict=True)),
        "mine": "bold",
        "dim": "ansibrightblack",
        "time": "ansibrightblack",
        "conversation": "ansicyan",
        "notice": "ansigreen",
        "warning": "ansired",
        "mention": "bold ansiyellow",
        "info": "",
        "prompt": "bold",
        "prompt.trouble": "bold ansired",
    }
)

INDENT = len("00:00 ")
"""How far the second line of a long one is indented."""


class Screen:
    """One person at a terminal. ``post`` may be called from any thread, all else from the event loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[LinkItem] = deque()
        self._output = create_output()
        self._colours = ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else self._output.get_default_color_depth()
        self._unprinted: list[Fragment] = []
        self._printing: asyncio.Task[None] | None = None
        self._news = asyncio.Event()  # set whenever the link has reported something
        self._draft = ""
        self._prompt: PromptSession[str] | None = None
        self._secrets = self._new_prompt(history=DummyHistory())
        self._session: ChatSession | None = None

    def post(self, item: LinkItem) -> None:
        """Take what the link reports. Any thread."""
        self._inbox.append(item)
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:
            pass  # the loop has ended, and nobody is there to read it

    async def ask(self, words: str, *, secret: bool = False, default: str = "") -> str | None:
        """Ask one thing below all else; None where the question has become pointless meanwhile.

        Raises EOFError or KeyboardInterrupt where the person does not want to answer.
        """
        self._prompt = self._secrets
        return await self._secrets.prompt_async([("class:prompt", words)], is_password=secret, default=default)

    async def run(self, session: ChatSession) -> int:
        """Chat until the end; the exit code."""
        self._session = session
        chat = self._new_prompt(history=InMemoryHistory(), completer=ChatCompleter(session))
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._leave)
        session.start()
        while session.over is None:
            if session.question is not None:
                await self._answer(session.question)
            else:
                await self._chat(chat)
        if session.over.text:
            self._show([Trouble(session.over.text)])
        while self._printing is not None:
            await self._printing
        return session.over.code

    def _new_prompt(self, **options: object) -> PromptSession[str]:
        return PromptSession(
            style=STYLE,
            output=self._output,
            color_depth=self._colours,
            erase_when_done=True,
            complete_style=CompleteStyle.READLINE_LIKE,
            complete_while_typing=False,
            **options,  # type: ignore[arg-type]
        )

    async def _chat(self, chat: PromptSession[str]) -> None:
        """Read one line and act on it."""
        session = self._require()
        self._prompt = chat
        draft, self._draft = self._draft, ""
        try:
            text: str | None = await chat.prompt_async(self._label, default=draft)
        except EOFError:
            text = "/quit"
        except KeyboardInterrupt:
            if not chat.default_buffer.text:
                self._show([Info("/quit or Ctrl-D leaves the chat.")])
            return
        if text is None:
            return
        if not session.online and not text.startswith("/"):
            self._draft = text
        self._show(session.enter(text))
        await self._until_closed()

    async def _answer(self, question: Ask | NewPassword) -> None:
        session = self._require()
        try:
            if isinstance(question, NewPassword):
                text = await self._new_password(question.name)
            elif question.kind == "nick":
                self._explain(question)
                text = await self.ask("Another nickname: ", default=question.name)
                text = text.strip() if text else text
            else:
                self._explain(question)
                whose = question.name if question.kind == "password" else "the server"
                hint = " (empty: another name)" if question.kind == "password" else ""
                text = await self.ask(f"Password for {whose}{hint}: ", secret=True)
        except (EOFError, KeyboardInterrupt):
            if isinstance(question, NewPassword):
                session.answer("")
            else:
                session.quit()
                await self._until_closed()
            return
        if text is not None and session.question is question:
            if not text and isinstance(question, Ask) and question.kind == "nick":
                return
            self._show(session.answer(text))

    def _explain(self, question: Ask) -> None:
        if question.why:
            self._show([Denied(question.why)])

    async def _new_password(self, name: str) -> str | None:
        first = await self.ask(f"New password for {name}: ", secret=True)
        if not first:
            self._show([Info("Nothing was registered.")])
            return first if first is None else ""
        again = await self.ask("The same once more: ", secret=True)
        if again is not None and again != first:
            self._show([Denied("Those were not the same; nothing was registered.")])
            return ""
        return again

    async def _until_closed(self) -> None:
        """After /quit: let the link write it, rather than prompt for more."""
        session = self._require()
        while session.quitting and session.over is None:
            self._news.clear()
            await self._news.wait()

    def _require(self) -> ChatSession:
        assert self._session is not None
        return self._session

    def _leave(self) -> None:
        self._require().quit()
        self._interrupt()

    def _label(self) -> FormattedText:
        """The prompt: where what is typed goes, and what is the matter."""
        session = self._require()
        where = session.target or "no channel"
        if not session.online:
            trouble = f"[{where}, offline] " if session.target else "[connecting] "
            return FormattedText([("class:prompt.trouble", trouble)])
        if session.state.away:
            where += ", away"
        return FormattedText([("class:prompt", f"[{where}] ")])

    def _drain(self) -> None:
        session = self._require()
        before = session.question
        events: list[Event] = []
        while self._inbox:
            events += session.handle(self._inbox.popleft())
        self._show(events)
        self._news.set()
        if session.over is not None or session.question is not before:
            self._interrupt()
        elif self._prompt is not None:
            self._prompt.app.invalidate()

    def _interrupt(self) -> None:
        """End the prompt that is open, so that the next one can ask something else; keep what was typed."""
        prompt = self._prompt
        if prompt is not None and prompt.app.is_running and not prompt.app.is_done:
            if prompt is not self._secrets:
                self._draft = prompt.default_buffer.text
            prompt.app.exit()

    def _show(self, events: list[Event]) -> None:
        for event in events:
            self._unprinted += self._rendered(event)
        if self._unprinted and self._printing is None:
            self._printing = self._loop.create_task(self._print())

    def _rendered(self, event: Event) -> list[Fragment]:
        session = self._require()
        width = self._output.get_size().columns
        rendered: list[Fragment] = []
        for line in render(event, session.state.nick):
            fragments: list[Fragment] = []
            if line.at is not None or not line.timeless:
                fragments.append(("class:time", stamp(line.at, datetime.now().astimezone()) + " "))
            if line.conversation and self._needs_label(line.conversation):
                fragments.append(("class:conversation", f"[{line.conversation}] "))
            fragments += [(f"class:{style}" if style else "", text) for style, text in line.words]
            rendered += wrap(fragments, width, INDENT)
            rendered.append(("", "\n"))
        return rendered

    def _needs_label(self, conversation: str) -> bool:
        """Whether the line could be mistaken for one of another place."""
        session = self._require()
        return len(session.state.channels) > 1 or session.state.fold(conversation) != session.state.fold(
            session.target or ""
        )

    async def _print(self) -> None:
        """Print what has gathered above the prompt, in one go."""
        try:
            while self._unprinted:
                async with in_terminal():
                    fragments, self._unprinted = self._unprinted, []
                    print_formatted_text(self._output, FormattedText(fragments), STYLE, color_depth=self._colours)
        finally:
            self._printing = None
