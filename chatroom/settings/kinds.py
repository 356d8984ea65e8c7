"""The kinds of value of a setting: what is allowed, and how it is read from TOML and from plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class Kind(Protocol):
    """One kind of value. Its readers raise ``ValueError`` without a text, and the caller shows ``allowed``.

    They may raise ``ConfigError`` instead, whose text says more than ``allowed`` and does not repeat the value.
    """

    @property
    def allowed(self) -> str:
        """The allowed values in words, to follow "must be"."""
        ...

    def read(self, value: object) -> object:
        """Return the value for the code, from a TOML value."""
        ...

    def read_text(self, text: str) -> object:
        """Return the value for the code, from text in the environment or on the command line."""
        ...

    def write(self, value: object) -> object:
        """Return the value as TOML can hold it."""
        ...


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """A boolean."""

    allowed: str = "true or false"

    def read(self, value: object) -> bool:
        """Accept a TOML boolean and nothing else."""
        if not isinstance(value, bool):
            raise ValueError
        return value

    def read_text(self, text: str) -> bool:
        """Accept ``true``, ``yes``, ``on``, ``1`` and their opposites, in upper or lower case."""
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError
        return word in _TRUE

    def write(self, value: object) -> object:
        """Return the value unchanged."""
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """The bounds in words, to follow "must be"."""
        return f"a whole number from {self.least} to {self.most}"

    def read(self, value: object) -> int:
        """Accept a TOML integer within the bounds."""
        # In Python a bool is an int.
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise ValueError
        return value

    def read_text(self, text: str) -> int:
        """Accept a decimal number within the bounds."""
        return self.read(int(text))

    def write(self, value: object) -> object:
        """Return the value unchanged."""
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, with or without a fraction."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        """The bounds in words, to follow "must be"."""
        return f"a number from {self.write(self.least)} to {self.write(self.most)}"

    def read(self, value: object) -> float:
        """Accept a TOML integer or float within the bounds. "nan" compares as outside of all bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.least <= value <= self.most:
            raise ValueError
        return float(value)

    def read_text(self, text: str) -> float:
        """Accept a decimal number within the bounds."""
        return self.read(float(text))

    def write(self, value: object) -> object:
        """Return a whole number without ``.0``."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class Period:
    """A time such as ``12h`` or ``1d``, or an empty text for none. In the code it is in seconds, and 0 for none."""

    least: str
    most: str

    @property
    def allowed(self) -> str:
        """The bounds in words, to follow "must be"."""
        return f'a time from {self.least} to {self.most}, such as "12h" or "1d", or nothing'

    def read(self, value: object) -> int:
        """Accept a TOML string within the bounds, or an empty one."""
        if value == "":
            return 0
        if not isinstance(value, str):
            raise ValueError
        seconds = _read_period(value)
        if not _read_period(self.least) <= seconds <= _read_period(self.most):
            raise ValueError
        return seconds

    def read_text(self, text: str) -> int:
        """Accept the text itself."""
        return self.read(text.strip())

    def write(self, value: object) -> object:
        """Return the time in its largest unit."""
        if not isinstance(value, int) or value == 0:
            return "" if value == 0 else value
        unit = next(unit for unit, size in _PERIODS.items() if value % size == 0)
        return f"{value // _PERIODS[unit]}{unit}"


_PERIODS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60}


def _read_period(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([wdhm])", text)
    if found is None:
        raise ValueError
    return int(found[1]) * _PERIODS[found[2]]


class String:
    """What kinds of strings have in common: in a file, on the command line and in the code they are the same."""

    __slots__ = ()

    def read(self, value: object) -> str:
        """Return the string. Raises ``ValueError`` if it is not of the kind."""
        raise NotImplementedError

    def read_text(self, text: str) -> str:
        """Accept the text itself."""
        return self.read(text)

    def write(self, value: object) -> object:
        """Return the value unchanged."""
        return value


@dataclass(frozen=True, slots=True)
class Text(String):
    """A text that matches a pattern as a whole and is not too long."""

    allowed: str
    pattern: str
    most_bytes: int = 300
    """The longest value in bytes of UTF-8. Most texts are sent in one IRC line of 512 bytes."""

    def read(self, value: object) -> str:
        """Accept a TOML string that matches and is not too long."""
        if not isinstance(value, str) or "\0" in value:
            raise ValueError
        if not re.fullmatch(self.pattern, value) or len(value.encode()) > self.most_bytes:
            raise ValueError
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words. A key that was a boolean before reads ``true`` and ``false`` as two of them."""

    choices: tuple[str, ...]
    true: str
    false: str

    @property
    def allowed(self) -> str:
        """The words, to follow "must be"."""
        *words, last = (f'"{word}"' for word in self.choices)
        return f"{', '.join(words)} or {last}; true is {self.true}, false is {self.false}"

    def read(self, value: object) -> str:
        """Accept one of the words, or a TOML boolean."""
        if isinstance(value, bool):
            return self.true if value else self.false
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError
        return value

    def read_text(self, text: str) -> str:
        """Accept one of the words, or what ``YesOrNo`` accepts."""
        word = text.strip().lower()
        return word if word in self.choices else self.read(YesOrNo().read_text(text))

    def write(self, value: object) -> object:
        """Return the value unchanged."""
        return value


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words, which never was a boolean."""

    choices: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """The words, to follow "must be"."""
        *words, last = (f'"{word}"' for word in self.choices)
        return f"{', '.join(words)} or {last}"

    def read(self, value: object) -> str:
        """Accept one of the words."""
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError
        return value

    def read_text(self, text: str) -> str:
        """Accept one of the words, in upper or lower case."""
        return self.read(text.strip().lower())

    def write(self, value: object) -> object:
        """Return the value unchanged."""
        return value


@dataclass(frozen=True, slots=True)
class FilePath:
    """A path, in which ``~`` is the home directory. The caller makes a relative path absolute."""

    allowed: str = "the path of a file"
    is_optional: bool = False
    """True if an empty text is valid and stands for None."""
    is_directory: bool = False
    """True if a slash at the end is valid."""

    def read(self, value: object) -> Path | None:
        """Accept a TOML string, and expand ``~``."""
        if value == "" and self.is_optional:
            return None
        # A NUL would raise a ValueError only later, when the path is opened.
        if not isinstance(value, str) or not value or "\0" in value:
            raise ValueError
        if value.endswith("/") and not self.is_directory:
            raise ValueError
        try:
            return Path(value).expanduser()
        except RuntimeError:  # "~name" of an unknown user
            raise ValueError from None

    def read_text(self, text: str) -> Path | None:
        """Accept the text itself."""
        return self.read(text)

    def write(self, value: object) -> object:
        """Return the path as text; empty for one that stands for nothing."""
        return "" if value is None or value == Path() else str(value)


@dataclass(frozen=True, slots=True)
class FilePaths:
    """One path or several, in which ``~`` is the home directory. The caller makes relative paths absolute."""

    allowed: str = 'the path of a file, or a list of paths, such as ["a.pem", "b.pem"]'

    def read(self, value: object) -> tuple[Path, ...]:
        """Accept a TOML string or an array of strings."""
        values = value if isinstance(value, list | tuple) else [value]
        return tuple(path for one in values if (path := FilePath().read(one)) is not None)

    def read_text(self, text: str) -> tuple[Path, ...]:
        """Accept the text itself as one path, or a TOML array."""
        return self.read(Words(self.allowed, bool).read_text(text) if text.lstrip().startswith("[") else text)

    def write(self, value: object) -> object:
        """Return a single path as text, and several as a list."""
        if not isinstance(value, tuple):
            return value
        return str(value[0]) if len(value) == 1 else [str(path) for path in value]


@dataclass(frozen=True, slots=True)
class Words:
    """A list of different words that each pass a check."""

    allowed: str
    check: Callable[[str], bool]
    most: int = 1000

    def read(self, value: object) -> tuple[str, ...]:
        """Accept a TOML array of strings without duplicates."""
        if not isinstance(value, list | tuple) or len(value) > self.most:
            raise ValueError
        if not all(isinstance(word, str) and self.check(word) for word in value) or len(set(value)) != len(value):
            raise ValueError
        return tuple(value)

    def read_text(self, text: str) -> tuple[str, ...]:
        """Accept words separated by commas or spaces, or a TOML array."""
        if text.lstrip().startswith("["):
            import tomllib  # here, because few values are written this way

            try:
                return self.read(tomllib.loads(f"words = {text}")["words"])
            except RecursionError:
                raise ValueError from None
        return self.read(text.replace(",", " ").split())

    def write(self, value: object) -> object:
        """Return a list, which TOML has instead of tuples."""
        return list(value) if isinstance(value, tuple) else value
