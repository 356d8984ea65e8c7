"""What the program asks of the terminal besides painting, and of the desktop: bell, title, clipboard, browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from textual.app import App

from chatroom.client.desktop_notice import SEND, arguments, choose_way, sequence

# The title is kept on a stack of the terminal (XTWINOPS). A terminal without one shows its own default then.
_KEEP_TITLE, _RESTORE_TITLE = "\x1b[22;2t", "\x1b]2;\x1b\\\x1b[23;2t"


class TerminalControl:
    """``flash`` shows a short text to the user."""

    def __init__(self, app: App[int], flash: Callable[[str], None]) -> None:
        self._app = app
        self._flash = flash
        self._has_title = False
        self._notice: subprocess.Popen[bytes] | None = None

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
        state = "h" if is_on else "l"
        self._write("".join(f"\x1b[?{mode}{state}" for mode in (1000, 1003, 1006)))

    def set_title(self, title: str | None) -> None:
        """Show a title; None gives the terminal back the one that it had."""
        if title is None:
            self._write(self._title_back())
        else:
            self._write(f"{'' if self._has_title else _KEEP_TITLE}\x1b]2;{title}\x1b\\")
            self._has_title = True

    def give_back(self) -> None:
        """Give the terminal back its title, after the program has ended."""
        text = self._title_back()
        if text and sys.__stderr__ is not None:
            sys.__stderr__.write(text)
            sys.__stderr__.flush()

    def _title_back(self) -> str:
        had_title, self._has_title = self._has_title, False
        return _RESTORE_TITLE if had_title else ""

    def notify(self, way: str, title: str, body: str) -> None:
        """Show a notification of the desktop. The texts may be those of others."""
        way = choose_way(way, os.environ, shutil.which)
        if way != SEND:
            self._write(sequence(way, title, body, os.environ))
        elif self._notice is None or self._notice.poll() is not None:  # the one before has ended
            try:
                self._notice = subprocess.Popen(  # noqa: S603
                    arguments(title, body),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                self._flash(f"{SEND} could not be started: {error.strerror}. See /set attention.notify")

    def _write(self, text: str) -> None:
        if text and self._app._driver is not None:
            self._app._driver.write(text)
