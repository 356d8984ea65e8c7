"""Texts in the form in which spam filters compare them: as people read them, whatever they are made of.

Formats and invisible characters are left out, letters lose their case, spaces and line feeds become one space, and each
character that looks like one of ASCII is taken for that one. Patterns go through the same function, so both fold alike:
each character is folded by itself (``Σ`` and ``ς`` too, which is why it is ``casefold`` and not ``lower``).

Source: Unicode Technical Standard 39, section 4, for the characters that look alike (``lookalikes``).
"""

from __future__ import annotations

import unicodedata
from functools import cache

from chatroom.chat.admission.lookalikes import drawn_otherwise, find_prototypes
from chatroom.irc.visible_text import strip_formats

_FIRST_BEYOND = 0x80
_LAST = 0x1FBFF
"""Letters, digits and symbols that look like those of ASCII are up to here; beyond are ideographs and tags."""
_TAGS = range(0xE0000, 0xE0200)
"""Invisible copies of ASCII, and variation selectors."""
# Letters and marks that are not visible, of other categories than Cf (Unicode's Default_Ignorable_Code_Point).
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0") | {
    chr(code) for code in range(0xFE00, 0xFE10)
}


def fold_text(text: str) -> str:
    """Return the text in the form for comparison. It takes half a microsecond for plain ASCII."""
    if not text.isprintable():
        text = strip_formats(text)
    text = text.casefold()
    if not text.isascii():
        text = text.translate(ascii_likes())
    return " ".join(text.split()) if "  " in text or not text.isprintable() else text.strip()


def fold_case(text: str) -> str:
    """Return the text as ``fold_text`` does, but with every letter in its own script."""
    return " ".join(strip_formats(text).casefold().split())


@cache
def ascii_likes() -> dict[int, str | None]:
    """The table for ``str.translate``: for characters beyond ASCII the one of ASCII that looks the same.

    None is for invisible characters, and a space for other spaces. Computed once; it takes a quarter of a second, so a
    worker asks for it first.
    """
    prototypes = find_prototypes()
    # Two characters look alike if they have one prototype: that of m is rn, so what looks like rn is an m.
    originals = {prototypes.get(code, chr(code)): chr(code) for code in range(0x20, 0x7F)}
    originals |= {char: char for char in map(chr, range(0x20, 0x7F))}
    found: dict[int, str | None] = {}
    for code in range(_FIRST_BEYOND, _LAST + 1):
        char = chr(code)
        category = unicodedata.category(char)
        if category == "Cf" or char in _INVISIBLE:
            found[code] = None
        elif category == "Zs":
            found[code] = " "
        elif category[0] in "LNPS":
            # A wide or mathematical letter is that letter; other look-alikes are found by their prototype.
            plain = drawn_otherwise().get(char) or unicodedata.normalize("NFKC", char)
            like = originals.get(plain) or originals.get(prototypes.get(code, ""))
            if like is not None and like != " ":
                found[code] = like.casefold()
    return found | dict.fromkeys(_TAGS)
