"""``chatroomctl`` as an operator calls it, inside the test's process and on a database of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pexpect
from click.testing import CliRunner, Result

from chatroom.ctl.main import cli
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

ENVIRONMENT = {
    "CHATROOM_ACCOUNTS__BCRYPT_COST": "4",
    "CHATROOM_ACCOUNTS__SCRAM_ITERATIONS": "4096",  # the least, as above
    "CHATROOM_ACCOUNTS__PASSWORD_MIN_LENGTH": "6",
}
"""Cheap passwords, so that tests do not wait for bcrypt."""


class Shell:
    """Runs ``chatroomctl --database DATABASE ...``. Standard input is no terminal."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def run(self, *arguments: str, stdin: str | bytes = "") -> Result:
        """Run it, whatever its exit code. An exception that an operator should never see is raised."""
        call = ["--database", str(self.database), *arguments]
        result = CliRunner(env=ENVIRONMENT).invoke(cli, call, input=stdin, prog_name="chatroomctl")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def done(self, *arguments: str, stdin: str | bytes = "") -> str:
        """Run it, and return what it prints. It must succeed and write nothing on stderr."""
        result = self.run(*arguments, stdin=stdin)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def json(self, *arguments: str, stdin: str | bytes = "") -> Any:
        """Run it, and return the one document that it prints with ``--json``."""
        return json.loads(self.done(*arguments, "--json", stdin=stdin))

    def refused(self, *arguments: str, stdin: str | bytes = "") -> str:
        """Run it, and return the one line that refuses, without the program's name. The exit code must be 1."""
        result = self.run(*arguments, stdin=stdin)
        lines = result.stderr.splitlines()
        assert (result.exit_code, len(lines)) == (1, 1), result.output
        assert lines[0].startswith("chatroomctl: ")
        return lines[0].removeprefix("chatroomctl: ")

    def misused(self, *arguments: str) -> str:
        """Run it, and return what it says of a call that it does not understand. The exit code must be 2."""
        result = self.run(*arguments)
        assert result.exit_code == 2, result.output
        return result.stderr

    def answer(self, *arguments: str, prompts: Sequence[tuple[str, str]]) -> str:
        """Run it at a terminal, type a password at each prompt, and return what it says after them.

        A prompt is a regular expression. No password may be shown, and the exit code must be 0.
        """
        child = pexpect.spawn(
            sys.executable,
            ["-m", "chatroom.ctl", "--database", str(self.database), *arguments],
            encoding="utf-8",
            timeout=30,
            cwd=str(Path(__file__).parents[2]),
            env={**os.environ, **ENVIRONMENT},
        )
        shown = []
        for prompt, password in prompts:
            child.expect(prompt)
            shown.append(f"{child.before}{child.after}")
            child.waitnoecho(20)
            child.sendline(password)
        child.expect(pexpect.EOF)
        shown.append(str(child.before))
        child.close()
        assert child.exitstatus == 0
        assert not any(password in text for _, password in prompts for text in shown)
        return shown[-1]

    def create(self, name: str, role: str = "user", password: str = "correct horse") -> None:
        """Make an account."""
        self.done("user", "create", name, "--role", role, "--password-stdin", stdin=password + "\n")

    def stores(self) -> SqliteStores:
        """Open the database, to look into it."""
        return open_stores(self.database)
