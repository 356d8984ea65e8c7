from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatroom.ctl.systemd_units import Setup, quote_path, quote_word, socket_unit, system_unit, user_unit

DEPLOY = Path(__file__).parents[2] / "deploy"
SHIPPED = Setup(("/opt/chatroom/bin/chatroomctl",), Path("/var/lib/chatroom/chatroom.db"))
NOTE = "For a chatroom in /opt/chatroom; chatroomctl service install writes one for another place"
UNITS = {
    "chatroom.service": system_unit(SHIPPED, NOTE),
    "chatroom.socket": socket_unit(["127.0.0.1:6667"], NOTE),
    "user/chatroom.service": user_unit(Setup(("%h/.local/bin/chatroomctl",), Path("/")), NOTE).replace("%%h", "%h"),
}


@pytest.mark.parametrize("name", UNITS)
def test_the_shipped_units_are_what_the_program_writes(name: str) -> None:
    """``UPDATE_UNITS=1`` writes them anew."""
    path = DEPLOY / name
    if os.environ.get("UPDATE_UNITS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(UNITS[name])
    assert path.read_text() == UNITS[name]


@pytest.mark.parametrize("manager", ["system", "user"])
def test_systemd_accepts_the_units(manager: str, tmp_path: Path) -> None:
    """``systemd-analyze verify`` finds nothing. It looks for the program too, so the units name one that is there."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is missing: install Debian's package systemd")
    program = tmp_path / "a program 100%" / "chatroomctl"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    setup = Setup((str(program), "--config", "/etc/a $b.toml"), tmp_path / "a state's 100%" / "x.db", user="root")
    (tmp_path / "chatroom.service").write_text(system_unit(setup) if manager == "system" else user_unit(setup))
    (tmp_path / "chatroom.socket").write_text(socket_unit(["127.0.0.1:6667", "[::1]:6697"]))
    done = subprocess.run(
        [analyze, f"--{manager}", "--recursive-errors=no", "verify", "chatroom.service", "chatroom.socket"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, re.sub(r"^(?!.*chatroom\.).*\n", "", done.stderr, flags=re.M)) == (0, "")


def test_a_unit_can_write_to_the_database_only() -> None:
    """The directory is the service's own, or else one that is named; a home is hidden unless something is there."""
    lines = UNITS["chatroom.service"].splitlines()
    assert {"ProtectSystem=strict", "ProtectHome=yes", "StateDirectory=chatroom", "User=chatroom"} <= set(lines)
    assert not any(line.startswith("ReadWritePaths") for line in lines)
    elsewhere = system_unit(Setup(("/opt/c",), Path("/srv/my chat/chat.db"))).splitlines()
    assert {'ReadWritePaths="/srv/my chat"', "ProtectHome=yes"} <= set(elsewhere)
    at_home = system_unit(Setup(("/opt/c",), Path("/srv/chat.db"), reads=(Path("/home/ann/c.toml"),))).splitlines()
    assert {"ProtectHome=read-only", "PrivateTmp=yes"} <= set(at_home)
    assert "PrivateTmp=no" in system_unit(Setup(("/tmp/c",), Path("/srv/chat.db"), reads=(Path("/tmp/c"),)))


@pytest.mark.parametrize(
    "word, as_word, as_path",
    [
        ("plain", "plain", "plain"),
        ("100%", "100%%", "100%%"),
        ("$a b", '"$$a b"', '"$a b"'),
        ('a"\\', r'"a\"\\"', r'"a\"\\"'),
    ],
)
def test_words_are_quoted_for_systemd(word: str, as_word: str, as_path: str) -> None:
    """It expands ``%`` everywhere and ``$`` in command lines, and knows quotes and backslashes."""
    assert (quote_word(word), quote_path(word)) == (as_word, as_path)
