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
        self.list_modes = "b"
        """Channel modes that are lists of masks."""
        self.plain_modes = "imnpst"
        """Channel modes without a parameter."""
        self.has_whox = False
        """True if WHO takes a list of fields and a token."""
        self.most_history = 0
        """How many messages a page of the history may have; 0 for any number."""
        self.network = ""
        """The name of the network; empty if the server tells none."""
        self._fold_rfc1459 = False
        # Client-only tags that the server drops: all but some, or none but some.
        self._denies_all_tags = False
        self._tag_exceptions: frozenset[str] = frozenset()

    def read(self, tokens: Iterable[str]) -> None:
        """Take over the tokens of one 005 (``KEY=VALUE``). Unknown tokens are ignored."""
        for token in tokens:
            key, _, value = token.partition("=")
            if key == "CHANTYPES":
                self.channel_types = value
            elif key == "CASEMAPPING":
                self._fold_rfc1459 = value.startswith("rfc1459")
            elif key == "CHANMODES":
                # Four groups: lists, a parameter always, one when it is set, none.
                groups = [*value.split(","), "", "", "", ""][:4]
                self.modes_with_parameter = "".join(groups[:3])
                self.list_modes, self.plain_modes = groups[0], groups[3]
            elif key == "WHOX":
                self.has_whox = True
            elif key == "NETWORK":
                self.network = value
            elif key == "CHATHISTORY":
                self.most_history = int(value) if value.isascii() and value.isdecimal() and len(value) < 9 else 0
            elif key == "CLIENTTAGDENY":
                names = [name for name in value.split(",") if name]
                self._denies_all_tags = "*" in names
                wanted = [name.removeprefix("-") for name in names if name.startswith("-") == self._denies_all_tags]
                self._tag_exceptions = frozenset(wanted)
            elif key == "PREFIX" and value.startswith("("):
                modes, _, signs = value[1:].partition(")")
                self.prefixes = dict(zip(modes, signs, strict=False))

    def takes_tag(self, name: str) -> bool:
        """Tell if the server passes a client-only tag on; ``name`` is without its ``+``."""
        return (name in self._tag_exceptions) == self._denies_all_tags

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
