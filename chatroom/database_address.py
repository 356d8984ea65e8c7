"""Where a database is: the path of a file, or a server and who logs in there. A password never shows."""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

from chatroom.errors import ConfigError
from chatroom.paths import runtime_directory
from chatroom.url_with_password import UrlWithPassword, is_cut_short, take_password

_SCHEMES = ("postgresql", "postgres")
_PASSWORD = "password"  # noqa: S105 - the name of an option
_SECRETS = ("sslpassword", "oauth_client_secret")
_DEFAULT_PORT = "5432"


@dataclass(frozen=True, slots=True)
class ServerAddress(UrlWithPassword):
    """The address of a PostgreSQL database.

    The password is in ``password_file``, or in the URL, or PostgreSQL's library finds it (``PGPASSWORD``, or the file
    that ``PGPASSFILE`` names).
    """

    @property
    def place(self) -> str:
        """Host, port and name of the database. It is the same for all who log in there, and all spellings of the URL.

        What the URL leaves out is completed as PostgreSQL's library does it, from the environment too. Two names of one
        host are two places.
        """
        from urllib.parse import unquote, urlsplit

        parts, options = urlsplit(self.url), self._options
        user = parts.netloc.rpartition("@")[0]
        port = options.get("port") or os.environ.get("PGPORT") or _DEFAULT_PORT
        named = ",".join(_with_port(host, port) for host in self.hosts)
        name = unquote(parts.path.removeprefix("/")) or options.get("dbname") or os.environ.get("PGDATABASE")
        name = name or unquote(user) or options.get("user") or os.environ.get("PGUSER") or _own_name()
        # Other options can lead to other tables.
        return f"{named}/{name}?{options.get('options', '')}"

    @property
    def hosts(self) -> list[str]:
        """The names and addresses of the server, perhaps with ports. One that begins with a slash is a directory."""
        from urllib.parse import unquote, urlsplit

        netloc, options = urlsplit(self.url).netloc.rpartition("@")[2], self._options
        hosts = options.get("host") or unquote(netloc) or options.get("hostaddr") or os.environ.get("PGHOST", "")
        return hosts.split(",")

    @property
    def is_encrypted(self) -> bool:
        """True if a connection without TLS is refused."""
        mode = self._options.get("sslmode") or os.environ.get("PGSSLMODE", "")
        return mode in ("require", "verify-ca", "verify-full")

    @property
    def _options(self) -> dict[str, str]:
        from urllib.parse import urlsplit

        return dict(map(_split_option, urlsplit(self.url).query.split("&")))


# A URL without its slashes, and what PostgreSQL's own programs take: "host=db dbname=chat password=...".
_OTHER_WAYS = re.compile(r"postgres(ql)?:|(.*\s)?(host|hostaddr|dbname|password)\s*=", re.IGNORECASE | re.DOTALL)

DatabaseAddress = Path | ServerAddress
"""Where a database is."""


def local_path(address: DatabaseAddress, node: str = "") -> Path:
    """The file of a database, or the path that stands for one of a server on this machine. There is no such file.

    The daemon's lock is beside it, and the control socket is named after it. Each ``node`` of a cluster has its own.
    The user does not count: all who log in mean the same database. Raises ``ServeError`` as ``runtime_directory``.
    """
    if isinstance(address, Path):
        return address
    import hashlib  # here, as what the addresses of servers need is only for those who have one

    name = f"postgresql-{hashlib.sha256(address.place.encode()).hexdigest()[:20]}"
    return runtime_directory() / (f"{name}-{node}" if node else name)


def describe_database(address: DatabaseAddress) -> str:
    """The address as two processes compare it: of a file, the path that all links to it lead to."""
    return os.path.realpath(address) if isinstance(address, Path) else address.place


def is_server_url(text: str) -> bool:
    """True if the text is meant as the URL of a database server."""
    return text.partition("://")[0] in _SCHEMES and "://" in text


def parse_server_url(text: str, password_file: Path | None = None) -> ServerAddress:
    """The address that a URL stands for. Raises ``ConfigError``, which does not repeat the URL."""
    from urllib.parse import urlsplit

    if not is_server_url(text):
        raise ConfigError("the URL of a database must begin with postgresql://")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ConfigError("the URL of the database cannot be read: postgresql://USER@HOST/DATABASE") from None
    if not text.isprintable() or " " in text or is_cut_short(parts):
        raise ConfigError(
            "the URL of the database cannot be read: in a password, / is %2F, ? is %3F, # is %23, @ is %40, % is %25"
        )
    # Piece by piece: a URL of PostgreSQL's knows no "+" for a space, which the functions for those of the web do.
    pieces = parts.query.split("&") if parts.query else []
    options = dict(map(_split_option, pieces))
    for name in _SECRETS:
        if name in options:
            raise ConfigError(f"the URL of the database must not have {name}: use a key without a password")
    query = "&".join(piece for piece in pieces if _split_option(piece)[0] != _PASSWORD)
    url, password = take_password(parts, query)
    if password is None:
        password = options.get(_PASSWORD)
    return ServerAddress(url, password or None, password_file)


def names_a_server(text: str) -> bool:
    """True if the text is no path, but names a server, in whatever way. It may have a password in it."""
    return "://" in text or _OTHER_WAYS.match(text) is not None


def find_address(text: str) -> DatabaseAddress:
    """The address in a text: the URL of a server, or the path of a file.

    Raises ``ConfigError`` for any other URL, and for other ways to name a server, which may have a password in them: as
    a path, the text would be shown. It does not repeat the text.
    """
    if "://" in text:
        return parse_server_url(text)
    if _OTHER_WAYS.match(text):
        raise ConfigError("a database is the path of a file, or a URL: postgresql://USER@HOST/DATABASE")
    return Path(text)


def _split_option(piece: str) -> tuple[str, str]:
    from urllib.parse import unquote

    name, _, value = piece.partition("=")
    return unquote(name), unquote(value)


def _with_port(host: str, port: str) -> str:
    if host.startswith("/"):  # the directory of a socket, in which case counts
        return host if ":" in host else f"{host}:{port}"
    return (host if ":" in host.rpartition("]")[2] else f"{host}:{port}").lower()


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container can run under a uid without a name
        return ""
