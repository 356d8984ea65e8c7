"""A shell for the commands of the documentation: a home of its own, a daemon on a free port, stand-ins for the rest.

Absolute paths of a page, such as ``/etc/chatroom``, are below that home, and its host is a daemon there.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import click
import pytest
from click.testing import CliRunner
from harness.daemon import PASSWORD, Daemon, Place, script
from harness.doc_calls import OURS, parse, split_calls
from harness.doc_pages import CHECKOUT

from chatroom.ctl import service_setup
from chatroom.ctl.main import cli

HOST = "chat.example.org"
"""The server's name on all pages."""
REAL = {"chmod", "mkdir", "date", "echo", "git", "gzip", "install", "ln", "openssl", "tar"}
"""Programs of every machine, which are run."""
STAND_INS = {
    "chgrp": "needs the group that useradd makes",
    "certbot": "asks an authority for a certificate, over the internet",
    "acme.sh": "the same",
    "createdb": "needs a PostgreSQL server; tests/e2e/test_database_server.py makes a database of its own",
    "createuser": "the same",
    "docker": "there is no container engine in the tests; tests/e2e/test_container.py does the steps of the Dockerfile",
    "fail2ban-client": "needs the daemon of fail2ban; its stand-in prints what it prints",
    "ipset": "needs root and the kernel's sets; its stand-in prints what it prints",
    "journalctl": "reads the journal of a machine with systemd",
    "npm": "builds a client that is another project",
    "pip": "needs the network; tests/test_package.py installs the wheel",
    "python3": "makes the environment that pip fills",
    "sudo": "becomes another user; its stand-in stays the same one",
    "systemctl": "needs systemd; its stand-in starts and stops the daemon of the page",
    "useradd": "needs root",
}
"""Programs that the tests do not run, each with its reason. What they are told is looked at by no test."""
ENDLESS = {"status --watch", "top"}
"""Commands that end at Ctrl-C only: they are parsed. ``serve`` is the daemon of the page."""
_FINDINGS = {"check"}
"""Commands whose exit code 1 is an answer."""
_OF_THE_MACHINE = re.compile(r"(?<![\w./~-])/(?=(?:etc|var|opt|srv|usr/local)/)")
_OPERATORS = re.compile(r"[|&;<>]|\$\(")


class DocShell:
    """Runs the commands of one page, in their order."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.daemon: Daemon | None = None
        self.typed = f"{PASSWORD}\n"
        """The standard input of chatroomctl."""
        self.replaced: dict[str, str] = {}
        """Texts of the page that differ here, such as a token."""
        self.before: dict[str, Callable[[], None]] = {}
        """What has to happen before the call that begins so."""
        self.cleanup = contextlib.ExitStack()
        """What a scene has to end."""
        self._programs = place.root / "programs"
        self._programs.mkdir()
        for name in OURS:
            (self._programs / name).symlink_to(script(name))
        for name in STAND_INS:
            self.write_program(name, "")
        self.write_program("sudo", 'shift 2\nexec "$@"')
        place.environment["PATH"] = f"{self._programs}:{place.environment['PATH']}"
        place.environment["CHATROOM_DATABASE__PATH"] = str(place.database)
        place.environment["CHATROOM_DATABASE__WARN_FREE_MB"] = "0"  # the disk of this machine may be nearly full
        for name in ("deploy", "examples", "constraints.txt"):
            if (CHECKOUT / name).exists():
                (place.root / name).symlink_to(CHECKOUT / name)

    def write_program(self, name: str, text: str) -> None:
        """Put a stand-in on the path: a shell script."""
        program = self._programs / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)

    def path(self, name: str) -> Path:
        """Return where a file of a page is here, such as ``/etc/chatroom``, and make its directory."""
        path = self.place.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def start(self, *options: str) -> None:
        """Start the daemon, unless it runs. A client without a host finds it."""
        if self.daemon is None:
            self.daemon = Daemon(self.place, *options)
            settings = self.path(".config/chatroom/client.toml")
            settings.write_text(f'[start]\nserver = "127.0.0.1:{self.daemon.port}"\n')

    def stop(self) -> None:
        """Stop the daemon, if it runs."""
        if self.daemon is not None:
            assert self.daemon.stop() == 0, self.daemon.stderr
            assert not self.daemon.log_lines("Traceback"), self.daemon.stderr
            self.daemon = None

    def run(self, typed: str) -> None:
        """Run a line of a page. It must succeed."""
        for begin, prepare in self.before.items():
            if begin in typed:
                prepare()
        line = self._here(typed)
        calls = split_calls(line)
        if not {Path(words[0]).name for words in calls} <= {*OURS, *REAL, *STAND_INS}:
            pytest.fail(f"{typed}: add the program to REAL or STAND_INS of tests/harness/doc_shell.py")
        if _OPERATORS.search(line):
            self._run_in_bash(line)
        else:
            self._run_one(line, calls[0])

    def _here(self, line: str) -> str:
        if self.daemon is not None:
            address = f"127.0.0.1:{self.daemon.port}"
            line = re.sub(rf"\b(?:ircs?://)?{re.escape(HOST)}(?=[/\" ]|$)", f"irc://{address}", line)
        for written, here in self.replaced.items():
            line = line.replace(written, here)
        return _OF_THE_MACHINE.sub(f"{self.place.root}/", line)

    def _run_one(self, line: str, words: list[str]) -> None:
        if words[0] == "chatroomctl":
            self._run_chatroomctl(words)
        elif words[0] == "chatroom":
            self._run_in_bash(shlex.join(words))
        elif words[0] == "systemctl":
            self._run_systemctl(words)
        elif Path(words[0]).name in REAL:
            self._run_in_bash(line)

    def _run_chatroomctl(self, words: list[str]) -> None:
        with contextlib.chdir(self.place.root):
            options = self._options(words)
            rest = " ".join(words[1:])
            if words[1] == "serve":
                self.start(*words[2:])
            elif not rest.startswith(tuple(ENDLESS)):
                # There is no terminal that could ask.
                self._invoke([*words, *({"--password-stdin", "--yes"} & options - set(words))])

    def _options(self, words: list[str]) -> set[str]:
        """Return the options of the command that is called. The call must be right."""
        try:
            return {name for one in parse(words).params for name in one.opts}
        except click.UsageError as error:
            pytest.fail(f"{shlex.join(words)}: {error.format_message()}")

    def _invoke(self, words: list[str]) -> None:
        hidden: dict[str, str | None] = {name: None for name in os.environ if name.startswith(("CHATROOM_", "XDG_"))}
        runner = CliRunner(env={**hidden, **self.place.environment})
        units = self.path("/etc/systemd/system/chatroom.service").parent
        with (
            patch("tempfile.tempdir", self.place.environment["TMPDIR"]),
            patch.object(service_setup, "_SYSTEM_UNITS", units),
        ):
            done = runner.invoke(cli, words[1:], input=self.typed, prog_name="chatroomctl", catch_exceptions=False)
        allowed = {0, 1} if words[1] in _FINDINGS else {0}
        if done.exit_code not in allowed:
            pytest.fail(f"{shlex.join(words)}: {done.output}")

    def _run_systemctl(self, words: list[str]) -> None:
        action = next(word for word in words[1:] if not word.startswith("-"))
        if action in ("stop", "restart"):
            self.stop()
        if action in ("start", "restart") or "--now" in words:
            self.start()

    def _run_in_bash(self, line: str) -> None:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            env={**self.place.environment, "CHATROOM_PASSWORD": PASSWORD},
            cwd=self.place.root,
            input="",
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode != 0:
            pytest.fail(f"{line}: {done.stdout}{done.stderr}")
