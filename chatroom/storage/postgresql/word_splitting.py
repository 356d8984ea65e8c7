"""Splits a text into words as SQLite's FTS5 does, so that a search finds the same on both engines.

It does what the tokenizer ``unicode61 remove_diacritics 2`` does (https://www.sqlite.org/fts5.html): a word is of
letters, digits and private characters, in small letters; an accent on an ASCII letter is dropped. Only characters that
are newer than SQLite's list (Unicode 6.1) can differ: there each of them is a letter. PostgreSQL's own parsers would
find hosts, numbers and stop words instead.
"""

from __future__ import annotations

import unicodedata

MOST_LETTERS = 500
"""A longer word is cut: PostgreSQL takes no word of more than 2046 bytes."""
_ACCENTS = range(0x300, 0x332)
"""The accents. SQLite takes some of them for a part of the letter before them."""
# One bit for each of them, from SQLite's own list.
_TAKEN = 0x000361F8_08029FDF


class _Folding(dict[int, str]):
    """What each character becomes, worked out at its first use: a space for one between words."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(chr(code))
        return folded


def _fold(char: str) -> str:
    if ord(char) in _ACCENTS and _TAKEN >> (ord(char) - _ACCENTS.start) & 1:
        return ""
    if unicodedata.category(char)[0] not in "LN" and unicodedata.category(char) != "Co":
        return " "
    small = char.casefold()
    if len(small) > 1:  # such as "ss", which is another word
        small = char.lower()[0]
    base = unicodedata.normalize("NFD", small)
    return base[0] if base[0].isascii() and base[1:] and all(map(unicodedata.combining, base[1:])) else small


_FOLDING = _Folding()


def split(text: str) -> list[str]:
    """The words of a text, in their order."""
    return [word[:MOST_LETTERS] for word in text.translate(_FOLDING).split(" ") if word]
