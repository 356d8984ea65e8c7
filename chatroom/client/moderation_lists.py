"""Lists for those who keep the peace: bans and modes of a channel, bans of the server, its audit and lockdown.

A screen asks for one and shows it, so the answers are not shown in the log. A server answers in order, so an answer
is that of the oldest question.

Source: Modern IRC, MODE (lists of masks); docs/protocol.md of the server for UBAN, CBAN, AUDIT and LOCKDOWN.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from chatroom.client.chat_events import Event
from chatroom.client.chat_state import State
from chatroom.client.message_reading import param
from chatroom.irc.message import Message

Kind = Literal["server-bans", "channel-bans", "masks", "modes", "audit", "lockdown"]

AUDIT_PAGE = 100
_MOST_ROWS = 10_000
_MOST_ASKED = 4
"""How many questions are under way at most. The oldest of more is given up: a server need not answer each."""
_VERBS: dict[Kind, str] = {"server-bans": "UBAN", "channel-bans": "CBAN", "audit": "AUDIT", "lockdown": "LOCKDOWN"}
# Entries of MODE lists and their ends: bans, exceptions, exceptions from "by invitation only".
_ENTRIES = {"b": ("367", "368"), "e": ("348", "349"), "I": ("346", "347")}
LIST_MODES = tuple(_ENTRIES)
"""The lists of masks that are known, if the server has them."""
_REFUSALS = frozenset(["401", "403", "421", "442", "461", "472", "477", "481", "482", "723"])
_CHANNEL_BAN = re.compile(r"(\S+) is (banned by .*)", re.DOTALL)
_SERVER_BAN = re.compile(r"\S+: \S+ is (banned: .*)", re.DOTALL)


class Row(NamedTuple):
    """One row of a list."""

    name: str
    """A mask, the target of a ban, the id of an entry, the modes of a channel, or the state of the lockdown."""
    text: str
    """What the server says of it: who, when, until when and why."""
    action: str = ""
    """What was done, such as ``ban.add``. Only in an entry of the audit."""
    target: str = ""
    """To whom or what it was done. Only in an entry of the audit."""


class Listing:
    """One list, which fills while the server answers. ``changed`` is called after each change."""

    def __init__(self, kind: Kind, target: str = "", mode: str = "b") -> None:
        self.kind = kind
        self.target = target
        """The channel; empty for the server."""
        self.mode = mode
        self.rows: list[Row] = []
        self.is_over = False
        """True if the server has answered."""
        self.is_complete = True
        """False if the server has more rows."""
        self.why = ""
        """Why there is no list; empty if there is one, or if it is still to come."""
        self.changed: Callable[[], object] = lambda: None


class ModerationLists:
    """Asks and reads. ``write`` sends a line."""

    def __init__(self, state: State, write: Callable[[str], None]) -> None:
        self._state = state
        self._write = write
        self._asked: deque[Listing] = deque()

    def reset(self) -> None:
        """Begin a new connection: what was asked on the one before is not answered."""
        while self._asked:
            self._finish("The connection was lost.")

    def ask(self, listing: Listing) -> None:
        """Ask for a list, or for more of it. Nothing is asked if its answer is under way."""
        if listing in self._asked:
            return
        if len(self._asked) == _MOST_ASKED:
            self._finish("The server does not answer.")
        self._asked.append(listing)
        listing.is_over = False
        if listing.kind == "audit":
            before = f" {listing.rows[-1].name}" if listing.rows else ""
            self._write(f"AUDIT {AUDIT_PAGE}{before}")
        elif listing.kind == "server-bans":
            self._write("UBAN LIST")
        elif listing.kind == "lockdown":
            self._write("LOCKDOWN")
        elif listing.kind == "channel-bans":
            self._write(f"CBAN {listing.target}")
        else:
            self._write(f"MODE {listing.target}" + (f" {listing.mode}" if listing.kind == "masks" else ""))

    def take(self, message: Message) -> list[Event] | None:
        """Take a message of the server; None if it is no part of the answer that is under way."""
        if not self._asked:
            return None
        listing = self._asked[0]
        verb = _VERBS.get(listing.kind, "MODE")
        if message.verb in _REFUSALS:
            about = param(message, 1)
            # 481 names nothing: it is of a question to the server.
            is_ours = message.verb == "481" if not listing.target else self._is(about, listing.target)
            if is_ours or about.upper() == verb or (listing.kind == "masks" and about == listing.mode):
                return self._finish(_sentence(message.params[-1]))
            return None
        if verb == "MODE":
            return self._take_modes(listing, message)
        if message.params[:1] != [verb]:
            return None
        if message.verb == "FAIL":
            return self._finish(_sentence(message.params[-1]))
        return self._take_note(listing, message) if message.verb == "NOTE" else None

    def _is(self, name: str, target: str) -> bool:
        return bool(target) and self._state.fold(name) == self._state.fold(target)

    def _finish(self, why: str = "") -> list[Event]:
        listing = self._asked.popleft()
        listing.why, listing.is_over = why, True
        listing.changed()
        return []

    def _add(self, row: Row) -> list[Event]:
        listing = self._asked[0]
        if len(listing.rows) < _MOST_ROWS:
            listing.rows.append(row)
        listing.changed()
        return []

    def _go_on(self, text: str) -> list[Event]:
        """Take the rest of a row that the server had to send in several lines."""
        listing = self._asked[0]
        if listing.rows:
            listing.rows[-1] = listing.rows[-1]._replace(text=listing.rows[-1].text + text)
            listing.changed()
        return []

    def _take_modes(self, listing: Listing, message: Message) -> list[Event] | None:
        if not self._is(param(message, 1), listing.target):
            return None
        if listing.kind == "modes":
            if message.verb != "324":
                return None
            self._add(Row(param(message, 2), " ".join(message.params[3:])))
            return self._finish()
        entry, end = _ENTRIES[listing.mode]
        if message.verb == end:
            return self._finish()
        if message.verb != entry:
            return None
        return self._add(Row(param(message, 2), _set_by(param(message, 3), param(message, 4))))

    def _take_note(self, listing: Listing, message: Message) -> list[Event] | None:
        code, words, text = param(message, 1), message.params[2:-1], message.params[-1]
        if code == "END":
            if listing.kind == "audit":
                listing.is_complete = len(words) < 2 or words[0] != words[1]
            return self._finish()
        if listing.kind == "lockdown" and code == "LOCKDOWN":
            self._add(Row(words[0] if words else "", text))
            return self._finish()
        if code != "ENTRY":
            return None
        if listing.kind == "channel-bans":
            found = _CHANNEL_BAN.match(text)
            return self._go_on(text) if found is None else self._add(Row(found[1], found[2]))
        name = words[0] if words else ""
        if listing.rows and listing.rows[-1].name == name:
            return self._go_on(text)
        if listing.kind == "server-bans":
            found = _SERVER_BAN.match(text)
            return self._add(Row(name, found[1] if found is not None else text))
        return self._add(Row(name, text, *(words[index] if len(words) > index else "" for index in (1, 3))))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else "The server refuses it."


def _set_by(who: str, stamp: str) -> str:
    """Return who has set a mask, and when. A server may leave both out."""
    words = [f"by {who.partition('!')[0]}"] if who else []
    if stamp.isascii() and stamp.isdecimal() and len(stamp) < 11 and int(stamp) > 0:
        words.append(f"since {datetime.fromtimestamp(int(stamp), UTC).astimezone():%Y-%m-%d %H:%M}")
    return " ".join(words)
