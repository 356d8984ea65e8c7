"""The full screen when its terminal is closed, or the program is stopped and continued by somebody else."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import Daemon
from harness.terminal import CAP_S, Terminal


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home of its own."""
    return {name: str(tmp_path / name) for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME")}


@pytest.fixture
def arguments(daemon: Daemon) -> list[str]:
    """How to start the client on the full screen."""
    return ["-m", "chatroom.client", f"127.0.0.1:{daemon.port}", "--nick", "alice"]


@pytest.fixture
def terminal(arguments: list[str], environment: dict[str, str]) -> Iterator[Terminal]:
    """The client, connected."""
    terminal = Terminal(*arguments, env=environment)
    terminal.see("to #lobby ›")
    yield terminal
    terminal.close()


def count_threads(terminal: Terminal) -> int:
    """Return how many threads the program has."""
    return len(list(Path(f"/proc/{terminal.pid}/task").iterdir()))


def test_a_program_that_was_stopped_and_continued_reads_each_key_once(terminal: Terminal) -> None:
    """Whoever stops it asks nobody: it has not given the terminal back before, and takes it again."""
    before = count_threads(terminal)
    for times in (2, 3, 4):
        if times < 4:  # and once it goes on without having been stopped
            os.kill(terminal.pid, signal.SIGSTOP)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait(lambda times=times: terminal.raw.count("\x1b[?1049h") == times, "the full screen anew")  # type: ignore[misc]
    terminal.enter("one two three four five six seven")
    terminal.see("alice one two three four five six seven")
    assert count_threads(terminal) == before
    terminal.enter("/quit")
    assert terminal.finish() == 0


def test_a_closed_terminal_ends_the_program(arguments: list[str], environment: dict[str, str]) -> None:
    """It has no terminal to hear the hangup from, as if it were started with setsid; and it is stopped meanwhile."""
    far, near = pty.openpty()
    termios.tcsetwinsize(near, (24, 80))
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=near,
        stdout=near,
        stderr=near,
        env={**os.environ, "TERM": "xterm-256color", **environment},
        start_new_session=True,
    )
    os.close(near)
    read = b""
    while b"You joined" not in read:
        read += os.read(far, 65_536)
    os.kill(process.pid, signal.SIGSTOP)
    os.close(far)
    os.kill(process.pid, signal.SIGCONT)
    try:
        process.wait(CAP_S)
    finally:
        process.kill()
        process.wait()
