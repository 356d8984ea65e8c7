"""What the terminal itself shows of typed text, outside of the prompts of ``screen``."""

from __future__ import annotations

import contextlib
import termios


class TerminalEcho:
    """Hides and shows typed text. Does nothing if ``descriptor`` is no terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_shown = True

    def show(self, shown: bool) -> None:
        """Show typed text from now on, or hide it."""
        if shown == self._is_shown:
            return
        self._is_shown = shown
        with contextlib.suppress(termios.error):
            attributes = termios.tcgetattr(self._descriptor)
            if shown:
                attributes[3] |= termios.ECHO
            else:
                attributes[3] &= ~termios.ECHO
            # Not TCSAFLUSH, which would drop what was typed before: a caller that wants that says so.
            termios.tcsetattr(self._descriptor, termios.TCSANOW, attributes)

    def drop_typed(self) -> None:
        """Drop what was typed and has not been read yet."""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
