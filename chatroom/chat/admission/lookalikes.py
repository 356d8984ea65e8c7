"""Names that look alike: letters of another script or width, ``rn`` for ``m``, ``I`` for ``l``.

Source: Unicode Technical Standard 39, section 4. A name's *skeleton* is the name with each character replaced by the
*prototype* of all characters that look like it. Two names look alike if their skeletons are the same.

The data comes from the library ``confusable-homoglyphs``. It does not say which of several characters is the prototype:
it lists, for each character, the others that look like it. ``find_prototypes`` finds the prototypes from that. Two
kinds of letters are not in the data as a whole and are added: those that Unicode calls compatible (wide letters), and
letters of ASCII that are drawn small or in a frame.
"""

from __future__ import annotations

import contextlib
import string
import unicodedata
from functools import cache
from typing import Final

from chatroom.irc.names import casefold

OF_ASCII: Final = str.maketrans({'"': "''", "%": "º/₀", "0": "O", "1": "l", "I": "l", "`": "'", "m": "rn", "|": "l"})
"""The prototypes of ASCII characters, as ``find_prototypes`` has them. Most names need no others, and that table takes
a third of a second and 8 MB."""
_ASCII_TABLE: Final = {code: chr(code) for code in range(128)} | OF_ASCII
"""The same with every ASCII character: ``str.translate`` is three times as slow if the table lacks one."""

_DRAWN_OTHERWISE: Final = (
    "LATIN LETTER SMALL CAPITAL",
    "NEGATIVE CIRCLED LATIN CAPITAL LETTER",
    "NEGATIVE SQUARED LATIN CAPITAL LETTER",
    "REGIONAL INDICATOR SYMBOL LETTER",
)
"""How the names of characters begin that people read as the letter of ASCII behind it."""
_IN_CAPITALS: Final = " "
"""In front of a skeleton that is compared with its case; no name has a space."""


def skeletons(name: str) -> frozenset[str]:
    """The skeletons of a name, one or two. Two names look alike if they have a skeleton in common.

    The second one is that of the name in lower case. Both count, because names are compared without their case but
    shown with it: ``I`` looks like ``l``, and ``i`` does not.
    """
    if name.isascii():  # as below, without the calls
        skeleton, folded = name.translate(_ASCII_TABLE).lower(), name.lower()
        return frozenset((skeleton,) if folded == name else (skeleton, folded.translate(_ASCII_TABLE).lower()))
    folded = casefold(name)
    skeleton = casefold(_skeleton(name))
    return frozenset((skeleton,) if folded == name else (skeleton, casefold(_skeleton(folded))))


def skeletons_of_known(name: str) -> frozenset[str]:
    """The skeletons of a name that others must not imitate, for ``skeletons_of_new`` of another one.

    One more is that of the name in capitals, as people may know it too: ``ALlCE`` looks like ``ALICE``, and so like
    ``alice``. It counts with its case, because ``lan`` does not look like ``ian``.
    """
    return skeletons(name) | {_IN_CAPITALS + _skeleton(name.upper())}


def skeletons_of_new(name: str) -> frozenset[str]:
    """The skeletons of a name that may imitate a known one (``skeletons_of_known``)."""
    return skeletons(name) | {_IN_CAPITALS + _skeleton(name)}


def _skeleton(name: str) -> str:
    if name.isascii():
        return name.translate(_ASCII_TABLE)  # ASCII has no decompositions
    # Twice, because a prototype may decompose (NFKD) into characters that have prototypes of their own.
    for _ in range(2):
        name = unicodedata.normalize("NFKD", name).translate(find_prototypes())
    return unicodedata.normalize("NFKD", name)


@cache
def find_prototypes() -> dict[int, str]:
    """The table for ``str.translate``: each character that has a prototype, and the prototype.

    Computed once, at the first name that is not ASCII.
    """
    from confusable_homoglyphs.utils import load  # here, because it imports much: a client for HTTP, too

    likes: dict[str, list[str]] = {}
    for char, entries in load("confusables.json").items():
        likes.setdefault(_bare(char), []).extend(_bare(entry["c"]) for entry in entries)
    found: dict[int, str] = {}
    for char, others in likes.items():
        if len(char) != 1 or len(others) != 1:
            continue  # several characters look like this one, so it is their prototype
        other = others[0]
        if len(other) == 1 and len(likes.get(other, ())) == 1:
            # A pair, of which neither is the prototype. Either may be, if it is the same one for both.
            other = min(char, other)
        if other != char:
            found[ord(char)] = other
    found |= {ord(char): letter for char, letter in drawn_otherwise().items()}
    # A prototype may be several characters (``rn``), and one of those may have a prototype itself.
    return {code: other.translate(found) for code, other in found.items()}


@cache
def drawn_otherwise() -> dict[str, str]:
    """Characters that people read as a capital letter of ASCII, and the letter."""
    found = {}
    for letter in string.ascii_uppercase:
        for begin in _DRAWN_OTHERWISE:
            with contextlib.suppress(KeyError):  # Unicode has no small capital X
                found[unicodedata.lookup(f"{begin} {letter}")] = letter
    return found


def _bare(text: str) -> str:
    """The text without left-to-right marks, which the data has around characters of right-to-left scripts."""
    return text.strip("\u200e") or text
