"""Teaches Textual the Alt keys of terminals that send Escape and the key.

Of these Textual 8 reads some as the characters that a Mac would type with them, and others only after a pause. A
terminal with the Kitty keyboard protocol needs none of this.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, cast

from textual import _ansi_sequences

_NAMED = {"/": "slash", ".": "full_stop", ",": "comma", "-": "minus", "=": "equals_sign", "<": "less_than_sign"}
_SEQUENCES = {
    "\x1b\r": "alt+enter",
    "\x1b\n": "alt+enter",
    "\x1b\x7f": "alt+backspace",
    "\x1b\x08": "alt+backspace",
    "\x1b[1;3A": "alt+up",
    "\x1b[1;3B": "alt+down",
    "\x1b[1;3C": "alt+right",
    "\x1b[1;3D": "alt+left",
    **{f"\x1b{char}": f"alt+{name}" for char, name in _NAMED.items()},
    # Not the letters that begin another sequence: O and the like are capitals.
    **{f"\x1b{char}": f"alt+{char}" for char in "0123456789abcdefghijklmnopqrstuvwxyz"},
}


def teach() -> None:
    """Enter the sequences into Textual's table. To be called once, before the program reads keys."""
    names = Enum("names", {name.upper().replace("+", "_"): name for name in set(_SEQUENCES.values())})  # type: ignore[misc]
    table = cast("dict[str, Any]", _ansi_sequences.ANSI_SEQUENCES_KEYS)
    for sequence, name in _SEQUENCES.items():
        table[sequence] = (names(name),)
