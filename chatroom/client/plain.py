"""The client for pipes and scripts: lines in, lines out, no colour, no prompt, no control sequences.

Each line of stdin is sent to one channel unchanged. At the end of stdin the client waits until the server has confirmed
every line, so a script can rely on the exit code. After a lost connection it sends the lines again that the server had
not confirmed, at most ``pacing.BURST``: a line may arrive twice, but none is lost.
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
"""How often a lost connection is tried again: about seven minutes with the pauses of ``reconnecting``."""


class Interrupted:
    """The user pressed Ctrl-C."""


Inbox = SimpleQueue[LinkItem | Typed | Interrupted]


class Plain:
    """One run of the plain client.

    ``interactive``: stdin is a terminal, so a user can answer questions, and a refusal is no reason for exit code 1.
    ``commands``: lines that start with ``/`` are commands. ``channel``: the channel that the lines are for; None for
    the first one that the server puts the user into.
    """

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
        self._lines: deque[str] = deque()  # read, and not sent yet
        self._ended = False  # stdin has ended
        self._interrupted = False
        self._asking = False  # a question waits at the terminal
        self._joins_asked = False
        self._joins_done = False  # the server has put the user into all channels of this connection
        self._failed = False

    def run(self) -> int:
        """Chat until stdin or the connection ends, and return the exit code."""
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
        """Act on what comes in until the chat is over."""
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
        # A second Ctrl-C, or one at a question, ends the waiting at once. Otherwise the signal becomes an item: an
        # exception could interrupt the handling of another item, and no QUIT would be sent.
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
            self._stdin.release()  # a message cannot be blank

    def _advance(self) -> None:
        """Send the lines that can be sent, and leave when all have arrived and stdin has ended."""
        session = self._session
        if self._is_leaving():
            return
        if not session.ready:
            self._joins_asked = self._joins_done = False
            return
        if not self._joins_asked:
            # Channels that the server puts the user into, and the answers to our JOINs, come before this confirmation.
            self._joins_asked = True
            session.flush()
        if not self._joins_done:
            self._joins_done = session.delivered
            if not self._joins_done:
                return
            # Not before the login is over: while the thread reads the terminal, no password can be asked for.
            self._stdin.start()
        if self._lines and not self._can_send():
            return
        # The pacer gets a line when it has written the one before. So stdin is read no faster than the server confirms,
        # and a large file does not fill the memory.
        while self._lines and not self._is_leaving() and session.unsaid == 0:
            self._say(self._lines.popleft())
            self._stdin.release()
        if not self._lines and not self._is_leaving():
            if not session.delivered:
                session.flush()
            elif self._ended:
                session.quit()

    def _can_send(self) -> bool:
        """Tell if the user is in the channel that the lines are for; leave the chat if not.

        At a terminal the user can join another channel, so there it is always True.
        """
        session = self._session
        if self._interactive:
            return True
        if self._channel is not None:
            if session.state.find_channel(self._channel) is not None:
                return True
            text = f"you are not in {self._channel}, so nothing was sent"
        elif session.target is not None:
            return True
        else:
            text = "the server put you into no channel; name one with --join"
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
        """Ask the user the session's question. A script reads what is missing, and the chat ends."""
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
        # Not ``input()``: it would read ahead of ``LineSource``, and lines after the answer would be lost.
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
            # The reader of stdout has gone, as with ``| head``.
            self._output.discard()
            self._failed = True
            self._session.quit()


def _refusal(question: Ask) -> str:
    """Say what a script has to set so that the question does not come up."""
    why = question.why if question.why.endswith((".", "!")) else f"{question.why}."
    if question.kind == "server-password":
        return f"{why} Set CHATROOM_SERVER_PASSWORD to the server's password."
    if question.kind == "password" and os.environ.get("CHATROOM_PASSWORD"):
        return f"{why} The password in CHATROOM_PASSWORD was not accepted; name its account with --account."
    if question.kind == "password":
        return f"{why} Set CHATROOM_PASSWORD to its password."
    return why
