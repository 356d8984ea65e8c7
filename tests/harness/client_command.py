"""Runs the ``chatroom`` command in the process of the tests."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.scripted_server import CAP_S

from chatroom.client import main

Result = tuple[int, str, str]


class TerminalFile(io.TextIOWrapper):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Command:
    """Runs the command with a stdin of its own, and takes what it prints. In the main thread, for signals."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stdin: Path) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._stdin = stdin

    def __call__(self, *args: str, stdin: str = "", terminal: bool = False) -> Result:
        """Return the exit code, stdout and stderr. ``terminal``: stdin says that it is one."""
        self._stdin.write_text(stdin)
        with self._monkeypatch.context() as patch, self._stdin.open("rb") as file:
            text = TerminalFile(file) if terminal else io.TextIOWrapper(file)
            patch.setattr(sys, "stdin", text)
            patch.setattr(sys, "argv", ["chatroom", *args])
            with pytest.raises(SystemExit) as ended:
                main.main()
        code = ended.value.code
        assert isinstance(code, int)
        return code, *self._capsys.readouterr()

    def chat(self, script: Callable[[], object], *args: str, stdin: str = "") -> Result:
        """Run the command while the server's side does ``script`` in another thread."""
        with ThreadPoolExecutor(1) as pool:
            served = pool.submit(script)
            result = self(*args, stdin=stdin)
            served.result(CAP_S)
        return result
