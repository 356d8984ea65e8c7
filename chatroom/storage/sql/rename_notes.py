"""Notes of channels whose new name stands in one half of the database only: in the history, or in all other tables.

The journal and the store worker give a channel its new name in a transaction each, in either order. The first one
leaves a note, and the second one removes it: so a start after a crash knows which half is behind. Nodes write into a
note which of them gave the name, and the others complete it if that one dies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chatroom.irc.names import casefold

_NOTE = (
    "INSERT INTO rename_notes (folded, new_name, number, balance, home, turn)"
    " VALUES (?, ?, (SELECT coalesce(max(number), 0) + 1 FROM rename_notes), ?, ?, ?)"
    " ON CONFLICT (folded, new_name) DO UPDATE SET balance = rename_notes.balance + excluded.balance,"
    " home = excluded.home, turn = excluded.turn"
)
_TURN = "SELECT turn FROM rename_notes WHERE folded = ? AND new_name = ? AND balance > 0"
_REMOVE = "DELETE FROM rename_notes WHERE folded = ? AND new_name = ? AND balance = 0"
_REMOVE_OWN = f"{_REMOVE} AND home = ?"


def note_in_history(
    execute: Callable[[str, Sequence[object]], Any], name: str, new_name: str, home: str = "", turn: int = 0
) -> None:
    """Note that a channel has its new name in the history, given in that turn. Only in a transaction."""
    _note(execute, casefold(name), new_name, 1, home, turn)


def note_in_stores(
    execute: Callable[[str, Sequence[object]], Any], name: str, new_name: str, home: str = "", turn: int = 0
) -> bool:
    """Note that a channel has its new name in all other tables. Only in a transaction, and before hooks are changed.

    The journal has the same order, so that neither waits for the other in a circle. False if another node has completed
    the name already, because it took this one for dead.
    """
    return _note(execute, casefold(name), new_name, -1, home, turn)


def find_turn(execute: Callable[[str, Sequence[object]], Any], name: str, new_name: str) -> int:
    """In which turn a channel got a new name that stands in the history alone; 0 if that is not noted."""
    found = execute(_TURN, (casefold(name), new_name)).fetchone()
    return 0 if found is None else int(found[0])


def _note(
    execute: Callable[[str, Sequence[object]], Any], folded: str, new_name: str, step: int, home: str, turn: int
) -> bool:
    if home and execute(_REMOVE_OWN, (folded, new_name, home)).rowcount:
        return False
    execute(_NOTE, (folded, new_name, step, home, turn))
    execute(_REMOVE, (folded, new_name))
    return True
