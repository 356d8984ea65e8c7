"""What the user is asked, from the first question to the end of the chat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chatroom.client.chat_session import ChatSession
from chatroom.client.endings import Over
from chatroom.client.fullscreen.first_questions import ask_user
from chatroom.client.fullscreen.first_start import FirstStart
from chatroom.client.fullscreen.password_keeping import PasswordKeeping
from chatroom.client.fullscreen.program import Program
from chatroom.client.fullscreen.questions import Refused
from chatroom.client.options import Options
from chatroom.client.question_words import can_be_dropped
from chatroom.client.servers import Servers


class Dialogue:
    """Asks what must be known, then what the sessions ask. ``begin_chat`` starts the chat with the answers."""

    def __init__(self, app: Program, default_nick: str, begin_chat: Callable[[Options], Servers]) -> None:
        self._app = app
        self._default_nick = default_nick
        self._begin_chat = begin_chat
        self._may_ask = asyncio.Event()

    def look(self) -> None:
        """Find out soon if a session has a question, or is over."""
        self._may_ask.set()

    @property
    def is_asking(self) -> bool:
        """True if a question is to be asked that is not open yet, or is answered and still open."""
        questions, servers = self._app.questions, self._app.servers
        is_due = self._may_ask.is_set() and servers is not None and servers.asking is not None
        return questions.is_settling or (is_due and not questions.is_open)

    async def run(self, options: Options) -> Over:
        """Ask, until the chat is over. Raises ``Refused`` if the user does not answer the first questions."""
        given = options.password
        guide = FirstStart(self._app) if options.is_first_start else None
        if guide is not None:
            options = await guide.ask_server(options)
        options = await ask_user(self._app.questions, options, self._default_nick)
        keeping = PasswordKeeping(self._app, given)
        servers = self._begin_chat(options)
        while servers.over is None:
            asking = servers.asking
            if asking is not None:
                await self._ask(asking)
            elif guide is not None and servers.current.online:
                await guide.welcome(servers.current)
                guide = None
            elif keeping.is_due(servers.current):
                await keeping.offer(servers.current)
            else:
                self._may_ask.clear()
                await self._may_ask.wait()
        return servers.over

    async def _ask(self, session: ChatSession) -> None:
        """Ask what a session has to know, and give it the answer."""
        app, question = self._app, session.question
        assert question is not None
        if question.why:
            app.tell(question.why, wrong=True)
        try:
            answer = await app.questions.answer(question, still_open=lambda: session.question is question)
        except Refused:
            if can_be_dropped(question):
                session.answer("")
            else:
                session.quit()
            app.woken()
            return
        if answer.told:
            session.talk.show([answer.told])
        if answer.text is not None and session.question is question:
            session.answer(answer.text)
        app.woken()
