"""Text on its way to the terminal and to the server.

Text from other users must not control the terminal. All control characters are dropped, and all characters that change
the direction of the text. Formatting codes stay in the text of messages only, for ``message_reading``.
"""

from __future__ import annotations

import re
import unicodedata

from chatroom.irc.message import Message

LINE_BYTES = 512
"""The longest line on the wire, without tags and with its CR LF (RFC 1459, 2.3)."""

CTCP = "\x01"

# Colour codes: two digits each for the foreground and the background, or six hexadecimal ones.
_COLOUR = re.compile(r"\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?")
# Control characters (C0 and C1), characters that change the direction or have no width, and lone surrogates, which
# cannot be encoded. Not the zero-width joiner (200D): emoji and some scripts need it.
_UNSAFE = re.compile(
    "[\x00\x02-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0001]"
)
# The same, without the formatting codes.
_UNSAFE_IN_MESSAGE = re.compile(
    "[\x00\x05-\x08\x0b-\x0e\x10\x12-\x15\x17-\x1c\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0001]"
)
_BLANK = re.compile("[\t\n\u2028\u2029]")


def clean(text: str) -> str:
    """Return the text without everything that could control a terminal.

    The CTCP mark (``\\x01``) stays, for ``chat_state``.
    """
    # Most text is plain ASCII; this test is much faster than the three substitutions.
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub("", _BLANK.sub(" ", _COLOUR.sub("", text)))


def clean_formatted(text: str) -> str:
    """Return the text of a message as ``clean`` does, but with its formatting codes."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE_IN_MESSAGE.sub("", _BLANK.sub(" ", text))


def printable(text: str) -> str:
    """Return the text as it may be printed: cleaned, and without CTCP marks."""
    return clean(text).replace(CTCP, "")


def well_formed(text: str) -> str:
    """Return a text from outside the program with nothing in it that UTF-8 cannot encode.

    Python keeps a byte that it could not decode as a lone surrogate, in arguments, environment and typed keys. If these
    bytes make UTF-8, the text was UTF-8 in a locale of another encoding.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode(errors="surrogateescape").decode(errors="replace")
        except UnicodeEncodeError:  # a surrogate that stands for no byte
            return text.encode(errors="replace").decode()
    return text


def clean_message(message: Message) -> Message:
    """Return the message with its parameters, source and tags cleaned.

    A CTCP mark stays only in the text of a message, and formatting codes only if a user has sent it.
    """
    tags = None if message.tags is None else {printable(key): printable(value) for key, value in message.tags.items()}
    source = None if message.source is None else printable(message.source)
    verb = printable(message.verb)
    params = [printable(param) for param in message.params]
    if verb in ("PRIVMSG", "NOTICE") and len(params) > 1:
        by_user = verb == "PRIVMSG" or (source is not None and "!" in source)
        params[1] = (clean_formatted if by_user else clean)(message.params[1])
    return Message(verb, params, source, tags)


def split(text: str, room: int) -> list[str]:
    """Cut a text into pieces of at most ``room`` bytes, at a space if possible, never inside a character.

    A letter stays with the marks that follow it, unless they do not fit into one piece.
    """
    pieces = []
    rest = text
    while len(rest.encode()) > room:
        end = _fitting(rest, room)
        space = rest.rfind(" ", 1, end + 1)
        if space > 0 and rest[:space].strip():
            pieces.append(rest[:space].rstrip())
            rest = rest[space:].lstrip()
        else:
            pieces.append(rest[:end])
            rest = rest[end:]
    if rest.strip() or not pieces:
        pieces.append(rest)
    return pieces


def cut(text: str, room: int) -> list[str]:
    """Cut a text into pieces of at most ``room`` bytes, which make the same text again when they are joined."""
    pieces = []
    rest = text
    while len(rest.encode()) > room:
        end = _fitting(rest, room)
        # Behind a space: a reader that does not join the pieces then sees whole words.
        space = rest.rfind(" ", 1, end)
        end = space + 1 if space > 0 else end
        pieces.append(rest[:end])
        rest = rest[end:]
    return [*pieces, rest]


def _fitting(text: str, room: int) -> int:
    """Return how many characters of ``text`` fit into ``room`` bytes; at least one."""
    size = 0
    end = 0
    for char in text:
        size += len(char.encode())
        if size > room:
            break
        end += 1
    kept = end
    while 0 < kept < len(text) and _clings(text[kept - 1], text[kept]):
        kept -= 1
    return kept or max(end, 1)


def _clings(before: str, char: str) -> bool:
    """True if ``char`` belongs to the character before it: a mark, a joiner, or a character after a joiner."""
    return char in "\u200d\ufe0f" or before == "\u200d" or unicodedata.combining(char) > 0


def room_for(target: str, source_bytes: int) -> int:
    """Return how many bytes of text fit into one PRIVMSG to ``target``."""
    # The server puts the sender's source before the line, and cuts what is then too long.
    return LINE_BYTES - len(f":{'x' * source_bytes} PRIVMSG {target} :\r\n".encode())
