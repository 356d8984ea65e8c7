"""A page of the documentation that is followed as it stands: its blocks are typed into terminals, and read there.

A block of ``console NAME`` belongs to the terminal NAME, in which a shell runs. Its lines are, in their order:

- ``$ COMMAND``: typed when the shell waits, after a command that succeeded;
- ``/COMMAND``, and a line said in a chat that begins with ``> ``: typed into the program that runs;
- a line with a question in ``QUESTIONS``: the question must be on the screen, and what is behind it is typed;
- any other line must be on the screen. ``…`` stands for any text, and ``TOKEN`` for one that later lines may use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from harness.terminal import Terminal

QUESTIONS = re.compile(
    r"(Name of the server|Address to listen on|Encrypt with TLS|Who may register|Name of the first admin"
    r"|Password|Repeat the password|New password|Nick|Trust this certificate"
    r"|Ban \S+ from)"
)
"""How the questions begin that the programs of the page ask."""
_BLOCK = re.compile(r"^```console (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```.*$", re.MULTILINE)
_SIZE = (160, 60)


class Block(NamedTuple):
    """The lines of one terminal, in one place of the page."""

    terminal: str
    lines: list[str]


def read_blocks(page: Path) -> list[Block]:
    """Return all blocks of a page. It must have no others, since nobody would try those."""
    text = page.read_text()
    blocks = [Block(found[1], found[2].splitlines()) for found in _BLOCK.finditer(text)]
    assert len(_FENCE.findall(text)) == 2 * len(blocks), "a block that is not followed"
    assert not re.search(r"^ {4}\S", _BLOCK.sub("", text), re.MULTILINE), "an indented block, which is not followed"
    return blocks


class Reader:
    """A person who follows the page, with as many terminals as the page names."""

    def __init__(self, environment: Mapping[str, str], password: str, replaced: Mapping[str, str]) -> None:
        """``replaced`` are texts of the page that differ here, such as the address."""
        self._environment = {**environment, "TERM": "xterm-256color", "PS1": "\\# $? $ ", "HISTFILE": "/dev/null"}
        self._password = password
        self._replaced = dict(replaced)
        self.terminals: dict[str, Terminal] = {}
        self._typed: dict[Terminal, int] = {}
        """How many commands each shell has had, which its prompt counts: an old prompt is not taken for a new one."""

    def follow(self, blocks: list[Block]) -> Iterator[str]:
        """Follow the page. Yields each line that was typed or seen."""
        for block in blocks:
            terminal = self.terminals.get(block.terminal) or self._open(block.terminal)
            for line in block.lines:
                if line.strip():
                    self._do(terminal, line.strip())
                    yield line

    def wait_for_shells(self, *names: str) -> None:
        """Wait until these terminals' shells wait for a command, after one that succeeded."""
        for name in names:
            self._wait_for_shell(self.terminals[name])

    def close(self) -> None:
        """End all terminals."""
        for terminal in self.terminals.values():
            terminal.close()

    def _open(self, name: str) -> Terminal:
        terminal = Terminal("--norc", "--noprofile", "-i", program="/bin/bash", env=dict(self._environment))
        terminal.resize(*_SIZE)
        self.terminals[name], self._typed[terminal] = terminal, 0
        self._run(terminal, "cd")
        return terminal

    def _wait_for_shell(self, terminal: Terminal) -> None:
        terminal.see_last(f"{self._typed[terminal] + 1} 0 $")

    def _run(self, terminal: Terminal, call: str) -> None:
        self._wait_for_shell(terminal)
        self._typed[terminal] += 1
        terminal.enter(f"clear; {call}")

    def _do(self, terminal: Terminal, line: str) -> None:
        for written, here in self._replaced.items():
            line = line.replace(written, here)
        if line.startswith("$ "):
            self._run(terminal, line[2:])
        elif line.startswith(("/", "> ")):
            terminal.enter(line.removeprefix("> "))
        elif QUESTIONS.match(line):
            question, _, answer = line.rpartition(":")
            shown = question.partition("[")[0] + question.partition("[")[1]
            terminal.wait(lambda: shown.rstrip("[ ") in terminal.last, line)
            is_secret = "password" in question.lower()
            terminal.enter(self._password if is_secret else answer.strip())
        else:
            self._expect(terminal, line)

    def _expect(self, terminal: Terminal, line: str) -> None:
        pattern = re.escape(line).replace("…", ".*").replace("TOKEN", r"(?P<token>[\w-]{16,})")
        found: list[re.Match[str]] = []

        def is_seen() -> bool:
            found[:] = [match for shown in terminal.lines if (match := re.search(pattern, shown))]
            return bool(found)

        terminal.wait(is_seen, line)
        if "token" in found[0].groupdict():
            self._replaced["TOKEN"] = found[0]["token"]
