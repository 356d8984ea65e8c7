"""The client for pipes and scripts: lines in, lines out, no colour, no prompt, no control sequences.

Each line of stdin is sent to one channel unchanged. At the end of stdin the client waits until the server has confirmed
every line, so a script can rely on the exit code. After a lost connection it sends the lines again that the server had
not confirmed, at most ``pacing.BURST``: a line may arrive twice, but none is lost.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from queue import SimpleQueue

from chatroom.client.actions import Choose
from chatroom.client.chat_events import ChannelRenamed, Denied, Event
from chatroom.client.chat_session import ChatSession, Question
from chatroom.client.endings import Over
from chatroom.client.line_output import LineOutput
from chatroom.client.link import LinkItem
from chatroom.client.login_steps import PROMPTS, Ask
from chatroom.client.new_account import NewPassword
from chatroom.client.route import WAYS_OUT
from chatroom.client.stdin_lines import StdinThread, Typed
from chatroom.client.terminal_echo import TerminalEcho

ATTEMPTS = 12
"""How often a lost connection is tried again: about seven minutes with the pauses of ``reconnecting``."""


class Interrupted:
    """The user pressed Ctrl-C."""


Inbox = SimpleQueue[LinkItem | Typed | Interrupted]


class Plain:
    """One run of the plain client.

    ``stdin`` is not started yet. ``echo`` is that of the terminal, if stdin is one. ``interactive``: stdin is a
    terminal, so a user can answer questions, and a refusal is no reason for exit code 1. ``commands``: lines that start
    with ``/`` are commands. ``channel``: the channel that the lines are for; None for the first one that the server
    puts the user into. It has more attributes than other classes because it is the whole state of that run.
    """

    def __init__(
        self,
        session: ChatSession,
        inbox: Inbox,
        stdin: StdinThread,
        output: LineOutput,
        echo: TerminalEcho,
        *,
        interactive: bool,
        commands: bool,
        channel: str | None,
    ) -> None:
        self._session = session
        self._inbox = inbox
        self._stdin = stdin
        self._output = output
        self._echo = echo
        self._interactive = interactive
        self._commands = commands
        self._channel = channel
        self._lines: deque[str] = deque()  # read, and not sent yet
        self._ended = False  # stdin has ended
        self._interrupted = False
        self._asked: Question | None = None  # the question that the terminal shows
        self._login_open = False  # as the session said last
        self._joins_asked = False
        self._joins_done = False  # the server has put the user into all channels of this connection
        self._failed = False

    def run(self) -> int:
        """Chat until stdin or the connection ends, and return the exit code."""
        self._session.start()
        handlers = [(signal.SIGINT, self._on_interrupt)]
        if self._interactive:
            # From the start, so that what is typed during the login is dropped instead of sent after it.
            self._stdin.start()
            handlers += [(signal.SIGTERM, _end), (signal.SIGHUP, _end)]  # else typed text would stay hidden
        before = [(number, signal.signal(number, handler)) for number, handler in handlers]
        try:
            self._chat()
        finally:
            self._echo.show(True)
            for number, handler in before:
                signal.signal(number, handler)
        code = 130 if self._interrupted else None
        over = self._session.over or Over(0)
        if over.text:
            self._output.complain(over.text)
        return code or over.code or int(self._failed)

    def _chat(self) -> None:
        """Act on what comes in until the chat is over."""
        session = self._session
        self._follow_login()
        while not self._is_over():
            item = self._inbox.get()
            if isinstance(item, Interrupted):
                self._interrupted = True
                session.quit()
            elif isinstance(item, Typed):
                self._typed(item)
            else:
                self._show(session.handle(item))
            self._refuse_question()
            self._follow_login()
            self._advance()
            self._follow_login()  # a line may have been /register

    def _on_interrupt(self, number: int, frame: object) -> None:
        # A second Ctrl-C ends the waiting at once. The first one becomes an item: an exception could interrupt the
        # handling of another item, and no QUIT would be sent.
        if self._interrupted:
            raise KeyboardInterrupt
        self._inbox.put(Interrupted())

    def _is_over(self) -> bool:
        return self._session.over is not None

    def _is_leaving(self) -> bool:
        return self._is_over() or self._session.quitting

    def _typed(self, item: Typed) -> None:
        line = item.line
        if line is None:
            self._ended = True
            if item.failure and not self._interactive:
                self._output.complain(f"cannot read stdin: {item.failure}")
                self._failed = True
            if self._interactive and (self._session.login_open or self._session.question is not None):
                self._session.quit()  # no answer can come any more
            return
        if self._asked is not None:
            self._answer(line)
        elif self._interactive and self._session.login_open:
            # Perhaps a password, typed while the server still checked another one. Sent later, all would read it.
            self._show([Denied("The login is not over yet, so nothing was sent.")])
        elif line.strip():
            self._lines.append(line)
            return
        self._stdin.release()  # no message: a blank line cannot be one

    def _advance(self) -> None:
        """Send the lines that can be sent, and leave when all have arrived and stdin has ended."""
        session = self._session
        if self._is_leaving():
            return
        if not session.speech.ready:
            self._joins_asked = self._joins_done = False
            return
        if not self._joins_asked:
            # Channels that the server puts the user into, and the answers to our JOINs, come before this confirmation.
            self._joins_asked = True
            session.speech.flush()
        if not self._joins_done:
            self._joins_done = session.speech.delivered
            if not self._joins_done:
                return
            self._stdin.start()
        if self._lines and not self._can_send():
            return
        # The pacer gets a line when it has written the one before. So stdin is read no faster than the server confirms,
        # and a large file does not fill the memory.
        while self._lines and not self._is_leaving() and session.speech.unsaid == 0 and session.question is None:
            self._say(self._lines.popleft())
            self._stdin.release()
        if not self._lines and not self._is_leaving():
            if not session.speech.delivered:
                session.speech.flush()
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
            self._refuse_question()  # before the end of stdin lets a script quit with 0
        else:
            self._show(self._session.speak(line))

    def _refuse_question(self) -> None:
        """End the chat of a script if there is a question, because a script cannot answer."""
        question = self._session.question
        if self._interactive or question is None or self._is_leaving():
            return
        if isinstance(question, Ask) and question.kind == "plaintext":
            # Whoever gives a script the password and an address without ircs:// has decided; the warning remains.
            self._output.complain(question.why)
            self._show(self._session.answer("yes"))
            return
        text = (
            _refusal(question)
            if isinstance(question, Ask)
            else f"only a user at a terminal can /{'register' if isinstance(question, NewPassword) else 'login'}"
        )
        self._output.complain(text)
        self._failed = True
        self._session.quit()

    def _follow_login(self) -> None:
        """Show a new question, and hide what is typed while it may be a password."""
        if not self._interactive:
            return
        session = self._session
        question = None if self._is_leaving() else session.question
        is_secret = question is not None and question.is_secret
        self._echo.show(not (is_secret or (question is None and session.login_open)))
        if question is not self._asked or (self._login_open and not session.login_open):
            # Half a line that was typed before is neither an answer nor a message.
            self._echo.drop_typed()
        self._login_open = session.login_open
        if question is not self._asked:
            self._asked = question
            if question is not None:
                self._output.prompt(f"{question.why} ".lstrip() + _prompt(question))

    def _answer(self, line: str) -> None:
        """Hand the user's answer to the session."""
        question, self._asked = self._asked, None
        if question is None or question.is_secret:
            self._output.end_prompt()
        elif isinstance(question, Ask) and question.kind == "nick":
            line = line.strip()
            if not line:
                return  # the question is still open and comes again
        # A report of the link may have put another question in its place, or none.
        if question is self._session.question:
            self._show(self._session.answer(line))

    def _follow(self, event: Event) -> None:
        """Follow the channel that the lines are for to another name."""
        fold = self._session.state.fold
        if isinstance(event, ChannelRenamed) and self._channel is not None and fold(event.old) == fold(self._channel):
            self._channel = event.new

    def _show(self, events: list[Event]) -> None:
        if not self._interactive and any(isinstance(event, Denied) for event in events):
            self._failed = True
        try:
            for event in events:
                self._follow(event)
                self._output.write(event, ready=self._session.speech.ready)
            self._output.flush()
        except OSError as error:
            self._output.discard()
            self._failed = True
            if not isinstance(error, BrokenPipeError):  # the reader of a pipe that has gone, as with ``| head``, knows
                self._output.complain(f"cannot write to stdout: {error.strerror}")
            self._session.quit()


def _end(number: int, frame: object) -> None:
    """End the program after a signal with the shell's code for it."""
    raise SystemExit(128 + number)


def _prompt(question: Question) -> str:
    """Return the words after which the user types the answer."""
    if isinstance(question, Choose):
        return question.words
    if not isinstance(question, Ask) or question.is_secret:
        return "Password: "
    return PROMPTS.get(question.kind, "Another nick: ")


def _refusal(question: Ask) -> str:
    """Say what a script has to set so that the question does not come up."""
    why = question.why if question.why.endswith((".", "!")) else f"{question.why}."
    if question.kind == "certificate":
        return f"{why} {WAYS_OUT}"
    if question.kind == "server-password":
        return f"{why} Set CHATROOM_SERVER_PASSWORD to the server's password."
    if question.kind == "password" and os.environ.get("CHATROOM_PASSWORD"):
        return f"{why} The password in CHATROOM_PASSWORD was not accepted; name its account with --account."
    if question.kind == "password":
        return f"{why} Set CHATROOM_PASSWORD to its password."
    return why
