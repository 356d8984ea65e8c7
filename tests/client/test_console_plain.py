"""The console script in pipes, against a scripted server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from harness.scripted_server import CAP_S, Peer, ScriptedServer

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(server: ScriptedServer) -> Iterator[Start]:
    """Start the client with these arguments and this environment, all streams in pipes."""
    running = []

    def run(*args: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "chatroom.client", f"127.0.0.1:{server.port}", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def say(process: subprocess.Popen[str], text: str, *, end: bool = True) -> None:
    """Write to the client's stdin, and close it unless ``end`` is False."""
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()
    if end:
        process.stdin.close()
        process.stdin = None


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait until the client has ended; its exit code, stdout and stderr."""
    out, err = process.communicate(timeout=CAP_S)
    return process.returncode, out, err


def part_in_peace(peer: Peer) -> None:
    """Confirm every line, and close the connection after the QUIT."""
    peer.expect("QUIT")
    peer.send("ERROR :Closing Link: 127.0.0.1 (Client quit)")
    peer.close()


def test_a_line_from_a_pipe_is_said_in_the_channel_and_confirmed(server: ScriptedServer, start: Start) -> None:
    """``echo deployed | chatroom --nick bot`` sends the line, waits for the confirmation, leaves, and exits with 0."""
    process = start("--nick", "bot")
    say(process, "deployed\n")
    peer = server.accept()
    assert peer.login("#lobby") == "bot"
    assert peer.expect("PRIVMSG").params == ["#lobby", "deployed"]
    confirm = peer.expect("PING")
    assert not any(line.startswith("QUIT") for line in peer.seen)
    peer.send(f":srv PONG srv :{confirm.params[0]}")
    part_in_peace(peer)
    assert finish(process) == (0, "", "")


def test_what_others_do_is_printed_as_plain_lines(server: ScriptedServer, start: Start) -> None:
    """Messages, joins and leaves are one line each, without colours or control characters."""
    process = start("--nick", "bot")
    peer = server.accept()
    peer.login("#lobby")
    peer.send(
        ":bob!b@h JOIN #lobby",
        ":bob!b@h PRIVMSG #lobby :hi \x02there\x02 \x1b[31mred\x07",
        ":bob!b@h PRIVMSG bot :psst",
        ":bob!b@h PRIVMSG #lobby :\x01ACTION waves\x01",
        ":bob!b@h QUIT :bob was kicked by an admin: spam",
        ":carol!c@h JOIN #lobby",
        ":carol!c@h QUIT :Quit: bye",
    )
    say(process, "")
    part_in_peace(peer)
    code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "[#lobby] bob joined",
        "[#lobby] <bob> hi there [31mred",
        "[bob] <bob> psst",
        "[#lobby] * bob waves",
        "[#lobby] bob was kicked by an admin: spam",
        "[#lobby] carol joined",
        "[#lobby] carol left (bye)",
    ]


def test_a_long_file_is_sent_no_faster_than_it_is_confirmed(server: ScriptedServer, start: Start) -> None:
    """Of a thousand lines at most eight are unconfirmed at any time, and all arrive in order."""
    process = start("--nick", "bot")
    peer = server.accept()
    peer.login("#lobby")
    say(process, "".join(f"line {number}\n" for number in range(1000)))
    arrived: list[str] = []
    unconfirmed = 0
    while len(arrived) < 1000:
        message = peer.read()
        if message.verb == "PRIVMSG":
            arrived.append(message.params[1])
            unconfirmed += 1
            assert unconfirmed <= 8
        elif message.verb == "PING":
            unconfirmed = 0
            peer.send(f":srv PONG srv :{message.params[0]}")
    assert arrived == [f"line {number}" for number in range(1000)]
    part_in_peace(peer)
    assert finish(process)[0] == 0


def test_a_slash_in_a_pipe_is_text(server: ScriptedServer, start: Start) -> None:
    """A piped line that starts with a slash is text, so that a log line cannot make the bot do something."""
    process = start("--nick", "bot")
    say(process, "/quit now\n/etc is full\n")
    peer = server.accept()
    peer.login("#lobby")
    assert [message.params[1] for message in peer.gather("PRIVMSG", 2)] == ["/quit now", "/etc is full"]
    part_in_peace(peer)
    assert finish(process)[0] == 0


def test_commands_can_be_asked_for(server: ScriptedServer, start: Start) -> None:
    """With ``--commands`` a piped line that starts with a slash is a command."""
    process = start("--nick", "admin", "--commands")
    say(process, "/kick --server bob spam\n/me waves\n")
    peer = server.accept()
    peer.login("#lobby")
    assert peer.expect("KILL").params == ["bob", "spam"]
    assert peer.expect("PRIVMSG").params == ["#lobby", "\x01ACTION waves\x01"]
    part_in_peace(peer)
    assert finish(process)[0] == 0


def test_a_script_says_whether_it_means_the_room(server: ScriptedServer, start: Start) -> None:
    """In a pipe /kick and /ban need a channel or --server, whoever runs it: nobody could answer the question."""
    process = start("--nick", "admin", "--commands")
    say(process, "/kick bob spam\n/ban bob\n/kick #lobby bob spam\n")
    peer = server.accept()
    peer.login("#lobby")
    assert peer.expect("KICK").params == ["#lobby", "bob", "spam"]
    part_in_peace(peer)
    code, _, errors = finish(process)
    assert code == 1
    assert errors.count("Name a channel, or --server for the whole server.") == 2


def test_a_script_registers_no_name(server: ScriptedServer, start: Start) -> None:
    """A question for a new password cannot be answered in a pipe: one line and exit code 1."""
    process = start("--nick", "bot", "--commands")
    say(process, "/register\n")
    peer = server.accept()
    peer.login("#lobby")
    part_in_peace(peer)
    assert finish(process) == (1, "", "chatroom: only a user at a terminal can /register\n")


def test_join_names_the_channel_that_lines_go_to(server: ScriptedServer, start: Start) -> None:
    """With ``--join`` the lines go to that channel, even if the server puts the user into another one first."""
    process = start("--nick", "bot", "--join", "ops")
    say(process, "deployed\n")
    peer = server.accept()
    nick = peer.login("#lobby")
    assert peer.expect("JOIN").params == ["#ops"]
    peer.send(f":{nick}!b@h JOIN #ops", f":srv 366 {nick} #ops :End")
    assert peer.expect("PRIVMSG").params == ["#ops", "deployed"]
    part_in_peace(peer)
    assert finish(process)[0] == 0


def test_a_channel_that_refuses_us_gets_nothing_said_elsewhere(server: ScriptedServer, start: Start) -> None:
    """If the channel cannot be joined, the lines are not sent to another one, and the exit code is 1."""
    process = start("--nick", "bot", "--join", "#ops")
    say(process, "deployed\n")
    peer = server.accept()
    nick = peer.login("#lobby")
    peer.expect("JOIN")
    peer.send(f":srv 473 {nick} #ops :Cannot join channel (+i)")
    part_in_peace(peer)
    code, _, err = finish(process)
    assert code == 1
    assert err == "#ops is by invitation only.\nchatroom: you are not in #ops, so nothing was sent\n"
    assert not any(line.startswith("PRIVMSG") for line in peer.seen)


def test_a_server_without_a_channel_is_said(server: ScriptedServer, start: Start) -> None:
    """If the server puts the user into no channel, the client says so and exits with 1."""
    process = start("--nick", "bot")
    say(process, "deployed\n")
    peer = server.accept()
    peer.login()
    part_in_peace(peer)
    code, _, err = finish(process)
    assert (code, err) == (1, "chatroom: the server put you into no channel; name one with --join\n")


def test_a_refused_message_fails_the_script(server: ScriptedServer, start: Start) -> None:
    """If the channel refuses a line, the reason is on stderr and the exit code is 1."""
    process = start("--nick", "bot")
    say(process, "deployed\n")
    peer = server.accept()
    nick = peer.login("#lobby")
    peer.expect("PRIVMSG")
    peer.send(f":srv 404 {nick} #lobby :Cannot send to channel (+m)")
    part_in_peace(peer)
    code, _, err = finish(process)
    assert (code, err) == (1, "#lobby does not take your message: +m.\n")


def test_a_reserved_nick_takes_its_password_from_the_environment(server: ScriptedServer, start: Start) -> None:
    """``CHATROOM_PASSWORD`` is used when the server says that the nick belongs to an account."""
    process = start("--nick", "bot", env={"CHATROOM_PASSWORD": "hunter2"})
    say(process, "deployed\n")
    peer = server.accept()
    nick = peer.start_login("sasl=PLAIN standard-replies")
    assert peer.expect("CAP").params == ["END"]
    peer.send(f":srv 433 * {nick} :Reserved", f":srv FAIL NICK NICK_RESERVED {nick} :bot is registered.")
    assert peer.expect("AUTHENTICATE").params == ["PLAIN"]
    peer.send("AUTHENTICATE +")
    assert peer.expect("AUTHENTICATE").params == ["AGJvdABodW50ZXIy"]
    peer.send(f":srv 900 * *!*@* {nick} :Logged in", ":srv 903 * :Done")
    peer.welcome(nick, "#lobby")
    assert peer.expect("PRIVMSG").params == ["#lobby", "deployed"]
    part_in_peace(peer)
    assert finish(process)[0] == 0


def test_a_reserved_nick_without_a_password_is_one_clear_line(server: ScriptedServer, start: Start) -> None:
    """Without a password the script fails with one line that says what to set."""
    process = start("--nick", "bot", env={"CHATROOM_PASSWORD": ""})
    say(process, "deployed\n")
    peer = server.accept()
    nick = peer.start_login()
    peer.expect("CAP")
    peer.send(f":srv 433 * {nick} :Reserved", f":srv FAIL NICK NICK_RESERVED {nick} :bot is registered.")
    code, out, err = finish(process)
    assert (code, out) == (1, "")
    assert err == "chatroom: bot is registered. Set CHATROOM_PASSWORD to its password.\n"


@pytest.mark.parametrize(
    "lines, err",
    [
        pytest.param(
            [
                ":srv 465 bot :You are banned: spam (until 2030-01-01 00:00 UTC)",
                "ERROR :Closing Link: 127.0.0.1 (Banned)",
            ],
            "chatroom: You are banned: spam (until 2030-01-01 00:00 UTC)",
            id="banned",
        ),
        pytest.param([":srv 433 * bot :Nickname is already in use"], "The name bot is in use.", id="in use"),
        pytest.param([":srv 432 * bot! :Erroneous nickname"], "Erroneous nickname.", id="bad nick"),
        pytest.param(
            [":srv 464 * :Password incorrect", "ERROR :Closing Link: 127.0.0.1 (Bad password)"],
            "Password incorrect. Set CHATROOM_SERVER_PASSWORD to the server's password.",
            id="server password",
        ),
    ],
)
def test_a_refusal_to_let_us_in_is_one_line(server: ScriptedServer, start: Start, lines: list[str], err: str) -> None:
    """A final refusal during the login is one line on stderr and exit code 1, without a second attempt."""
    process = start("--nick", "bot")
    peer = server.accept()
    peer.start_login()
    peer.expect("CAP")
    peer.send(*lines)
    if lines[-1].startswith("ERROR"):
        peer.close()
    elif " 433 " in lines[-1]:
        assert peer.expect("CAP").params == ["LIST"]
        peer.send(":srv CAP * LIST :")
    code, out, told = finish(process)
    assert (code, out) == (1, "")
    assert told.startswith("chatroom: ")
    assert told.endswith(err + "\n")
    assert told.count("\n") == 1
    assert not server.is_called_within(0)


def test_nothing_listening_is_one_line(start: Start, server: ScriptedServer) -> None:
    """Without a server there is one line on stderr and exit code 1."""
    server.close()
    code, _, err = finish(start("--nick", "bot"))
    assert (code, err) == (1, f"chatroom: Cannot connect to 127.0.0.1:{server.port}: no server is listening there.\n")


def test_a_wrong_address_is_a_usage_error() -> None:
    """An argument that is no address is a usage error, exit code 2."""
    done = subprocess.run(
        [sys.executable, "-m", "chatroom.client", "host:port"], capture_output=True, text=True, timeout=CAP_S
    )
    assert done.returncode == 2
    assert "is not HOST or HOST:PORT" in done.stderr


def test_a_restart_in_the_middle_loses_nothing(server: ScriptedServer, start: Start) -> None:
    """Lines that the lost connection had not confirmed are sent on the next one, before the lines after them."""
    process = start("--nick", "bot")
    peer = server.accept()
    peer.login("#lobby")
    say(process, "one\ntwo\nthree\n")
    assert peer.expect("PRIVMSG").params == ["#lobby", "one"]
    peer.send("ERROR :Closing Link: 127.0.0.1 (Server is shutting down)")
    peer.close()
    again = server.accept()
    again.login("#lobby")
    assert [message.params[1] for message in again.gather("PRIVMSG", 3)] == ["one", "two", "three"]
    part_in_peace(again)
    code, _, err = finish(process)
    assert code == 0
    assert err == "The connection is lost: Server is shutting down. Trying again in 1 s.\n"


def test_the_first_line_may_be_the_servers_password(server: ScriptedServer, start: Start) -> None:
    """With ``--server-password-stdin`` the first line is the server's password, and the next ones are messages."""
    process = start("--nick", "bot", "--server-password-stdin")
    say(process, "open sesame\ndeployed\n")
    peer = server.accept()
    peer.expect("CAP")  # the answer may demand TLS, so no password comes before it
    peer.send(":srv CAP * LS :server-time")
    assert peer.expect("PASS").params == ["open sesame"]
    peer.send(":srv CAP bot ACK :server-time")
    peer.expect("CAP")
    peer.welcome("bot", "#lobby")
    assert peer.expect("PRIVMSG").params == ["#lobby", "deployed"]
    part_in_peace(peer)
    assert finish(process)[0] == 0


def test_a_last_line_without_its_end_is_a_line(server: ScriptedServer, start: Start) -> None:
    """``printf deployed | chatroom`` sends the line although it has no line end."""
    process = start("--nick", "bot")
    say(process, "one\r\n\nlast")
    peer = server.accept()
    peer.login("#lobby")
    assert [message.params[1] for message in peer.gather("PRIVMSG", 2)] == ["one", "last"]
    part_in_peace(peer)
    assert finish(process)[0] == 0


def test_a_reader_that_goes_away_ends_it(server: ScriptedServer, start: Start) -> None:
    """When the reader of stdout has gone, as with ``| head``, the client leaves silently with exit code 1."""
    process = start("--nick", "bot")
    peer = server.accept()
    peer.login("#lobby")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    peer.send(":bob!b@h PRIVMSG #lobby :hi")
    part_in_peace(peer)
    assert process.wait(CAP_S) == 1
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_ctrl_c_leaves(server: ScriptedServer, start: Start) -> None:
    """SIGINT sends QUIT to the server; the exit code is 130, as for a shell command."""
    process = start("--nick", "bot")
    peer = server.accept()
    peer.login("#lobby")
    say(process, "deployed\n", end=False)
    peer.expect("PRIVMSG")
    process.send_signal(signal.SIGINT)
    part_in_peace(peer)
    code, out, err = finish(process)
    assert (code, out, err) == (130, "", "")


def test_a_kick_ends_it(server: ScriptedServer, start: Start) -> None:
    """After a kick the client prints the reason, exits with 1 and does not reconnect, even while it waits for stdin."""
    process = start("--nick", "bot")
    say(process, "deployed\n", end=False)
    peer = server.accept()
    peer.login("#lobby")
    peer.expect("PRIVMSG")
    peer.send("ERROR :Closing Link: 127.0.0.1 (You were kicked by an admin: spam)")
    peer.close()
    assert process.wait(CAP_S) == 1
    code, _, err = finish(process)
    assert (code, err) == (1, "chatroom: You were kicked by an admin: spam\n")
    assert not server.is_called_within(0)
