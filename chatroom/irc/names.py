"""Names on the wire: which nicks, accounts and channels there may be, and when two are the same.

Source: Modern IRC Client Protocol, "Clients", "Channels" and the ``CASEMAPPING`` parameter. The case mapping is
``ascii``: only A to Z fold. Nicks and accounts leave out everything by which an address, a network, a mask, a channel
or a ban's number could be told apart from a name, so that syntax alone tells what is meant.
"""

from __future__ import annotations

import re
import unicodedata

from chatroom.irc.limits import CHANNEL_BYTES, NICK_BYTES

CHANNEL_PREFIXES = "#"

_FOLD = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_ASCII_NICK = re.compile(r"[A-Za-z_\[\]{}\\|^`][A-Za-z0-9_\[\]{}\\|^`-]*")
_NICK_PUNCTUATION = frozenset("-_[]{}\\|^`")
_CHANNEL_FORBIDDEN = frozenset(" ,:\x07\x00\r\n\t*?!")
_LETTER_CATEGORIES = ("L", "M", "N")
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that show nothing (Unicode's Default_Ignorable_Code_Point): a name with one looks like another."""


def casefold(name: str) -> str:
    """The name as it is compared: A to Z in lower case, everything else as it is (``CASEMAPPING=ascii``)."""
    return name.lower() if name.isascii() else name.translate(_FOLD)


def is_nick(name: str) -> bool:
    """Whether a nick or an account may be called ``name``.

    Letters, marks and digits of any script in their composed form (NFC) that can be seen, and ``- _ [ ] { } \\ | ^ ```;
    a digit or a hyphen may not come first.
    """
    if name.isascii():
        return len(name) <= NICK_BYTES and _ASCII_NICK.fullmatch(name) is not None
    if len(name.encode(errors="surrogatepass")) > NICK_BYTES or name[0] == "-" or name[0].isnumeric():
        return False
    for char in name:
        if not (char in _NICK_PUNCTUATION or unicodedata.category(char)[0] in _LETTER_CATEGORIES):
            return False
    return (
        unicodedata.is_normalized("NFC", name)
        and unicodedata.category(name[0])[0] != "M"
        and _INVISIBLE.search(name) is None
    )


def is_channel(name: str) -> bool:
    """Whether a channel may be called ``name``."""
    return (
        len(name) > 1
        and name[0] in CHANNEL_PREFIXES
        and len(name.encode(errors="surrogatepass")) <= CHANNEL_BYTES
        and name.isprintable()
        and _CHANNEL_FORBIDDEN.isdisjoint(name)
    )
