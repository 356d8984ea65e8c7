"""Reading a value from standard input: for what must not stand in the arguments, which everybody can see."""

from __future__ import annotations

import sys

from chatroom.errors import InvalidValue


def read_stdin(what: str, most_bytes: int) -> str:
    """All of standard input but the line's end that comes with most files; of too much, enough to be refused for it.

    Raises ``InvalidValue``.
    """
    given = sys.stdin.buffer.read(most_bytes + 3)
    try:
        text = given.decode()
    except UnicodeDecodeError:
        raise InvalidValue(f"{what} is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")
