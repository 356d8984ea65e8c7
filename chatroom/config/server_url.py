"""The kinds of the settings that say where the database is. A password in one is never shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chatroom.database_address import ServerAddress, names_a_server, parse_server_url
from chatroom.errors import ConfigError
from chatroom.settings.kinds import FilePath


@dataclass(frozen=True, slots=True)
class DatabaseFile(FilePath):
    """The path of a database in a file."""

    def read(self, value: object) -> Path | None:
        """As ``FilePath``. Raises ``ConfigError`` for the address of a server, and does not repeat it."""
        if isinstance(value, str) and names_a_server(value):
            raise ConfigError("this is no path; the address of a server belongs in database.url")
        return FilePath.read(self, value)


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
