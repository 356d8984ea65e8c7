"""How the names of styles look.

All colours are those of the terminal, so that they suit its theme, light or dark. What must be seen in a terminal
without colours (NO_COLOR) differs in more than its colour.
"""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chatroom.client.contrast import nearest_of_terminal, readable
from chatroom.client.fullscreen.cells import columns
from chatroom.client.rendering import NICK_STYLES, Fragment

# Without red, which is for refusals, and without black and white, one of which is the background.
_NICK_COLOURS = (
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "bright_green",
    "bright_yellow",
    "bright_blue",
    "bright_magenta",
    "bright_cyan",
)

_LOOKS: dict[str, Style] = {
    **{name: Style(color=colour) for name, colour in zip(NICK_STYLES, _NICK_COLOURS, strict=True)},
    "mine": Style(bold=True),
    "called": Style(bold=True, reverse=True),
    "dim": Style(dim=True),
    "time": Style(dim=True),
    "conversation": Style(color="cyan"),
    "notice": Style(color="green"),
    "warning": Style(color="red"),
    "mention": Style(bold=True, color="yellow"),
    "info": Style(),
    "link": Style(underline=True),
    "day": Style(dim=True),
    "new": Style(color="red", bold=True),
    "bar": Style(reverse=True),
    "rule": Style(dim=True),
    "front": Style(reverse=True, bold=True),
    "unread": Style(bold=True),
    "calls": Style(bold=True, color="magenta"),
    "events": Style(),
    "quiet": Style(dim=True),
    "away": Style(dim=True),
    "prompt": Style(bold=True),
    "prompt-direct": Style(bold=True, color="magenta"),
    "prompt-trouble": Style(bold=True, color="red"),
    "hint": Style(dim=True),
    "cursor": Style(reverse=True),
    "chosen": Style(reverse=True),
    "selected": Style(reverse=True),
    "good": Style(color="green"),
    "code": Style(reverse=True, dim=True),
    "f-bold": Style(bold=True),
    "f-italic": Style(italic=True),
    "f-underline": Style(underline=True),
    "f-strike": Style(strike=True),
    "f-reverse": Style(reverse=True),
    "f-mono": Style(),
}


@lru_cache(512)
def look(name: str) -> Style:
    """Return the style of a name, or of several with blanks between them: the later ones add to the earlier ones."""
    return Style.combine(map(_look, name.split())) if name else _LOOKS["info"]


def _look(part: str) -> Style:
    return _ink(part[4:]) if part.startswith("ink:") else _LOOKS.get(part, _LOOKS["info"])


def _ink(colours: str) -> Style:
    """Return the colours that a message asks for. Without a background they are among those of the terminal."""
    ink, _, paper = colours.partition("/")
    if paper:
        return Style(color=f"#{readable(ink or 'ffffff', paper)}", bgcolor=f"#{paper}")
    nearest = nearest_of_terminal(ink)
    return Style(color=nearest) if nearest else _LOOKS["info"]


def strip_of(fragments: list[Fragment], width: int, *, base: str = "") -> Strip:
    """Return a row of the screen, exactly ``width`` columns wide. The texts must be drawable."""
    under = look(base)
    segments = [Segment(text, under + look(style)) for style, text in fragments]
    size = sum(columns(text) for _, text in fragments)
    if size < width:
        segments.append(Segment(" " * (width - size), under))
    strip = Strip(segments, max(size, width))
    return strip.crop(0, width) if size > width else strip
