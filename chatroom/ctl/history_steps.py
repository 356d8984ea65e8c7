"""Long work on the history, in short steps.

A step holds the write lock for some 20 ms, and the pause after it lets the daemon write its messages.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chatroom.ctl.history_lines import Unplaceable, read_line
from chatroom.errors import InvalidValue, Refused
from chatroom.storage.sqlite import history_archive, history_index
from chatroom.storage.sqlite.database import Database
from chatroom.storage.sqlite.history_upkeep import SqliteUpkeep

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


def import_lines(
    database: Database, upkeep: SqliteUpkeep, lines: Iterable[bytes], skip_bad: bool, on_progress: OnProgress
) -> Imported:
    """Add the entries on the lines of a file. ``on_progress`` counts bytes.

    Unless ``skip_bad``, raises ``Refused`` at the first line that cannot be read; the lines before it stay imported.
    """
    done, numbered = Imported(), iter(enumerate(lines, 1))
    more = True
    while more:
        size = 0
        with database.transaction():
            ends_at, more = time.monotonic() + _STEP_S, False
            for number, line in numbered:
                size += len(line)
                error = _import_line(database, line, done)
                if error:
                    done.errors.append(f"{number}: {error}")
                    if not skip_bad:
                        break
                if time.monotonic() > ends_at:
                    more = True
                    break
        on_progress(size)
        # Old entries go into the index of words one by one, each as a piece of its own. Thousands of pieces would make
        # every search slow.
        upkeep.merge_some()
        time.sleep(PAUSE_S)
    if done.errors and not skip_bad:
        raise Refused(f"line {done.errors[0]}; the lines before it were imported (--skip-bad skips bad lines)")
    return done


def _import_line(database: Database, line: bytes, done: Imported) -> str:
    """Add the entry on one line and count it. Return the error in the line, or an empty string."""
    # A file that was written on Windows can begin with a byte order mark.
    line = line.removeprefix(codecs.BOM_UTF8)
    if not line.strip():
        return ""
    try:
        entry, ended_ms = read_line(
            line.decode(), lambda name, at_ms: history_archive.find_account(database, name, at_ms)
        )
        if history_archive.take_in(database, entry, ended_ms):
            done.added += 1
        else:
            done.known += 1
    except UnicodeDecodeError:
        return "not UTF-8"
    except Unplaceable:
        done.unplaced += 1
    except InvalidValue as error:
        return str(error)
    return ""


def index_all(upkeep: SqliteUpkeep) -> None:
    """Index all entries that are not indexed yet."""
    while upkeep.index_some():
        time.sleep(PAUSE_S)


def remove_all(upkeep: SqliteUpkeep, message_ids: Sequence[int], on_progress: OnProgress) -> None:
    """Delete the entries with these message ids. ``on_progress`` counts entries."""
    start = 0
    while start < len(message_ids):
        done = upkeep.remove_some(message_ids[start : start + _REMOVED_AT_ONCE])
        start += done
        on_progress(done)
        time.sleep(PAUSE_S)


def prune_all(upkeep: SqliteUpkeep, before_ms: int, on_progress: OnProgress) -> int:
    """Delete the entries older than ``before_ms`` (Unix milliseconds), and return their number."""
    total = 0
    while done := upkeep.prune_some(before_ms=before_ms):
        total += done
        on_progress(done)
        time.sleep(PAUSE_S)
    return total


def scrub_files(database: Database, upkeep: SqliteUpkeep) -> bool:
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
