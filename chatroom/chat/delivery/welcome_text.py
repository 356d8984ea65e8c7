"""The welcome as bytes: rendered once for the settings in force, with gaps for the words that differ.

In the two dozen lines that a new user reads, only the nick, the prefix and some counts are different each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING

from chatroom.irc.framing import encode

if TYPE_CHECKING:
    from chatroom.config import Settings

NICK = "\x7fnick\x7f"
PREFIX = "\x7fprefix\x7f"


def gap(figure: str) -> str:
    """The placeholder of a figure. No setting can hold a DEL character, so no other text looks like it."""
    return f"\x7f{figure}\x7f"


class WelcomeText:
    """The lines of a welcome under ``settings``. Guarded by the hub lock."""

    __slots__ = ("_begin", "_counts", "_end", "_figures", "_greeting", "settings")

    def __init__(
        self, settings: Settings, begin: list[str], counts: list[str], end: list[str], figures: Iterable[str]
    ) -> None:
        """The lines of the welcome in three groups. Each line has the gap ``NICK``.

        The first line of ``begin`` has the gap ``PREFIX``, and ``counts`` have the gaps of the ``figures``.
        """
        self.settings = settings
        nick = NICK.encode()
        greeting, _, rest = _join(begin).partition(PREFIX.encode())
        self._greeting, self._begin, self._end = greeting.split(nick), rest.split(nick), _join(end).split(nick)
        # Splitting at the nick makes ``join`` fill the gaps. The counts have several names, so they are pieces of text
        # with a gap in every other place. To format them with ``%`` and the names takes nearly twice as long.
        names = {gap(name): name for name in ("nick", *figures)}
        self._counts = re.split(f"({'|'.join(names)})", _join(counts).decode())
        self._figures = itemgetter(*[names[found] for found in self._counts[1::2]])

    def render(self, nick: str, prefix: str, figures: Mapping[str, object]) -> bytes:
        """Return the welcome for a user. ``figures`` are the counts by name, and ``nick``."""
        counts = self._counts.copy()
        counts[1::2] = list(map(str, self._figures(figures)))
        name, text = nick.encode(), "".join(counts).encode()
        parts = (name.join(self._greeting), prefix.encode(), name.join(self._begin), text, name.join(self._end))
        return b"".join(parts)


def _join(lines: list[str]) -> bytes:
    return b"".join(map(encode, lines))
