"""Who is in which channel with which right, as one client has read it.

It knows nothing of the server's state: what it has is made of the lines that a client gets, as a client's list of users
is. The client must have asked for multi-prefix, so that NAMES shows all rights of a member.
"""

from __future__ import annotations

from chatroom.irc.message import parse
from chatroom.irc.names import casefold

RIGHTS = {"@": "o", "+": "v"}
"""The prefixes of nicks and their modes (ISUPPORT PREFIX)."""
Rooms = dict[str, dict[str, frozenset[str]]]
"""For each channel the rights of its members. Names and nicks are casefolded."""


class RoomsAsRead:
    """The channels of one client."""

    def __init__(self) -> None:
        self.nick = ""
        """The client's own, casefolded; empty before its welcome."""
        self.rooms: Rooms = {}
        self._listed: Rooms = {}
        """What NAMES has shown so far, until the end of its list."""
        self._old: set[str] = set()
        """The batches that are open and show what was said earlier."""
        self._with_parameter = self._with_parameter_if_set = ""
        """The channel modes that have a parameter always, and only if they are set (ISUPPORT CHANMODES)."""

    def read(self, lines: list[str]) -> None:
        """Take in lines."""
        for line in lines:
            message = parse(line)
            tags = message.tags or {}
            if message.verb == "BATCH":
                self._read_batch(message.params, tags)
            elif tags.get("batch") not in self._old:
                source = casefold((message.source or "").partition("!")[0])
                getattr(self, f"_read_{message.verb.lower()}", lambda source, params: None)(source, message.params)

    def _read_batch(self, params: list[str], tags: dict[str, str]) -> None:
        reference = params[0][1:]
        if params[0][0] == "-":
            self._old.discard(reference)
        elif params[1] in ("chathistory", "soju.im/search") or tags.get("batch") in self._old:
            self._old.add(reference)

    def _read_001(self, source: str, params: list[str]) -> None:
        self.nick = casefold(params[0])

    def _read_005(self, source: str, params: list[str]) -> None:
        for token in params:
            name, _, value = token.partition("=")
            if name == "CHANMODES":
                lists, always, self._with_parameter_if_set, _ = value.split(",")
                self._with_parameter = lists + always

    def _read_353(self, source: str, params: list[str]) -> None:
        members = self._listed.setdefault(casefold(params[2]), {})
        for word in params[3].split():
            nick = word.lstrip("".join(RIGHTS))
            rights = word[: len(word) - len(nick)]
            members[casefold(nick.partition("!")[0])] = frozenset(RIGHTS[prefix] for prefix in rights)

    def _read_366(self, source: str, params: list[str]) -> None:
        name = casefold(params[1])
        listed = self._listed.pop(name, {})
        if name in self.rooms:
            self.rooms[name] = listed

    def _read_join(self, source: str, params: list[str]) -> None:
        name = casefold(params[0])
        if source == self.nick:
            self.rooms.setdefault(name, {})
        self.rooms[name][source] = frozenset()

    def _read_part(self, source: str, params: list[str]) -> None:
        self._leave(casefold(params[0]), source)

    def _read_kick(self, source: str, params: list[str]) -> None:
        name = casefold(params[0])
        if name in self.rooms or source != self.nick:  # a moderator reads what it has done from outside
            self._leave(name, casefold(params[1]))

    def _leave(self, name: str, nick: str) -> None:
        del self.rooms[name][nick]
        if nick == self.nick:
            del self.rooms[name]

    def _read_quit(self, source: str, params: list[str]) -> None:
        for members in self.rooms.values():
            members.pop(source, None)

    def _read_nick(self, source: str, params: list[str]) -> None:
        nick = casefold(params[0])
        for members in self.rooms.values():
            if source in members:
                members[nick] = members.pop(source)
        if source == self.nick:
            self.nick = nick

    def _read_rename(self, source: str, params: list[str]) -> None:
        self.rooms[casefold(params[1])] = self.rooms.pop(casefold(params[0]))

    def _read_mode(self, source: str, params: list[str]) -> None:
        name = casefold(params[0])
        if name not in self.rooms:
            return  # its own modes
        members, words, is_set = self.rooms[name], iter(params[2:]), True
        for letter in params[1]:
            if letter in "+-":
                is_set = letter == "+"
            elif letter in RIGHTS.values():
                nick = casefold(next(words))
                change = frozenset(letter)
                members[nick] = members[nick] | change if is_set else members[nick] - change
            elif letter in self._with_parameter or (letter in self._with_parameter_if_set and is_set):
                next(words)
