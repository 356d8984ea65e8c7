"""Where a database server is, and who logs in there. The password never shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from chatroom.errors import ConfigError

_SCHEMES = ("postgresql", "postgres")
_SECRETS = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address of a PostgreSQL database. ``str()`` of it is the URL without a password.

    The password is in ``password_file``, or in the URL, or PostgreSQL's library finds it (``PGPASSWORD``, or the file
    that ``PGPASSFILE`` names).
    """

    url: str
    """Without a password."""
    password: str | None = field(default=None, repr=False)
    """That of the URL; None if it had none."""
    password_file: Path | None = None
    """A file with the password on its first line. It is read for each connection."""

    def __str__(self) -> str:
        return self.url


def is_server_url(text: str) -> bool:
    """True if the text is meant as the URL of a database server."""
    return text.partition("://")[0] in _SCHEMES and "://" in text


def parse_server_url(text: str, password_file: Path | None = None) -> ServerAddress:
    """The address that a URL stands for. Raises ``ConfigError``, which does not repeat the URL."""
    if not is_server_url(text):
        raise ConfigError("the URL of a database must begin with postgresql://")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ConfigError("the URL of the database cannot be read: postgresql://USER@HOST/DATABASE") from None
    login, at, hosts = parts.netloc.rpartition("@")
    user, colon, secret = login.partition(":")
    options = parse_qsl(parts.query, keep_blank_values=True)
    secrets = dict(option for option in options if option[0] in _SECRETS)
    if "sslpassword" in secrets:
        raise ConfigError("the URL of the database must not have sslpassword: use a key without a password")
    password = unquote(secret) if colon else secrets.get("password")
    query = urlencode([option for option in options if option[0] not in _SECRETS], safe="/:,")
    url = urlunsplit((parts.scheme, f"{user}{at if user else ''}{hosts}", parts.path, query, ""))
    # Without hosts, urlunsplit leaves the slashes out.
    url = url if "://" in url else url.replace(":", "://", 1)
    return ServerAddress(url, password or None, password_file)
