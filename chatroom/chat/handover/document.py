"""The document's version, and how values that JSON does not have are written.

A later program reads the document of an earlier one, so: a key is never used anew for something else, and a missing key
means what the earlier program did without it (``dict.get``). ``VERSION`` goes up when that is not enough. Then the new
program names the older versions that it still reads in ``READABLE``, or refuses them before anything is handed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from chatroom.irc import caps

Document = dict[str, Any]

VERSION = 1
READABLE = (1,)
"""The versions that this program can take over."""


def take_attributes(thing: object, names: Iterable[str]) -> Document:
    """Return the values of some attributes, which JSON must have."""
    return {name: getattr(thing, name) for name in names}


def put_attributes(thing: object, names: Iterable[str], document: Document) -> None:
    """Set the attributes that the document has."""
    for name in names:
        if name in document:
            setattr(thing, name, document[name])


def moment_to_ms(moment: datetime | None) -> int | None:
    """Return Unix milliseconds."""
    return None if moment is None else round(moment.timestamp() * 1000)


def moment_from_ms(ms: int | None) -> datetime | None:
    """Return the moment of Unix milliseconds."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def caps_to_names(bits: int) -> list[str]:
    """Return the names of capabilities. Their bits may be others in the next version."""
    return [name for name, bit in caps.NAMES.items() if bits & bit]


def caps_from_names(names: Iterable[str]) -> int:
    """Return the bits of capabilities, without those that this version does not know."""
    bits = 0
    for name in names:
        bits |= caps.NAMES.get(name, 0)
    return bits
