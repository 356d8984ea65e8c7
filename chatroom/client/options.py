"""What the command line, the environment and the settings say of a chat."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field

from chatroom.client.place_owner import PlaceOwner
from chatroom.client.route import Route
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.irc.names import casefold, is_nick


@dataclass(frozen=True, slots=True)
class Options:
    """What a chat begins with: from the command line, the environment and the settings."""

    route: Route
    nick: str
    account: str
    password: str
    server_password: str
    join: tuple[str, ...]
    settings: ChatSettings = field(default_factory=ChatSettings)
    invite: str = ""
    """The token of an invite, with which the nick is registered; empty if there is none."""
    server_name: str = ""
    """The name of the server: that of a saved one, or its address."""
    joins_asked: bool = False
    """True if the command line names channels. The first one is in front then, whatever was in front last time."""
    reset: str = ""
    """The token for a new password of ``account``; empty if there is none."""
    is_first_start: bool = False
    """True if nothing says yet which server the user wants: neither the command line nor the settings."""

    @property
    def place_owner(self) -> PlaceOwner:
        """Whose places the chat reopens, and remembers."""
        return PlaceOwner(self.server_name, casefold(self.account or self.nick))

    @property
    def asks_password(self) -> bool:
        """True if the user must give the account's password before the chat. A certificate may do without one."""
        if self.asks_new_password or self.password:
            return False
        return self.account != "" and not self.route.shows_certificate

    @property
    def asks_new_password(self) -> bool:
        """True if the user must choose a password before the chat, for a new account or for ``account``."""
        return (self.invite != "" or self.reset != "") and not self.password


def default_nick() -> str:
    """Return the name of the shell's user as a nick, with ``_`` for characters that a nick cannot have."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        return "guest"  # the user id has no name, as in some containers
    # "a" goes before each character, because a nick may begin with fewer characters than it may contain.
    nick = "".join(char if is_nick("a" + char) else "_" for char in name)[:32]
    return nick if is_nick(nick) else "guest"
