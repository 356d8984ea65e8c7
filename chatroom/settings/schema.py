"""All sections and keys of one program's settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chatroom.settings.keys import Key, keys_of


class Schema:
    """The sections by their names, in the order of the file, and their keys.

    A section in ``repeated`` is an array of tables (``[[listen]]``), one in ``named`` has a table for each name
    (``[servers.home]``). ``refused`` has names that are no keys on purpose, with the way out. Immutable, so threads
    share it freely.
    """

    def __init__(
        self,
        sections: Mapping[str, type[Any]],
        *,
        repeated: Iterable[str] = (),
        named: Iterable[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> None:
        self.sections = sections
        self.repeated = frozenset(repeated)
        self.named = frozenset(named)
        self.refused = refused or {}
        self.keys: tuple[Key, ...] = tuple(
            key for name, made_of in sections.items() for key in keys_of(name, made_of, repeated=name in self.repeated)
        )
        self._by_path = {key.path: key for key in self.keys}

    def keys_in(self, section: str) -> list[Key]:
        """Return the keys of one section."""
        return [key for key in self.keys if key.section == section]

    def find_key(self, path: str) -> Key | None:
        """Return the key ``section.name``, or None if there is none."""
        return self._by_path.get(path)

    def find_place(self, path: str) -> tuple[Key, str] | None:
        """Return the key that ``path`` sets, and the name of its table.

        The path of a key in a table with a name is ``section.table.name``; in all others the table's name is empty.
        """
        section, _, rest = path.partition(".")
        table = ""
        if section in self.named:
            table, _, rest = rest.rpartition(".")
            if not table:
                return None
        key = self.find_key(f"{section}.{rest}")
        return None if key is None else (key, table)

    def hint_section(self, name: str) -> str:
        """Return the hint for a key without its section: ``; did you mean SECTION.NAME?``, or nothing."""
        found = [key.path for key in self.keys if key.name == name]
        return f"; did you mean {' or '.join(found)}?" if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the hint for a misspelt word: ``; did you mean WORD?``, or nothing if no known word is like it."""
    import difflib  # here, because only errors need it

    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
