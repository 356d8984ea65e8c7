"""What one says at a terminal is on the screen at once, and is not lost with the connection."""

from __future__ import annotations

import os
import signal

import pytest
from harness.client_screen import CAPS, Start
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal


def test_a_line_is_on_the_screen_before_its_echo(chat: tuple[Terminal, Peer]) -> None:
    """The line stands above the prompt until the server echoes it, and then among the others, once."""
    terminal, peer = chat
    terminal.enter("hello all")
    assert peer.expect("PRIVMSG").params == ["#lobby", "hello all"]
    terminal.see("… to #lobby: hello all")
    terminal.see_last("[#lobby]")
    peer.send(":bob!b@h PRIVMSG #lobby :hello all")
    terminal.see("<bob> hello all")
    terminal.wait(lambda: sum("hello all" in line for line in terminal.lines) == 1, "one line")


def test_a_line_that_dies_with_its_connection_is_offered_again(
    server: ScriptedServer, chat: tuple[Terminal, Peer]
) -> None:
    """It is shown as perhaps not sent and stands in the prompt; Enter says it on the next connection."""
    terminal, peer = chat
    terminal.enter("are you there")
    peer.expect("PRIVMSG")
    peer.close()
    terminal.see("Perhaps not sent to #lobby: are you there")
    terminal.see_last("[#lobby, offline] are you there")
    again = server.accept()
    again.login("#lobby", caps=CAPS)
    terminal.see_last("[#lobby] are you there")
    terminal.type("\r")
    assert again.expect("PRIVMSG").params == ["#lobby", "are you there"]


def test_what_is_being_typed_is_not_touched(chat: tuple[Terminal, Peer]) -> None:
    """If the user is typing when the connection dies, the lost line comes into the next prompt."""
    terminal, peer = chat
    terminal.enter("one")
    peer.expect("PRIVMSG")
    terminal.type("two")
    terminal.see_last("[#lobby] two")
    peer.close()
    terminal.see_last("[#lobby, offline] two")
    terminal.enter("\x15/help quit")
    terminal.see_last("[#lobby, offline] one")


def test_a_frozen_server_shows_in_the_prompt(chat: tuple[Terminal, Peer]) -> None:
    """A few seconds after a line without an answer, the prompt counts the seconds; an answer ends that."""
    terminal, peer = chat
    terminal.enter("hello?")
    terminal.see_last("[#lobby, no answer for 3 s]")
    peer.send(":bob!b@h PRIVMSG #lobby :hello?")
    terminal.see_last("[#lobby]")


@pytest.mark.parametrize("caps", ["server-time", CAPS], ids=["no echo", "echo"])
def test_a_refused_line_says_which(server: ScriptedServer, start: Start, caps: str) -> None:
    """A refusal comes with the text that it is about."""
    terminal = start("--nick", "bob")
    peer = server.accept()
    peer.login("#lobby", caps=caps)
    terminal.see_last("[#lobby]")
    terminal.enter("psst")
    peer.expect("PRIVMSG")
    peer.send(":srv 404 bob #lobby :Cannot send to channel (+m)")
    terminal.see("Not sent to #lobby: psst")
    terminal.see("#lobby does not take your message: +m.")
    os.kill(terminal.pid, signal.SIGTERM)
