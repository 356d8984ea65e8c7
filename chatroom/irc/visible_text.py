"""What a reader sees of a text: without the codes for colours and other formats, and without the frame of an ACTION.

Source: Modern IRC Documents, "IRC Formatting"; "Client-to-Client Protocol (CTCP)", "ACTION".
"""

from __future__ import annotations

import re

# A colour has one or two digits for the foreground and the background each, or six hexadecimal ones. Further control
# characters switch a format on and off, or are not shown at all.
_UNSEEN = re.compile(
    "\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_ACTION = "\x01ACTION "


def strip_formats(text: str) -> str:
    """Return the text without formatting codes and other control characters; tabs and line feeds stay."""
    if text.isprintable():  # most texts, and much faster than a substitution
        return text
    return _UNSEEN.sub("", text.removeprefix(_ACTION))
