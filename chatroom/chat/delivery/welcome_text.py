"""The welcome as bytes: rendered once under the settings in force, with gaps for the few words that differ.

Of the two dozen lines that somebody reads who comes, only the nick, their prefix and some figures are their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chatroom.irc.framing import LINE_BYTES, encode
from chatroom.irc.limits import HOST_BYTES, NICK_BYTES

if TYPE_CHECKING:
    from chatroom.config import Settings

NICK = "\x7fnick\x7f"
PREFIX = "\x7fprefix\x7f"
_PREFIX_BYTES = NICK_BYTES + HOST_BYTES + 64


def gap(figure: str) -> str:
    """What stands for a figure of that name. As no setting may hold a DEL, there is no other such text."""
    return f"\x7f{figure}\x7f"


class WelcomeText:
    """The lines of a welcome under ``settings``. Guarded by the hub lock."""

    __slots__ = ("_begin", "_counts", "_end", "_greeting", "fits", "settings")

    def __init__(
        self, settings: Settings, begin: list[str], counts: list[str], end: list[str], figures: Iterable[str]
    ) -> None:
        """Each line has the gap ``NICK``; the first of ``begin`` has ``PREFIX``, and ``counts`` have the figures."""
        self.settings = settings
        self.fits = all(_always_fits(line) for line in (*begin, *counts, *end))
        """Whether no line can be so long that it would be cut: where depends on the nick then."""
        nick = NICK.encode()
        greeting, _, rest = _join(begin).partition(PREFIX.encode())
        self._greeting, self._begin, self._end = greeting.split(nick), rest.split(nick), _join(end).split(nick)
        text = _join(counts).decode().replace("%", "%%")
        for name in ("nick", *figures):
            text = text.replace(gap(name), f"%({name})s")
        self._counts = text

    def render(self, nick: str, prefix: str, figures: Mapping[str, object]) -> bytes:
        """The welcome of somebody; ``figures`` are the counts by name, and the nick."""
        name, counts = nick.encode(), (self._counts % figures).encode()
        parts = (name.join(self._greeting), prefix.encode(), name.join(self._begin), counts, name.join(self._end))
        return b"".join(parts)


def _always_fits(line: str) -> bool:
    return len(line.replace(NICK, "n" * NICK_BYTES).replace(PREFIX, "p" * _PREFIX_BYTES).encode()) <= LINE_BYTES


def _join(lines: list[str]) -> bytes:
    return b"".join(map(encode, lines))
