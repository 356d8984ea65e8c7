"""A list over the chat, from which the user chooses: places, commands, keys, people, what was typed before."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from chatroom.client.fullscreen.cells import columns, drawable, fit, shorten
from chatroom.client.fullscreen.line_editor import LineEditor
from chatroom.client.fullscreen.look import Looks
from chatroom.client.rendering import Fragment

_MOST_ROWS = 20
_WIDEST = 90


class Choice(NamedTuple):
    """One row that can be chosen."""

    value: str
    """What choosing it returns."""
    text: str
    aside: str = ""
    """An explanation, shown dim behind the text."""


Find = Callable[[str], list[Choice]]
"""Returns the choices for what was typed."""


def among(choices: list[Choice]) -> Find:
    """Return a search among fixed choices: all typed words must be in the text or in the explanation.

    Those come first whose text begins with what was typed.
    """

    def find(typed: str) -> list[Choice]:
        words = typed.lower().split()
        found = [choice for choice in choices if all(word in f"{choice.text} {choice.aside}".lower() for word in words)]
        begin = typed.strip().lower()
        return sorted(found, key=lambda choice: not choice.text.lower().lstrip("#&/ ").startswith(begin.lstrip("#&/")))

    return find


class _Box(Widget):
    """Paints the chooser's rows."""

    def __init__(self, chooser: Chooser) -> None:
        super().__init__()
        self._chooser = chooser

    def render_line(self, y: int) -> Strip:
        return self._chooser.looks.strip(self._chooser.row(y, self.size.width), self.size.width)

    def on_click(self, event: events.Click) -> None:
        self._chooser.click(event.y)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._chooser.step(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._chooser.step(1)


class Chooser(ModalScreen[None]):
    """Shows choices under a line to type in. ``then`` gets the value of the chosen one, if one is chosen.

    ``empty`` is shown if there are none, and ``more`` is called when the user goes to the last one and beyond.

    The program hands it the keys, one after the other, so that the next one finds the list that ``then`` has opened.
    """

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Chooser { align: center middle; }
    Chooser > _Box { width: 100%; height: auto; border: round $foreground; background: $background; }
    """

    def __init__(
        self,
        title: str,
        find: Find,
        then: Callable[[str], object],
        *,
        typed: str = "",
        empty: str | Callable[[], str] = "Nothing matches.",
        more: Callable[[], object] | None = None,
    ) -> None:
        super().__init__()
        self.looks = Looks()
        """To be set by the program."""
        self._title = drawable(title)
        self._find = find
        self._then = then
        self._empty = empty
        self._more = more
        self._editor = LineEditor()
        self._editor.insert(typed)
        self._found = find(typed)
        self._chosen = 0
        self._top = 0
        self._box = _Box(self)

    def compose(self) -> ComposeResult:
        """Make the box."""
        yield self._box

    def on_mount(self) -> None:
        """Fit the box into the terminal."""
        self._fit()

    def on_resize(self) -> None:
        """Fit the box into the terminal."""
        self._fit()

    def _fit(self) -> None:
        self._box.styles.width = min(self.app.size.width, _WIDEST)
        theme = self.looks.theme
        self._box.styles.background = theme.background
        self._box.styles.border = ("round", theme.border)
        self._box.styles.height = min(self.app.size.height, _MOST_ROWS + 4)
        self._box.refresh()

    @property
    def _rows(self) -> int:
        return max(self._box.size.height - 2, 1)

    def row(self, y: int, width: int) -> list[Fragment]:
        """Return a row of the box: the line to type in, then the choices."""
        if y == 0:
            text, cursor = self._editor.text, self._editor.cursor
            # At least half of the row is for what is typed.
            title = shorten(self._title, max(width // 2, 1))
            under = drawable(text[cursor : cursor + 1]) or " "
            return [
                ("prompt", f"{title} › "),
                ("", drawable(text[:cursor])),
                ("cursor", under),
                ("", drawable(text[cursor + 1 :])),
            ]
        if y == 1:
            return [("rule", "─" * width)]
        index = self._top + y - 2
        if not self._found and y == 2:
            return [("dim", drawable(self._empty if isinstance(self._empty, str) else self._empty()))]
        if index >= len(self._found):
            return []
        choice = self._found[index]
        text = drawable(choice.text)
        row: list[Fragment] = [("", text)]
        room = width - columns(text) - 2
        if choice.aside and room > 4:
            row += [("", "  "), ("dim", fit(drawable(choice.aside), room).rstrip())]
        if index == self._chosen:
            whole = "".join(part for _, part in row)
            return [("chosen", fit(whole, width))]
        return row

    def step(self, rows: int) -> None:
        """Choose a choice further down, or up."""
        if rows > 0 and self._chosen + rows >= len(self._found) - 1 and self._more is not None:
            self._more()
        self._chosen = max(min(self._chosen + rows, len(self._found) - 1), 0)
        self._top = max(min(self._top, self._chosen), self._chosen - self._rows + 1)
        self._box.refresh()

    def retitle(self, title: str) -> None:
        """Show another title."""
        self._title = drawable(title)
        self._box.refresh()

    def void(self, why: str) -> None:
        """Have nothing to choose any more, and say why. It is the user who closes it, as long as keys may be coming."""
        self._find, self._empty, self._more = lambda typed: [], why, None
        self._look()

    def renew(self) -> None:
        """Look again, because there are other choices now. The chosen one stays chosen."""
        chosen = self._found[self._chosen].value if self._chosen < len(self._found) else None
        self._found = self._find(self._editor.text)
        values = [choice.value for choice in self._found]
        self._chosen = values.index(chosen) if chosen in values else 0
        if self.is_mounted:
            self._top = max(min(self._top, self._chosen), self._chosen - self._rows + 1)
            self._box.refresh()

    def click(self, y: int) -> None:
        """Take the choice of a row."""
        index = self._top + y - 3  # below the border, the typed line and the rule
        if 0 <= index < len(self._found):
            self._choose(self._found[index].value)

    def _choose(self, value: str) -> None:
        if self.is_current:
            self.dismiss()
            self._then(value)

    def press(self, key: str, character: str) -> None:
        """Choose, or look for what is typed."""
        steps = {"up": -1, "ctrl+p": -1, "down": 1, "ctrl+n": 1, "tab": 1, "shift+tab": -1, "ctrl+r": 1}
        steps |= {"pageup": -self._rows, "pagedown": self._rows}
        if key in ("escape", "ctrl+c", "ctrl+d") or (key == "enter" and not self._found):
            self.dismiss()
        elif key == "enter":
            self._choose(self._found[self._chosen].value)
        elif key in steps:
            self.step(steps[key])
        else:
            self._type(key, character)

    def paste(self, text: str) -> None:
        """Look for what is pasted."""
        self._editor.insert(text.replace("\n", " "))
        self._look()

    def _type(self, key: str, character: str) -> None:
        edits = {
            "backspace": self._editor.backspace,
            "delete": self._editor.delete,
            "left": self._editor.left,
            "right": self._editor.right,
            "home": self._editor.home,
            "end": self._editor.end,
            "ctrl+u": self._editor.kill_to_start,
            "ctrl+w": self._editor.kill_blank_word,
        }
        if key in edits:
            edits[key]()
        elif character:
            self._editor.insert(character)
        else:
            return
        self._look()

    def _look(self) -> None:
        self._found = self._find(self._editor.text)
        self._chosen = self._top = 0
        self._box.refresh()
