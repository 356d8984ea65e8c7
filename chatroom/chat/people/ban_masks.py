"""Extended bans: masks that fit people by more than their ``nick!user@host``, or do less than keep them out.

``~a:NAME`` fits who is logged in to an account, whose name may hold ``*`` and ``?``: ``~a:*`` fits everybody but
guests. ``~m:MASK`` mutes whom MASK fits, which may be a plain mask or ``~a:``: they may join and not speak. As an
exception ``~m:MASK`` lifts what keeps people from speaking and nothing else.

Source: Modern IRC Client Protocol, ``EXTBAN`` parameter; IRCv3 account-extban.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from chatroom.irc.masks import compile_mask, normalise_mask

TYPES = "am"
"""The letters there are, as ISUPPORT tells them."""

_EXTENDED = re.compile(r"~([A-Za-z]):(.*)", re.DOTALL)


class BanMask(NamedTuple):
    """A mask of one of a channel's lists, ready to be asked."""

    fits: Callable[[str, str | None], bool]
    """Judges a user by prefix (``nick!user@host``) and account name, which is None for a guest."""
    mutes: bool
    """Whether it is about speaking only."""


def normalise_ban(given: str) -> str | None:
    """A mask of a channel's list in full, as it is kept and shown; None where there is no such kind of mask."""
    extended = _EXTENDED.fullmatch(given)
    if extended is None:
        mask = normalise_mask(given)
        # normalise_mask leaves what begins with a tilde alone, which here can only be a user name.
        return normalise_mask("*!" + given) if mask.startswith("~") else mask
    letter, rest = extended.groups()
    if letter == "a" and rest:
        return "~a:" + re.sub(r"\*{2,}", "*", rest)
    if letter == "m" and rest and not rest.startswith("~m:"):
        mask_of_whom = normalise_ban(rest)
        return None if mask_of_whom is None else "~m:" + mask_of_whom
    return None


@lru_cache(maxsize=4096)
def compile_ban(mask: str) -> BanMask:
    """What a mask made by ``normalise_ban`` means."""
    if mask.startswith("~m:"):
        return BanMask(compile_ban(mask[3:]).fits, True)
    if mask.startswith("~a:"):
        fits_name = compile_mask(mask[3:])
        return BanMask(lambda prefix, account: account is not None and fits_name(account), False)
    fits_prefix = compile_mask(mask)
    return BanMask(lambda prefix, account: fits_prefix(prefix), False)
