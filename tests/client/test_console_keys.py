"""The screen under the user's hands: sizes, Tab, Ctrl-Z, and how it spares the processor."""

from __future__ import annotations

import sys

from harness.client_screen import CAPS
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal

from chatroom.client.above_prompt import KEPT_LINES


def test_a_resize_leaves_one_prompt(chat: tuple[Terminal, Peer]) -> None:
    """After the width has changed, the prompt and each line are on the screen once, and lines are broken anew."""
    terminal, peer = chat
    peer.send(":carol!c@h PRIVMSG #lobby :one two three four five six seven eight nine ten eleven twelve")
    terminal.see("twelve")
    terminal.type("half a line that is being typed")
    terminal.see("being typed")
    for columns in (60, 30, 50, 80):
        terminal.resize(columns)
        terminal.wait(
            lambda: sum("[#lobby]" in line for line in terminal.lines) == 1 and "typed" in terminal.last,
            f"one prompt at {columns} columns",
        )
    terminal.wait(lambda: sum("<carol>" in line for line in terminal.lines) == 1, "one line of carol")
    terminal.see("<carol> one two three four five six seven eight nine ten eleven twelve")


def test_a_resize_shows_the_newest_lines(chat: tuple[Terminal, Peer]) -> None:
    """The newest lines are printed again, and no more than a bound."""
    terminal, peer = chat
    peer.send(*(f":carol!c@h PRIVMSG #lobby :line {number}" for number in range(KEPT_LINES + 50)))
    terminal.see(f"line {KEPT_LINES + 49}")
    terminal.resize(70)
    terminal.see_last("[#lobby]")
    terminal.wait(lambda: f"<carol> line {KEPT_LINES + 49}" in terminal.lines[-2], "the newest line")


def test_tab_takes_who_spoke_last_and_lists_once(chat: tuple[Terminal, Peer]) -> None:
    """The first Tab takes who spoke last, the next ones go on; the list of candidates is printed once."""
    terminal, peer = chat
    peer.send(":carol!c@h JOIN #lobby", ":cara!c@h JOIN #lobby", ":cady!c@h JOIN #lobby")
    peer.send(":carol!c@h PRIVMSG #lobby :hello", ":cara!c@h PRIVMSG #lobby :hi")
    terminal.see("<cara> hi")
    terminal.type("ca\t")
    terminal.see_last("[#lobby] cara:")
    terminal.type("\t")
    terminal.see_last("[#lobby] carol:")
    terminal.type("\t")
    terminal.see_last("[#lobby] cady:")
    terminal.type("\t")
    terminal.see_last("[#lobby] cara:")
    assert sum(line == "cara  carol  cady" for line in terminal.lines) == 1
    terminal.type("\x15zz\t")
    terminal.see_last("[#lobby] zz")
    terminal.type("\x15hi ali\tthere")
    terminal.see_last("[#lobby] hi alice there")


def test_ctrl_z_suspends(server: ScriptedServer) -> None:
    """Ctrl-Z gives the terminal to the shell, as it wants it; after fg the program is where it was."""
    terminal = Terminal("--norc", "--noprofile", "-i", program="/bin/bash", env={"PS1": "shell> "})
    try:
        terminal.see_last("shell>")
        terminal.enter(f"{sys.executable} -m chatroom.client 127.0.0.1:{server.port} --prompt --nick bob")
        peer = server.accept()
        peer.login("#lobby", caps=CAPS)
        terminal.see_last("[#lobby]")
        terminal.type("half")
        terminal.see_last("[#lobby] half")
        terminal.type("\x1a")
        terminal.see_last("shell>")
        terminal.enter("echo $((40+2))")
        terminal.see("42")
        terminal.enter("fg")
        peer.send(":carol!c@h PRIVMSG #lobby :welcome back")
        terminal.see("<carol> welcome back")
        terminal.see_last("[#lobby] half")
    finally:
        terminal.close()


def test_missed_lines_are_readable_in_every_theme(chat: tuple[Terminal, Peer]) -> None:
    """What was missed is dim, and not in bright black, which some themes have as their background."""
    terminal, peer = chat
    peer.send("@time=2020-02-03T12:00:00.000Z :carol!c@h PRIVMSG #lobby :old news")
    terminal.see("old news")
    assert "\x1b[0;90m" not in terminal.raw
    assert "\x1b[0;2m" in terminal.raw


def test_a_burst_is_printed_in_few_pieces(chat: tuple[Terminal, Peer]) -> None:
    """Hundreds of messages that come one by one do not draw the prompt hundreds of times."""
    terminal, peer = chat
    before = terminal.raw.count("[#lobby]")
    for number in range(300):
        peer.send(f":carol!c@h PRIVMSG #lobby :line {number}")
    terminal.see("<carol> line 299")
    terminal.see_last("[#lobby]")
    assert terminal.raw.count("[#lobby]") - before < 150
