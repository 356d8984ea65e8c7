"""Mode strings: ``+ov-m alice bob`` to single changes and back.

Source: Modern IRC Client Protocol, "MODE message", and the ``CHANMODES`` and ``PREFIX`` parameters of ISUPPORT; RFC
2812, section 3.2.3. Which letters exist is the caller's affair: a ``ModeKinds`` says of each how it takes its
parameter, and a letter it does not know is given back without one, for the caller to refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class ModeChange(NamedTuple):
    """One letter given or taken. A list mode without a parameter asks for the list; see ``ModeKinds.lacks_param``."""

    adding: bool
    letter: str
    param: str | None = None


class ModeKinds(NamedTuple):
    """Mode letters by how they take a parameter, as ``CHANMODES=A,B,C,D`` and ``PREFIX`` tell it."""

    lists: str = ""
    """Type A: an entry of a list; without a parameter a question."""
    always: str = ""
    """Type B: a parameter when given and when taken."""
    when_set: str = ""
    """Type C: a parameter only when given."""
    flags: str = ""
    """Type D: never a parameter."""
    prefixes: str = ""
    """Standings of a member (o, v): always a parameter, a nick."""

    def knows(self, letter: str) -> bool:
        """Whether there is such a mode."""
        return any(letter in letters for letters in self)

    def takes_param(self, adding: bool, letter: str) -> bool:
        """Whether the change takes the next parameter, if there is one."""
        return (
            letter in self.lists
            or letter in self.always
            or letter in self.prefixes
            or (adding and letter in self.when_set)
        )

    def lacks_param(self, change: ModeChange) -> bool:
        """Whether the change means nothing because its parameter is missing."""
        adding, letter, param = change
        return param is None and letter not in self.lists and self.takes_param(adding, letter)

    @property
    def letters(self) -> str:
        """All letters, for ``RPL_MYINFO``."""
        return "".join(sorted("".join(self)))

    @property
    def letters_with_param(self) -> str:
        """The letters that take a parameter, for ``RPL_MYINFO``."""
        return "".join(sorted(self.lists + self.always + self.when_set + self.prefixes))

    @property
    def chanmodes(self) -> str:
        """The value of ``CHANMODES`` in ISUPPORT."""
        return ",".join(self[:4])


def parse_changes(params: Sequence[str], kinds: ModeKinds) -> list[ModeChange]:
    """The changes in mode strings and their parameters, as they follow the target in a MODE line.

    Where no letter takes a parameter it is a further mode string if it begins with ``+`` or ``-`` (``+o alice -v bob``,
    RFC 2812); else it is passed over. An empty parameter is none.
    """
    changes: list[ModeChange] = []
    rest = iter(params)
    for modestring in rest:
        if changes and modestring[:1] not in ("+", "-"):
            continue
        adding = True
        for letter in modestring:
            if letter in "+-":
                adding = letter == "+"
            else:
                param = next(rest, None) if kinds.takes_param(adding, letter) else None
                changes.append(ModeChange(adding, letter, param or None))
    return changes


def format_changes(changes: Iterable[ModeChange], most_params: int = 20, most_bytes: int = 400) -> list[str]:
    """Changes as they follow the target in MODE lines: ``+ov-m alice bob``.

    A line takes at most ``most_params`` parameters and, unless a single one is longer, ``most_bytes`` bytes.
    """
    lines: list[str] = []
    letters, params, size, sign = "", list[str](), 0, ""
    for adding, letter, param in changes:
        cost = 2 + (0 if param is None else 1 + len(param.encode(errors="replace")))
        if letters and (size + cost > most_bytes or (param is not None and len(params) >= most_params)):
            lines.append(" ".join([letters, *params]))
            letters, params, size, sign = "", [], 0, ""
        if sign != "+-"[not adding]:
            sign = "+-"[not adding]
            letters += sign
        letters += letter
        size += cost
        if param is not None:
            params.append(param)
    if letters:
        lines.append(" ".join([letters, *params]))
    return lines
