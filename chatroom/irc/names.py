"""Names: the valid nicks, accounts and channels, and the comparison of names.

The case mapping is ``ascii``: only A to Z fold. A nick or account has none of the characters that mark an address, a
network, a mask, a channel or the id of a ban. So a command can tell by the syntax alone what a target is.

Source: Modern IRC Client Protocol, "Clients", "Channels" and the ``CASEMAPPING`` parameter.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from chatroom.irc.limits import CHANNEL_BYTES, NICK_BYTES, RELAYED_NICK_BYTES

CHANNEL_PREFIXES: Final = "#"
RELAY_SEPARATOR: Final = "/"
"""The character that each nick of a relayed message has, and no user's nick (IRCv3 draft/relaymsg)."""

_FOLD: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_ASCII_NICK: Final = re.compile(r"[A-Za-z_\[\]{}\\|^`][A-Za-z0-9_\[\]{}\\|^`-]*")
_NICK_PUNCTUATION: Final = frozenset("-_[]{}\\|^`")
_CHANNEL_FORBIDDEN: Final = frozenset(" ,:\x07\x00\r\n\t*?!")
# Unicode's main categories: letters, marks and numbers.
_LETTER_CATEGORIES: Final = ("L", "M", "N")
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that are not visible (Unicode's Default_Ignorable_Code_Point). With one, a name would look like
another name.
"""


def casefold(name: str) -> str:
    """The form of a name for comparison: A to Z in lower case, all else as it is (``CASEMAPPING=ascii``)."""
    # ``lower`` alone would also fold letters beyond ASCII. For ASCII it is the quicker way.
    return name.lower() if name.isascii() else name.translate(_FOLD)


def is_nick(name: str) -> bool:
    """True if ``name`` is valid for a nick or an account.

    It has visible letters, marks and digits of any script, in their composed form (NFC), and ``- _ [ ] { } \\ | ^ ```.
    The first character is no digit and no hyphen.
    """
    if name.isascii():
        # An identifier of Python has letters, digits and underscores, as most nicks do. To see that is much quicker.
        return len(name) <= NICK_BYTES and (name.isidentifier() or _ASCII_NICK.fullmatch(name) is not None)
    if len(name.encode(errors="surrogatepass")) > NICK_BYTES or name[0] == "-" or name[0].isnumeric():
        return False
    return _has_nick_characters(name)


def is_relayed_nick(name: str) -> bool:
    """True if ``name`` is valid for the nick of a relayed message: the characters of nicks with a ``/`` behind them.

    It may begin with a digit or a hyphen, as names elsewhere do.
    """
    nick, separator, rest = name.partition(RELAY_SEPARATOR)
    letters = name.replace(RELAY_SEPARATOR, "")
    return (
        bool(nick and separator and rest)
        and len(name.encode(errors="surrogatepass")) <= RELAYED_NICK_BYTES
        and _has_nick_characters(letters)
    )


def _has_nick_characters(name: str) -> bool:
    """True if all characters can stand in a nick, and the first one is no mark."""
    for char in name:
        if not (char in _NICK_PUNCTUATION or unicodedata.category(char)[0] in _LETTER_CATEGORIES):
            return False
    return (
        unicodedata.is_normalized("NFC", name)
        and unicodedata.category(name[0])[0] != "M"
        and _INVISIBLE.search(name) is None
    )


def is_channel(name: str) -> bool:
    """True if ``name`` is valid for a channel."""
    return (
        len(name) > 1
        and name[0] in CHANNEL_PREFIXES
        and len(name.encode(errors="surrogatepass")) <= CHANNEL_BYTES
        and name.isprintable()
        and _CHANNEL_FORBIDDEN.isdisjoint(name)
    )
