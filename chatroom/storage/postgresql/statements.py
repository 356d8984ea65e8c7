"""Turns the SQL of the stores into PostgreSQL's: it numbers all parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from chatroom.storage.sql.contract import Parameters

# Texts and quoted names are taken whole, so that nothing in them is a parameter. Two colons are a cast.
_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|::|\?(\d*)|:([a-z_][a-z0-9_]*)""")


class Statement(NamedTuple):
    """A statement for the server, and the names of its parameters, if they have any."""

    text: bytes
    names: tuple[str, ...]

    def arrange(self, parameters: Parameters) -> Sequence[object]:
        """The parameters in the order of their numbers."""
        if isinstance(parameters, Mapping):
            return [parameters[name] for name in self.names]
        return parameters


@lru_cache(maxsize=1024)
def translate(sql: str) -> Statement:
    """The statement of a text in the form of ``chatroom.storage.sql.contract``."""
    names: list[str] = []
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        name: str | None = match[2]
        if name is not None:
            if name not in names:
                names.append(name)
            return f"${names.index(name) + 1}"
        if match[1] is None:
            return match[0]
        if match[1]:
            return f"${match[1]}"
        count += 1
        return f"${count}"

    return Statement(_TOKEN.sub(number, sql).encode(), tuple(names))
