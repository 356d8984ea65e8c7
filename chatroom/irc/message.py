"""One line of IRC to a message, and back. Lines are text: ``framing`` makes them from bytes.

Source: Modern IRC Client Protocol, "Message Format"; IRCv3 "Message Tags".
"""

from __future__ import annotations

_ESCAPES = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_ESCAPE_TABLE = str.maketrans({";": r"\:", " ": r"\s", "\\": r"\\", "\r": r"\r", "\n": r"\n"})


class Message:
    """A parsed line. ``verb`` is in upper case, ``source`` and ``tags`` are None if the line has none.

    A tag without a value has the value ``""``.
    """

    __slots__ = ("params", "source", "tags", "verb")

    def __init__(
        self, verb: str, params: list[str], source: str | None = None, tags: dict[str, str] | None = None
    ) -> None:
        self.verb = verb
        self.params = params
        self.source = source
        self.tags = tags

    def __repr__(self) -> str:
        return f"Message({self.verb!r}, {self.params!r}, source={self.source!r}, tags={self.tags!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        # Tags None and {} are equal: both give the same line.
        return (self.verb, self.params, self.source, self.tags or None) == (
            other.verb,
            other.params,
            other.source,
            other.tags or None,
        )

    # Equal messages would need equal hashes, but a message can change.
    __hash__ = None  # type: ignore[assignment]

    @property
    def nick(self) -> str:
        """The nick or server name in the source; empty without a source."""
        return (self.source or "").partition("!")[0]


def parse(line: str) -> Message:
    """Parse one line, without its CR LF. If it has no verb, ``verb`` is empty."""
    tags, source, verb, params = split(line)
    return Message(verb, params, source, tags)


def split(line: str) -> tuple[dict[str, str] | None, str | None, str, list[str]]:
    """Return tags, source, verb and parameters of a line, as ``Message`` has them: without it, for a quick reader."""
    if line[:1] in "@: ":
        tags, source, line = _split_prefixes(line)
    else:
        tags = source = None
    head, colon, trailing = line.partition(" :")
    params = head.split(" ")
    if "" in params:
        # Several spaces in a row count as one. ``str.split()`` would also split at tabs.
        params = [param for param in params if param]
        if not params:
            return tags, source, "", []
    verb = params.pop(0).upper()
    if colon:
        params.append(trailing)
    return tags, source, verb, params


def _split_prefixes(line: str) -> tuple[dict[str, str] | None, str | None, str]:
    """The tags and the source of a line, and the rest of the line."""
    tags: dict[str, str] | None = None
    source: str | None = None
    if line.startswith("@"):
        raw, _, line = line[1:].partition(" ")
        tags = parse_tags(raw)
    line = line.lstrip(" ")
    if line.startswith(":"):
        source, _, line = line[1:].partition(" ")
        line = line.lstrip(" ")
    return tags, source, line


def parse_tags(raw: str) -> dict[str, str]:
    """Parse tags, as they are between ``@`` and the first space. If a key repeats, the last one counts."""
    tags: dict[str, str] = {}
    for part in raw.split(";"):
        if part:
            key, _, value = part.partition("=")
            tags[key] = unescape(value) if "\\" in value else value
    return tags


def unescape(value: str) -> str:
    """Undo the escapes of a tag value. A backslash at the end is dropped, an unknown escape keeps its letter."""
    out = []
    rest = iter(value)
    for char in rest:
        if char != "\\":
            out.append(char)
        else:
            following = next(rest, "")
            out.append(_ESCAPES.get(following, following))
    return "".join(out)


def escape(value: str) -> str:
    """Escape a tag value for the wire."""
    return value.translate(_ESCAPE_TABLE)


def format_tags(tags: dict[str, str]) -> str:
    """Format tags, as they are between ``@`` and the first space."""
    return ";".join(f"{key}={escape(value)}" if value else key for key, value in tags.items())


def format_params(params: list[str] | tuple[str, ...]) -> str:
    """The parameters as they follow the verb. Only the last one may have spaces, be empty or begin with a colon."""
    if not params:
        return ""
    last = params[-1]
    if not last or " " in last or last[0] == ":":
        return " ".join([*params[:-1], ":" + last])
    return " ".join(params)


def format_message(message: Message) -> str:
    """The line of a message, without CR LF."""
    parts = []
    if message.tags:
        parts.append("@" + format_tags(message.tags))
    if message.source:
        parts.append(":" + message.source)
    parts.append(message.verb)
    if message.params:
        parts.append(format_params(message.params))
    return " ".join(parts)
