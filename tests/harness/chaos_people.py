"""People who go on talking whatever fails, and who remember all that they have read and what was answered to them.

Each has an account. Whoever loses the connection comes back on another node, joins, and asks for the history after the
last message that was read (CHATHISTORY AFTER). So all that was said must be read once and in order.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import traceback
from collections.abc import Callable
from typing import NamedTuple

from harness.daemon import PASSWORD, Client

from chatroom.irc.message import Message, parse

CHANNELS = ("#lobby", "#tea")
PATIENCE_S = 30.0
"""How long somebody waits for an answer: longer than any failure lasts."""
_PAGE = 100
_BETWEEN_S = 0.03
"""The longest pause between an answer and the next line: more lines find nothing more."""
_CAPABILITIES = "batch draft/chathistory echo-message message-tags server-time standard-replies"


class Said(NamedTuple):
    """A message as it was read."""

    number: int
    sender: str
    text: str


class Gone(Exception):
    """The connection is lost."""


class Round:
    """What all people of a round look at. Those of the round 0 go home."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ends = threading.Event()
        """Set when everybody is to say the last lines."""
        self._is_over = threading.Event()
        self._next = self

    @property
    def last_text(self) -> str:
        """How the last line of everybody to everybody begins."""
        return f"end {self.number} "

    def go_on(self, *, is_last: bool) -> Round:
        """Begin the next round."""
        self._next = Round(0 if is_last else self.number + 1)
        self._is_over.set()
        return self._next

    def wait_for_next(self) -> Round:
        """Wait until the next round begins."""
        self._is_over.wait()
        return self._next


class Person(threading.Thread):
    """Somebody who talks, reads, and comes back."""

    def __init__(
        self,
        name: str,
        partners: list[str],
        people: list[str],
        choose_node: Callable[[], tuple[str, int]],
        first: Round,
    ) -> None:
        """``people`` are all who are in the channels, this one too."""
        super().__init__(name=name, daemon=True)
        self.chance = random.Random(name)
        self.node = ""
        """The node that the connection is to."""
        self.read: dict[str, list[Said]] = {where: [] for where in (*CHANNELS, *partners)}
        """By channel, or by the other one of a conversation."""
        self.answered: dict[str, str] = {}
        """The lines whose echo was read: where they were said, by their text."""
        self.refused: set[str] = set()
        self.lost: set[str] = set()
        """The lines of which nobody knows if they were said: the connection was lost before the answer."""
        self.fault = ""
        """What was wrong, and ends the thread."""
        self.done = 0
        """The number of the last round of which all was read."""
        self._people = people
        self._choose_node = choose_node
        self._round = first
        self._client: Client | None = None
        self._pages: dict[str, list[Said]] = {}
        """What the history has told so far, while the person comes back."""
        self._live: dict[str, list[Said]] | None = None
        """What was read beside that; None afterwards."""
        self._before: dict[str, int] = {}
        """How much of it was read before the history had answered: only that may be in both."""
        self._numbers = 0
        self._waits_for = ""
        """The text whose answer is waited for; empty for none."""

    def hang_up(self) -> None:
        """Have the connection end, as that of somebody who hears nothing. From any thread."""
        client = self._client
        if client is not None:
            with contextlib.suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        """Talk and come back, until all rounds are over."""
        try:
            while self._round.number:
                try:
                    self._visit()
                except (Gone, ConnectionError):
                    if self._waits_for:
                        self.lost.add(self._waits_for)
                finally:
                    self._waits_for = ""
                    if self._client is not None:
                        self._client.sock.close()
        except Exception:
            lines = self._client.lines[-15:] if self._client is not None else []
            self.fault = f"{self.name} on {self.node}: {traceback.format_exc()}\n" + "\n".join(lines)

    # -- coming -----------------------------------------------------------------------------------

    def _visit(self) -> None:
        self.node, port = self._choose_node()
        self._client = client = Client(port)
        client.sock.settimeout(PATIENCE_S)
        self._live, self._pages = {where: [] for where in self.read}, {where: [] for where in self.read}
        client.send(f"CAP REQ :{_CAPABILITIES}", f"PASS :{self.name}:{PASSWORD}", f"NICK {self.name}")
        client.send(f"USER {self.name} 0 * :{self.name}", "CAP END")
        while (message := self._read()).verb != "001":
            if message.verb == "FAIL":  # PostgreSQL is away: the account cannot be looked up
                raise Gone
        while self._is_refused(f"JOIN {','.join(CHANNELS)}"):
            pass
        for where in self.read:
            self._ask_history(where)
        self._catch_up()
        while self._round.number:
            while not self._round.ends.is_set():
                self._say(self.chance.choice(list(self.read)), "text ")
                self._round.ends.wait(self.chance.random() * _BETWEEN_S)
            self._end_round()

    def _is_refused(self, line: str) -> bool:
        """Send a line, and read on until it is answered. True if it was refused."""
        self._numbers += 1
        fence = f"fence-{self._numbers}"
        assert self._client is not None
        self._client.send(line, f"PING {fence}")
        refusals = []

        def is_answer(message: Message) -> bool:
            if message.verb == "FAIL":
                refusals.append(message)
            return message.verb == "PONG" and fence in message.params

        self._read_to(is_answer)
        return bool(refusals)

    def _ask_history(self, where: str) -> None:
        """Ask for what was missed, page by page."""
        page = self._pages[where]
        while True:
            before = len(page)
            last = (page or self.read[where])[-1:]
            bound = f"msgid={last[0].number:x}" if last else "timestamp=2000-01-01T00:00:00.000Z"
            if not self._is_refused(f"CHATHISTORY AFTER {where} {bound} {_PAGE}") and len(page) - before < _PAGE:
                assert self._live is not None
                self._before[where] = len(self._live[where])
                return

    def _catch_up(self) -> None:
        """Put together what the history has told and what was said meanwhile."""
        live, self._live = self._live, None
        assert live is not None
        for where, page in self._pages.items():
            for said in page:
                self._add(where, said)
            both = set(live[where][: self._before[where]]).intersection(page)
            for said in live[where]:
                if said not in both:
                    self._add(where, said)

    # -- talking ----------------------------------------------------------------------------------

    def _say(self, where: str, begin: str) -> bool:
        """Say something, and read until it is answered. False if it was refused."""
        self._numbers += 1
        text = f"{begin}{self.name} {self._numbers}"
        self._waits_for = text
        assert self._client is not None
        self._client.send(f"PRIVMSG {where} :{text}")
        self._read_to(lambda message: not self._waits_for)
        return text not in self.refused

    def _end_round(self) -> None:
        """Say the last lines, read those of all others, and wait for the next round."""
        this = self._round
        for where in self.read:
            while not self._has_read_last(where, self.name) and not self._say(where, this.last_text):
                pass
        everybody = [(where, name) for where in CHANNELS for name in self._people]
        wanted = [*everybody, *((partner, partner) for partner in self.read if partner not in CHANNELS)]
        while not all(self._has_read_last(where, name) for where, name in wanted):
            self._read()
        self.done = this.number
        self._round = this.wait_for_next()

    def _has_read_last(self, where: str, name: str) -> bool:
        begin = self._round.last_text
        recent = self.read[where][-20 * len(self._people) :]
        return any(said.sender == name and said.text.startswith(begin) for said in recent)

    # -- reading ----------------------------------------------------------------------------------

    def _read_to(self, is_last: Callable[[Message], bool]) -> None:
        while not is_last(self._read()):
            pass

    def _read(self) -> Message:
        """Read a line, and remember it if it is a message."""
        assert self._client is not None
        line = self._client.read_line()
        if line is None:
            raise Gone
        message = parse(line)
        if message.verb == "PRIVMSG":
            self._take(message)
        elif message.verb == "FAIL" and self._waits_for and message.params[0] == "PRIVMSG":
            self.refused.add(self._waits_for)
            self._waits_for = ""
        assert message.verb not in ("433", "464"), line
        return message

    def _take(self, message: Message) -> None:
        target, text = message.params
        sender = (message.source or "").partition("!")[0]
        where = sender if target == self.name else target
        tags = message.tags or {}
        said = Said(int(str(tags["msgid"]), 16), sender, text)
        if "batch" in tags:
            self._pages[where].append(said)
        elif self._live is not None:
            self._live[where].append(said)
        else:
            self._add(where, said)
        if text == self._waits_for:
            self.answered[text] = where
            self._waits_for = ""

    def _add(self, where: str, said: Said) -> None:
        before = self.read[where]
        assert not before or before[-1].number < said.number, f"{said} of {where} comes after {before[-3:]}"
        before.append(said)
