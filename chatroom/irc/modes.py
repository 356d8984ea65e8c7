"""Mode strings: ``+ov-m alice bob`` to single changes and back.

The caller says which letters there are: a ``ModeKinds`` has for each letter how it takes a parameter. A letter that is
not in it becomes a change without a parameter, which the caller refuses.

Source: Modern IRC Client Protocol, "MODE message", and the ``CHANMODES`` and ``PREFIX`` parameters of ISUPPORT; RFC
2812, section 3.2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chatroom.irc.limits import MODE_CHANGES, MODE_LINE_BYTES


class ModeChange(NamedTuple):
    """One mode letter that is set (``adding``) or unset. A list mode without a parameter asks to show the list."""

    adding: bool
    letter: str
    param: str | None = None


class ModeKinds(NamedTuple):
    """Mode letters, by how they take a parameter. The first four fields are the types of ``CHANMODES=A,B,C,D``."""

    lists: str = ""
    """Type A: the parameter is a mask to add to a list or to remove from it; without one, the list is shown."""
    always: str = ""
    """Type B: always a parameter."""
    when_set: str = ""
    """Type C: a parameter only if the mode is set."""
    flags: str = ""
    """Type D: never a parameter."""
    prefixes: str = ""
    """The standings of a member (``PREFIX``): always a parameter, a nick."""

    def knows(self, letter: str) -> bool:
        """True if there is a mode with this letter."""
        return any(letter in letters for letters in self)

    def takes_param(self, adding: bool, letter: str) -> bool:
        """True if setting (``adding``) or unsetting the mode takes the next parameter, if there is one."""
        return (
            letter in self.lists
            or letter in self.always
            or letter in self.prefixes
            or (adding and letter in self.when_set)
        )

    def lacks_param(self, change: ModeChange) -> bool:
        """True if the change means nothing because its parameter is missing."""
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
    """The changes in the parameters of a MODE line, without its target.

    A parameter that no letter takes is a further mode string if it begins with ``+`` or ``-`` (``+o alice -v bob``, RFC
    2812), and is ignored otherwise. An empty parameter counts as none.
    """
    changes: list[ModeChange] = []
    # Both loops take from the same iterator: the inner one takes the parameters of the letters.
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


def format_changes(
    changes: Iterable[ModeChange], most_params: int = MODE_CHANGES, most_bytes: int = MODE_LINE_BYTES
) -> list[str]:
    """The changes as one or several texts, each to follow the target in a MODE line: ``+ov-m alice bob``.

    A text has at most ``most_params`` parameters and ``most_bytes`` bytes, except that a single change can be longer.
    """
    lines: list[str] = []
    letters, params, size, sign = "", list[str](), 0, ""
    for adding, letter, param in changes:
        # The letter, perhaps a sign, and the parameter with a space before it.
        cost = 2 + (0 if param is None else 1 + len(param.encode(errors="replace")))
        if letters and (size + cost > most_bytes or (param is not None and len(params) >= most_params)):
            lines.append(" ".join([letters, *params]))
            letters, params, size, sign = "", [], 0, ""
        # A sign is needed only if it differs from that of the change before.
        if sign != ("+" if adding else "-"):
            sign = "+" if adding else "-"
            letters += sign
        letters += letter
        size += cost
        if param is not None:
            params.append(param)
    if letters:
        lines.append(" ".join([letters, *params]))
    return lines
