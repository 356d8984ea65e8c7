"""Ban masks: the masks of a channel's lists, plain or extended.

A plain mask is ``nick!user@host`` with ``*`` and ``?``. There are two extended ones:

- ``~a:NAME`` fits users that are logged in to the account. NAME may hold ``*`` and ``?``: ``~a:*`` fits all but guests.
- ``~m:MASK`` is a mute. Users that MASK fits can join, but not speak. MASK is a plain mask or ``~a:NAME``. As an
  exception it allows the users to speak, but not to join.

Source: Modern IRC Client Protocol, ``EXTBAN`` parameter; IRCv3 account-extban.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from chatroom.irc.masks import compile_mask, normalise_mask
from chatroom.irc.names import casefold

TYPES = "am"
"""The letters of the extended masks, as ISUPPORT lists them."""

_EXTENDED = re.compile(r"~([A-Za-z]):(.*)", re.DOTALL)


class BanMask(NamedTuple):
    """A compiled mask of a channel's list."""

    fits: Callable[[str, str | None], bool]
    """Judges a user by prefix (``nick!user@host``) and account name, which is None for a guest."""
    mutes: bool
    """True for a mute: it is about speaking only."""


def normalise_ban(given: str) -> str | None:
    """Return a mask in its full form, as it is stored and shown; None if its extended form is not supported."""
    extended = _EXTENDED.fullmatch(given)
    if extended is None:
        mask = normalise_mask(given)
        # ``normalise_mask`` does not touch a mask with a tilde in front. Here it can only be that of a username.
        return normalise_mask("*!" + given) if mask.startswith("~") else mask
    letter, rest = extended.groups()
    if letter == "a" and rest:
        return "~a:" + re.sub(r"\*{2,}", "*", rest)
    if letter == "m" and rest and not rest.startswith("~m:"):
        mask_of_whom = normalise_ban(rest)
        return None if mask_of_whom is None else "~m:" + mask_of_whom
    return None


def rename_in_ban(mask: str, old: str, new: str) -> str | None:
    """Return the mask for an account that is called ``new`` now; None if the mask is not for the account ``old``."""
    start, is_for_account, name = mask.rpartition("~a:")
    return f"{start}~a:{new}" if is_for_account and casefold(name) == casefold(old) else None


# Cached, because channels often have the same masks, and each is compiled again at a restart.
@lru_cache(maxsize=4096)
def compile_ban(mask: str) -> BanMask:
    """Compile a mask that ``normalise_ban`` has returned."""
    if mask.startswith("~m:"):
        return BanMask(compile_ban(mask[3:]).fits, True)
    if mask.startswith("~a:"):
        fits_name = compile_mask(mask[3:])
        return BanMask(lambda prefix, account: account is not None and fits_name(account), False)
    fits_prefix = compile_mask(mask)
    return BanMask(lambda prefix, account: fits_prefix(prefix), False)
