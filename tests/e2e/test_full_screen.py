from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.daemon import Daemon
from harness.terminal import Terminal

Start = Callable[..., Terminal]


@pytest.fixture
def start(daemon: Daemon, tmp_path: Path) -> Iterator[Start]:
    """Start the client on the full screen of a terminal, each time with nothing remembered."""
    terminals: list[Terminal] = []

    def run(nick: str, *args: str, env: dict[str, str] | None = None) -> Terminal:
        home = tmp_path / str(len(terminals))
        here = {"XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config"), **(env or {})}
        address = f"127.0.0.1:{daemon.port}"
        terminals.append(Terminal("-m", "chatroom.client", address, "--nick", nick, *args, env=here))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()


def test_two_users_talk_in_two_rooms_and_in_private(start: Start) -> None:
    """Rooms and a conversation are places of their own; activity is counted, and Alt-A goes there."""
    alice, bob = start("alice"), start("bob")
    for terminal in (alice, bob):
        terminal.see("to #lobby ›")
        terminal.enter("/join #tea")
        terminal.see("to #tea ›")
    bob.type("\x1b1")
    bob.see("to #lobby ›")
    bob.enter("hello lobby")
    bob.see("bob hello lobby")
    alice.see("1 #lobby  1")
    bob.enter("/query alice")
    bob.see("to alice ›")
    bob.enter("only for you")
    alice.see("3 bob    1!")
    assert not any("hello lobby" in line or "only for you" in line for line in alice.lines)
    alice.type("\x1ba")
    alice.see("bob only for you")
    alice.see("to bob ›")
    alice.enter("thanks")
    bob.see("alice thanks")
    alice.type("\x1ba")
    alice.see("bob hello lobby")
    alice.see("to #lobby ›")


def test_quitting_gives_the_terminal_back(start: Start) -> None:
    """After /quit, and after a SIGTERM, the terminal echoes again and shows what was there before."""
    for ends in (lambda terminal: terminal.enter("/quit"), lambda terminal: terminal.type("\x04"), signal.SIGTERM):
        terminal = start("alice")
        terminal.see("to #lobby ›")
        assert not terminal.is_echoing
        if callable(ends):
            ends(terminal)
        else:
            os.kill(terminal.pid, ends)
        assert terminal.finish() == 0
        assert "\x1b[?1049l" in terminal.raw
        assert terminal.raw.rfind("\x1b[?1049l") > terminal.raw.rfind("\x1b[?1049h")


def test_keys_of_a_terminal_without_the_kitty_protocol(start: Start) -> None:
    """Alt-Enter begins a line, Alt-B goes a word back, Ctrl-W deletes one: as Escape and a key."""
    terminal = start("alice")
    terminal.see("to #lobby ›")
    terminal.type("one two")
    terminal.see("› one two")
    terminal.type("\x1bbbig \x1b\r")
    terminal.see("› one big")
    terminal.type("\x17x \r")
    terminal.see("alice one x two")


def test_formatting_goes_from_screen_to_screen(start: Start) -> None:
    """Codes that one types with Alt-C are formatting to the other, on either screen; NO_COLOR takes colours only."""
    alice, bob = start("alice"), start("bob", "--prompt", env={"NO_COLOR": "1"})
    alice.see("to #lobby ›")
    bob.see_last("[#lobby]")
    alice.type("\x1bcbloud\x1bco and \x1bcc04red\r")
    bob.see("<alice> loud and red")
    assert "\x1b[0;1mloud" in bob.raw or "\x1b[1mloud" in bob.raw
    assert "31mred" not in bob.raw
    bob.type("\x1bciaslant\r")
    alice.see("bob aslant")
    assert "\x1b[3maslant" in alice.raw


def test_who_looks_elsewhere_is_called(start: Start) -> None:
    """The title counts what speaks to the user; without the focus a mention notifies; the end restores the title."""
    alice, bob = start("alice"), start("bob")
    for terminal in (alice, bob):
        terminal.see("to #lobby ›")
    alice.enter("/set attention.notify osc9")
    alice.see('attention.notify = "osc9"')
    bob.enter("alice: seen")
    alice.see("bob alice: seen")
    # The terminal goes into the background; the paste shows that the program has heard of it.
    alice.type("\x1b[O\x1b[200~half a line\x1b[201~")
    alice.see("to #lobby › half a line")
    bob.enter("alice: are you there?")
    alice.wait(lambda: "\x1b]9;chatroom: bob in #lobby: alice: are you there?\x1b\\" in alice.raw, "a notification")
    alice.wait(lambda: "\x1b]2;(1) #lobby · chatroom\x1b\\" in alice.raw, "a title")
    assert "alice: seen\x1b\\" not in alice.raw
    alice.type("\x1b[I")
    alice.wait(lambda: alice.raw.rpartition("\x1b]2;")[2].startswith("#lobby · chatroom\x1b\\"), "the count is gone")
    alice.enter("\x15/quit")
    assert alice.finish() == 0
    assert alice.raw.index("\x1b[22;2t") < alice.raw.index("\x1b[23;2t")


def test_the_terminal_is_lent_to_the_shell_and_to_the_editor(daemon: Daemon, tmp_path: Path) -> None:
    """Ctrl-X has $EDITOR change the text, Ctrl-Z goes to the shell, and after fg, text, places and mouse are there."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "$(cat "$1") and more" > "$1"\n')
    editor.chmod(0o700)
    home = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    environment = {**home, "EDITOR": str(editor), "VISUAL": "", "PS1": "shell> "}
    terminal = Terminal("--norc", "--noprofile", "-i", program="/bin/bash", env=environment)
    try:
        terminal.see_last("shell>")
        terminal.enter(f"{sys.executable} -m chatroom.client 127.0.0.1:{daemon.port} --nick alice --join tea")
        terminal.see("to #tea ›")
        terminal.see(" #lobby")
        terminal.type("half")
        terminal.see("› half")
        terminal.type("\x18")
        terminal.see("› half and more")
        terminal.see("@alice")
        terminal.type("\x1a")
        terminal.see_last("shell>")
        terminal.enter("echo $((40+2))")
        terminal.see("42")
        terminal.enter("fg")
        for text in ("› half and more", " #lobby", "@alice", "You joined #tea"):
            terminal.see(text)
        terminal.type("!\r")
        terminal.see("alice half and more!")
        click_on(terminal, " #lobby")
        terminal.see("to #lobby ›")
        terminal.wait(lambda: not any("half and more!" in line for line in terminal.lines), "the log of #lobby")
        click_on(terminal, "alice")
        terminal.see("alice ›")
        # The menu covers the prompt. Until all of it is painted, the prompt below it is that of before.
        terminal.wait(lambda: not any("to #lobby ›" in line for line in terminal.lines), "the whole menu")
        terminal.type("\x1b")
        terminal.see("to #lobby ›")
        terminal.enter("/quit")
        terminal.see_last("shell>")
        terminal.enter("echo $((50+5))")
        terminal.see("55")
    finally:
        terminal.close()


def test_what_is_typed_right_behind_esc_or_a_click_is_not_lost(start: Start) -> None:
    """A busy machine reads it at once: the menu closes, and what follows is for the place."""
    terminal = start("alice")
    terminal.see("to #lobby ›")
    terminal.find(" alice")
    click_on(terminal, " alice", then="\x1b/join #tea\r")
    terminal.see("to #tea ›")
    click_on(terminal, " 1 #lobby", then="hello lobby\r")
    terminal.see("alice hello lobby")
    terminal.see("to #lobby ›")
    terminal.type("\x1bj\x1b/quit\r")
    assert terminal.finish() == 0


def click_on(terminal: Terminal, text: str, then: str = "") -> None:
    """Click on a text of the screen, as terminals report that (SGR 1006), and type right behind it."""
    column, row = terminal.find(text)
    terminal.type(f"\x1b[<0;{column + 2};{row + 1}M\x1b[<0;{column + 2};{row + 1}m{then}")
