"""Colours of nicks: each has its own by its name, and two who speak in the same place do not share one."""

from __future__ import annotations

from chatroom.client.rendering import NICK_STYLES, nick_style

_MOST_REMEMBERED = len(NICK_STYLES) * 2


class NickColours:
    """The styles of the nicks that speak in one place.

    A nick gets the style that it has everywhere. If somebody who speaks here has that one already, the nick gets the
    next that is free, and keeps it while it is among the last speakers.
    """

    def __init__(self) -> None:
        self._styles: dict[str, str] = {}  # folded nick to style, who spoke last last

    def of(self, nick: str) -> str:
        """Return the style of a nick that speaks now."""
        folded = nick.lower()
        style = self._styles.pop(folded, None) or self._choose(nick)
        self._styles[folded] = style
        if len(self._styles) > _MOST_REMEMBERED:
            del self._styles[next(iter(self._styles))]
        return style

    def peek(self, nick: str) -> str:
        """Return the style of a nick that only is shown, for example in the list of names."""
        return self._styles.get(nick.lower()) or nick_style(nick)

    def _choose(self, nick: str) -> str:
        own = NICK_STYLES.index(nick_style(nick))
        recent = list(self._styles.values())[-(len(NICK_STYLES) - 1) :]
        for step in range(len(NICK_STYLES)):
            style = NICK_STYLES[(own + step) % len(NICK_STYLES)]
            if style not in recent:
                return style
        return NICK_STYLES[own]
