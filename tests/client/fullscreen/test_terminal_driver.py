"""The driver of a terminal that goes away: its writer fails, as it does at a closed terminal."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import threading
import tty
from queue import Queue
from typing import Any
from unittest.mock import Mock

import pytest
from harness.full_screen import FullScreen, play
from harness.terminal import CAP_S
from textual import events
from textual.drivers._writer_thread import WriterThread
from textual.message import Message

from chatroom.client.fullscreen.alt_keys import EscapedKey
from chatroom.client.fullscreen.terminal_driver import TerminalDriver


def make_driver() -> TerminalDriver:
    """Make a driver inside of a loop, with no signal handlers left behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}

    async def make() -> TerminalDriver:
        return TerminalDriver(Mock())

    driver = asyncio.run(make())
    for number, handler in before.items():
        signal.signal(number, handler)
    return driver


@pytest.mark.parametrize("known", [(100, 30), (0, 0), None])
def test_the_size_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch, known: tuple[int, int] | None) -> None:
    """``COLUMNS`` is any number. If the terminal does not know better, the size has bounds."""

    def ask(*_: int) -> os.terminal_size:
        if known is None:
            raise OSError(25, "Inappropriate ioctl for device")
        return os.terminal_size(known)

    monkeypatch.setattr(os, "get_terminal_size", ask)
    monkeypatch.setenv("COLUMNS", "100000000")
    monkeypatch.setenv("LINES", "40")
    driver = make_driver()
    expected = known if known and all(known) else (1000, 40)
    assert driver._get_terminal_size() == driver._size == expected


def test_nothing_waits_for_a_writer_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """More is written than there is room for: the program goes on, and can close."""
    # The writer's error is what is tested.
    monkeypatch.setattr("threading.excepthook", lambda about: None)
    file: Any = Mock()
    file.write.side_effect = OSError(5, "Input/output error")
    driver = make_driver()
    driver.write("before the start")
    driver._writer_thread = WriterThread(file)
    driver._writer_thread.start()
    for _ in range(100):
        driver.write("x")
    driver.close()
    assert not driver._writer_thread.is_alive()


class Keys:
    """A driver that reads a pseudo-terminal. ``waited`` has how long it was ready to wait, each time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.driver: Any = make_driver()
        self.far, self.driver.fileno = os.openpty()
        tty.setraw(self.driver.fileno)
        self.driver.input_tty = True
        self.driver._app = Mock()
        self.read: Queue[Message] = Queue()
        self.driver._loop = Mock(call_soon_threadsafe=lambda call, message: self.read.put(message))
        self.waited: list[float | None] = []
        select = selectors.PollSelector.select

        def note(selector: selectors.PollSelector, timeout: float | None = None) -> Any:
            self.waited.append(timeout)
            return select(selector, timeout)

        monkeypatch.setattr(selectors.PollSelector, "select", note)

    def start(self) -> None:
        """Begin to read."""
        self.driver._key_thread = threading.Thread(target=self.driver.run_input_thread)
        self.driver._key_thread.start()

    def type(self, data: bytes) -> None:
        """Press keys."""
        os.write(self.far, data)

    def next(self) -> Message:
        """Wait for what is read next."""
        return self.read.get(timeout=CAP_S)

    def next_key(self) -> str:
        """Wait for the next key."""
        event = self.next()
        assert isinstance(event, events.Key)
        return event.key

    def stop(self) -> None:
        """Read no more."""
        monitor = self.driver._key_thread
        self.driver.disable_input()
        assert not monitor.is_alive()


def test_the_driver_sleeps_until_a_key_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits without end, but for what may belong to an Escape. When it ends, it wakes up for that."""
    keys = Keys(monkeypatch)
    keys.start()
    keys.type(b"a")
    assert keys.next_key() == "a"
    keys.type("\xe4".encode())
    assert keys.next_key() == "ä"
    assert set(keys.waited) == {None}
    keys.type(b"\x1b")
    assert keys.next_key() == "escape"
    assert any(seconds is not None for seconds in keys.waited)
    keys.stop()
    keys.start()
    keys.type(b"b")
    assert keys.next_key() == "b"
    keys.stop()
    for descriptor in (keys.far, keys.driver.fileno):
        os.close(descriptor)


def test_a_key_behind_an_escape_says_if_more_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone it is an Alt key; with more behind it, it was rather Esc. Sequences stay what they are."""
    keys = Keys(monkeypatch)
    keys.start()
    keys.type(b"\x1b/quit")
    event = keys.next()
    assert isinstance(event, EscapedKey)
    assert (event.key, event.plain, event.character, event.is_followed) == ("alt+slash", "slash", "/", True)
    assert [keys.next_key() for _ in range(4)] == list("quit")
    keys.type(b"\x1bH\x1bOP\x1b[A\x1b\x0b\x1bOh\x1b\t")
    found = [keys.next() for _ in range(8)]
    names = ["alt+shift+h", "f1", "up", "escape", "ctrl+k", "alt+shift+o", "h", "shift+tab"]
    assert [getattr(event, "key", "") for event in found] == names
    assert [event.is_followed for event in found if isinstance(event, EscapedKey)] == [False, True]
    for byte in (b"\x1b", b"["):
        keys.type(byte)
    event = keys.next()
    assert isinstance(event, EscapedKey) and event.plain == "left_square_bracket"
    keys.stop()
    for descriptor in (keys.far, keys.driver.fileno):
        os.close(descriptor)


def test_bytes_that_are_no_text_do_not_end_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of another encoding is read as far as possible. A character may come in pieces."""
    keys = Keys(monkeypatch)
    keys.start()
    keys.type(b"\xe9x")
    assert [keys.next().character for _ in range(2)] == ["\ufffd", "x"]  # type: ignore[attr-defined]
    for byte in ("€".encode()[:1], "€".encode()[1:]):
        keys.type(byte)
    event = keys.next()
    assert isinstance(event, events.Key) and event.character == "€"
    keys.stop()
    for descriptor in (keys.far, keys.driver.fileno):
        os.close(descriptor)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_that_hangs_up_is_told(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:
    """Once, and nothing is read any more. The end of a file is none: there was no terminal."""
    keys = Keys(monkeypatch)
    keys.driver.input_tty = is_terminal
    keys.start()
    keys.type(b"a")
    assert keys.next_key() == "a"
    os.close(keys.far)
    keys.driver._key_thread.join(CAP_S)
    assert not keys.driver._key_thread.is_alive()
    told = [keys.read.get() for _ in range(keys.read.qsize())]
    assert [type(message) for message in told] == [TerminalDriver.HungUp] * is_terminal
    os.close(keys.driver.fileno)


def test_a_chat_ends_with_its_terminal() -> None:
    """Also if the terminal was not the program's own, which then gets no signal."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        screen.app.post_message(TerminalDriver.HungUp())
        await screen.until(lambda: "QUIT" in screen.sent)

    play(scene)


def test_who_was_stopped_from_outside_gives_the_terminal_back_first() -> None:
    """After Ctrl-Z it was given back before."""
    driver: Any = make_driver()
    done: list[str] = []
    driver.suspend_application_mode = lambda: done.append("give back")
    driver.resume_application_mode = lambda: done.append("take")
    driver._loop = Mock(call_soon_threadsafe=lambda call: call())
    driver._sigcont_application(signal.SIGCONT, None)
    assert done == ["give back", "take"]
    driver._must_signal_resume = True
    driver._sigcont_application(signal.SIGCONT, None)
    assert done == ["give back", "take", "take"]
