"""Long work on the history, in short steps.

A step holds the write lock for some 20 ms, and the pause after it lets the daemon write its messages.
"""

from __future__ import annotations

import codecs
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chatroom.chat.stored.entries import Entry
from chatroom.ctl.history_lines import Unplaceable, read_line
from chatroom.errors import InvalidValue
from chatroom.storage.sql import history_archive, history_index
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.upkeep_steps import SqlUpkeep

PAUSE_S = 0.002
"""How long the write lock is free between two steps."""
_STEP_S = 0.02
"""How long one step of an import holds the write lock."""
_SCRUB_TIMEOUT_S = 120.0
"""How long to wait for readers that keep the old pages of the database in use."""
_REMOVED_AT_ONCE = 100
"""How many entries one step of a deletion removes."""

OnProgress = Callable[[int], object]
"""Called after each step with the amount of work it did."""


@dataclass(slots=True)
class Imported:
    """The result of an import."""

    added: int = 0
    known: int = 0
    """How many entries were stored already."""
    unplaced: int = 0
    """How many are direct messages between accounts that this database does not both have."""
    errors: list[str] = field(default_factory=list)
    """The lines that cannot be read, as ``NUMBER: text``."""


def check_lines(database: Database, lines: Iterable[bytes], on_progress: OnProgress) -> list[str]:
    """Return the lines that cannot be read, as ``NUMBER: text``. Nothing is changed. ``on_progress`` counts bytes."""
    errors = []
    for number, line in enumerate(lines, 1):
        try:
            _read(database, line)
        except Unplaceable:
            pass
        except InvalidValue as error:
            errors.append(f"{number}: {error}")
        on_progress(len(line))
    return errors


def import_lines(database: Database, upkeep: SqlUpkeep, lines: Iterable[bytes], on_progress: OnProgress) -> Imported:
    """Add the entries on the lines of a file, without those that cannot be read. ``on_progress`` counts bytes.

    If it cannot be completed, for whatever reason, the entries that were added are taken out again.
    """
    done, numbered, added = Imported(), iter(enumerate(lines, 1)), array("q")
    more = True
    try:
        while more:
            size = 0
            with database.transaction():
                ends_at, more = time.monotonic() + _STEP_S, False
                for number, line in numbered:
                    size += len(line)
                    _import_line(database, number, line, done, added)
                    if time.monotonic() > ends_at:
                        more = True
                        break
            on_progress(size)
            # Old entries go into the index of words one by one, each as a piece of its own. Thousands of pieces would
            # make every search slow.
            upkeep.merge_some()
            time.sleep(PAUSE_S)
    except BaseException:  # Ctrl-C, or a full disk
        # Those of a transaction that was rolled back are not there, and are ignored.
        remove_all(upkeep, added)
        raise
    return done


def _import_line(database: Database, number: int, line: bytes, done: Imported, added: array[int]) -> None:
    """Add the entry on one line and count it."""
    try:
        found = _read(database, line)
        if found is None:
            return
        message_id = history_archive.take_in(database, *found)
    except Unplaceable:
        done.unplaced += 1
    except InvalidValue as error:
        done.errors.append(f"{number}: {error}")
    else:
        if message_id is None:
            done.known += 1
        else:
            done.added += 1
            added.append(message_id)


def _read(database: Database, line: bytes) -> tuple[Entry, int | None] | None:
    """Read one line; None if it is empty. Raises ``InvalidValue`` and ``Unplaceable``, as ``read_line`` does."""
    # A file that was written on Windows can begin with a byte order mark.
    line = line.removeprefix(codecs.BOM_UTF8)
    if not line.strip():
        return None
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise InvalidValue("not UTF-8") from None
    found = read_line(text, lambda name, at_ms: history_archive.find_account(database, name, at_ms))
    history_archive.require_past(database, found[0])
    return found


def index_all(upkeep: SqlUpkeep) -> None:
    """Index all entries that are not indexed yet."""
    while upkeep.index_some():
        time.sleep(PAUSE_S)


def remove_all(upkeep: SqlUpkeep, message_ids: Sequence[int], on_progress: OnProgress = lambda count: None) -> None:
    """Delete the entries with these message ids. ``on_progress`` counts entries."""
    start = 0
    while start < len(message_ids):
        done = upkeep.remove_some(message_ids[start : start + _REMOVED_AT_ONCE])
        start += done
        on_progress(done)
        time.sleep(PAUSE_S)


def prune_all(upkeep: SqlUpkeep, before_ms: int, on_progress: OnProgress) -> int:
    """Delete the entries older than ``before_ms`` (Unix milliseconds), and return their number."""
    total = 0
    while done := upkeep.prune_some(before_ms=before_ms):
        total += done
        on_progress(done)
        time.sleep(PAUSE_S)
    return total


def scrub_files(database: Database, upkeep: SqlUpkeep) -> bool:
    """Erase the bytes of deleted entries from the database files. Return False if readers prevent it for too long."""
    # Ask again: the daemon may have scrubbed the files between our first and our last deletion.
    with database.transaction():
        history_index.ask_for_scrub(database)
    give_up_at = time.monotonic() + _SCRUB_TIMEOUT_S
    while upkeep.scrub_some():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(PAUSE_S)
    return True
