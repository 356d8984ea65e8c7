"""The console script in a terminal, against a scripted server."""

from __future__ import annotations

import os
import re
import signal

import pytest
from harness.client_screen import CAPS, Start, leave, unstamped
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal


def test_it_asks_for_a_nick_and_offers_the_login_name(server: ScriptedServer, start: Start) -> None:
    """Enter takes the default nick; another one can be typed instead."""
    terminal = start(env={"LOGNAME": "alice"})
    terminal.see_last("Nickname [alice]:")
    terminal.enter("bob")
    peer = server.accept()
    assert peer.login("#lobby") == "bob"
    terminal.see("You are connected as bob.")
    terminal.see_last("[#lobby]")


def test_the_prompt_stays_below_what_comes_in(chat: tuple[Terminal, Peer]) -> None:
    """Lines scroll by above the prompt, and a half-typed line stays as it is."""
    terminal, peer = chat
    terminal.type("half a th")
    terminal.see_last("[#lobby] half a th")
    peer.send(*(f":carol!c@h PRIVMSG #lobby :line {number}" for number in range(100)))
    terminal.see("<carol> line 99")
    terminal.see_last("[#lobby] half a th")
    assert [unstamped(line) for line in terminal.lines[-4:-1]] == [f"<carol> line {number}" for number in (97, 98, 99)]
    terminal.enter("ought")
    assert peer.expect("PRIVMSG").params == ["#lobby", "half a thought"]
    terminal.see_last("[#lobby]")


def test_what_one_says_is_shown_once(chat: tuple[Terminal, Peer]) -> None:
    """The typed line vanishes, and the server's echo of it is shown."""
    terminal, peer = chat
    terminal.enter("hello all")
    assert peer.expect("PRIVMSG").params == ["#lobby", "hello all"]
    peer.send(":bob!b@h PRIVMSG #lobby :hello all")
    terminal.see("<bob> hello all")
    terminal.see_last("[#lobby]")
    assert sum("hello all" in line for line in terminal.lines) == 1


def test_a_paste_is_said_line_by_line(chat: tuple[Terminal, Peer]) -> None:
    """A pasted text is not sent before Enter, and each of its lines is a message."""
    terminal, peer = chat
    terminal.type("\x1b[200~one\n/quit\nthree\x1b[201~")
    terminal.see("three")
    terminal.type("\r")
    assert [message.params[1] for message in peer.gather("PRIVMSG", 3)] == ["one", "/quit", "three"]


def test_what_others_do_reads_well(chat: tuple[Terminal, Peer]) -> None:
    """Joins, quits, kicks, old messages, direct messages and actions are readable lines."""
    terminal, peer = chat
    peer.send(
        ":dave!d@h JOIN #lobby",
        ":dave!d@h QUIT :dave was kicked by an admin: spam",
        "@time=2020-02-03T12:00:00.000Z :carol!c@h PRIVMSG #lobby :old news",
        ":carol!c@h PRIVMSG bob :psst",
        ":carol!c@h PRIVMSG #lobby :\x01ACTION waves\x01",
    )
    terminal.see("* carol waves")
    shown = [unstamped(line) for line in terminal.lines]
    assert "dave joined" in shown
    assert "dave was kicked by an admin: spam" in shown
    assert "[carol] <carol> psst" in shown
    assert any(re.fullmatch(r"2020-02-0\d \d\d:\d\d <carol> old news", line) for line in terminal.lines)


def test_nothing_from_outside_drives_the_terminal(chat: tuple[Terminal, Peer]) -> None:
    """Escape sequences in nicks, messages and topics do not reach the terminal."""
    terminal, peer = chat
    peer.send(
        ":eve!e@h PRIVMSG #lobby :\x1b[2J\x1b]0;owned\x07gone \x9b2J",
        ":eve\x1b[31m!e@h JOIN #lobby",
        ":eve!e@h TOPIC #lobby :\x1b[1mtopic",
        ":eve!e@h PRIVMSG #lobby :done",
    )
    terminal.see("<eve> done")
    assert "\x1b[2J" not in terminal.raw
    assert "\x1b]0;owned" not in terminal.raw
    assert "\x9b" not in terminal.raw
    terminal.see("<eve> [2J]0;ownedgone 2J")


def test_history_and_completion(chat: tuple[Terminal, Peer]) -> None:
    """The up arrow brings the last line back; Tab completes commands and nicks."""
    terminal, peer = chat
    terminal.enter("first")
    peer.expect("PRIVMSG")
    terminal.see_last("[#lobby]")
    terminal.type("\x1b[A")
    terminal.see_last("[#lobby] first")
    terminal.type("\x15ali\t")
    terminal.see_last("[#lobby] alice:")
    terminal.type("\x15/unb\t")
    terminal.see_last("[#lobby] /unban")


def test_a_registered_name_asks_for_its_password(server: ScriptedServer, start: Start) -> None:
    """The client asks for the password when the server does, again if it was wrong, and never shows it."""
    terminal = start("--nick", "alice")
    peer = server.accept()
    nick = peer.start_login(CAPS)
    peer.expect("CAP")
    peer.send(f":srv 433 * {nick} :Reserved", f":srv FAIL NICK NICK_RESERVED {nick} :alice is registered.")
    terminal.see("alice is registered.")
    terminal.see_last("Password for alice (leave empty for another nick):")
    terminal.enter("wr0ng")
    assert peer.expect("AUTHENTICATE").params == ["PLAIN"]
    peer.send("AUTHENTICATE +")
    peer.expect("AUTHENTICATE")
    peer.send(":srv 904 * :That password is wrong.")
    terminal.see("That password is wrong.")
    terminal.enter("r1ght")
    peer.expect("AUTHENTICATE")
    peer.send("AUTHENTICATE +")
    assert peer.expect("AUTHENTICATE").params == ["AGFsaWNlAHIxZ2h0"]
    peer.send(":srv 903 * :Logged in")
    peer.welcome(nick, "#lobby")
    terminal.see_last("[#lobby]")
    assert "wr0ng" not in terminal.raw
    assert "r1ght" not in terminal.raw
    terminal.type("\x1b[A")
    terminal.enter("hi")
    assert peer.expect("PRIVMSG").params == ["#lobby", "hi"]


def test_an_account_is_asked_for_its_password_first(server: ScriptedServer, start: Start) -> None:
    """With --account the client asks for the password before it connects; the account's name is the nick."""
    terminal = start("--account", "alice")
    terminal.see_last("Password for alice:")
    terminal.enter("r1ght")
    peer = server.accept()
    peer.expect("CAP")
    peer.send(":srv CAP * LS :sasl=PLAIN")
    assert peer.expect("NICK").params == ["alice"]
    peer.expect("CAP")
    peer.send(":srv CAP alice ACK :sasl")
    assert peer.expect("AUTHENTICATE").params == ["PLAIN"]
    assert "r1ght" not in terminal.raw


def test_nobody_has_to_answer(start: Start) -> None:
    """Ctrl-C at the first question ends the program."""
    terminal = start()
    terminal.see("Nickname [")
    terminal.type("\x03")
    assert terminal.finish() == 130


def test_no_server_at_home_says_how_to_start_one(server: ScriptedServer, start: Start) -> None:
    """If no local server is running, the refusal comes with the command that starts one."""
    server.close()
    terminal = start("--nick", "bob")
    assert terminal.finish() == 1
    terminal.see(f"Cannot connect to 127.0.0.1:{server.port}: no server is listening there.")
    assert terminal.last == "Is a server running here? `chatroomctl serve` starts one."


def test_a_ban_is_not_taken_for_a_missing_server(server: ScriptedServer, start: Start) -> None:
    """A banned user reads about the ban, and no advice to start a server."""
    terminal = start("--nick", "bob")
    peer = server.accept()
    peer.start_login()
    peer.send(":srv 465 * :You are banned: spam (permanently)")
    peer.send("ERROR :Closing Link: 127.0.0.1 (You are banned: spam (permanently))")
    peer.close()
    assert terminal.finish() == 1
    assert "Is a server running here?" not in terminal.raw


def test_a_name_in_use_asks_for_another(server: ScriptedServer, start: Start) -> None:
    """The question says that the nick is in use, and the old nick can be edited."""
    terminal = start("--nick", "alice")
    peer = server.accept()
    peer.start_login()
    peer.expect("CAP")
    peer.send(":srv 433 * alice :In use")
    assert peer.expect("CAP").params == ["LIST"]
    peer.send(":srv CAP * LIST :")
    terminal.see("The name alice is in use.")
    terminal.see_last("Another nickname: alice")
    terminal.enter("2")
    assert peer.expect("NICK").params == ["alice2"]
    peer.welcome("alice2", "#lobby")
    terminal.see_last("[#lobby]")


def test_registering_asks_twice_and_shows_nothing(chat: tuple[Terminal, Peer]) -> None:
    """/register asks twice for the password and does not show it."""
    terminal, peer = chat
    terminal.enter("/register")
    terminal.see_last("New password for bob:")
    terminal.enter("s3cret")
    terminal.see_last("Repeat the password:")
    terminal.enter("other")
    terminal.see("The passwords differ; nothing was registered.")
    terminal.enter("/register")
    terminal.see_last("New password for bob:")
    terminal.enter("s3cret")
    terminal.see_last("Repeat the password:")
    terminal.enter("s3cret")
    assert peer.expect("REGISTER").params == ["*", "*", "s3cret"]
    peer.send(":srv REGISTER SUCCESS bob :bob is registered.")
    terminal.see("bob is registered.")
    assert "s3cret" not in terminal.raw


def test_a_restart_is_survived(server: ScriptedServer, chat: tuple[Terminal, Peer]) -> None:
    """After a restart of the server the client reconnects, keeps the typed text and returns to the channel."""
    terminal, peer = chat
    terminal.type("half a th")
    terminal.see_last("[#lobby] half a th")
    peer.send("ERROR :Closing Link: 127.0.0.1 (Server is shutting down)")
    peer.close()
    terminal.see("The connection is lost: Server is shutting down. Trying again in 1 s.")
    terminal.see_last("[#lobby, offline] half a th")
    again = server.accept()
    assert again.login("#lobby", caps=CAPS) == "bob"
    terminal.see("Connected again, as bob.")
    terminal.see_last("[#lobby] half a th")
    assert sum("You joined #lobby" in line for line in terminal.lines) == 1


def test_what_is_said_while_offline_is_kept_to_be_said_later(chat: tuple[Terminal, Peer]) -> None:
    """A line that could not be sent is in the prompt again."""
    terminal, peer = chat
    peer.close()
    terminal.see_last("[#lobby, offline]")
    terminal.enter("are you there")
    terminal.see("You are not connected, so nothing was sent.")
    terminal.see_last("[#lobby, offline] are you there")


@pytest.mark.parametrize(
    "why", ["You were kicked by an admin: spam", "You are banned: spam (until 2030-01-01 00:00 UTC)"]
)
def test_kicked_or_banned_is_the_end(server: ScriptedServer, chat: tuple[Terminal, Peer], why: str) -> None:
    """The reason is the last line on the screen, the exit code is 1, and the client does not reconnect."""
    terminal, peer = chat
    peer.send(f"ERROR :Closing Link: 127.0.0.1 ({why})")
    peer.close()
    assert terminal.finish() == 1
    assert unstamped(terminal.last) == why
    assert not server.is_called_within(0)


@pytest.mark.parametrize("keys", ["/quit\r", "\x04"], ids=["/quit", "Ctrl-D"])
def test_leaving(chat: tuple[Terminal, Peer], keys: str) -> None:
    """/quit and Ctrl-D leave with exit code 0."""
    terminal, peer = chat
    terminal.type(keys)
    leave(peer)
    assert terminal.finish() == 0


def test_ctrl_c_only_clears_the_line(chat: tuple[Terminal, Peer]) -> None:
    """Ctrl-C drops the typed text; at an empty prompt it says how to leave."""
    terminal, peer = chat
    terminal.type("oops")
    terminal.see_last("[#lobby] oops")
    terminal.type("\x03")
    terminal.see_last("[#lobby]")
    terminal.type("\x03")
    terminal.see("/quit or Ctrl-D leaves the chat.")
    terminal.enter("still here")
    assert peer.expect("PRIVMSG").params == ["#lobby", "still here"]


def test_colours_unless_not_wanted(server: ScriptedServer, start: Start) -> None:
    """Nicks have colours; with NO_COLOR nothing has."""
    colour = re.compile(r"\x1b\[[0-9;]*3[1-7]m|\x1b\[[0-9;]*38;|\x1b\[[0-9;]*9[0-7]m")
    for env, expected in (({}, True), ({"NO_COLOR": "1"}, False)):
        terminal = start("--nick", "bob", env=env)
        peer = server.accept()
        peer.login("#lobby")
        peer.send(":carol!c@h PRIVMSG #lobby :hi")
        terminal.see("<carol> hi")
        assert bool(colour.search(terminal.raw)) is expected


def test_plain_at_a_terminal(server: ScriptedServer, start: Start) -> None:
    """With --plain there is no prompt and no control sequence; lines that start with / are commands."""
    terminal = start("--nick", "bob", "--plain")
    peer = server.accept()
    peer.login("#lobby")
    peer.send(":carol!c@h PRIVMSG #lobby :hi")
    terminal.see("[#lobby] <carol> hi")
    terminal.enter("hello")
    assert peer.expect("PRIVMSG").params == ["#lobby", "hello"]
    terminal.enter("/kick carol")
    assert peer.expect("KICK").params == ["#lobby", "carol"]
    terminal.type("\x04")
    leave(peer)
    assert terminal.finish() == 0
    assert "\x1b" not in terminal.raw


def test_plain_at_a_terminal_asks_for_the_password(server: ScriptedServer, start: Start) -> None:
    """With --plain the password is asked for and not shown; the lines after it are messages."""
    terminal = start("--nick", "alice", "--plain")
    peer = server.accept()
    nick = peer.start_login(CAPS)
    peer.expect("CAP")
    peer.send(f":srv 433 * {nick} :Reserved", f":srv FAIL NICK NICK_RESERVED {nick} :alice is registered.")
    terminal.see("alice is registered. Password:")
    terminal.enter("r1ght")
    assert peer.expect("AUTHENTICATE").params == ["PLAIN"]
    peer.send("AUTHENTICATE +")
    assert peer.expect("AUTHENTICATE").params == ["AGFsaWNlAHIxZ2h0"]
    peer.send(":srv 903 * :Logged in")
    peer.welcome(nick, "#lobby")
    peer.send(":carol!c@h PRIVMSG #lobby :hi")
    terminal.see("[#lobby] <carol> hi")  # what is typed before the end of the login is dropped
    terminal.enter("hello")
    assert peer.expect("PRIVMSG").params == ["#lobby", "hello"]
    assert "r1ght" not in terminal.raw


def test_plain_at_a_terminal_asks_for_another_nick(server: ScriptedServer, start: Start) -> None:
    """With --plain, if the nick is refused, the next line is another nick."""
    terminal = start("--nick", "alice", "--plain")
    peer = server.accept()
    peer.start_login()
    peer.expect("CAP")
    peer.send(":srv 432 * alice :That name is not allowed.")
    terminal.see("That name is not allowed. Another nick:")
    terminal.enter("bob")
    assert peer.expect("NICK").params == ["bob"]


def test_the_screen_is_put_right_when_told_to_end(chat: tuple[Terminal, Peer]) -> None:
    """SIGTERM leaves the chat with QUIT and exit code 0."""
    terminal, peer = chat
    os.kill(terminal.pid, signal.SIGTERM)
    leave(peer)
    assert terminal.finish() == 0
