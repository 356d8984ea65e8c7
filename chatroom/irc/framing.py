"""Bytes to lines and back. Only this module turns bytes of the wire into text.

A line ends with CR LF, LF or CR. Empty lines are dropped. The lines depend on the bytes alone, not on how the network
cuts them.

Source: Modern IRC Client Protocol, "Message Format" (512 bytes a line with its CR LF); IRCv3 "Message Tags", "Size
limit" (4,094 bytes of tags from a client, on top of the 512).
"""

from __future__ import annotations

from typing import ClassVar, Final

LINE_BYTES: Final = 510
"""The most bytes of a line without its tags and its line end."""

CLIENT_TAGS_BYTES: Final = 4094
"""The most bytes of tags in a line of a client, without the ``@`` before and the space after them."""

ALWAYS_FITS: Final = LINE_BYTES // 4
"""A line of so many characters is never too long, because no character has more than four bytes."""

_CONTROLS: Final = str.maketrans("\r\n\0", "   ")


class Malformed:
    """Takes the place of a line that cannot be read. Two with the same fault are equal."""

    __slots__ = ("fault", "text")

    TOO_LONG: ClassVar[Malformed]
    HAS_NUL: ClassVar[Malformed]
    NOT_UTF8: ClassVar[Malformed]

    def __init__(self, fault: str, text: str = "") -> None:
        self.fault = fault
        self.text = text
        """The readable part of the line, for the reply: it needs the verb, and the label in the tags."""

    def __repr__(self) -> str:
        return f"<a line that is {self.fault}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Malformed) and other.fault == self.fault

    def __hash__(self) -> int:
        return hash(self.fault)


Malformed.TOO_LONG = Malformed("too long")
Malformed.HAS_NUL = Malformed("with a NUL")
Malformed.NOT_UTF8 = Malformed("not UTF-8")


class LineBuffer:
    """Collects the bytes of one connection into lines. Used by one thread.

    Between two reads it holds only an unfinished line, of bounded length.
    """

    __slots__ = ("_overlong", "_tail")

    def __init__(self) -> None:
        self._tail = b""
        """The unfinished line. Of a line that is too long, as much as shows that it is."""
        self._overlong = False
        """True if the unfinished line is too long already."""

    def feed(self, data: bytes) -> list[str | Malformed]:
        """Add bytes. Returns the lines that they complete, in order. A line that is too long counts when it ends."""
        if self._overlong or self._tail:
            data = self._resume(data)
        else:
            # Nearly every read brings whole lines that end with CR LF.
            usual = _split_usual(data)
            if usual is not None:
                return usual
        end = data.rfind(b"\n") + 1
        if end != len(data):
            # A CR ends a line at once. If the LF of a CR LF comes with the next read, it ends an empty line.
            end = max(end, data.rfind(b"\r") + 1)
            self._keep(data[end:])
            data = data[:end]
        if not data:
            return []
        lines = _split_plain(data)
        return _split_any(data) if lines is None else lines

    def to_state(self) -> tuple[bytes, bool]:
        """The unfinished line, and True if it is too long already, for ``use_state``."""
        return self._tail, self._overlong

    def use_state(self, tail: bytes, overlong: bool) -> None:
        """Take over the unfinished line of another buffer."""
        self._tail, self._overlong = tail, overlong

    def _resume(self, data: bytes) -> bytes:
        """``data`` after the unfinished line. The middle of a line that is too long is dropped."""
        if self._overlong:
            ends = [at for at in (data.find(b"\n"), data.find(b"\r")) if at >= 0]
            if not ends:
                return b""
            self._overlong = False
            data = data[min(ends) :]
        data = self._tail + data
        self._tail = b""
        return data

    def _keep(self, tail: bytes) -> None:
        # The two more are the ``@`` and the space around the tags. The +1 shows that the line is too long.
        limit = CLIENT_TAGS_BYTES + 2 + LINE_BYTES if tail.startswith(b"@") else LINE_BYTES
        self._overlong = len(tail) > limit
        self._tail = tail[: limit + 1]


def _split_usual(data: bytes) -> list[str | Malformed] | None:
    """Split whole lines that all end with CR LF. Returns None if one may be malformed or end in another way."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    # Mostly it is one line.
    line, end, rest = text.partition("\r\n")
    if not rest:
        # A lone CR or LF ends a line too.
        if not line or not end or "\n" in line or "\r" in line or "\0" in line or len(data) > LINE_BYTES:
            return None
        return [line]
    lines: list[str | Malformed] = text.split("\r\n")  # type: ignore[assignment]
    # After the last CR LF nothing may be left.
    if lines.pop() or "\0" in text:
        return None
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "" in lines:
        return None
    if len(data) > LINE_BYTES and max(map(len, lines)) > ALWAYS_FITS:  # type: ignore[arg-type]
        return None
    return lines


def _split_plain(data: bytes) -> list[str | Malformed] | None:
    """Split complete lines with any line ends. Returns None if one may be malformed or has long tags."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            text = text.replace("\r", "\n")
    lines: list[str | Malformed] = text.split("\n")  # type: ignore[assignment]
    lines.pop()
    if "" in lines:
        lines = [line for line in lines if line]
    if len(data) > LINE_BYTES and lines:
        longest = LINE_BYTES if text.isascii() else ALWAYS_FITS
        if max(map(len, lines)) > longest:  # type: ignore[arg-type]
            return None
    return lines


def _split_any(data: bytes) -> list[str | Malformed]:
    """Split complete lines and check each."""
    # The line ends of ``bytes.splitlines`` are CR LF, LF and CR. Those of ``str.splitlines`` are more.
    return [_read(line) for line in data.splitlines() if line]


def _read(line: bytes) -> str | Malformed:
    rest = line
    if line.startswith(b"@"):
        tags, _, rest = line[1:].partition(b" ")
        if len(tags) > CLIENT_TAGS_BYTES:
            # Without the last tag, which may be cut.
            whole_tags = line[:CLIENT_TAGS_BYTES].rpartition(b";")[0]
            return Malformed(Malformed.TOO_LONG.fault, whole_tags.decode(errors="replace"))
    if len(rest) > LINE_BYTES:
        return Malformed(Malformed.TOO_LONG.fault, line[: CLIENT_TAGS_BYTES + LINE_BYTES].decode(errors="replace"))
    if b"\0" in line:
        return Malformed.HAS_NUL
    try:
        return line.decode()
    except UnicodeDecodeError:
        return Malformed(Malformed.NOT_UTF8.fault, line.decode(errors="replace"))


def encode(line: str, limit: int = LINE_BYTES) -> bytes:
    """The bytes of a line, with CR LF. Without its tags it is cut to ``limit`` bytes, between two characters.

    A CR, LF or NUL in it becomes a space, and half a surrogate pair a question mark: a text from a file or the command
    line must not forge a line.
    """
    if "\n" in line or "\r" in line or "\0" in line:
        line = line.translate(_CONTROLS)
    try:
        data = line.encode()
    except UnicodeEncodeError:
        data = line.encode(errors="replace")
    if len(data) > limit:
        start = data.find(b" ") + 1 if data.startswith(b"@") else 0
        data = data[:start] + _cut(data[start:], limit)
    return data + b"\r\n"


def _cut(data: bytes, limit: int) -> bytes:
    """At most ``limit`` bytes of UTF-8, cut between two characters."""
    if len(data) <= limit:
        return data
    # 0b10...... is a byte inside of a character.
    while limit and data[limit] & 0xC0 == 0x80:
        limit -= 1
    return data[:limit]
