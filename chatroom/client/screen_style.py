"""How the screen's styles look."""

from __future__ import annotations

from prompt_toolkit.styles import Style

from chatroom.client.rendering import NICK_STYLES

# The terminal's own colours, so that they suit its theme. Without red, which is for refusals, and without black and
# white, one of which is the background.
_NICK_COLOURS = (
    "ansigreen",
    "ansiyellow",
    "ansiblue",
    "ansimagenta",
    "ansicyan",
    "ansibrightgreen",
    "ansibrightyellow",
    "ansibrightblue",
    "ansibrightmagenta",
    "ansibrightcyan",
)

STYLE = Style.from_dict(
    {
        **dict(zip(NICK_STYLES, _NICK_COLOURS, strict=True)),
        "mine": "bold",
        "dim": "dim",
        "time": "dim",
        "conversation": "ansicyan",
        "notice": "ansigreen",
        "warning": "ansired",
        "mention": "bold ansiyellow",
        "info": "",
        "prompt": "bold",
        "prompt.trouble": "bold ansired",
    }
)
