"""A paste at a terminal: it is asked about, can be stopped, and is one message where the server takes it."""

from __future__ import annotations

import pytest
from harness.client_screen import CAPS, Start
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal


def paste(terminal: Terminal, count: int) -> None:
    """Paste lines and press Enter."""
    text = "\n".join(f"line {number}" for number in range(count))
    terminal.type(f"\x1b[200~{text}\x1b[201~")
    terminal.see(f"line {count - 1}")
    terminal.type("\r")


def test_a_long_paste_is_asked_about(chat: tuple[Terminal, Peer]) -> None:
    """Cancel drops it, edit brings it back, send sends it."""
    terminal, peer = chat
    question = "7 lines to #lobby? (s)end, (e)dit, (c)ancel:"
    paste(terminal, 7)
    terminal.see_last(question)
    terminal.enter("c")
    terminal.see("Nothing was sent.")
    terminal.see_last("[#lobby]")
    paste(terminal, 7)
    terminal.see_last(question)
    terminal.enter("e")
    terminal.wait(lambda: "line 6" in terminal.last, "the text again")
    terminal.type("\r")
    terminal.see_last(question)
    terminal.enter("send")
    assert [message.params[1] for message in peer.gather("PRIVMSG", 7)] == [f"line {number}" for number in range(7)]


def test_ctrl_c_stops_the_rest_of_a_paste(chat: tuple[Terminal, Peer]) -> None:
    """What the server has not been sent yet is not sent any more; what is being typed stays."""
    terminal, peer = chat
    paste(terminal, 50)
    terminal.see_last("50 lines to #lobby? (s)end, (e)dit, (c)ancel:")
    terminal.enter("s")
    terminal.see("… and 47 more")
    terminal.type("next")
    terminal.wait(lambda: terminal.last == "[#lobby] next", "the prompt")
    terminal.type("\x03")
    terminal.see("messages were not sent. The arrow up brings the text back.")
    terminal.see_last("[#lobby] next")
    terminal.type("\r")
    said = []
    while "next" not in said:
        said.append(peer.expect("PRIVMSG").params[1])
    assert len(said) < 20


@pytest.mark.parametrize("key", ["\x1b\r", "\x1b\n"], ids=["Alt-Enter", "Alt-Ctrl-J"])
def test_alt_enter_begins_another_line(server: ScriptedServer, start: Start, key: str) -> None:
    """Alt-Enter sends nothing; the lines are one message where the server takes that."""
    terminal = start("--nick", "bob")
    peer = server.accept()
    peer.login("#lobby", caps=f"{CAPS} batch labeled-response draft/multiline")
    terminal.see_last("[#lobby]")
    terminal.type(f"one{key}two")
    terminal.see("two")
    terminal.type("\r")
    assert peer.expect("BATCH").params[1:] == ["draft/multiline", "#lobby"]
    assert [message.params[1] for message in peer.gather("PRIVMSG", 2)] == ["one", "two"]
    assert peer.expect("BATCH").params[0].startswith("-")
