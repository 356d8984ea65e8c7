"""The kind of a setting that is the URL of a database. A password in it is never shown."""

from __future__ import annotations

from dataclasses import dataclass

from chatroom.database_address import ServerAddress, parse_server_url
from chatroom.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A URL, or an empty text for none."""

    allowed: str = "the URL of a PostgreSQL database, such as postgresql://chat@localhost/chat, or empty"
    is_private: bool = True
    """True: an error does not show what was given, because there may be a password in it."""

    def read(self, value: object) -> ServerAddress | None:
        """Accept a TOML string."""
        if not isinstance(value, str):
            raise ValueError
        try:
            return parse_server_url(value) if value else None
        except ConfigError:
            raise ValueError from None

    def read_text(self, text: str) -> ServerAddress | None:
        """Accept the text itself."""
        return self.read(text)

    def write(self, value: object) -> object:
        """Return the URL without a password."""
        return "" if value is None else str(value)
