"""The welcome as text: rendered once for the settings in force, with gaps for the words that differ.

In the two dozen lines that a new user reads, only the nick, the prefix and some counts are different each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from chatroom.irc.framing import encode

if TYPE_CHECKING:
    from chatroom.config import Settings


_NICK: Final = "\0"
"""The placeholder of the nick, which ``encode`` leaves in no line."""
_NICK_BYTE: Final = b"\0"


def gap(figure: str) -> str:
    """The placeholder of a figure. No setting can hold a DEL character, so no other text looks like it."""
    return f"\x7f{figure}\x7f"


class WelcomeText:
    """The lines of a welcome under ``settings``. Guarded by the hub lock."""

    __slots__ = ("_figures", "_pieces", "settings")

    def __init__(self, settings: Settings, lines: list[str], figures: Iterable[str]) -> None:
        """``lines`` have the gaps of the ``figures``, each of them once or more. One figure has several gaps."""
        self.settings = settings
        names = {gap(name): name for name in figures if name != "nick"}
        text = b"".join(map(encode, lines)).decode().replace(gap("nick"), _NICK)
        # Pieces of text with a gap in every other place. To format the text with ``%`` takes twice as long.
        self._pieces = re.split(f"({'|'.join(names)})", text)
        self._figures = itemgetter(*[names[found] for found in self._pieces[1::2]])

    def render(self, figures: Mapping[str, str]) -> bytes:
        """Return the welcome with these figures in the gaps."""
        pieces = self._pieces.copy()
        pieces[1::2] = self._figures(figures)
        # The nick is in every line: to replace one byte so often is quicker than to join twice as many pieces.
        return "".join(pieces).encode().replace(_NICK_BYTE, figures["nick"].encode())
