"""What of a chat is remembered: places, up to when they were read, typed lines without passwords. Rules only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from chatroom.client.chat_state import State
from chatroom.client.place_owner import PlaceOwner
from chatroom.client.slash_commands import find_command


class Memory(Protocol):
    """The part of ``store.memory.Memory`` that these rules need."""

    def adopt(self, owner: PlaceOwner) -> None:
        """Give the user what an earlier version has remembered of the server."""

    def list_places(self, owner: PlaceOwner) -> dict[str, str]:
        """Return the open places: folded names to names."""

    def find_front(self, owner: PlaceOwner) -> str | None:
        """Return the folded name of the place in front."""

    def add_place(self, owner: PlaceOwner, folded: str, name: str) -> None:
        """Remember that a place is open."""

    def discard_place(self, owner: PlaceOwner, folded: str) -> None:
        """Forget a place."""

    def set_front(self, owner: PlaceOwner, folded: str) -> None:
        """Remember which place is in front."""

    def find_read_mark(self, owner: PlaceOwner, folded: str) -> datetime | None:
        """Return up to when a place was read."""

    def set_read_marks(self, owner: PlaceOwner, marks: Mapping[str, datetime]) -> None:
        """Remember up to when places were read."""


class OpenPlaces:
    """Keeps the memory's places of ``owner`` like those of the chat.

    Only what changes in this chat is written, so another chat of the same user with the server keeps its places.
    """

    def __init__(self, memory: Memory, owner: PlaceOwner) -> None:
        self._memory = memory
        self._owner = owner
        memory.adopt(owner)
        self._known = memory.list_places(owner)
        self._front = memory.find_front(owner)
        self._marks: dict[str, datetime] = {}

    @property
    def names(self) -> list[str]:
        """The names of the places that were open when the last chat ended; the one in front is the first."""
        return [self._known[folded] for folded in sorted(self._known, key=lambda folded: folded != self._front)]

    @property
    def front(self) -> str | None:
        """The name of the place that was in front; None if it is not open."""
        return self._known.get(self._front or "")

    def follow(self, places: Mapping[str, str], front: str | None) -> None:
        """Remember these places as open, by their folded names, and the folded name of the one in front.

        What users say to services is done with, so these are left out.
        """
        places = {folded: name for folded, name in places.items() if not _is_service(name)}
        for folded, name in places.items():
            if self._known.get(folded) != name:
                self._memory.add_place(self._owner, folded, name)
        for folded in self._known.keys() - places.keys():
            self._memory.discard_place(self._owner, folded)
        if front is not None and front != self._front:
            self._memory.set_front(self._owner, front)
            self._front = front
        self._known = places

    def find_read_mark(self, folded: str) -> datetime | None:
        """Return up to when a place was read, aware; None if that is not known."""
        return self._memory.find_read_mark(self._owner, folded)

    def differs(self, marks: Mapping[str, datetime]) -> bool:
        """True if something of this is not remembered: up to when places were read, by their folded names."""
        return any(self._marks.get(folded) != at for folded, at in marks.items())

    def mark(self, marks: Mapping[str, datetime]) -> None:
        """Remember up to when places were read, by their folded names."""
        changed = {folded: at for folded, at in marks.items() if self._marks.get(folded) != at}
        if changed:
            self._memory.set_read_marks(self._owner, changed)
            self._marks |= changed


def merge_joins(asked: Iterable[str], opened: Iterable[str]) -> tuple[str, ...]:
    """Return the channels to join: those that the user asks for, then those that were open, each once."""
    state = State()
    joins: dict[str, str] = {}
    for name in (*asked, *opened):
        if state.is_channel(name):
            joins.setdefault(state.fold(name), name)
    return tuple(joins.values())


def may_hold_password(text: str, place: str) -> bool:
    """Tell if a line typed in ``place`` may have a password, a key or a token in it: it must not be remembered then."""
    if not text.startswith("/") or text.startswith("//"):
        return _is_service(place)
    name, *words = text[1:].split() or [""]
    command = find_command(name) if name else None
    if command is None:  # such as /identify and /oper of other clients
        return True
    if command.name == "raw":
        return True
    if command.name in ("msg", "query"):
        return bool(words) and any(map(_is_service, words[0].split(",")))
    if command.name == "join":
        return len(words) > 1  # the key of a channel
    if command.name == "register":
        return bool(words)  # the token of an invite
    if command.name == "login":
        return len(words) > 1  # who types the password behind the account is refused
    if command.name == "set":
        return bool(words) and "password" in words[0].lower()  # the settings take none, but it is typed by then
    if command.name == "connect":
        return any("invite=" in word or "reset=" in word for word in words)  # a link
    if command.name == "mode":
        return any(word[:1] in "+-" and "k" in word for word in words)
    return command.name == "me" and _is_service(place)


def _is_service(nick: str) -> bool:
    """True for NickServ and its kin, to whom people send passwords."""
    name = nick.partition("@")[0].lower()
    return name.endswith("serv") or name in ("q", "x", "auth")
