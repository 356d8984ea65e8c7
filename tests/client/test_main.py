from __future__ import annotations

import subprocess
import sys

import pytest

from chatroom.client.options import default_nick


def load(module: str) -> set[str]:
    """Import a module in a process of its own, and return the names of all modules that are loaded then."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_script_loads_no_more_than_it_needs() -> None:
    """A script that pipes a line over a plain connection waits for neither TLS nor the screen."""
    unneeded = {"asyncio", "ssl", "prompt_toolkit", "textual", "rich", "cryptography", "wcwidth"}
    assert unneeded.isdisjoint(load("chatroom.client.chats"))


def test_the_first_question_does_not_wait_for_the_chat() -> None:
    """``--version``, ``--help`` and the question for a password come before the chat and its connection are loaded."""
    loaded = load("chatroom.client.main")
    assert "chatroom.client.address" in loaded
    assert {"socket", "chatroom.client.chat_session", "chatroom.client.chats", "chatroom.client.link"}.isdisjoint(
        loaded
    )


@pytest.mark.parametrize(
    "arguments, code", [(["--version"], 0), (["--help"], 0), (["--plain", "--nick", "ann", "127.0.0.1:1"], 1)]
)
def test_who_does_not_ask_for_the_screen_does_not_wait_for_it(arguments: list[str], code: int) -> None:
    """Neither the version nor the help nor plain lines load what draws a screen, SQL or TLS."""
    program = "import sys, atexit; atexit.register(lambda: print(*sys.modules)); import chatroom.client.__main__"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == code, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    assert ("chatroom.client.chats" in loaded) == ("--plain" in arguments)
    screen = {"textual", "rich", "prompt_toolkit", "asyncio", "wcwidth"}
    assert (screen | {"sqlite3", "ssl", "tomllib", "tomlkit", "chatroom.client.fullscreen"}).isdisjoint(loaded)


@pytest.mark.parametrize(
    "user, nick", [("alice", "alice"), ("john.doe", "john_doe"), ("1up", "guest"), ("", "guest"), ("x" * 50, "x" * 32)]
)
def test_the_default_nick_is_a_nick(monkeypatch: pytest.MonkeyPatch, user: str, nick: str) -> None:
    """The name of the shell's user becomes a nick that every server takes."""
    monkeypatch.setattr("chatroom.client.options.getpass.getuser", lambda: user)
    assert default_nick() == nick
