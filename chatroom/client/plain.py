"""The client for pipes and scripts: lines in, lines out, no colour, no prompt, no control sequences.

What comes on stdin is said in one channel, as it is. At its end everything is confirmed by the server before we leave,
so that a script may rely on the exit code. If the connection is lost meanwhile, up to ``pacing.BURST`` lines that the
server had not confirmed are said again: rather twice than never.
"""

from __future__ import annotations

import getpass
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TextIO

from chatroom.client.chat_events import Denied, Event, Joined, Members, Said, Told, Trouble, Welcome
from chatroom.client.chat_session import Over, Session
from chatroom.client.handshake import Ask
from chatroom.client.link import LinkItem
from chatroom.client.rendering import full_stamp, shown

READ_AHEAD = 100
"""How many lines of stdin are held at most."""
ATTEMPTS = 12
"""How often a lost connection is tried again, some minutes in all."""


class LineSource:
    """Lines from a file descriptor, as they come.

    Not Python's own buffered stdin: a thread that waits in it holds a lock which the interpreter wants at its end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending: deque[bytes] = deque()
        self._rest = b""
        self._ended = False

    def read_line(self) -> str | None:
        """The next line without its end; None when there are no more. Waits."""
        while not self._pending and not self._ended:
            data = os.read(self._descriptor, 65536)
            *whole, self._rest = (self._rest + data).split(b"\n")
            self._pending.extend(whole)
            if not data:
                self._ended = True
                if self._rest:
                    self._pending.append(self._rest)
        return self._pending.popleft().decode(errors="replace").rstrip("\r") if self._pending else None


@dataclass(frozen=True, slots=True)
class Typed:
    """A line from stdin; None at its end."""

    line: str | None


class Interrupted:
    """Ctrl-C was typed."""


Inbox = SimpleQueue[LinkItem | Typed | Interrupted]


class Plain:
    """One run. ``interactive``: stdin is a terminal, so there is somebody to ask and to forgive."""

    def __init__(
        self,
        session: Session,
        inbox: Inbox,
        source: LineSource,
        out: TextIO,
        err: TextIO,
        *,
        interactive: bool,
        commands: bool,
        channel: str | None,
    ) -> None:
        self._session = session
        self._inbox = inbox
        self._source = source
        self._out = out
        self._err = err
        self._interactive = interactive
        self._commands = commands
        self._channel = channel
        self._lines: deque[str] = deque()
        self._room = threading.Semaphore(READ_AHEAD)
        self._interrupted = False
        self._asking = False
        """Whether a question waits at the terminal: there Ctrl-C ends the waiting."""
        self._ended = False
        self._reading = False
        self._asked_where = False
        self._settled = False
        self._failed = False
        self._again = False

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
            self._err.write(f"chatroom: {over.text}\n")
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
            self._room.release()

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
            self._read()
        if self._lines and not self._in_place():
            return
        while self._lines and not self._is_leaving() and session.unsaid == 0:
            self._say(self._lines.popleft())
            self._room.release()
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
        self._err.write(f"chatroom: {text}\n")
        self._failed = True
        self._lines.clear()
        session.quit()
        return False

    def _say(self, line: str) -> None:
        if self._commands:
            self._show(self._session.enter(line))
        else:
            self._show(self._session.speak(line))

    def _read(self) -> None:
        """Start reading stdin, once; not before we are in, so that a password prompt has the terminal to itself."""
        if not self._reading:
            self._reading = True
            threading.Thread(target=self._read_all, name="stdin", daemon=True).start()

    def _read_all(self) -> None:
        try:
            while (line := self._source.read_line()) is not None:
                self._room.acquire()
                self._inbox.put(Typed(line))
        except OSError:
            pass  # a terminal that is gone has no more lines either
        finally:
            self._inbox.put(Typed(None))

    def _answer(self) -> None:
        """Answer the session's question if there is a person to ask; else say what is missing."""
        question = self._session.question
        if isinstance(question, Ask) and not self._interactive:
            self._err.write(f"chatroom: {_refusal(question)}\n")
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
        self._err.write(prompt)
        self._err.flush()
        line = self._source.read_line()
        if line is None:
            raise EOFError
        return line.strip()

    def _show(self, events: list[Event]) -> None:
        try:
            for event in events:
                self._print(event)
            self._out.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())
            self._failed = True
            self._session.quit()

    def _print(self, event: Event) -> None:
        if isinstance(event, Welcome):
            self._again = event.again
        if isinstance(event, Welcome | Members) and not (isinstance(event, Members) and event.asked):
            return
        if isinstance(event, Joined | Said) and event.mine:
            return
        if isinstance(event, Told) and not self._session.ready:
            return  # the message of the day
        if isinstance(event, Said) and event.missed and self._is_old(event):
            return
        wrong = isinstance(event, Denied | Trouble)
        if isinstance(event, Denied) and not self._interactive:
            self._failed = True
        for line in shown(event):
            where = f"[{line.place}] " if line.place else ""
            if isinstance(event, Said) and event.missed and event.at is not None:
                where += f"{full_stamp(event.at)} "
            (self._err if wrong else self._out).write(f"{where}{line.text}\n")

    def _is_old(self, event: Said) -> bool:
        """Whether this is the past of a channel that a script has just come to: no answer to it, and no news."""
        return not self._interactive and not self._again and self._session.state.is_channel(event.place)


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


def tolerant(stream: TextIO) -> TextIO:
    """stdout or stderr, made never to fail on a character that it cannot show."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return stream
