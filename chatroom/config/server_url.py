"""The kind of a setting that is the URL of a database. A password in it is never shown."""

from __future__ import annotations

from dataclasses import dataclass

from chatroom.database_address import ServerAddress, parse_server_url


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A URL, or an empty text for none."""

    allowed: str = "the URL of a PostgreSQL database, such as postgresql://chat@localhost/chat, or empty"

    def read(self, value: object) -> ServerAddress | None:
        """Accept a TOML string. Raises ``ConfigError`` for a URL that cannot be used, and does not repeat it."""
        if not isinstance(value, str):
            raise ValueError
        return parse_server_url(value) if value else None

    def read_text(self, text: str) -> ServerAddress | None:
        """Accept the text itself."""
        return self.read(text.strip())

    def write(self, value: object) -> object:
        """Return the URL, with asterisks for a password."""
        return value.masked if isinstance(value, ServerAddress) else ""
