"""What the server says about itself in ISUPPORT (numeric 005).

Source: Modern IRC, "RPL_ISUPPORT Parameters". Only the tokens that the client acts on are read.
"""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.irc.names import casefold

_RFC1459 = str.maketrans("[]\\^", "{}|~")


class ServerFeatures:
    """The server's rules for names and modes. Until a 005 arrives they are those of RFC 1459, with ASCII names."""

    def __init__(self) -> None:
        self.channel_types = "#"
        """The characters that a channel's name may begin with."""
        self.prefixes: dict[str, str] = {"o": "@", "v": "+"}
        """Channel mode to the sign before the nicks that have it, highest rank first."""
        self.modes_with_parameter = "beIqkl"
        """Channel modes that take a parameter and are not about a member."""
        self._fold_rfc1459 = False

    def read(self, tokens: Iterable[str]) -> None:
        """Take over the tokens of one 005 (``KEY=VALUE``). Unknown tokens are ignored."""
        for token in tokens:
            key, _, value = token.partition("=")
            if key == "CHANTYPES":
                self.channel_types = value
            elif key == "CASEMAPPING":
                self._fold_rfc1459 = value.startswith("rfc1459")
            elif key == "CHANMODES":
                # Four groups; the last one holds the modes without a parameter.
                self.modes_with_parameter = "".join(value.split(",")[:3])
            elif key == "PREFIX" and value.startswith("("):
                modes, _, signs = value[1:].partition(")")
                self.prefixes = dict(zip(modes, signs, strict=False))

    def fold(self, name: str) -> str:
        """Return the form of a name in which this server compares names."""
        return casefold(name).translate(_RFC1459) if self._fold_rfc1459 else casefold(name)

    def is_channel(self, name: str) -> bool:
        """Tell from the first character if ``name`` is the name of a channel."""
        return name != "" and name[0] in self.channel_types

    def split_signs(self, name: str) -> tuple[str, str]:
        """Split ``@+nick`` or ``@#channel`` into its signs and the bare name."""
        bare = name.lstrip("".join(self.prefixes.values()))
        return name[: len(name) - len(bare)], bare
