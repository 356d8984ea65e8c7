"""Names that are reserved for the server: a guest called NickServ would be sent passwords, one called Admin believed.

The names are ``accounts.reserved_names``. A name that looks like one of them is reserved too. An account with such a
name, which is older than the setting or was made from the shell, keeps it. ``NickServ`` is reserved whatever the
setting says, and also from an account of that name, because the server itself answers to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from chatroom.chat.admission.lookalikes import skeletons
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry

NICKSERV = "NickServ"
"""The nick of the service for accounts. No user ever has it."""
_NICKSERV_FOLDED = casefold(NICKSERV)


def is_nickserv(name: str) -> bool:
    """True if the name is that of the service, in any case."""
    return casefold(name) == _NICKSERV_FOLDED


def find_reserved(reserved: tuple[str, ...], name: str) -> str | None:
    """The reserved name that ``name`` is or looks like, or None."""
    known = _by_skeleton(reserved)
    for skeleton in skeletons(name):
        if skeleton in known:
            return known[skeleton]
    return None


def is_withheld(reserved: tuple[str, ...], nick: str, account: AccountEntry | None) -> bool:
    """True if a user with that account (None: a guest) must not have the nick, because it is reserved."""
    if account is not None and casefold(account.name) == casefold(nick):
        return is_nickserv(nick)
    return find_reserved(reserved, nick) is not None


def refusal_text(reserved: tuple[str, ...], name: str) -> str:
    """A sentence that says why the reserved name ``name`` is refused."""
    found = find_reserved(reserved, name)
    if found is None or casefold(found) == casefold(name):
        return f"{name} is reserved for the server"
    return f"{name} looks like {found}, which is reserved for the server"


# Two, because a reload compares the names of the old settings with those of the new ones.
@lru_cache(maxsize=2)
def _by_skeleton(reserved: tuple[str, ...]) -> Mapping[str, str]:
    # As people may know them: NlCKSERV looks like NICKSERV, and Adm1n like AdmIn.
    return {
        skeleton: name
        for name in (NICKSERV, *reserved)
        for shown in (name, name.upper(), name.replace("i", "I"))
        for skeleton in skeletons(shown)
    }
