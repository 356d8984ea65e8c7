from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness import keys_page
from harness.full_screen import FullScreen, play

from chatroom.client.chat_events import Info
from chatroom.client.fullscreen.alt_keys import KeyParser
from chatroom.client.fullscreen.lag_clock import EVERY_S, LagClock
from chatroom.client.key_table import KEYS, bindings, parse_key, shown_key
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.settings.client_file import load
from chatroom.client.settings.key_section import changed_keys
from chatroom.errors import ConfigError
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


@pytest.mark.parametrize("text", ["a", "Shift-A", "Ctrl-Nosuch", "Alt-Alt-A", "Hyper-A", "Alt-", "\u00e4", "Space"])
def test_what_types_a_character_is_no_key(text: str) -> None:
    """A key that cannot be, or that is needed for typing, is refused."""
    with pytest.raises(ValueError, match=re.escape(text)):
        parse_key(text)


def test_keys_are_read_as_they_are_shown() -> None:
    """Each key of the table reads back as it is shown; usual spellings are understood."""
    assert all(parse_key(shown_key(key)) == key for entry in KEYS for key in entry.keys)
    spelt = ["alt+a", "ALT-A", "Page Up", "pageup", "Shift-Ctrl-Up", "Esc", "Ctrl-/", "Alt--"]
    assert [parse_key(text) for text in spelt] == [
        "alt+a", "alt+a", "pageup", "pageup", "ctrl+shift+up", "escape", "ctrl+slash", "alt+minus",
    ]  # fmt: skip


def test_the_settings_change_keys_at_once(tmp_path: Path) -> None:
    """/set gives an action other keys; F1 shows them, and which action has lost its own."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.enter("/set keys.next_place Alt-X, F1")
        await screen.see('keys.next_place = ["Alt-X", "F1"]')
        await screen.press("alt+x")
        assert screen.prompt.startswith("to #tea ›")
        await screen.press("f1")
        assert screen.prompt.startswith("/ ›")  # the server's own place is next, behind the last one
        await screen.press("alt+1", "ctrl+n")
        assert screen.prompt.startswith("to #lobby ›")
        await screen.enter("/set keys.help F9")
        await screen.see("Enter says · Tab names · F9 help")
        await screen.press("f9", *"next place")
        await screen.see("Alt-X, F1")
        await screen.press("escape")
        await screen.enter("/set keys.jump Alt-X")
        await screen.see("both have Alt-X")
        await screen.hear(*(f":bob!b@h PRIVMSG #lobby :line {number}" for number in range(40)))
        await screen.press("pageup")
        await screen.see("Esc to the newest")
        await screen.enter("/set keys.newest []")
        await screen.press("pageup")
        await screen.until(lambda: any(row.startswith("── older messages ─") for row in screen.rows))
        await screen.enter("/set keys.jump x")
        await screen.see("keys.jump x: keys.jump must")
        await screen.enter("/set keys.jump []")
        await screen.press("f9", *"part of its name")
        await screen.see("no key")

    play(scene, settings=ChatSettings(tmp_path / "client.toml"))


def test_wrong_keys_in_the_file_are_told(tmp_path: Path) -> None:
    """An unknown action, a key used twice and what is no key are one line each."""
    file = tmp_path / "client.toml"
    file.write_text('[keys]\nnext_unred = ["F5"]\njump = ["alt+a"]\nlinks = ["Alt-A"]\nbare = ["x"]\n')
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.errors == (
        f"{file}: unknown key keys.next_unred; did you mean keys.next_unread?",
        f"{file}: keys.bare must be a list of keys, not ['x']",
        f"{file}: keys.jump and keys.links both have Alt-A",
    )
    file.write_text('[keys]\njump = ["alt+a"]\nhelp = ["Page up", "F1"]\n')
    settings = load(file)
    assert changed_keys(settings.keys, settings.sources) == {"help": ("pageup", "f1"), "jump": ("alt+a",)}


def test_the_list_of_settings_is_not_full_of_keys(tmp_path: Path) -> None:
    """/set alone shows changed keys only; /set keys shows all."""
    desk = ChatSettings(tmp_path / "client.toml")
    desk.configure("keys.jump F3", reset=False)
    (shown,), (keys,) = desk.configure("", reset=False), desk.configure("keys", reset=False)
    assert isinstance(shown, Info) and isinstance(keys, Info)
    assert [line for line in shown.text.splitlines() if "keys." in line] == ['* keys.jump = ["F3"]']
    assert len(keys.text.splitlines()) == len(KEYS) + 1


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
    parser = KeyParser()
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
