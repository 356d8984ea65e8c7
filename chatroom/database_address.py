"""Where a database is: the path of a file, or a server and who logs in there. A password never shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from chatroom.errors import ConfigError
from chatroom.paths import runtime_directory

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


DatabaseAddress = Path | ServerAddress
"""Where a database is."""


def local_path(address: DatabaseAddress) -> Path:
    """The file of a database, or the path that stands for one of a server on this machine. There is no such file.

    The daemon's lock is beside it, and the control socket is named after it. The user does not count: all who log in
    mean the same database. Raises ``ServeError`` as ``runtime_directory``.
    """
    if isinstance(address, Path):
        return address
    import hashlib  # here, as what the addresses of servers need is only for those who have one
    from urllib.parse import parse_qsl, urlsplit

    parts = urlsplit(address.url)
    places = sorted(
        one for one in parse_qsl(parts.query) if one[0] in ("host", "hostaddr", "port", "dbname", "options")
    )
    meant = repr((parts.netloc.rpartition("@")[2].lower(), parts.path, places))
    return runtime_directory() / f"postgresql-{hashlib.sha256(meant.encode()).hexdigest()[:20]}"


def is_server_url(text: str) -> bool:
    """True if the text is meant as the URL of a database server."""
    return text.partition("://")[0] in _SCHEMES and "://" in text


def parse_server_url(text: str, password_file: Path | None = None) -> ServerAddress:
    """The address that a URL stands for. Raises ``ConfigError``, which does not repeat the URL."""
    from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

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


def find_address(text: str) -> DatabaseAddress:
    """The address in a text: the URL of a server, or the path of a file. Raises ``ConfigError``."""
    return parse_server_url(text) if is_server_url(text) else Path(text)
