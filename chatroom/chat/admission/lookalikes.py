"""Names that look like others: in letters of another script, ``rn`` for ``m``, ``I`` for ``l``.

Source: Unicode Technical Standard 39, section 4: two names are confusable if their skeletons are the same. Which
characters look alike is the library ``confusable-homoglyphs``'s data, which names each pair both ways; where it has
only a pair and no most common one of several, either may stand for both.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from confusable_homoglyphs.utils import load

from chatroom.irc.names import casefold


def looks(name: str) -> frozenset[str]:
    """What a name may be taken for: two that have one of these in common look alike.

    Names differ beyond their case, and are shown with it: so a name looks like what it is and like its lower case.
    """
    folded = casefold(name)
    look = casefold(_skeleton(name))
    return frozenset((look,) if folded == name else (look, casefold(_skeleton(folded))))


def _skeleton(name: str) -> str:
    if name.isascii():
        return name.translate(_prototypes())
    for _ in range(2):  # what stands for a character may fall apart into others
        name = unicodedata.normalize("NFD", name).translate(_prototypes())
    return unicodedata.normalize("NFD", name)


@cache
def _prototypes() -> dict[int, str]:
    """What stands for each character that looks like another."""
    likes: dict[str, list[str]] = {}
    for char, entries in load("confusables.json").items():
        likes.setdefault(_bare(char), []).extend(_bare(entry["c"]) for entry in entries)
    found: dict[int, str] = {}
    for char, others in likes.items():
        if len(char) != 1 or len(others) != 1:
            continue  # several look like this one: it stands for them
        other = others[0]
        if len(other) == 1 and len(likes.get(other, ())) == 1:
            other = min(char, other)
        if other != char:
            found[ord(char)] = other
    # What stands for a character may be several, and one of these look like yet another.
    return {code: other.translate(found) for code, other in found.items()}


def _bare(text: str) -> str:
    """Without the marks for the direction of writing, which the data has around some."""
    return text.strip("\u200e") or text
