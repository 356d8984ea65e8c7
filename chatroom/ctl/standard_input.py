"""Read a value from standard input.

Passwords are given this way: every user of the machine can see the arguments of a process.
"""

from __future__ import annotations

import codecs
import sys

from chatroom.errors import InvalidValue


def read_stdin(what: str, most_bytes: int) -> str:
    """Return standard input without the line end of its last line. Raises ``InvalidValue`` if it is not UTF-8.

    A byte order mark at the beginning, which programs on Windows write, is not a part of the value.

    ``most_bytes`` is the longest value that the caller accepts. The result can be up to three bytes longer, so that the
    caller's own check refuses a value that is too long.
    """
    # Three bytes for a byte order mark, two for "\r\n" at the end, and one more that shows that the value is too long.
    given = sys.stdin.buffer.read(most_bytes + 6).removeprefix(codecs.BOM_UTF8)[: most_bytes + 3]
    try:
        text = given.decode()
    except UnicodeDecodeError:
        raise InvalidValue(f"{what} is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")
