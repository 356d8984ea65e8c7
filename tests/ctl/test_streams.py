"""Standard streams that are closed, full, or not UTF-8; each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.daemon import script
from harness.shell import ENVIRONMENT

from chatroom.storage.sqlite.sqlite_stores import open_stores

NAME = "Жанна"


def shell(command: str, database: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of sh, in which ``$CTL`` is ``chatroomctl`` on the database."""
    call = f"{script('chatroomctl')} --database {database}"
    settings = {**os.environ, **ENVIRONMENT, "CTL": call, **environment}
    return subprocess.run(
        ["sh", "-c", command], env=settings, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )


def is_banned(database: Path, name: str) -> bool:
    """True if the name is banned in the database."""
    with open_stores(database) as stores:
        return [ban.target for ban in stores.bans.list_all()] == [name]


@pytest.mark.parametrize("arguments", ["--help", "--version", "ban --help", "ban list --json"])
@pytest.mark.parametrize("stream, reason", [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")])
def test_a_stdout_that_takes_nothing_is_one_line(database: Path, arguments: str, stream: str, reason: str) -> None:
    """If stdout is full or closed, a command that only prints fails with one line."""
    done = shell(f"$CTL {arguments} {stream}", database)
    assert (done.returncode, done.stderr.decode()) == (1, f"chatroomctl: {reason}\n")


@pytest.mark.parametrize("stream", [">/dev/full", ">&-"])
@pytest.mark.parametrize("option", ["", "--json"])
def test_a_change_is_reported_as_made(database: Path, stream: str, option: str) -> None:
    """If stdout cannot take the report of a change, stderr gets it and the command succeeds."""
    done = shell(f"$CTL ban add mallory {option} {stream}", database)
    assert done.returncode == 0
    assert b"mallory" in done.stderr
    assert b"Traceback" not in done.stderr
    assert is_banned(database, "mallory")


@pytest.mark.parametrize("stream", [">/dev/full", ">&-"])
def test_no_line_of_a_report_is_lost(database: Path, stream: str) -> None:
    """The last one has the token of an invite, which is shown this once."""
    done = shell(f"$CTL invite create {stream}", database)
    assert done.returncode == 0
    assert b"Made invite 1" in done.stderr
    assert b"\nToken: 1-" in done.stderr


def test_a_reader_that_went_away_does_not_undo_a_change(database: Path) -> None:
    """A change succeeds, without a word on stderr, if the reader of the pipe is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    call = [script("chatroomctl"), "--database", str(database), "ban", "add", "mallory"]
    done = subprocess.run(call, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert is_banned(database, "mallory")


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&-"])
def test_a_stderr_that_takes_nothing_changes_no_exit_code(database: Path, stream: str) -> None:
    """If stderr is full or closed, exit codes and output stay as they are."""
    assert shell(f"$CTL user show nobody {stream}", database).returncode == 1
    assert shell(f"$CTL bogus {stream}", database).returncode == 2
    done = shell(f"$CTL ban add 192.0.2.7/24 {stream}", database)  # with a remark about the host bits
    assert (done.returncode, done.stdout[:19]) == (0, b"Banned 192.0.2.0/24")


def test_a_closed_stdin_is_an_empty_one(database: Path) -> None:
    """Without stdin a question is refused, and a password is empty."""
    done = shell("$CTL user create bob <&-", database)
    assert (done.returncode, done.stderr[:35]) == (1, b"chatroomctl: there is no terminal t")
    done = shell("$CTL user create bob --password-stdin <&-", database)
    assert (done.returncode, done.stderr) == (1, b"chatroomctl: the password is empty\n")


def test_the_database_never_becomes_a_stream(database: Path) -> None:
    """With all streams closed, nothing that is printed reaches the database's file."""
    assert shell("$CTL ban add mallory <&- >&- 2>&-", database).returncode == 0
    assert shell("$CTL user list <&- >&- 2>&-", database).returncode == 1
    assert is_banned(database, "mallory")
    assert shell("$CTL db check", database).returncode == 0


@pytest.mark.parametrize("encoding", ["latin-1", "koi8-u"])
def test_characters_that_stdout_lacks_are_replaced(database: Path, encoding: str) -> None:
    """Text has escapes for them, and JSON is the same document."""
    done = shell(f"$CTL ban add {NAME} --reason '\U0001f600'", database, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert is_banned(database, NAME)
    text = shell("$CTL ban list", database, PYTHONIOENCODING=encoding).stdout
    assert b"\\U0001f600" in text
    document = json.loads(shell("$CTL ban list --json", database, PYTHONIOENCODING=encoding).stdout)
    assert (document[0]["target"], document[0]["reason"]) == (NAME, "\U0001f600")


def test_a_path_that_is_not_utf_8(database: Path) -> None:
    """A path with a byte that is no UTF-8 is shown with an escape."""
    done = shell("$CTL --database \"$(printf 'x\\377.db')\" db migrate", database)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"x\\udcff.db" in done.stdout


def test_no_home_and_no_name(database: Path) -> None:
    """A user without HOME and passwd entry is told what to set, and needs neither with --database."""
    nobody = {"HOME": "", "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    program = "import os, pwd, sys\nos.environ.pop('HOME')\n" + (
        "def missing(*_):\n    raise KeyError\n"
        "pwd.getpwuid = pwd.getpwnam = missing\n"
        "from chatroom.ctl.main import main\nmain()"
    )
    environment = {**os.environ, **ENVIRONMENT, **nobody}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    done = call("user", "list")
    line = "chatroomctl: there is no home directory for the database: set HOME, or name a file with --database\n"
    assert (done.returncode, done.stderr) == (1, line)
    assert call("config", "init").stderr.startswith("chatroomctl: there is no home directory for the configuration")
    assert (
        call("--database", "~/x.db", "user", "list").stderr
        == "chatroomctl: ~/x.db: there is no home directory for this\n"
    )
    done = call("--database", str(database), "ban", "add", "mallory")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_thread_that_is_still_busy_does_not_abort_the_end() -> None:
    """A worker may check a password when the daemon has stopped. The process ends with its code, and says nothing."""
    program = (
        "import bcrypt, threading\n"
        "def check():\n    while True:\n        bcrypt.hashpw(b'x', bcrypt.gensalt(4))\n"
        "for _ in range(4):\n    threading.Thread(target=check, daemon=True).start()\n"
        "from chatroom.ctl.main import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("chatroomctl ")
