from __future__ import annotations

import subprocess
import sys

import pytest

from chatroom.client.main import default_nick


def test_a_start_loads_no_more_than_it_needs() -> None:
    """``--version``, and a script that pipes a line over a plain connection, wait for neither TLS nor the screen."""
    code = (
        "import sys, chatroom.client.main; print({'asyncio', 'ssl', 'prompt_toolkit', 'cryptography'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    "user, nick", [("alice", "alice"), ("john.doe", "john_doe"), ("1up", "guest"), ("", "guest"), ("x" * 50, "x" * 32)]
)
def test_the_default_nick_is_a_nick(monkeypatch: pytest.MonkeyPatch, user: str, nick: str) -> None:
    """The name of the shell's user becomes a nick that every server takes."""
    monkeypatch.setattr("chatroom.client.main.getpass.getuser", lambda: user)
    assert default_nick() == nick
