"""How the names of styles look in a theme.

What must be seen in a terminal without colours (NO_COLOR) differs in more than its colour.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chatroom.client.contrast import nearest_of_terminal, readable
from chatroom.client.fullscreen.cells import columns
from chatroom.client.fullscreen.themes import TERMINAL, Theme
from chatroom.client.rendering import NICK_STYLES, Fragment

_BOLD, _REVERSE, _PLAIN = Style(bold=True), Style(reverse=True), Style()

# What is special about a style, and the role of its colour in the theme.
_LOOKS: dict[str, tuple[Style, str]] = {
    **{name: (_PLAIN, name) for name in NICK_STYLES},
    "mine": (_BOLD, ""),
    "called": (_BOLD + _REVERSE, ""),
    "dim": (_PLAIN, "dim"),
    "time": (_PLAIN, "dim"),
    "conversation": (_PLAIN, "cyan"),
    "notice": (_PLAIN, "green"),
    "warning": (_PLAIN, "red"),
    "mention": (_BOLD, "yellow"),
    "info": (_PLAIN, ""),
    "link": (Style(underline=True), ""),
    "day": (_PLAIN, "dim"),
    "new": (_BOLD, "red"),
    "bar": (_REVERSE, ""),
    "rule": (_PLAIN, "dim"),
    "front": (_BOLD + _REVERSE, ""),
    "unread": (_BOLD, ""),
    "calls": (_BOLD, "magenta"),
    "events": (_PLAIN, ""),
    "quiet": (_PLAIN, "dim"),
    "away": (_PLAIN, "dim"),
    "prompt": (_BOLD, ""),
    "prompt-direct": (_BOLD, "magenta"),
    "prompt-trouble": (_BOLD, "red"),
    "hint": (_PLAIN, "dim"),
    "cursor": (_REVERSE, ""),
    "chosen": (_REVERSE, ""),
    "selected": (_REVERSE, ""),
    "good": (_PLAIN, "green"),
    "code": (_REVERSE, "dim"),
    "f-bold": (_BOLD, ""),
    "f-italic": (Style(italic=True), ""),
    "f-underline": (Style(underline=True), ""),
    "f-strike": (Style(strike=True), ""),
    "f-reverse": (_REVERSE, ""),
    "f-mono": (_PLAIN, ""),
}
_MOST_KEPT = 1000


class Looks:
    """The styles of the theme that the user wears. One for the program."""

    def __init__(self, theme: Theme = TERMINAL) -> None:
        self.theme = theme
        self.revision = 0
        """Goes up if the theme changes: what was painted before is out of date."""
        self._styles: dict[str, Style] = {}
        self._whole: dict[tuple[str, str], Style] = {}  # base and style, with the ground under them
        self._ground = _ground(theme)

    def wear(self, theme: Theme) -> bool:
        """Change the theme; False if it is the same."""
        if theme is self.theme:
            return False
        self.theme = theme
        self.revision += 1
        self._ground = _ground(theme)
        self._styles.clear()
        self._whole.clear()
        return True

    def style(self, name: str) -> Style:
        """Return the style of a name, or of several with blanks between them: the later ones add to the earlier."""
        found = self._styles.get(name)
        if found is None:
            if len(self._styles) >= _MOST_KEPT:
                self._styles.clear()  # others can make any number of colours
            found = Style.combine(map(self._style, name.split())) if name else _PLAIN
            self._styles[name] = found
        return found

    def strip(self, fragments: list[Fragment], width: int, *, base: str = "") -> Strip:
        """Return a row of the screen, exactly ``width`` columns wide. The texts must be drawable."""
        whole = self._whole_style
        segments = [Segment(text, whole(base, style)) for style, text in fragments]
        size = sum(columns(text) for _, text in fragments)
        if size < width:
            segments.append(Segment(" " * (width - size), whole(base, "")))
        strip = Strip(segments, max(size, width))
        return strip.crop(0, width) if size > width else strip

    def _whole_style(self, base: str, name: str) -> Style:
        found = self._whole.get((base, name))
        if found is None:
            if len(self._whole) >= _MOST_KEPT:
                self._whole.clear()
            found = self._whole[base, name] = self._ground + self.style(base) + self.style(name)
        return found

    def _style(self, part: str) -> Style:
        if part.startswith("ink:"):
            return self._ink(part[4:])
        special, role = _LOOKS.get(part, _LOOKS["info"])
        colour = self.theme.colours.get(role)
        if colour is not None:
            return special + Style(color=colour)
        return special + Style(dim=True) if role == "dim" else special

    def _ink(self, colours: str) -> Style:
        """Return the colours that a message asks for, changed until they can be read.

        If neither the message nor the theme has a background, the colour is one of the terminal's own.
        """
        ink, _, paper = colours.partition("/")
        if paper:
            return Style(color=f"#{readable(ink or 'ffffff', paper)}", bgcolor=f"#{paper}")
        if self.theme.paper:
            return Style(color=f"#{readable(ink, self.theme.paper)}")
        nearest = nearest_of_terminal(ink)
        return Style(color=nearest) if nearest else _PLAIN


def _ground(theme: Theme) -> Style:
    """The colours under all others."""
    return Style(color=f"#{theme.ink}", bgcolor=f"#{theme.paper}") if theme.paper else _PLAIN
