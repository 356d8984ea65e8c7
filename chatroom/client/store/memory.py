"""What the client remembers between two chats: open places, up to when they were read, typed lines.

A file that cannot be used costs the memory, not the chat: from the first error on nothing is read or written any more,
and ``trouble`` says why, once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from chatroom.client.place_owner import PlaceOwner
from chatroom.client.store.memory_file import Unusable, open_file, transaction

Result = TypeVar("Result")

# What version 1 has remembered has no user.
_IS_UNOWNED = (
    "SELECT 1 FROM places WHERE server = ?1 AND user = '' UNION SELECT 1 FROM fronts WHERE server = ?1 AND user = ''"
    " UNION SELECT 1 FROM read_marks WHERE server = ?1 AND user = ''"
)
_ADOPT = (
    "UPDATE OR REPLACE places SET user = ?2 WHERE server = ?1 AND user = ''",
    "UPDATE OR REPLACE fronts SET user = ?2 WHERE server = ?1 AND user = ''",
    "UPDATE OR REPLACE read_marks SET user = ?2 WHERE server = ?1 AND user = ''",
)

_MOST_CHARACTERS = 10_000
"""A longer typed text is not remembered: it is a paste."""


class Memory:
    """The memory in the file at ``path``. Without a path nothing is remembered. For one thread; no method raises.

    ``folded`` is the name of a place in the form in which the server compares names.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._trouble = ""
        if path is not None:
            self._connection = self._attempt(lambda: open_file(path), None)

    def take_trouble(self) -> str:
        """Return a sentence for the user if the file has failed since the last call; else an empty text."""
        trouble, self._trouble = self._trouble, ""
        return trouble

    def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._attempt(connection.close, None)

    # Places

    def adopt(self, owner: PlaceOwner) -> None:
        """Give the user what an earlier version of chatroom has remembered of the server: it did not note of whom."""
        connection = self._connection
        if connection is None or not self._query(_IS_UNOWNED, owner.server):
            return

        def change() -> None:
            with transaction(connection):
                for sql in _ADOPT:
                    connection.execute(sql, owner)

        self._attempt(change, None)

    def list_places(self, owner: PlaceOwner) -> dict[str, str]:
        """Return the open places, in the order in which they were opened: folded names to names."""
        rows = self._query("SELECT folded, name FROM places WHERE server = ? AND user = ? ORDER BY id", *owner)
        return dict(rows)

    def find_front(self, owner: PlaceOwner) -> str | None:
        """Return the folded name of the place in front; None if there is none."""
        rows = self._query("SELECT folded FROM fronts WHERE server = ? AND user = ?", *owner)
        return str(rows[0][0]) if rows else None

    def add_place(self, owner: PlaceOwner, folded: str, name: str) -> None:
        """Remember that a place is open. One that is open already gets the new spelling of its name."""
        self._change(
            "INSERT INTO places (server, user, folded, name) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (server, user, folded) DO UPDATE SET name = excluded.name",
            (*owner, folded, name),
        )

    def discard_place(self, owner: PlaceOwner, folded: str) -> None:
        """Forget that a place is open, if it is."""
        self._change("DELETE FROM places WHERE server = ? AND user = ? AND folded = ?", (*owner, folded))

    def set_front(self, owner: PlaceOwner, folded: str) -> None:
        """Remember which place is in front."""
        self._change(
            "INSERT INTO fronts VALUES (?, ?, ?) ON CONFLICT (server, user) DO UPDATE SET folded = excluded.folded",
            (*owner, folded),
        )

    # What was read

    def find_read_mark(self, owner: PlaceOwner, folded: str) -> datetime | None:
        """Return up to when a place was read, aware; None if that is not known."""
        rows = self._query(
            "SELECT read_ms FROM read_marks WHERE server = ? AND user = ? AND folded = ?", *owner, folded
        )
        return datetime.fromtimestamp(rows[0][0] / 1000, UTC) if rows else None

    def set_read_marks(self, owner: PlaceOwner, marks: Mapping[str, datetime]) -> None:
        """Remember up to when places were read, by their folded names. An earlier moment changes nothing."""
        sql = (
            "INSERT INTO read_marks VALUES (?, ?, ?, ?)"
            " ON CONFLICT (server, user, folded) DO UPDATE SET read_ms = max(read_ms, excluded.read_ms)"
        )
        self._change(sql, *((*owner, folded, int(at.timestamp() * 1000)) for folded, at in marks.items()))

    # Typed lines

    def list_typed(self, most: int) -> list[str]:
        """Return the last typed lines, at most so many, oldest first. Older ones are forgotten."""
        if most == 0:
            return []
        self._change("DELETE FROM typed_lines WHERE id <= (SELECT max(id) FROM typed_lines) - ?", (most,))
        return [text for (text,) in self._query("SELECT text FROM typed_lines ORDER BY id")]

    def add_typed(self, text: str) -> None:
        """Remember a typed line, unless it is the last one already."""
        if len(text) <= _MOST_CHARACTERS:
            self._change(
                "INSERT INTO typed_lines (text) SELECT ?1 WHERE ?1 IS NOT"
                " (SELECT text FROM typed_lines ORDER BY id DESC LIMIT 1)",
                (text,),
            )

    def _query(self, sql: str, *params: str | int) -> list[Any]:
        connection = self._connection
        return [] if connection is None else self._attempt(lambda: connection.execute(sql, params).fetchall(), [])

    def _change(self, sql: str, *rows: tuple[str | int, ...]) -> None:
        """Run a statement for each row of parameters, in one transaction."""
        connection = self._connection
        if connection is None:
            return

        def change() -> None:
            with transaction(connection):
                connection.executemany(sql, rows)

        self._attempt(change, None)

    def _attempt(self, action: Callable[[], Result], otherwise: Result) -> Result:
        """Return what ``action`` returns. If the file fails, give it up."""
        try:
            return action()
        except Unusable as error:
            self._give_up(str(error))
        except sqlite3.OperationalError as error:  # locked, full, read-only, not to be opened
            self._give_up(f"cannot be used: {error}")
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            self._give_up(f"is damaged: {error}")
        except OSError as error:
            self._give_up(f"cannot be used: {error.strerror}")
        return otherwise

    def _give_up(self, why: str) -> None:
        connection, self._connection = self._connection, None
        self._trouble = f"{self._path} {why}. Nothing is remembered from now on; the chat goes on."
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                pass  # it has failed already, and the user is told


def default_path() -> Path | None:
    """Return the path of the file in the user's state directory; None without a home directory."""
    from chatroom.paths import user_state_directory

    directory = user_state_directory()
    return None if directory is None else directory / "client.db"
