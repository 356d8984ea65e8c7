"""Characters of which terminals disagree how wide they are, and that a text cannot be without.

The vowel signs of Hindi, Tamil and many other scripts take a column of their own in xterm, in terminals on VTE and in
tmux, and none in kitty or in the tables that Textual uses. A row with many of them would be longer than the screen,
and its end be drawn over its neighbours. So each is counted as one column, and a character that Textual takes for one
column wide stands for it until it is written. Then the cursor is put where it belongs, whatever the terminal has done.
"""

from __future__ import annotations

import re
import unicodedata

from wcwidth import wcwidth

_FIRST = 0x10F000  # of the characters for private use that stand for others
_MOST = 0x400
_NEAR_TWINS = "\u2630-\u2637\u268a-\u268f\u3248-\u324f\U0001d300-\U0001d356\U0001d360-\U0001d376"
"""Old terminals draw them in one column, newer ones in two: trigrams, digrams, circled numbers, counting rods."""
_PINNED = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + _MOST - 1)}{_NEAR_TWINS}]")

_stand_ins: dict[int, str] = {}
_written: dict[str, str] = {}


def stand_in(code: int) -> str | None:
    """Return what is drawn instead of a mark that takes a cell of its own; None for any other character."""
    found = _stand_ins.get(code)
    if found is None and unicodedata.category(chr(code)) == "Mc" and len(_stand_ins) < _MOST:
        found = _stand_ins[code] = chr(_FIRST + len(_stand_ins))
        _written[found] = chr(code)
    return found


def as_written(text: str) -> str:
    """Return a drawable text with the characters that others stand for, to copy it."""
    return text if text.isascii() else _PINNED.sub(lambda match: _written.get(match[0], match[0]), text)


def pinned(data: str) -> str:
    """Return what is written to the terminal, so that what follows such a character is drawn where it was counted."""
    return data if data.isascii() else _PINNED.sub(_pin, data)


def _pin(match: re.Match[str]) -> str:
    char = match[0]
    width = max(wcwidth(char), 1)
    # Remember the place, erase, draw, return to the place, and step over what was drawn.
    return f"\x1b7\x1b[{width}X{_written.get(char, char)}\x1b8\x1b[{width}C"
