"""The client for pipes and scripts: lines in, lines out, no colour, no prompt, no control sequences.

What comes on stdin is said in one channel, as it is. At its end everything is confirmed by the server before we leave,
so that a script may rely on the exit code. If the connection is lost meanwhile, up to ``pacing.BURST`` lines that the
server had not confirmed are said again: rather twice than never.
"""

from __future__ import annotations

import getpass
import os
import signal
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from chatroom.client.chat_events import Denied, Event
from chatroom.client.chat_session import ChatSession, Over
from chatroom.client.handshake import Ask
from chatroom.client.line_output import LineOutput
from chatroom.client.link import LinkItem
from chatroom.client.stdin_lines import LineSource, StdinThread, Typed

ATTEMPTS = 12
"""How often a lost connection is tried again, some minutes in all."""


class Interrupted:
    """Ctrl-C was typed."""


Inbox = SimpleQueue[LinkItem | Typed | Interrupted]


class Plain:
    """One run. ``interactive``: stdin is a terminal, so there is somebody to ask and to forgive."""

    def __init__(
        self,
        session: ChatSession,
        inbox: Inbox,
        source: LineSource,
        output: LineOutput,
        *,
        interactive: bool,
        commands: bool,
        channel: str | None,
    ) -> None:
        self._session = session
        self._inbox = inbox
        self._source = source
        self._stdin = StdinThread(source, inbox.put)
        self._output = output
        self._interactive = interactive
        self._commands = commands
        self._channel = channel
        self._lines: deque[str] = deque()
        self._ended = False
        self._interrupted = False
        self._asking = False
        """Whether a question waits at the terminal: there Ctrl-C ends the waiting."""
        self._asked_where = False
        self._settled = False
        self._failed = False

    def run(self) -> int:
        """Chat until stdin ends or the server does; the exit code."""
        self._session.start()
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            self._chat()
        finally:
            signal.signal(signal.SIGINT, before)
        code = 130 if self._interrupted else None
        over = self._session.over or Over(0)
        if over.text:
            self._output.complain(over.text)
        return code or over.code or int(self._failed)

    def _chat(self) -> None:
        """Act on what comes in until it is over."""
        session = self._session
        while not self._is_over():
            item = self._inbox.get()
            if isinstance(item, Interrupted):
                self._interrupted = True
                session.quit()
            elif isinstance(item, Typed):
                self._typed(item.line)
            else:
                self._show(session.handle(item))
            if session.question is not None and not self._is_leaving():
                self._answer()
            self._advance()

    def _on_interrupt(self, number: int, frame: object) -> None:
        """Leave at the next item: an exception in the middle of one could lose it, and our farewell with it."""
        if self._interrupted or self._asking:
            raise KeyboardInterrupt
        self._inbox.put(Interrupted())

    def _is_over(self) -> bool:
        return self._session.over is not None

    def _is_leaving(self) -> bool:
        return self._is_over() or self._session.quitting

    def _typed(self, line: str | None) -> None:
        if line is None:
            self._ended = True
        elif line.strip():
            self._lines.append(line)
        else:
            self._stdin.release()

    def _advance(self) -> None:
        """Say what can be said, and leave once all of it has arrived."""
        session = self._session
        if self._is_leaving():
            return
        if not session.ready:
            self._asked_where = self._settled = False
            return
        if not self._asked_where:
            # The answer comes after the channels the server takes us to.
            self._asked_where = True
            session.flush()
        if not self._settled:
            self._settled = session.delivered
            if not self._settled:
                return
            self._stdin.start()  # not before the login is over: a password prompt needs the terminal to itself
        if self._lines and not self._in_place():
            return
        while self._lines and not self._is_leaving() and session.unsaid == 0:
            self._say(self._lines.popleft())
            self._stdin.release()
        if not self._lines and not self._is_leaving():
            if not session.delivered:
                session.flush()
            elif self._ended:
                session.quit()

    def _in_place(self) -> bool:
        """Whether we are where the lines are to be said; gives up if not, unless a person can do something about it."""
        session = self._session
        if self._interactive:
            return True
        if self._channel is not None:
            if session.state.find_channel(self._channel) is not None:
                return True
            text = f"not in {self._channel}, so nothing was said there"
        elif session.target is not None:
            return True
        else:
            text = "the server put us in no channel; name one with --join"
        self._output.complain(text)
        self._failed = True
        self._lines.clear()
        session.quit()
        return False

    def _say(self, line: str) -> None:
        if self._commands:
            self._show(self._session.enter(line))
        else:
            self._show(self._session.speak(line))

    def _answer(self) -> None:
        """Answer the session's question if there is a person to ask; else say what is missing."""
        question = self._session.question
        if isinstance(question, Ask) and not self._interactive:
            self._output.complain(_refusal(question))
            self._failed = True
            self._session.quit()
            return
        if isinstance(question, Ask) and question.kind == "nick":
            prompt: Callable[[str], str] = self._ask
            words = f"{question.why} Another nick: "
        else:
            prompt = getpass.getpass
            why = f"{question.why} " if isinstance(question, Ask) else ""
            words = f"{why}Password: "
        self._asking = True
        try:
            given = prompt(words).strip("\r\n")
        except (EOFError, KeyboardInterrupt):
            self._session.quit()
            return
        finally:
            self._asking = False
        self._show(self._session.answer(given))

    def _ask(self, prompt: str) -> str:
        self._output.prompt(prompt)
        line = self._source.read_line()
        if line is None:
            raise EOFError
        return line.strip()

    def _show(self, events: list[Event]) -> None:
        if not self._interactive and any(isinstance(event, Denied) for event in events):
            self._failed = True
        try:
            for event in events:
                self._output.write(event, ready=self._session.ready)
            self._output.flush()
        except BrokenPipeError:
            self._output.discard()
            self._failed = True
            self._session.quit()


def _refusal(question: Ask) -> str:
    """Why we cannot get in without somebody to ask."""
    why = question.why if question.why.endswith((".", "!")) else f"{question.why}."
    if question.kind == "server-password":
        return f"{why} Give the server's password in CHATROOM_SERVER_PASSWORD."
    if question.kind == "password" and os.environ.get("CHATROOM_PASSWORD"):
        return f"{why} CHATROOM_PASSWORD did not help; --account names the account it is for."
    if question.kind == "password":
        return f"{why} Give its password in CHATROOM_PASSWORD."
    return why
