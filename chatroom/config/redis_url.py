"""The kind of a setting that is the URL of a Redis server, and the address that it stands for.

A password in it is never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.config.values import is_loopback
from chatroom.errors import ConfigError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

# ``urllib.parse`` is imported by what needs it: only those who have a cluster do.
_SCHEMES = ("redis", "rediss", "unix")
_HIDDEN = "********"
_OPTIONS = {
    "redis": {"db"},
    "rediss": {"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"},
    "unix": {"db"},
}
"""The options that a URL of each kind may have."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a Redis server is, and who logs in there. ``str()`` of it is the URL without a password."""

    url: str
    """Without a password."""
    password: str | None = field(default=None, repr=False)
    """That of the URL; None if it had none."""
    password_file: Path | None = None
    """A file with the password on its first line. It is read for each connection."""

    def __str__(self) -> str:
        return self.url

    @property
    def masked(self) -> str:
        """The URL with asterisks for its password, if it had one."""
        if self.password is None:
            return self.url
        scheme, _, rest = self.url.partition("://")
        user, at, place = rest.partition("@") if "@" in self._parts.netloc else ("", "@", rest)
        return f"{scheme}://{user}:{_HIDDEN}{at}{place}"

    @property
    def scheme(self) -> str:
        """``redis``, ``rediss`` (with TLS) or ``unix``."""
        return self._parts.scheme

    @property
    def user(self) -> str | None:
        """Who logs in; None for Redis's default user."""
        from urllib.parse import unquote

        return unquote(self._parts.username) if self._parts.username else None

    @property
    def host(self) -> str:
        """The host name or address. Not of a socket."""
        return self._parts.hostname or "localhost"

    @property
    def port(self) -> int:
        """The port. Not of a socket."""
        return self._parts.port or 6379

    @property
    def path(self) -> str:
        """The path of a socket."""
        from urllib.parse import unquote

        return unquote(self._parts.path)

    @property
    def database(self) -> int:
        """The number of the database in that server."""
        named = "" if self.scheme == "unix" else self._parts.path.strip("/")
        return int(self.options.get("db") or named or 0)

    @property
    def options(self) -> dict[str, str]:
        """The options behind the question mark."""
        from urllib.parse import parse_qsl

        return dict(parse_qsl(self._parts.query))

    @property
    def is_exposed(self) -> bool:
        """True if messages may cross a network in the clear."""
        return self.scheme == "redis" and not is_loopback(self.host)

    @property
    def _parts(self) -> SplitResult:
        from urllib.parse import urlsplit

        return urlsplit(self.url)


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A URL, or an empty text for none."""

    allowed: str = "the URL of a Redis server, such as redis://localhost:6379/0, or empty"

    def read(self, value: object) -> RedisAddress | None:
        """Accept a TOML string. Raises ``ConfigError`` for a URL that cannot be used, and does not repeat it."""
        if not isinstance(value, str):
            raise ValueError
        return parse_redis_url(value) if value else None

    def read_text(self, text: str) -> RedisAddress | None:
        """Accept the text itself."""
        return self.read(text.strip())

    def write(self, value: object) -> object:
        """Return the URL, with asterisks for a password."""
        return value.masked if isinstance(value, RedisAddress) else ""


def parse_redis_url(text: str) -> RedisAddress:
    """The address that a URL stands for. Raises ``ConfigError``, which does not repeat the URL."""
    from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

    if text.partition("://")[0] not in _SCHEMES or "://" not in text:
        raise ConfigError("the URL of Redis must begin with redis://, rediss:// (TLS) or unix://")
    # A "/" in a password ends the login. What is left of the password would be taken for a part of the address, which
    # is shown.
    unreadable = ConfigError(
        "the URL of Redis cannot be read: redis://USER@HOST:PORT/DB; in a password, / is %2F, ? is %3F, # is %23, "
        "@ is %40, % is %25"
    )
    try:
        parts = urlsplit(text)
        login, at, place = parts.netloc.rpartition("@")
        user, colon, secret = login.partition(":")
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        url = urlunsplit((parts.scheme, f"{user}{at if user else ''}{place}", parts.path, parts.query, ""))
        # Without a host, urlunsplit leaves the slashes out.
        url = url if "://" in url else url.replace(":", "://", 1)
        address = RedisAddress(url, unquote(secret) if colon and secret else None)
        is_whole = address.port >= 0 and address.database >= 0
    except ValueError:
        raise unreadable from None
    if not is_whole or not text.isprintable() or " " in text or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise unreadable
    if parts.fragment or (parts.scheme == "unix" and (place or not parts.path.strip("/"))):
        raise unreadable
    others = sorted(options.keys() - _OPTIONS[parts.scheme])
    if others:
        known = ", ".join(sorted(_OPTIONS[parts.scheme]))
        raise ConfigError(f"the URL of Redis cannot have {others[0]}: for {parts.scheme}:// there is {known}")
    return address
