"""The console script with standard streams that are closed, full, or not UTF-8, and what it says when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from harness.scripted_server import CAP_S, Peer, ScriptedServer
from harness.terminal import Terminal

CLIENT = f"{sys.executable} -m chatroom.client"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN1 = {"PYTHONIOENCODING": "latin-1"}

Shell = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def shell() -> Iterator[Shell]:
    """Start a line of shell, with the client as ``$CLIENT``."""
    running = []

    def run(line: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            ["sh", "-c", line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "CLIENT": CLIENT, **(env or {})},
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[bytes], text: bytes = b"") -> tuple[int, bytes, bytes]:
    """Write to stdin, wait for the end; the exit code, stdout and stderr."""
    out, err = process.communicate(text, timeout=CAP_S)
    return process.returncode, out, err


def part_in_peace(peer: Peer) -> None:
    """Confirm every line, and close the connection after the QUIT."""
    peer.expect("QUIT")
    peer.close()


@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize(
    "redirection, why",
    [(">/dev/full", b"No space left on device"), (">&-", b"Bad file descriptor")],
    ids=["full", "closed"],
)
def test_a_text_that_cannot_be_printed_is_one_line(shell: Shell, option: str, redirection: str, why: bytes) -> None:
    """``--help`` and ``--version`` say that stdout cannot be written, and exit with 1."""
    code, out, err = finish(shell(f"$CLIENT {option} {redirection}"))
    assert (code, out, err) == (1, b"", b"chatroom: cannot write to stdout: " + why + b"\n")


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"], ids=["full", "closed"])
@pytest.mark.parametrize("args, code", [("host:port", 2), ("127.0.0.1:1 </dev/null", 1), ("--account a </dev/null", 1)])
def test_a_complaint_that_cannot_be_printed_leaves_the_exit_code(
    shell: Shell, redirection: str, args: str, code: int
) -> None:
    """Without a stderr the exit code still says what went wrong."""
    assert finish(shell(f"$CLIENT {args} {redirection}"))[:2] == (code, b"")


def test_a_message_that_cannot_be_printed_ends_it(server: ScriptedServer, shell: Shell) -> None:
    """On a full disk the client leaves with one line and exit code 1."""
    process = shell(f"exec $CLIENT 127.0.0.1:{server.port} --nick bot >/dev/full")
    peer = server.accept()
    peer.login("#lobby")
    peer.send(":bob!b@h PRIVMSG #lobby :hi")
    part_in_peace(peer)
    assert finish(process) == (1, b"", b"chatroom: cannot write to stdout: No space left on device\n")


def test_a_stdout_that_is_not_needed_may_be_closed(server: ScriptedServer, shell: Shell) -> None:
    """With stdout and stderr closed a line arrives; nothing that would be printed goes to the server."""
    process = shell(f"exec $CLIENT 127.0.0.1:{server.port} --nick bot >&- 2>&-")
    assert process.stdin is not None
    process.stdin.write(b"deployed\n")
    process.stdin.close()
    process.stdin = None
    peer = server.accept()
    peer.login("#lobby")
    assert peer.expect("PRIVMSG").params == ["#lobby", "deployed"]
    part_in_peace(peer)
    assert finish(process) == (0, b"", b"")


def test_a_closed_stdin_is_one_line(server: ScriptedServer, shell: Shell) -> None:
    """Without a stdin there is nothing to send: one line and exit code 1."""
    process = shell(f"exec $CLIENT 127.0.0.1:{server.port} --nick bot <&-")
    peer = server.accept()
    peer.login("#lobby")
    part_in_peace(peer)
    assert finish(process) == (1, b"", b"chatroom: cannot read stdin: Bad file descriptor\n")


def test_a_password_from_a_closed_stdin_is_one_line(shell: Shell) -> None:
    """``--server-password-stdin`` without a stdin fails before it connects."""
    code, out, err = finish(shell("exec $CLIENT --server-password-stdin <&-"))
    assert (code, out, err) == (1, b"", b"chatroom: cannot read stdin: Bad file descriptor\n")


@pytest.mark.parametrize("env, shown", [(LATIN1, "caf\xe9 ?"), (ASCII, "caf? ?")], ids=["latin-1", "ascii"])
def test_characters_that_stdout_lacks_are_replaced(
    server: ScriptedServer, shell: Shell, env: dict[str, str], shown: str
) -> None:
    """A message is printed with question marks for what the encoding lacks."""
    process = shell(f"exec $CLIENT 127.0.0.1:{server.port} --nick bot", env)
    peer = server.accept()
    peer.login("#lobby")
    peer.send(":bob!b@h PRIVMSG #lobby :caf\xe9 \u2603", ":srv 404 bot #lobby :\u2603")
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    part_in_peace(peer)
    code, out, err = finish(process)
    assert (code, out) == (1, f"[#lobby] <bob> {shown}\n".encode("latin-1"))
    assert err.startswith(b"#lobby does not take your message")
    assert err.count(b"\n") == 1


def test_arguments_are_utf_8_in_any_locale(server: ScriptedServer, shell: Shell) -> None:
    """A nick and a channel in UTF-8 arrive whole in a locale without UTF-8; other bytes are replaced."""
    names = "--nick J\xf6rg --join \\#caf\xe9 --join \"$(printf '#\\377')\""
    process = shell(f"exec $CLIENT 127.0.0.1:{server.port} {names} </dev/null", ASCII)
    peer = server.accept()
    peer.expect("CAP")
    peer.send(":srv CAP * LS :server-time")
    assert peer.expect("NICK").params == ["J\xf6rg"]
    peer.send(":srv CAP * ACK :server-time")
    peer.welcome("bot")
    assert [message.params for message in peer.gather("JOIN", 2)] == [["#caf\xe9"], ["#\ufffd"]]
    peer.close()
    process.terminate()


@pytest.mark.parametrize("name", ["LOGNAME", "CHATROOM_PASSWORD", "CHATROOM_SERVER_PASSWORD"])
def test_an_environment_that_is_not_utf_8(shell: Shell, name: str) -> None:
    """A variable with other bytes is read with replaced characters."""
    code, _, err = finish(shell(f"{name}=\"$(printf '\\377')\" $CLIENT 127.0.0.1:1 </dev/null"))
    assert (code, err) == (1, b"chatroom: Cannot connect to 127.0.0.1:1: no server is listening there.\n")


@pytest.mark.parametrize("env, typed", [(LATIN1, "caf\xe9!"), (ASCII, "caf\ufffd!")], ids=["latin-1", "ascii"])
def test_the_screen_in_another_encoding(server: ScriptedServer, env: dict[str, str], typed: str) -> None:
    """At a terminal characters are replaced too, and typed bytes that are not UTF-8 end nothing."""
    terminal = Terminal("-m", "chatroom.client", f"127.0.0.1:{server.port}", "--prompt", "--nick", "bob", env=env)
    try:
        peer = server.accept()
        peer.login("#lobby")
        peer.send(":bob!b@h PRIVMSG #lobby :caf\xe9 \u2603 done")
        terminal.wait(lambda: " done" in terminal.raw, "the message")
        terminal.see_last("[#lobby]")  # what is typed before is dropped
        terminal.type_bytes(b"caf\xe9!\r")
        assert peer.expect("PRIVMSG").params == ["#lobby", typed]
    finally:
        terminal.close()


def test_a_byte_order_mark_is_no_part_of_the_first_line(server: ScriptedServer, shell: Shell) -> None:
    """A file that begins with a UTF-8 byte order mark is sent without it."""
    process = shell(f"exec $CLIENT 127.0.0.1:{server.port} --nick bot")
    assert process.stdin is not None
    process.stdin.write(b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n")
    process.stdin.close()
    process.stdin = None
    peer = server.accept()
    peer.login("#lobby")
    assert [message.params[1] for message in peer.gather("PRIVMSG", 2)] == ["one", "\ufefftwo"]
    part_in_peace(peer)
    assert finish(process)[0] == 0


CRASH = """
import chatroom.client.plain
def fail(self):
    raise OverflowError("date value out of range")
chatroom.client.plain.Plain.run = fail
from chatroom.client.main import main
main()
"""


@pytest.mark.parametrize("debug", ["", "0", "1"])
def test_an_error_of_its_own_is_one_line(debug: str) -> None:
    """Any error ends the client with one line and exit code 1; CHATROOM_DEBUG=1 puts the traceback before it."""
    done = subprocess.run(
        [sys.executable, "-c", CRASH],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "CHATROOM_DEBUG": debug},
        timeout=CAP_S,
    )
    assert (done.returncode, done.stdout) == (1, "")
    *before, last = done.stderr.splitlines()
    assert last == "chatroom: internal error: OverflowError: date value out of range (CHATROOM_DEBUG=1 shows where)"
    assert before[:1] == (["Traceback (most recent call last):"] if debug == "1" else [])


SCREEN_CRASH = """
import sys
import chatroom.client.{module}
def fail(*args, **kwargs):
    raise ValueError("broken")
chatroom.client.{module}.{name} = fail
from chatroom.client.main import main
main()
"""


@pytest.mark.parametrize(
    "module, name",
    [("chat_state", "State.feed"), ("screen", "render"), ("above_prompt", "print_formatted_text"), ("link", "parse")],
)
def test_an_error_behind_the_screen_is_one_line(server: ScriptedServer, module: str, name: str) -> None:
    """An error in a callback, in a task or in the link's thread ends the screen too, without a question for Enter."""
    terminal = Terminal(
        "-c", SCREEN_CRASH.format(module=module, name=name), f"127.0.0.1:{server.port}", "--prompt", "--nick", "bob"
    )
    try:
        peer = server.accept()
        if module == "link":
            peer.send("PING :x")
        else:
            peer.login("#lobby")
        assert terminal.finish() == 1
        assert terminal.last.startswith("chatroom: internal error: ValueError: broken")
        assert "Traceback" not in terminal.raw
        assert "Unhandled" not in terminal.raw
        assert terminal.is_echoing
    finally:
        terminal.close()
