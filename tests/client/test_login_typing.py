"""What is typed at a terminal while the login is not decided is neither shown nor sent, except as an answer."""

from __future__ import annotations

import base64
import os
import signal

import pytest
from harness.client_screen import CAPS, Start
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal

SECRET = "Hunter2secret"
QUESTION = "Password for alice (leave empty for another nick):"


def reserve(peer: Peer) -> None:
    """Let alice's login come to the question for her password."""
    nick = peer.start_login(CAPS)
    peer.expect("CAP")
    peer.send(f":srv 433 * {nick} :Reserved", f":srv FAIL NICK NICK_RESERVED {nick} :alice is registered.")


def password(peer: Peer) -> str:
    """The password of the client's next SASL exchange, which is not decided yet."""
    assert peer.expect("AUTHENTICATE").params == ["PLAIN"]
    peer.send("AUTHENTICATE +")
    return base64.b64decode(peer.expect("AUTHENTICATE").params[0]).decode().split("\0")[2]


def accept_login(peer: Peer) -> None:
    """Accept the password, and put alice into #lobby."""
    peer.send(":srv 903 * :Logged in")
    peer.welcome("alice", "#lobby")


def settle(peer: Peer, terminal: Terminal) -> None:
    """Wait until the plain client has read the end of the login, for lines typed before it are dropped."""
    confirm = peer.expect("PING").params[0]
    peer.send(f":srv PONG srv :{confirm}")
    peer.send(":carol!c@h PRIVMSG #lobby :hi")
    terminal.see("[#lobby] <carol> hi")


def said(peer: Peer, terminal: Terminal) -> list[str]:
    """All messages up to a last one that is typed now."""
    terminal.enter("that is all")
    messages: list[str] = []
    while "that is all" not in messages:
        messages.append(peer.expect("PRIVMSG").params[1])
    return messages


def test_a_password_typed_while_the_server_checks_one(server: ScriptedServer, start: Start) -> None:
    """It is not shown, not sent, no part of the next answer, and not in the prompt after the login."""
    terminal = start("--nick", "alice")
    peer = server.accept()
    reserve(peer)
    terminal.see_last(QUESTION)
    terminal.enter("wr0ng")
    assert password(peer) == "wr0ng"
    terminal.type(f"{SECRET}\r{SECRET}")
    terminal.see("What you typed before the login was over is dropped.")
    terminal.see_last("[connecting]")
    peer.send(":srv 904 * :That password is wrong.")
    terminal.see("That password is wrong.")
    terminal.see_last(QUESTION)
    terminal.enter("r1ght")
    assert password(peer) == "r1ght"
    terminal.type(f"{SECRET}\r{SECRET}")
    terminal.wait(lambda: terminal.raw.count("is dropped.") >= 3, "that it was dropped again")
    accept_login(peer)
    terminal.see_last("[#lobby]")
    assert said(peer, terminal) == ["that is all"]
    assert SECRET not in terminal.raw


def test_a_password_typed_before_the_first_question(server: ScriptedServer, start: Start) -> None:
    """What is typed before the server has asked for anything is not shown either."""
    terminal = start("--nick", "alice")
    peer = server.accept()
    terminal.see_last("[connecting]")
    terminal.type(f"{SECRET}\r{SECRET}")
    terminal.see("What you typed before the login was over is dropped.")
    reserve(peer)
    terminal.see_last(QUESTION)
    terminal.enter("r1ght")
    assert password(peer) == "r1ght"
    accept_login(peer)
    terminal.see_last("[#lobby]")
    assert said(peer, terminal) == ["that is all"]
    assert SECRET not in terminal.raw


def test_a_password_typed_after_a_reconnect(server: ScriptedServer, start: Start) -> None:
    """After a lost connection, typed text is a draft until the server asks; what follows is hidden; the draft stays."""
    terminal = start("--nick", "alice")
    peer = server.accept()
    peer.login("#lobby", caps=CAPS)
    terminal.see_last("[#lobby]")
    peer.close()
    terminal.see_last("[#lobby, offline]")
    terminal.type("half a th")
    terminal.see_last("[#lobby, offline] half a th")
    again = server.accept()
    reserve(again)
    terminal.see_last(QUESTION)
    terminal.enter("wr0ng")
    assert password(again) == "wr0ng"
    terminal.type(f"{SECRET}\r{SECRET}")
    terminal.see("What you typed before the login was over is dropped.")
    again.close()  # the answer stays unanswered, and the client tries once more
    third = server.accept()
    third.start_login(CAPS)
    assert password(third) == "wr0ng"
    third.send(":srv 904 * :That password is wrong.")
    terminal.see_last(QUESTION)
    terminal.enter("r1ght")
    assert password(third) == "r1ght"
    accept_login(third)
    terminal.see_last("[#lobby] half a th")
    terminal.type("\x15")
    assert said(third, terminal) == ["that is all"]
    assert SECRET not in terminal.raw


@pytest.mark.parametrize("keys", ["/quit\r", "\x04", "\x03"], ids=["/quit", "Ctrl-D", "Ctrl-C"])
def test_leaving_during_the_login(server: ScriptedServer, start: Start, keys: str) -> None:
    """The keys that leave the chat work before the login is decided."""
    terminal = start("--nick", "alice")
    peer = server.accept()
    terminal.see_last("[connecting]")
    terminal.type(keys)
    peer.expect("QUIT")
    peer.close()
    assert terminal.finish() == 0
    assert terminal.is_echoing


def test_the_terminal_itself_echoes_nothing(server: ScriptedServer, start: Start) -> None:
    """Neither between two prompts nor while lines are printed does the terminal show typed keys by itself."""
    terminal = start("--nick", "alice")
    peer = server.accept()
    terminal.see_last("[connecting]")
    terminal.watch_echo = True
    reserve(peer)
    terminal.see_last(QUESTION)
    terminal.enter("r1ght")
    password(peer)
    accept_login(peer)
    peer.send(*(f":carol!c@h PRIVMSG #lobby :line {number}" for number in range(500)))
    terminal.see("<carol> line 499")
    terminal.see_last("[#lobby]")
    assert not terminal.was_echoing
    terminal.watch_echo = False
    terminal.type("\x04")
    peer.expect("QUIT")
    peer.close()
    assert terminal.finish() == 0
    assert terminal.is_echoing


def test_plain_hides_what_is_typed_while_the_server_checks(server: ScriptedServer, start: Start) -> None:
    """With --plain a line typed during the login is hidden and dropped, and the user reads so."""
    terminal = start("--nick", "alice", "--plain")
    peer = server.accept()
    reserve(peer)
    terminal.see("alice is registered. Password:")
    terminal.enter("wr0ng")
    assert password(peer) == "wr0ng"
    terminal.enter(SECRET)
    terminal.see("The login is not over yet, so nothing was sent.")
    terminal.type(SECRET)
    peer.send(":srv 904 * :That password is wrong.")
    terminal.see("That password is wrong. Password:")
    terminal.enter("r1ght")
    given = password(peer)
    assert given.endswith("r1ght")  # half a line before the question may have come too late to be dropped
    accept_login(peer)
    settle(peer, terminal)
    assert terminal.is_echoing
    assert said(peer, terminal) == ["that is all"]
    assert SECRET not in terminal.raw


def test_plain_asks_again_after_a_reconnect(server: ScriptedServer, start: Start) -> None:
    """With --plain the answer to a question after a lost connection is no message."""
    terminal = start("--nick", "alice", "--plain")
    peer = server.accept()
    peer.login("#lobby", caps=CAPS)
    settle(peer, terminal)
    peer.close()
    terminal.see("The connection is lost")
    again = server.accept()
    reserve(again)
    terminal.see("alice is registered. Password:")
    terminal.enter(SECRET)
    assert password(again) == SECRET
    accept_login(again)
    again.send(":carol!c@h PRIVMSG #lobby :welcome back")
    terminal.see("[#lobby] <carol> welcome back")
    assert said(again, terminal) == ["that is all"]
    assert SECRET not in terminal.raw


def test_plain_registers(server: ScriptedServer, start: Start) -> None:
    """With --plain the question of /register comes at once, and its answer is hidden."""
    terminal = start("--nick", "alice", "--plain")
    peer = server.accept()
    peer.login("#lobby")
    settle(peer, terminal)
    terminal.enter("/register")
    terminal.see("Password:")
    terminal.enter(SECRET)
    assert peer.expect("REGISTER").params == ["*", "*", SECRET]
    assert said(peer, terminal) == ["that is all"]
    assert SECRET not in terminal.raw


def test_plain_asks_for_the_password_of_an_account_first(server: ScriptedServer, start: Start) -> None:
    """With --plain and --account the password is hidden; bytes that are not UTF-8 and Ctrl-D end in no traceback."""
    terminal = start("--account", "alice", "--plain")
    terminal.see("Password for alice:")
    terminal.type_bytes(b"caf\xe9\r")
    peer = server.accept()
    assert peer.start_login("sasl=PLAIN") == "alice"
    assert password(peer) == "caf\ufffd"
    assert "caf" not in terminal.raw
    other = start("--account", "alice", "--plain")
    other.see("Password for alice:")
    other.type("\x04")
    assert other.finish() == 130
    assert other.is_echoing


def test_plain_shows_typed_text_again_when_told_to_end(server: ScriptedServer, start: Start) -> None:
    """SIGTERM at a hidden question leaves a terminal that shows what is typed."""
    terminal = start("--nick", "alice", "--plain")
    peer = server.accept()
    reserve(peer)
    terminal.see("Password:")
    assert not terminal.is_echoing
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.finish() == 128 + signal.SIGTERM
    assert terminal.is_echoing


def test_keys_that_no_prompt_took_before_the_login_was_over(server: ScriptedServer, start: Start) -> None:
    """Keys behind the Enter of a hidden line are dropped too if the login ends before another prompt takes them."""
    script = """
import chatroom.client.screen as screen
wait = screen.Screen._wait_for_login
async def wait_and_end(self):
    await wait(self)
    self._require()._welcome("alice")  # as if the welcome came in this very moment
screen.Screen._wait_for_login = wait_and_end
from chatroom.client.main import main
main()
"""
    terminal = Terminal("-c", script, f"127.0.0.1:{server.port}", "--prompt", "--nick", "alice")
    try:
        server.accept()
        terminal.see_last("[connecting]")
        terminal.type(f"{SECRET}\r{SECRET}")
        terminal.see_last("[no channel]")
        terminal.enter("/help quit")
        terminal.see("/quit [REASON]: leave the chat")
        assert SECRET not in terminal.raw
    finally:
        terminal.close()
