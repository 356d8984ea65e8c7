"""A program in a pseudo-terminal, and what a user sees on its screen."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import time
from collections.abc import Callable

import pexpect
from harness.terminal_screen import TerminalScreen

CAP_S = 20.0
"""How long to wait, in seconds, before a test fails."""


class Terminal:
    """Runs ``python ARGS``, or another program, in a terminal of 80 columns and 24 rows."""

    def __init__(self, *args: str, program: str = sys.executable, env: dict[str, str] | None = None) -> None:
        self.raw = ""
        self.watch_echo = False
        """True to note in ``was_echoing`` if the terminal ever shows typed keys by itself."""
        self.was_echoing = False
        self._screen = TerminalScreen(80, 24)
        clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
        self._child = pexpect.spawn(
            program,
            list(args),
            # prompt_toolkit would ask the terminal for the cursor's position, and pyte does not answer.
            env={**clean, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **(env or {})},
            dimensions=(24, 80),
            encoding="utf-8",
            codec_errors="replace",
            timeout=CAP_S,
            # A shell starts what it runs in the background without Ctrl-C, which the tests would hand on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    @property
    def pid(self) -> int:
        """The program's process id."""
        return int(self._child.pid)

    @property
    def lines(self) -> list[str]:
        """The rows of the screen that are not empty, without blanks at their ends."""
        return [line for line in (row.rstrip() for row in self._screen.display) if line]

    @property
    def last(self) -> str:
        """The lowest row that is not empty."""
        return self.lines[-1] if self.lines else ""

    def type(self, text: str) -> None:
        """Press these keys."""
        self._child.send(text)

    def type_bytes(self, data: bytes) -> None:
        """Press keys that give these bytes."""
        os.write(self._child.child_fd, data)

    @property
    def is_echoing(self) -> bool:
        """True if the terminal shows typed keys by itself."""
        return bool(termios.tcgetattr(self._child.child_fd)[3] & termios.ECHO)

    def enter(self, text: str) -> None:
        """Type a line and press Enter."""
        self._child.send(text + "\r")

    def resize(self, columns: int, rows: int = 24) -> None:
        """Change the size of the terminal."""
        self._screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    def see(self, text: str) -> None:
        """Wait until ``text`` is on the screen."""
        self.wait(lambda: any(text in line for line in self.lines), text)

    def find(self, text: str) -> tuple[int, int]:
        """Wait until a text is on the screen, and return its column and row, from 0."""
        self.see(text)
        row, line = next((row, line) for row, line in enumerate(self._screen.display) if text in line)
        return line.index(text), row

    def see_last(self, text: str) -> None:
        """Wait until the lowest row is ``text``."""
        self.wait(lambda: self.last == text, text)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition is true; ``what`` names it if it never is."""
        end = time.monotonic() + CAP_S
        while not condition():
            shown = "\n".join(self.lines)
            assert time.monotonic() < end, f"{what!r} was not seen; on the screen is:\n{shown}"
            self._read()

    def finish(self) -> int:
        """Wait until the program has ended, and return its exit code."""
        end = time.monotonic() + CAP_S
        while self._read():
            assert time.monotonic() < end, "the program did not end"
        self._child.wait()
        return int(self._child.exitstatus if self._child.exitstatus is not None else -1)

    def close(self) -> None:
        """End the program if it still runs."""
        # pexpect's own way gives up if a busy machine takes more than a moment for it.
        if self._child.isalive():
            self._child.kill(signal.SIGKILL)
            with contextlib.suppress(pexpect.ExceptionPexpect):
                self._child.wait()
        self._child.close()

    def _read(self) -> bool:
        """Read the program's output; False at its end."""
        if self.watch_echo:
            self.was_echoing |= self.is_echoing
        try:
            data = self._child.read_nonblocking(65536, timeout=0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._screen.feed(data)
        return True
