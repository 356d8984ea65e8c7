"""Masks: ``nick!user@host`` with ``*`` and ``?``.

Source: Modern IRC Client Protocol, "Wildcard Expressions". Letters are compared as names are (``CASEMAPPING=ascii``).
There is no escape: none of the parts of a mask can hold an asterisk or a question mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from chatroom.irc.names import casefold

Matcher = Callable[[str], bool]


def has_wildcards(mask: str) -> bool:
    """Whether the mask can match more than one text."""
    return "*" in mask or "?" in mask


def normalise_mask(mask: str) -> str:
    """A mask in full, as it is kept and shown: what is missing becomes ``*`` and runs of ``*`` become one.

    ``nick`` → ``nick!*@*``, ``nick!user`` → ``nick!user@*``, ``user@host`` → ``*!user@host``. A lone text with a dot,
    a colon or a slash can only be a host, for no nick holds one: ``*.example.org`` → ``*!*@*.example.org``. An extended
    ban (``~a:alice``) is left as it is but for its runs of ``*``.
    """
    if not mask.startswith("~"):
        nick, exclamation, rest = mask.partition("!")
        if not exclamation:
            nick, rest = ("", mask) if any(char in mask for char in "@.:/") else (mask, "")
        user, at, host = rest.rpartition("@")
        if not at:
            user, host = ("", rest) if not exclamation else (rest, "")
        mask = f"{nick or '*'}!{user or '*'}@{host or '*'}"
    return re.sub(r"\*{2,}", "*", mask)


@lru_cache(maxsize=4096)
def compile_mask(mask: str) -> Matcher:
    """A function that tells whether a text matches the mask in whole.

    Its time grows with the text's length times the mask's at the worst, whatever the mask: each ``*`` is settled at the
    first place where what follows it fits, and never looked at again.
    """
    folded = casefold(mask)
    if not has_wildcards(folded):
        return lambda text: casefold(text) == folded
    head, *others = (re.escape(part).replace(r"\?", ".") for part in re.split(r"\*+", folded))
    if not others:
        pattern = head
    else:
        *middles, tail = others
        # An atomic group gives nothing back. That is right for all but the last part, which has to stand at the end.
        pattern = head + "".join(f"(?>.*?{middle})" for middle in middles if middle) + ".*" + tail
    fits = re.compile(pattern, re.DOTALL).fullmatch
    return lambda text: fits(casefold(text)) is not None


def matches_mask(mask: str, text: str) -> bool:
    """Whether ``text`` matches ``mask``; compiled masks are kept for the next time."""
    return compile_mask(mask)(text)
