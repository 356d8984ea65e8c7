"""How the screen's styles look."""

from __future__ import annotations

from functools import lru_cache

from prompt_toolkit.styles import Style

from chatroom.client.contrast import nearest_of_terminal, readable
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

_FORMATS = {
    "f-bold": "bold",
    "f-italic": "italic",
    "f-underline": "underline",
    "f-strike": "strike",
    "f-reverse": "reverse",
    "f-mono": "",
}


@lru_cache(512)
def style_words(style: str) -> str:
    """Return a style as prompt_toolkit writes it. ``style``: names with blanks between them; see ``formatting``."""
    return " ".join(filter(None, map(_words_of, style.split())))


def _words_of(name: str) -> str:
    if name in _FORMATS:
        return _FORMATS[name]
    if not name.startswith("ink:"):
        return f"class:{name}"
    ink, _, paper = name[4:].partition("/")
    if paper:
        return f"fg:#{readable(ink or 'ffffff', paper)} bg:#{paper}"
    nearest = nearest_of_terminal(ink)
    return f"fg:ansi{nearest}" if nearest else ""
