"""Commands about a channel that were sent without a label: which of them does a refusal answer?

A server without ``labeled-response`` answers in the order of the lines, but says only which channel it refuses, and by
which numeric. ``FAIL`` names the command, too.
"""

from __future__ import annotations

from collections.abc import Callable

from chatroom.irc.message import Message

_MOST = 50
"""How many commands wait for an answer at most. A server need not answer each."""
_REFUSED_BY = {
    "JOIN": frozenset(
        ["403", "405", "437", "447", "471", "473", "474", "475", "476", "477", "480", "489", "519", "520"]
    ),
    "PART": frozenset(["403", "442"]),
    "TAGMSG": frozenset(["401", "403", "404"]),
    "REDACT": frozenset(["403", "442", "482"]),
}
"""The numerics that refuse each, with the channel as their first word. Other commands are not followed."""


class UnlabelledCommands:
    """Knows what the user has typed for each. ``fold`` gives a name the spelling under which it is looked for."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold
        self._sent: list[tuple[str, str, str]] = []  # verb, folded channel, and what was typed; oldest first

    def clear(self) -> None:
        """Report the end of the connection: nothing will be answered."""
        self._sent.clear()

    def sent(self, line: str, typed: str) -> None:
        """Take note of a line without tags that was sent."""
        verb, _, rest = line.partition(" ")
        if typed and verb in _REFUSED_BY:
            self._sent += [(verb, self._fold(name), typed) for name in rest.split(" ")[0].split(",")]
            del self._sent[:-_MOST]

    def answered(self, message: Message, *, is_mine: bool) -> str:
        """Return what was typed for the command that a message refuses; empty if that is not known.

        ``is_mine``: the message comes from the user, so it is what the command has done.
        """
        if not self._sent:
            return ""
        is_fail = message.verb == "FAIL"
        names = {self._fold(name) for name in (message.params[2:-1] if is_fail else message.params[:2])}
        verb = message.params[0] if is_fail and message.params else message.verb
        for index, (sent, name, typed) in enumerate(self._sent):
            is_done = is_mine and verb == sent
            is_refused = not is_mine and (verb == sent if is_fail else verb in _REFUSED_BY[sent])
            if name in names and (is_done or is_refused):
                del self._sent[index]
                return "" if is_done else typed
        return ""
