"""The kinds of value a setting may have: what is allowed, and how it is read from TOML and from plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Protocol

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_MAPPED = IPv6Network("::ffff:0:0/96")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")

Network = IPv4Network | IPv6Network


class Kind(Protocol):
    """One kind of value. Both readers raise ``ValueError`` with no text that matters: ``allowed`` says it all."""

    @property
    def allowed(self) -> str:
        """What is allowed, to follow "must be"."""
        ...

    def read(self, value: object) -> object:
        """The value as code uses it, from what TOML gave."""
        ...

    def read_text(self, text: str) -> object:
        """The value as code uses it, from the environment or the command line."""
        ...

    def write(self, value: object) -> object:
        """The value as TOML can hold it."""
        ...


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """A truth value."""

    allowed: str = "true or false"

    def read(self, value: object) -> bool:
        """A TOML boolean; nothing else counts as one."""
        if not isinstance(value, bool):
            raise ValueError
        return value

    def read_text(self, text: str) -> bool:
        """``true``, ``yes``, ``on``, ``1`` and their opposites, in any case."""
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError
        return word in _TRUE

    def write(self, value: object) -> object:
        """As it is."""
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """The bounds in words."""
        return f"a whole number from {self.least} to {self.most}"

    def read(self, value: object) -> int:
        """A TOML integer within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise ValueError
        return value

    def read_text(self, text: str) -> int:
        """A decimal number within the bounds."""
        return self.read(int(text))

    def write(self, value: object) -> object:
        """As it is."""
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, with or without a fraction."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        """The bounds in words."""
        return f"a number from {self.write(self.least)} to {self.write(self.most)}"

    def read(self, value: object) -> float:
        """A TOML integer or float within the bounds; "nan" is within none."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.least <= value <= self.most:
            raise ValueError
        return float(value)

    def read_text(self, text: str) -> float:
        """A decimal number within the bounds."""
        return self.read(float(text))

    def write(self, value: object) -> object:
        """Whole numbers without ``.0``."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class Text:
    """A text that a pattern matches whole and that is not longer than so many bytes of UTF-8."""

    allowed: str
    pattern: str
    most_bytes: int = 300

    def read(self, value: object) -> str:
        """A TOML string that fits."""
        if not isinstance(value, str) or "\0" in value:
            raise ValueError
        if not re.fullmatch(self.pattern, value) or len(value.encode()) > self.most_bytes:
            raise ValueError
        return value

    def read_text(self, text: str) -> str:
        """The text itself."""
        return self.read(text)

    def write(self, value: object) -> object:
        """As it is."""
        return value


@dataclass(frozen=True, slots=True)
class FilePath:
    """A path; ``~`` is the home directory. Who reads it makes relative ones absolute."""

    allowed: str = "the path of a file"

    def read(self, value: object) -> Path:
        """A TOML string."""
        if not isinstance(value, str) or not value or "\0" in value or value.endswith("/"):
            raise ValueError
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise ValueError from None

    def read_text(self, text: str) -> Path:
        """The text itself."""
        return self.read(text)

    def write(self, value: object) -> object:
        """The path as text."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Words:
    """A list of words that each pass a check."""

    allowed: str
    check: Callable[[str], bool]

    def read(self, value: object) -> tuple[str, ...]:
        """A TOML array of strings, none of them twice."""
        if not isinstance(value, list | tuple):
            raise ValueError
        if not all(isinstance(word, str) and self.check(word) for word in value) or len(set(value)) != len(value):
            raise ValueError
        return tuple(value)

    def read_text(self, text: str) -> tuple[str, ...]:
        """Words with commas or spaces between them, or a list as TOML writes it."""
        if text.lstrip().startswith("["):
            import tomllib

            try:
                return self.read(tomllib.loads(f"words = {text}")["words"])
            except RecursionError:
                raise ValueError from None
        return self.read(text.replace(",", " ").split())

    def write(self, value: object) -> object:
        """As a list."""
        return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Networks:
    """A list of addresses and networks; an IPv4-mapped one is the IPv4 one."""

    allowed: str = 'a list of addresses or networks, such as ["127.0.0.1", "2001:db8::/64"]'

    def read(self, value: object) -> tuple[Network, ...]:
        """A TOML array of strings; a network's host bits must be zero."""
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise ValueError
        return tuple(_fold_mapped(ip_network(word)) for word in value)

    def read_text(self, text: str) -> tuple[Network, ...]:
        """Addresses and networks with commas or spaces between them, or a list as TOML writes it."""
        return self.read(Words(self.allowed, bool).read_text(text))

    def write(self, value: object) -> object:
        """As a list of strings, addresses without their prefix length."""
        if not isinstance(value, tuple):
            return value
        return [str(one.network_address) if one.prefixlen == one.max_prefixlen else str(one) for one in value]


def _fold_mapped(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def is_origin(word: str) -> bool:
    """Whether that is an origin as a browser writes it (RFC 6454, section 6.2), or ``*`` for any."""
    return word in ("*", "null") or _ORIGIN.fullmatch(word) is not None
