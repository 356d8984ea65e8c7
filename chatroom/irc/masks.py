"""Masks: ``nick!user@host`` with ``*`` and ``?``.

Letters are compared as in names (``CASEMAPPING=ascii``). A mask has no escape character, because no nick, user name or
host can contain an asterisk or a question mark.

Source: Modern IRC Client Protocol, "Wildcard Expressions".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from chatroom.irc.names import casefold

Matcher = Callable[[str], bool]
"""Returns True if a text matches."""


def has_wildcards(mask: str) -> bool:
    """True if the mask can match more than one text."""
    return "*" in mask or "?" in mask


def normalise_mask(mask: str) -> str:
    """The full form of a mask, in which it is stored and shown: missing parts become ``*``, and ``**`` becomes ``*``.

    ``nick`` → ``nick!*@*``, ``nick!user`` → ``nick!user@*``, ``user@host`` → ``*!user@host``. A single part with a dot,
    a colon or a slash is a host, because no nick has one: ``*.example.org`` → ``*!*@*.example.org``. An extended ban
    (``~a:alice``) has no parts.
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


def make_matcher(mask: str) -> Matcher:
    """A function that matches whole texts with the mask. For a mask that is used once, as in WHO or LIST.

    Its time is at most proportional to the length of the text times the length of the mask, for any mask. Nothing of it
    is kept, and a mask without question marks is not compiled: that takes as long as comparing it with a hundred names.
    """
    folded = casefold(mask)
    if not has_wildcards(folded):
        return lambda text: casefold(text) == folded
    if "?" in folded:
        return _match_by_pattern(folded)
    head, *middles, tail = folded.split("*")
    middles = [middle for middle in middles if middle]
    ends = len(head) + len(tail)

    def fits(text: str) -> bool:
        text = casefold(text)
        end = len(text) - len(tail)
        if len(text) < ends or not text.startswith(head) or not text.endswith(tail):
            return False
        # The first place that fits is the right one for each part: whatever stands between the parts is allowed.
        at = len(head)
        for middle in middles:
            at = text.find(middle, at, end)
            if at < 0:
                return False
            at += len(middle)
        return True

    return fits


def _match_by_pattern(folded: str) -> Matcher:
    """A function that matches whole texts with a casefolded mask that has wildcards."""
    head, *others = (re.escape(part).replace(r"\?", ".") for part in re.split(r"\*+", folded))
    if not others:
        pattern = head
    else:
        *middles, tail = others
        # An atomic group, (?>...), matches its part at the first position that fits and tries no other. So a mask that
        # is made to be slow cannot cause backtracking. The first position is the right one for all parts but the last,
        # which must be at the end of the text.
        pattern = head + "".join(f"(?>.*?{middle})" for middle in middles if middle) + ".*" + tail
    fits = re.compile(pattern, re.DOTALL).fullmatch
    return lambda text: fits(casefold(text)) is not None


@lru_cache(maxsize=4096)
def compile_mask(mask: str) -> Matcher:
    """``make_matcher``, compiled and kept. For a mask that is stored, as a ban: it is matched again and again."""
    folded = casefold(mask)
    return _match_by_pattern(folded) if has_wildcards(folded) else make_matcher(mask)


def matches_mask(mask: str, text: str) -> bool:
    """True if ``text`` as a whole matches ``mask``."""
    return make_matcher(mask)(text)
