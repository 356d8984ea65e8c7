"""Which passwords are too weak for an admin or a moderator.

A stolen password of theirs opens the whole server. So it has at least ``LEAST_CHARACTERS`` characters, is none of the
most common passwords (the list of zxcvbn, 30,000 of them), is not the account's name and not one character repeated.
"""

from __future__ import annotations

import functools

from chatroom.chat.stored.records import Role

LEAST_CHARACTERS = 8


def must_be_strong(role: Role) -> bool:
    """Return True for the roles that must not have a weak password."""
    return role >= Role.MODERATOR


def find_weakness(password: str, name: str) -> str | None:
    """Return why a password is too weak for the account ``name``, to follow "the password"; None if it is not weak.

    The first call reads the list, which takes a tenth of a second.
    """
    if len(password) < LEAST_CHARACTERS:
        return f"has fewer than {LEAST_CHARACTERS} characters"
    folded = password.casefold()
    if folded == name.casefold():
        return "is the name of the account"
    if len(set(folded)) == 1:
        return "is one character repeated"
    if folded in _common_passwords():
        return "is one of the most common passwords"
    return None


@functools.cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # here, because most runs do not need it and it is large

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= LEAST_CHARACTERS)
