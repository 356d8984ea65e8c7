"""The users that gave up a nick lately, for WHOWAS."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.user import User

MOST_REMEMBERED: Final = 2_000
"""How many entries are kept in all."""
MOST_OF_A_NICK: Final = 10
"""How many entries are kept for one nick."""


class WhowasEntry(NamedTuple):
    """A user at the moment it gave up a nick, by leaving or by taking another one."""

    nick: str
    username: str
    host: str
    realname: str
    account: str | None
    addresses: tuple[str, ...]
    """The real addresses of its sessions, also of those that had ended before, each once."""
    left_ms: int
    server: str = ""
    """The name of the server it was connected to; empty in what an earlier version has left."""


_Fields = tuple[str, str, str, str, str | None, tuple[str, ...], int, str]
"""The values of a ``WhowasEntry``. A plain tuple is kept: everyone who leaves makes one, and few are asked for."""


class WhowasList:
    """The last entries, by nick. Guarded by the hub lock."""

    __slots__ = ("_by_nick", "_number", "_order")

    def __init__(self) -> None:
        self._by_nick: dict[str, list[tuple[int, _Fields]]] = {}
        """By casefolded nick: the entries with their numbers, the latest first. No list is empty."""
        self._order: OrderedDict[int, str] = OrderedDict()
        """By number of an entry, oldest first: its casefolded nick."""
        self._number = 0
        """The number of the last entry."""

    def __len__(self) -> int:
        return len(self._order)

    def add(self, user: User, left_ms: int, server: str = "") -> None:
        """Add an entry for the user's present nick on a server, and drop the oldest entry if there are too many."""
        sessions = user.sessions
        addresses = (sessions[0].address_text,) if len(sessions) == 1 else user.addresses
        if user.former_addresses:
            addresses = tuple(dict.fromkeys(addresses + user.former_addresses[::-1]))
        account = user.account.name if user.account is not None else None
        one = (user.nick, user.username, user.host, user.realname, account, addresses, left_ms, server)
        self._add(user.folded, one)

    def to_state(self) -> list[list[object]]:
        """All entries, the oldest first, for ``use_state``."""
        found = {number: one for same in self._by_nick.values() for number, one in same}
        return [list(found[number]) for number in self._order]

    def use_state(self, state: list[list[Any]]) -> None:
        """Take over the entries of another list, into an empty one."""
        for nick, username, host, realname, account, addresses, left_ms, *server in state:
            one = (nick, username, host, realname, account, tuple(addresses), left_ms, server[0] if server else "")
            self._add(casefold(nick), one)

    def _add(self, folded: str, one: _Fields) -> None:
        number = self._number = self._number + 1
        same = self._by_nick.get(folded)
        if same is None:
            self._by_nick[folded] = [(number, one)]
        else:
            same.insert(0, (number, one))
        self._order[number] = folded
        # One entry came, so at most one goes: of this nick if it has too many, or else the oldest of all.
        if same is not None and len(same) > MOST_OF_A_NICK:
            del self._order[same.pop()[0]]
        elif len(self._order) > MOST_REMEMBERED:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, folded = self._order.popitem(last=False)
        same = self._by_nick[folded]
        same.pop()  # the oldest entry of all is the oldest of its nick, which is the last of the list
        if not same:
            del self._by_nick[folded]

    def find(self, nick: str) -> list[WhowasEntry]:
        """The entries of a nick, the latest first."""
        return [WhowasEntry(*one) for _, one in self._by_nick.get(casefold(nick), ())]
