"""The kind of a setting that is the URL of a Redis server, and the address that it stands for.

A password in it is never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatroom.config.values import is_loopback
from chatroom.errors import ConfigError
from chatroom.url_with_password import UrlWithPassword, is_cut_short, take_password

if TYPE_CHECKING:
    from urllib.parse import SplitResult

# ``urllib.parse`` is imported by what needs it: only those who have a cluster do.
_SCHEMES = ("redis", "rediss", "unix")
_OPTIONS = {
    "redis": {"db"},
    "rediss": {"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"},
    "unix": {"db"},
}
"""The options that a URL of each kind may have."""


@dataclass(frozen=True, slots=True)
class RedisAddress(UrlWithPassword):
    """Where a Redis server is, and who logs in there."""

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
    from urllib.parse import parse_qsl, urlsplit

    if text.partition("://")[0] not in _SCHEMES or "://" not in text:
        raise ConfigError("the URL of Redis must begin with redis://, rediss:// (TLS) or unix://")
    unreadable = ConfigError(
        "the URL of Redis cannot be read: redis://USER@HOST:PORT/DB; in a password, / is %2F, ? is %3F, # is %23, "
        "@ is %40, % is %25"
    )
    try:
        parts = urlsplit(text)
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        url, password = take_password(parts, parts.query)
        address = RedisAddress(url, password or None)
        is_whole = address.port >= 0 and address.database >= 0
    except ValueError:
        raise unreadable from None
    if not is_whole or not text.isprintable() or " " in text or is_cut_short(parts):
        raise unreadable
    has_host = bool(parts.netloc.rpartition("@")[2])
    if parts.fragment or (parts.scheme == "unix" and (has_host or not parts.path.strip("/"))):
        raise unreadable
    others = sorted(options.keys() - _OPTIONS[parts.scheme])
    if others:
        known = ", ".join(sorted(_OPTIONS[parts.scheme]))
        raise ConfigError(f"the URL of Redis cannot have {others[0]}: for {parts.scheme}:// there is {known}")
    return address
