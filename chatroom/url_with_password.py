"""A URL that may have a password, which is kept apart from it and never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_HIDDEN = "********"


@dataclass(frozen=True, slots=True)
class UrlWithPassword:
    """Where a server is, and who logs in there. ``str()`` of it is the URL without a password."""

    url: str
    """Without a password."""
    password: str | None = field(default=None, repr=False)
    """The password that the URL had; None if it had none."""
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
        login, _, place = rest.rpartition("@")
        return f"{scheme}://{login}:{_HIDDEN}@{place}"


def is_cut_short(parts: SplitResult) -> bool:
    """True if the login may have been cut: a "/" in a password ends it, and the rest of the password would be shown as
    a part of the address.
    """
    return "@" in f"{parts.path}{parts.query}{parts.fragment}"


def take_password(parts: SplitResult, query: str) -> tuple[str, str | None]:
    """The URL with this query and without its password, and the password. None if the login has no colon."""
    from urllib.parse import unquote, urlunsplit  # here, as only those who have such a URL need it

    login, at, place = parts.netloc.rpartition("@")
    user, colon, secret = login.partition(":")
    url = urlunsplit((parts.scheme, f"{user}{at if user else ''}{place}", parts.path, query, ""))
    # Without a host, urlunsplit leaves the slashes out.
    url = url if "://" in url else url.replace(":", "://", 1)
    return url, unquote(secret) if colon else None
