"""What the program asks of the terminal besides painting: the bell, the clipboard, the mouse; and the browser."""

from __future__ import annotations

import os
from collections.abc import Callable

from textual.app import App


class TerminalControl:
    """``flash`` shows a short text to the user."""

    def __init__(self, app: App[int], flash: Callable[[str], None]) -> None:
        self._app = app
        self._flash = flash

    def bell(self) -> None:
        """Ring the bell."""
        self._app.bell()

    def flush(self) -> None:
        """Do nothing: Textual writes at once."""

    def copy(self, text: str) -> None:
        """Put a text into the clipboard of the terminal (OSC 52), and say so."""
        self._app.copy_to_clipboard(text)
        self._flash(f"copied: {text}")

    def open_link(self, link: str) -> None:
        """Copy a link, and open it in the browser if there is a desktop."""
        self._app.copy_to_clipboard(link)
        has_browser = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
        if has_browser and link.startswith(("http://", "https://")):
            self._app.open_url(link)
            self._flash(f"opened and copied: {link}")
        else:
            self._flash(f"copied: {link}")

    def set_mouse(self, is_on: bool) -> None:
        """Take the mouse, or leave it to the terminal, which can then select and copy."""
        if self._app._driver is not None:
            state = "h" if is_on else "l"
            self._app._driver.write("".join(f"\x1b[?{mode}{state}" for mode in (1000, 1003, 1006)))
