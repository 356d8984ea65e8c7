from __future__ import annotations

import re

import pytest
from harness import keys_page
from harness.full_screen import FullScreen, play
from textual._xterm_parser import XTermParser

from chatroom.client.fullscreen import alt_keys
from chatroom.client.fullscreen.key_table import KEYS, bindings, shown_key
from chatroom.client.fullscreen.lag_clock import EVERY_S, LagClock
from chatroom.irc.message import parse


def test_each_key_has_one_meaning() -> None:
    """No key is in the table twice, and no action either."""
    keys = [key for entry in KEYS for key in entry.keys]
    assert len(keys) == len(set(keys))
    assert len(KEYS) == len({entry.action for entry in KEYS})


def test_each_action_does_something() -> None:
    """What the table names, the program can do."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        known = screen.app.actions.names
        assert {entry.action for entry in KEYS} == known | {"leave"}

    play(scene)


def test_keys_can_be_changed() -> None:
    """A key that an action gets is taken from the one that had it; a wrong action is named."""
    changed = bindings({"jump": ("alt+g", "f1")})
    assert changed["alt+g"] == changed["f1"] == "jump"
    assert "ctrl+k" not in changed
    with pytest.raises(ValueError, match="fly"):
        bindings({"fly": ("f1",)})


def test_keys_read_well() -> None:
    """Keys are shown as they are written on the keyboard."""
    assert [shown_key(key) for key in ("ctrl+k", "alt+1", "f1", "pageup", "shift+up", "escape")] == [
        "Ctrl-K",
        "Alt-1",
        "F1",
        "Page up",
        "Shift-Up",
        "Esc",
    ]


def test_the_page_of_keys_is_true() -> None:
    """docs/full-screen.md has today's keys; ``make protocol`` writes them."""
    page = keys_page.PATH.read_text(encoding="utf-8")
    assert keys_page.refreshed(page) == page


def test_terminals_without_the_kitty_protocol_have_alt() -> None:
    """Escape and a key is Alt and the key: digits, letters, Enter, Backspace and arrows."""
    alt_keys.teach()
    parser = XTermParser()
    sent = {"\x1b1": "alt+1", "\x1ba": "alt+a", "\x1bf": "alt+f", "\x1b\r": "alt+enter", "\x1b\x7f": "alt+backspace"}
    sent |= {"\x1b[1;3A": "alt+up", "\x1b/": "alt+slash"}
    for sequence, key in sent.items():
        assert [getattr(event, "key", "") for event in parser.feed(sequence)] == [key]


def test_lag_is_measured() -> None:
    """The answer to the last PING of its own says how long the server took; others do not."""
    now = 100.0
    clock = LagClock(lambda: now)
    line = clock.next_ping()
    assert re.fullmatch(r"PING :lag-1", line)
    assert clock.next_ping() == ""
    now += 0.012
    found = []
    for token in ("said-1", "lag-1"):
        clock.look([parse(f":srv PONG srv :{token}")])
        found.append(clock.ms)
    assert found == [None, 12]
    now += EVERY_S
    assert clock.next_ping() == "PING :lag-2"
