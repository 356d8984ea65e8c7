"""Questions to the user, asked in the composer: nick, passwords, yes or no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from chatroom.client.actions import Choose
from chatroom.client.chat_session import Question
from chatroom.client.fullscreen.cells import drawable
from chatroom.client.fullscreen.chat_screen import ChatScreen
from chatroom.client.question_words import Answer, ask_in_words, choose_password
from chatroom.client.yes_or_no import read_answer, which_answers

_VOID = "That question needs no answer any more. Enter goes on: "


class Refused(Exception):
    """The user does not answer: Ctrl-C, Ctrl-D or Esc."""


class Questions:
    """Asks one question at a time; the next one waits. What was being typed is back afterwards."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._turn = asyncio.Lock()
        self._open: asyncio.Future[str | None] | None = None
        self._chosen: Choose | None = None  # an open question whose words may change
        self._is_void = False
        self._waiting = 0  # questions that wait for their turn, or are asked
        self._is_still_open: Callable[[], bool] = lambda: True

    @property
    def is_open(self) -> bool:
        """True while the user is asked something."""
        return self._open is not None

    @property
    def is_settling(self) -> bool:
        """True while an answer is on its way to who has asked, or the next question to the user."""
        return self._open.done() if self._open is not None else bool(self._waiting)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    async def ask(self, words: str, *, secret: bool = False, default: str = "") -> str:
        """Ask, and return the answer. Raises Refused if the user does not answer."""
        async with self._in_turn():
            return await self._ask(words, secret=secret, default=default) or ""

    async def choose(self, words: str, *more: str) -> str:
        """Ask for yes or no until one of them is the answer. Raises Refused. Returns as ``read_answer``."""
        async with self._in_turn():
            while (answer := read_answer(await self._ask(words) or "", *more)) is None:
                self._screen.flash(which_answers(*more))
        return answer

    async def choose_password(self, nick: str) -> str:
        """Ask for a new password until it was typed twice. Raises Refused, for an empty one too."""
        async with self._in_turn():
            password = await choose_password(nick, self._ask)
        if not password:
            raise Refused
        return password

    async def answer(self, question: Question, still_open: Callable[[], bool]) -> Answer:
        """Ask a question of the session. Raises Refused. ``still_open``: False if it needs no answer any more."""
        async with self._in_turn():
            if not still_open():  # it was answered otherwise while another question was open
                return Answer(None)
            self._is_still_open = still_open
            try:
                self._chosen = question if isinstance(question, Choose) else None
                return await ask_in_words(question, self._ask)
            finally:
                self._chosen = None
                self._is_still_open = lambda: True

    # The composer

    async def _ask(self, words: str, *, secret: bool = False, default: str = "") -> str | None:
        screen, composer = self._screen, self._screen.composer
        screen.keep_draft()
        composer.editor.set(default)
        composer.is_secret = secret
        screen.question = [("prompt", drawable(words))]
        self._open = asyncio.get_running_loop().create_future()
        screen.paint()
        composer.changed()
        try:
            return await self._open
        finally:
            self._open, self._is_void = None, False
            screen.question = None
            composer.is_secret = False
            screen.restore_draft()
            screen.paint()

    def enter(self, text: str) -> None:
        """Take the user's answer."""
        if self._open is not None and not self._open.done():
            self._open.set_result(None if self._is_void else text)

    def refuse(self) -> None:
        """Take it that the user does not answer."""
        if self._is_void:
            self.enter("")
        elif self._open is not None and not self._open.done():
            self._open.set_exception(Refused())

    def look(self) -> None:
        """Show if a question has other words, or needs no answer any more, because of a report of the link.

        Then it is the user who closes it: what is being typed for it would be for the room.
        """
        if self._open is not None and not self._is_void and not self._is_still_open():
            self._is_void = True
            self._screen.composer.editor.clear()
            self._screen.question = [("prompt", _VOID)]
        elif self._chosen is not None and not self._is_void:
            self._screen.question = [("prompt", drawable(self._chosen.words))]
