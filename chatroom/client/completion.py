"""Completion with Tab: commands, channels and nicks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chatroom.client.chat_session import ChatSession
from chatroom.client.slash_commands import COMMANDS, find_command


class Candidate(NamedTuple):
    """What a word may be completed to."""

    text: str
    """What replaces the word."""
    name: str
    """The text as a list shows it."""
    length: int
    """How many characters before the cursor it replaces."""


class ChatCompleter:
    """Completes the word before the cursor from the state of the session."""

    def __init__(self, session: ChatSession) -> None:
        self._session = session

    def candidates(self, line: str) -> Iterable[Candidate]:
        """Yield the candidates for the last word of ``line``, which is the text before the cursor."""
        start = line.rfind(" ") + 1
        word = line[start:]
        if start == 0 and word.startswith("/") and not word.startswith("//"):
            names = [f"/{command.name}" for command in COMMANDS]
            yield from _matching(word, names, " ")
            return
        command = find_command(line[1:].split(" ", 1)[0]) if line.startswith("/") else None
        takes = command.takes if command is not None else "both"
        if not word:
            return  # everything would match, and the list would fill the screen
        if takes == "command":
            yield from _matching(word, [command.name for command in COMMANDS], "")
        if takes == "setting":
            yield from _matching(word, self._session.settings.key_paths, " ")
        if takes == "search":
            yield from _matching(word, [f"from:{nick}" for nick in self._nicks()], " ")
            yield from _matching(word, [f"in:{name}" for name in self._channels()], " ")
        if takes in ("nick", "both", "search") or (command is not None and not takes):
            # A nick at the start of a message addresses its user: "bob: hello".
            yield from _matching(word, self._nicks(), ": " if start == 0 else " ")
        if takes in ("channel", "both") or word.startswith("#"):
            yield from _matching(word, self._channels(), " ")

    def _nicks(self) -> list[str]:
        """The nicks of all channels and of the conversation in front, without the user's own.

        First those in the channel in front. Of these, and of the others, first who spoke last.
        """
        state = self._session.state
        nicks: dict[str, str] = {}
        for channel in state.channels.values():
            nicks |= channel.members
        nicks.pop(state.fold(state.nick), None)
        if self._session.target is not None and not state.is_channel(self._session.target):
            nicks[state.fold(self._session.target)] = self._session.target
        front = state.find_channel(self._session.target or "")
        last = {folded: number for number, folded in enumerate(state.spoken, 1)}
        near = front.members if front is not None else {}
        order = sorted(nicks, key=lambda folded: (folded not in near, -last.get(folded, 0), folded))
        return [nicks[folded] for folded in order]

    def _channels(self) -> list[str]:
        state = self._session.state
        names = dict(state.seen_channels)
        names |= {folded: channel.name for folded, channel in state.channels.items()}
        return sorted(names.values(), key=state.fold)


def _matching(word: str, names: list[str], after: str) -> Iterable[Candidate]:
    """The names that begin with ``word``, each with ``after`` behind it."""
    for name in dict.fromkeys(names):
        if name.lower().startswith(word.lower()):
            yield Candidate(name + after, name, len(word))
