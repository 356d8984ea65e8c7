"""Themes of the full screen: the colours behind the names of styles. Pure.

A theme has its own background, so that each of its colours is known to be readable. ``terminal`` has none: it uses the
terminal's colours, whose theme is the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chatroom.client.contrast import readable
from chatroom.client.rendering import NICK_STYLES


@dataclass(frozen=True)
class Theme:
    """Colours by the names of their roles, as Rich reads them."""

    name: str
    paper: str
    """The background, as six hexadecimal digits; empty for the terminal's own."""
    ink: str
    """The text; empty for the terminal's own."""
    colours: Mapping[str, str]
    """``dim``, ``red``, ``green``, ``yellow``, ``cyan``, ``magenta``, and the styles of nicks. No ``dim``: the terminal
    makes the text dim."""

    @property
    def border(self) -> str:
        """The frame of a list, as Textual reads it."""
        return f"#{self.ink}" if self.ink else "ansi_default"

    @property
    def background(self) -> str:
        """The background, as Textual reads it."""
        return f"#{self.paper}" if self.paper else "ansi_default"


# Without red, which is for refusals, and without black and white, one of which is the background.
_BASIC = ("green", "yellow", "blue", "magenta", "cyan")
_NICKS_OF_TERMINAL = (*_BASIC, *(f"bright_{name}" for name in _BASIC))

TERMINAL = Theme(
    "terminal",
    "",
    "",
    {
        **{name: name for name in ("red", "green", "yellow", "cyan", "magenta")},
        **dict(zip(NICK_STYLES, _NICKS_OF_TERMINAL, strict=True)),
    },
)


def _theme(name: str, paper: str, ink: str, roles: str, nicks: str) -> Theme:
    """Make a theme; a colour that cannot be read on its background is made lighter or darker.

    ``roles``: dim, red, green, yellow, cyan and magenta. ``nicks``: ten colours.
    """
    named = dict(zip(("dim", "red", "green", "yellow", "cyan", "magenta"), roles.split(), strict=True))
    named |= dict(zip(NICK_STYLES, nicks.split(), strict=True))
    colours = {role: f"#{readable(colour, paper)}" for role, colour in named.items()}
    return Theme(name, paper, readable(ink, paper), colours)


_ALL = (
    TERMINAL,
    _theme(
        "dark",
        "1b1d23",
        "d7dae0",
        "969dab ff7b72 7ee787 f2cc60 76d9e6 f0a6ff",
        "7ee787 e3b341 79b8ff d2a8ff 56d4dd ffa657 b5cea8 9cc3ff f497c5 c9d17e",
    ),
    _theme(
        "light",
        "fafafa",
        "24292f",
        "5b636d b3261e 116329 7d4e00 0b6e75 8e2a9a",
        "116329 7d4e00 0a53b0 7a3dc4 0b6e75 a8430a 4d6a12 3b4fa8 a11d6c 5f5a17",
    ),
    _theme(
        "gruvbox",
        "282828",
        "ebdbb2",
        "a89984 fb4934 b8bb26 fabd2f 8ec07c d3869b",
        "b8bb26 fabd2f 83a598 d3869b 8ec07c fe8019 98971a d79921 689d6a d5a8c0",
    ),
    _theme(
        "nord",
        "2e3440",
        "d8dee9",
        "a3adc0 d9737d a3be8c ebcb8b 88c0d0 c9a3c2",
        "a3be8c ebcb8b 81a1c1 b48ead 88c0d0 d08770 8fbcbb a9bcd8 d8a9c9 c5d3a0",
    ),
    _theme(
        "dracula",
        "282a36",
        "f8f8f2",
        "a3aed0 ff5555 50fa7b f1fa8c 8be9fd ff79c6",
        "50fa7b f1fa8c 8bb4fd bd93f9 8be9fd ffb86c 9be9a8 d6bcfa ff79c6 c8d98b",
    ),
    _theme(
        "solarized-light",
        "fdf6e3",
        "475b62",
        "65787e dc322f 859900 b58900 2aa198 d33682",
        "859900 b58900 268bd2 6c71c4 2aa198 cb4b16 586e0f 2b5f9e d33682 7a5c00",
    ),
)

THEMES = {theme.name: theme for theme in _ALL}
