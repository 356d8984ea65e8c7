"""Bytes to lines and back: the only place where the wire's bytes become text.

Source: Modern IRC Client Protocol, "Message Format" (512 bytes a line with its CR LF); IRCv3 "Message Tags", "Size
limit" (4,094 bytes of tags from a client, on top of the 512). A line ends with CR LF, a lone LF or a lone CR; empty
lines mean nothing and are dropped. What comes out depends on the bytes alone, never on how the network cut them.
"""

from __future__ import annotations

from typing import ClassVar

LINE_BYTES = 510
"""The most a line may hold behind its tags: 512 with CR LF, whichever line end it really has."""

CLIENT_TAGS_BYTES = 4094
"""The most tag data a client may send, without the ``@`` and the space around it."""

_ALWAYS_FITS = LINE_BYTES // 4  # characters: none takes more than four bytes
_CONTROLS = str.maketrans("\r\n\0", "   ")


class Malformed:
    """What stands in the place of a line that cannot be read. Two with the same fault are equal."""

    __slots__ = ("fault", "text")

    TOO_LONG: ClassVar[Malformed]
    HAS_NUL: ClassVar[Malformed]
    NOT_UTF8: ClassVar[Malformed]

    def __init__(self, fault: str, text: str = "") -> None:
        self.fault = fault
        self.text = text
        """What of the line can be read: enough to say what was refused, and to answer its label."""

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
    """Gathers one connection's bytes into lines.

    Holds nothing but an unfinished line, and of one that is already too long what shows that it is. Used by one thread.
    """

    __slots__ = ("_overlong", "_tail")

    def __init__(self) -> None:
        self._tail = b""
        self._overlong = False

    def feed(self, data: bytes) -> list[str | Malformed]:
        """The lines that ``data`` completes, in order; a line that is too long shows up once, when it ends."""
        if self._overlong or self._tail:
            data = self._resume(data)
        else:
            usual = _split_usual(data)
            if usual is not None:
                return usual
        end = data.rfind(b"\n") + 1
        if end != len(data):
            end = max(end, data.rfind(b"\r") + 1)
            self._keep(data[end:])
            data = data[:end]
        if not data:
            return []
        lines = _split_plain(data)
        return _split_any(data) if lines is None else lines

    def _resume(self, data: bytes) -> bytes:
        """``data`` with the unfinished line in front; of an over-long one only its beginning is left, and its end."""
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
        """Keep an unfinished line, or as much of it as shows that it is too long."""
        limit = CLIENT_TAGS_BYTES + 2 + LINE_BYTES if tail.startswith(b"@") else LINE_BYTES
        self._overlong = len(tail) > limit
        self._tail = tail[: limit + 1]


def _split_usual(data: bytes) -> list[str | Malformed] | None:
    """Whole lines that all end with CR LF, as nearly everybody sends them; None where there is more to look at."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    lines: list[str | Malformed] = text.split("\r\n")  # type: ignore[assignment]
    if lines.pop() or "\0" in text:
        return None
    count = len(lines)
    if count == 1:
        line = lines[0]
        if not line or "\n" in line or "\r" in line:  # type: ignore[operator]
            return None
    elif text.count("\n") != count or text.count("\r") != count or "" in lines:
        return None
    if len(data) > LINE_BYTES and max(map(len, lines)) > _ALWAYS_FITS:  # type: ignore[arg-type]
        return None
    return lines


def _split_plain(data: bytes) -> list[str | Malformed] | None:
    """Complete lines at one go; None where one of them may be malformed, or has long tags."""
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
        longest = LINE_BYTES if text.isascii() else _ALWAYS_FITS
        if max(map(len, lines)) > longest:  # type: ignore[arg-type]
            return None
    return lines


def _split_any(data: bytes) -> list[str | Malformed]:
    """Complete lines, looked at one by one. ``bytes.splitlines`` knows exactly our three line ends."""
    return [_read(line) for line in data.splitlines() if line]


def _read(line: bytes) -> str | Malformed:
    rest = line
    if line.startswith(b"@"):
        tags, _, rest = line[1:].partition(b" ")
        if len(tags) > CLIENT_TAGS_BYTES:
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
    """A line as it goes out, with CR LF; behind its tags it is cut to ``limit`` bytes, between two characters.

    A CR, LF or NUL within becomes a space and a lone surrogate a question mark, so that no text that reached us another
    way than over the wire can forge a line.
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
    """At most ``limit`` bytes of UTF-8, ending between two characters."""
    if len(data) <= limit:
        return data
    while limit and data[limit] & 0xC0 == 0x80:
        limit -= 1
    return data[:limit]
